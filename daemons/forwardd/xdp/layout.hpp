#pragma once
// The data path's shared types, in a namespace of their own.
#include <linux/types.h>

namespace ballast::forwardd::xdp::layout {
#include "daemons/forwardd/xdp/bpf/layout.h"
}
