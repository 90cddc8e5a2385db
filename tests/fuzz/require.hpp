#pragma once
#include <cstdio>
#include <cstdlib>
#include <string>

/// Ends the run, for the fuzzer to keep the input, when a promise is broken.
inline void require(bool kept, const std::string& promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise.c_str());
  std::abort();
}
