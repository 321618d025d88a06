// protobuf's registry of message types, of which each copy of the library has one: a file that is registered twice
// aborts the process. Both packages have a copy and a message of their own, and the culprit's is loaded with
// RTLD_GLOBAL: the victim registers its file there. (Names, words and order of events are those of protobuf 3.21.)
//
//! build: culprit/_core.so = {cxx} {src}
//! cured: culprit/_core.so = {cxx} {src} {hidden}
//! code: culprit/__init__.py = import os, sys; sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL); from ._core import check
//! build: victim/_core.so = {cxx} {src}
//! breaks: culprit victim: File already exists in database: common.proto
//! breaks: culprit victim: SIGABRT
//! works: victim culprit
//! finds: shared-protobuf error culprit victim: _ZN6google8protobuf14DescriptorPool24InternalAddGeneratedFileEPKvi
//! finds: global-namespace warning culprit victim: _ZN6google8protobuf14DescriptorPool24InternalAddGeneratedFileEPKvi
#include "module.h"
#include "protobuf.h"

GENERATED(common_2eproto, "common.proto")
MODULE(nothing)
