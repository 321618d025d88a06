// Not a conflict: the same, but each has messages of its own. One registry is large enough for both.
//
//! build: culprit.libs/libprotobuf.so.32 = {cxx} -DLIBRARY {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! build: victim.libs/libprotobuf.so.32 = {cxx} -DLIBRARY {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! build: culprit/_core.so = {cxx} -DCULPRIT {src} culprit.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cxx} {src} victim.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../victim.libs
//! works: culprit victim
//! works: victim culprit
#ifdef LIBRARY
#include "protobuf.h"
#else
#define GENERATED_ONLY
#include "module.h"
#include "protobuf.h"

#ifdef CULPRIT
GENERATED(culprit_2eproto, "culprit.proto")
#else
GENERATED(victim_2eproto, "victim.proto")
#endif
MODULE(nothing)
#endif
