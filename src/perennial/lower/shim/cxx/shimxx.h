/* What the files of the C++ shim share.

   The shim has newer functions of libstdc++ for that of GCC 5 (GLIBCXX_3.4.21) and later. As with the C shim
   (../shim.h), each is `perennial_` and the symbol's name. They are in C, by their mangled names: ziglang has no
   headers of libstdc++, and what is needed of it is a few layouts that its ABI fixes. Names differ where size_t and
   long long do.  */

#ifndef PERENNIAL_SHIMXX_H
#define PERENNIAL_SHIMXX_H

#include "../shim.h"

#include <stdbool.h>
#include <wchar.h>

/* After a declaration: what the function is called in the shim, or in the library. Mangled names are put together.  */
#define SHIM_OF(mangled) __asm__("perennial_" mangled) __attribute__((visibility("default")))
#define HOSTS(mangled) __asm__(mangled)

#if __SIZEOF_POINTER__ == 8
#define SIZE_T "m"
#define INT64_T "l"
#else
#define SIZE_T "j"
#define INT64_T "x"
#endif

#endif
