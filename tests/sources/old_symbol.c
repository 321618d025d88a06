// memcpy@GLIBC_2.2.5, although the machine's linker would take GLIBC_2.14.
//! build: cc -shared -fPIC -fno-builtin {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: need = libc.so.6 GLIBC_2.2.5
//! loader: loads
#include <string.h>
__asm__(".symver memcpy, memcpy@GLIBC_2.2.5");
void *answer(void *to, const void *from) { return memcpy(to, from, 42); }
