// Not a conflict: the same two copies of protobuf and the same message, each loaded with RTLD_LOCAL.
//
//! build: culprit/_core.so = {cxx} {src}
//! build: victim/_core.so = {cxx} {src}
//! works: culprit victim
//! works: victim culprit
#include "module.h"
#include "protobuf.h"

GENERATED(common_2eproto, "common.proto")
MODULE(nothing)
