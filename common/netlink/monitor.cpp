#include "common/netlink/monitor.hpp"
