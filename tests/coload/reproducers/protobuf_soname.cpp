// As protobuf_global.cpp, by way of the soname: both bundle a libprotobuf.so.32, of which the process has one.
//
//! build: culprit.libs/libprotobuf.so.32 = {cxx} -DBUILD=1 {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! build: victim.libs/libprotobuf.so.32 = {cxx} -DBUILD=2 {src} -Wl,-soname,libprotobuf.so.32 -Wl,--build-id
//! cured: victim.libs/libprotobuf-2.so.32 = {cxx} -DBUILD=2 {src} -Wl,-soname,libprotobuf-2.so.32 -Wl,--build-id
//! build: culprit/_core.so = {cxx} {src} culprit.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cxx} {src} victim.libs/libprotobuf.so.32 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cxx} {src} victim.libs/libprotobuf-2.so.32 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: File already exists in database: common.proto
//! breaks: victim culprit: SIGABRT
//! finds: shared-protobuf error culprit victim: _ZN6google8protobuf14DescriptorPool24InternalAddGeneratedFileEPKvi
//! finds: shared-protobuf error victim culprit: _ZN6google8protobuf14DescriptorPool24InternalAddGeneratedFileEPKvi
//! finds: library-replaced warning culprit victim: -
//! finds: library-replaced warning victim culprit: -
#ifdef BUILD
#include "protobuf.h"
int build = BUILD;
#else
#define GENERATED_ONLY
#include "module.h"
#include "protobuf.h"

GENERATED(common_2eproto, "common.proto")
MODULE(nothing)
#endif
