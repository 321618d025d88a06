/* Functions of _Float128 (glibc 2.26), which nothing here replaces: only for --allow-trap. armv7l has no such type,
   on ppc64le the compiler knows it from POWER9 on only, and riscv64's first glibc had them.

   The host's own is called where it has one. Elsewhere a call ends the process, with one line that names it.  */

#include "shim.h"

#if defined __x86_64__ || defined __i386__
typedef __float128 float128;
#elif __LDBL_MANT_DIG__ == 113 && !defined __powerpc64__ && !defined __riscv
typedef long double float128;
#else
#define WITHOUT_TYPE
#endif

#ifndef WITHOUT_TYPE

#define TRAP(type, symbol, parameters, arguments, ...)                                                                 \
  HOST(type, symbol, __VA_ARGS__);                                                                                     \
  SHIM(type, symbol) parameters                                                                                        \
  {                                                                                                                    \
    if (host_##symbol)                                                                                                 \
      return host_##symbol arguments;                                                                                  \
    FATAL("perennial: " #symbol " was called, which glibc has since 2.26 and this system's has not");                  \
  }

TRAP(float128, logf128, (float128 x), (x), float128)
TRAP(float128, strtof128, (const char *text, char **end), (text, end), const char *, char **)
TRAP(int, strfromf128, (char *to, size_t size, const char *format, float128 value), (to, size, format, value), char *,
     size_t, const char *, float128)

#endif
