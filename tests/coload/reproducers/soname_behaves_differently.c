// Two builds of libcodec.so.1 with the same symbols: whoever comes second is answered by the other's.
//
//! build: culprit.libs/libcodec.so.1 = {cc} -DANSWER=7 {src} -Wl,-soname,libcodec.so.1 -Wl,--build-id
//! build: victim.libs/libcodec.so.1 = {cc} -DANSWER=42 {src} -Wl,-soname,libcodec.so.1 -Wl,--build-id
//! cured: victim.libs/libcodec-2.so.1 = {cc} -DANSWER=42 {src} -Wl,-soname,libcodec-2.so.1 -Wl,--build-id
//! build: culprit/_core.so = {cc} {src} culprit.libs/libcodec.so.1 -Wl,-rpath,$ORIGIN/../culprit.libs
//! build: victim/_core.so = {cc} {src} victim.libs/libcodec.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cc} {src} victim.libs/libcodec-2.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: library-replaced warning culprit victim: -
//! finds: library-replaced warning victim culprit: -
#ifdef ANSWER
int codec_init(void) { return ANSWER; }
#else
#include "module.h"

int codec_init(void);
MODULE(codec_init)
#endif
