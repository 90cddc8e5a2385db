#pragma once
// The programs' shared types, in a namespace of their own.
#include <linux/types.h>

namespace ballast::realserver::layout {
#include "tools/realserver/bpf/layout.h"
}
