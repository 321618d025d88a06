// Both bundle the very same build of libprotobuf.so.32, so that nothing is other than it should be but for the
// registry: both have messages of common.proto, which the one copy in the process then gets twice.
//
//! build: culprit.libs/libprotobuf.so.32 = {cxx} -DLIBRARY {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! build: victim.libs/libprotobuf.so.32 = {cxx} -DLIBRARY {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! cured: victim.libs/libprotobuf-2.so.32 = {cxx} -DLIBRARY {src} -Wl,-soname,libprotobuf-2.so.32 -Wl,--build-id
//! build: culprit/_core.so = {cxx} {src} culprit.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cxx} {src} victim.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cxx} {src} victim.libs/libprotobuf-2.so.32 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: File already exists in database: common.proto
//! breaks: victim culprit: SIGABRT
//! finds: shared-protobuf error culprit victim: descriptor_table_common_2eproto
//! finds: shared-protobuf error victim culprit: descriptor_table_common_2eproto
#ifdef LIBRARY
#include "protobuf.h"
#else
#define GENERATED_ONLY
#include "module.h"
#include "protobuf.h"

GENERATED(common_2eproto, "common.proto")
MODULE(nothing)
#endif
