#include "common/runtime/daemon.hpp"
#include "common/runtime/privileges.hpp"
