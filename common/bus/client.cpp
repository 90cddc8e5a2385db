#include "common/bus/client.hpp"
