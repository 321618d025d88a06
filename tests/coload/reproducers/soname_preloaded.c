// The culprit loads its library by path, through ctypes: by its soname it answers to the victim's need, too.
//
//! build: culprit.libs/libcodec.so.1 = {cc} -DANSWER=7 {src} -Wl,-soname,libcodec.so.1 -Wl,--build-id
//! build: victim.libs/libcodec.so.1 = {cc} -DANSWER=42 {src} -Wl,-soname,libcodec.so.1 -Wl,--build-id
//! cured: victim.libs/libcodec-2.so.1 = {cc} -DANSWER=42 {src} -Wl,-soname,libcodec-2.so.1 -Wl,--build-id
//! build: culprit/_core.so = {cc} -DNEEDS=nothing {src}
//! code: culprit/__init__.py = import ctypes, os; ctypes.CDLL(os.path.join(os.path.dirname(__file__), "..", "culprit.libs", "libcodec.so.1")); from ._core import check
//! build: victim/_core.so = {cc} -DNEEDS=codec_init {src} victim.libs/libcodec.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! cured: victim/_core.so = {cc} -DNEEDS=codec_init {src} victim.libs/libcodec-2.so.1 -Wl,-rpath,$ORIGIN/../victim.libs
//! breaks: culprit victim: AssertionError
//! works: victim culprit
//! finds: library-replaced warning culprit victim: -
#ifdef ANSWER
int codec_init(void) { return ANSWER; }
#else
#include "module.h"

int codec_init(void);
MODULE(NEEDS)
#endif
