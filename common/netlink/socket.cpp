#include "common/netlink/socket.hpp"
