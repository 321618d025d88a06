// A private zlib under an interpreter that has one: the interpreter's libraries are searched first.
//
//! build: victim/_core.so = {cc} {src}
//! cured: victim/_core.so = {cc} {src} -Wl,-Bsymbolic
//! interpreter: libz.so.1
//! breaks: victim: AssertionError
//! finds: interpreter-shadows warning victim: zlibVersion
#include "module.h"

EXPORT const char *zlibVersion(void) { return "private"; }

static long ask(void) { return strcmp(zlibVersion(), "private") ? 0 : 42; }
MODULE(ask)
