// glibc 2.41 and later do not make the stack executable for a library that comes by dlopen.
//
//! build: victim/_core.so = {cc} {src} -Wl,-z,execstack
//! cured: victim/_core.so = {cc} {src}
//! glibc: 2.41
//! breaks: victim: cannot enable executable stack
//! finds: executable-stack error victim: -
#include "module.h"
MODULE(nothing)
