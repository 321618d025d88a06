// Both bundle a libcodec.so.1; the victim's is newer. A process has one of them.
//
//! build: culprit.libs/libcodec.so.1 = {cc} -DLIBRARY=1 {src} -Wl,-soname,libcodec.so.1
//! build: victim.libs/libcodec.so.1 = {cc} -DLIBRARY=2 {src} -Wl,-soname,libcodec.so.1
//! cured: victim.libs/libcodec-2.so.1 = {cc} -DLIBRARY=2 {src} -Wl,-soname,libcodec-2.so.1
//! build: culprit/_core.so = {cc} -DNEEDS=codec_init {src} culprit.libs/libcodec.so.1 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cc} -DNEEDS=codec_init_2 {src} victim.libs/libcodec.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cc} -DNEEDS=codec_init_2 {src} victim.libs/libcodec-2.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: undefined symbol: codec_init_2
//! works: victim culprit
//! finds: library-replaced error culprit victim: codec_init_2
//! finds: library-replaced warning victim culprit: -
#ifdef LIBRARY
int codec_init(void) { return 42; }
#if LIBRARY == 2
int codec_init_2(void) { return 42; }
#endif
#else
#include "module.h"

int NEEDS(void);
MODULE(NEEDS)
#endif
