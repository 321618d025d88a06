//! try: cc -shared -fPIC -Wl,-z,pack-relative-relocs,--fatal-warnings -x c /dev/null -o empty.so
//! build: cc -shared -fPIC -Wl,-z,pack-relative-relocs {src} -o core.so
//! tags: cp312-cp312-manylinux_2_39_x86_64
//! member: {module} = core.so
//! expect: lowest = manylinux_2_36_x86_64
//! expect: need = libc.so.6 GLIBC_ABI_DT_RELR
//! loader: loads from 2.36: GLIBC_ABI_DT_RELR
#include <string.h>
const char *names[] = {"a", "b", "c"};
unsigned long answer(int i) { return strlen(names[i]); }
