/* What the files of the C shim share.

   The shim has newer functions of glibc for older ones. Each exported function is `perennial_` and the name of what it
   stands for, so that it can be mistaken for nothing else; lowered files refer to it instead.

   Rules:
   - An exported function calls only static functions, and what glibc 2.17 (riscv64: 2.27) has: in a wheel, the
     functions that it does not need are blanked.
   - No two exported names share an address, for the same reason.
   - What the host's own function does better is left to it. HOST declares a weak reference without version, which
     is NULL where the host has none. The loader binds one to the only version that is no old one (`@@`), since it
     skips the old ones (`@`) unless they are of the library's first node (glibc, elf/dl-lookup.c, check_match). Of the
     symbols below no first node has any.
   - No thread-local variables, no constructors, and nothing of libgcc or compiler-rt: no 64-bit division.  */

#ifndef PERENNIAL_SHIM_H
#define PERENNIAL_SHIM_H

#define _GNU_SOURCE 1

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#define SHIM(type, symbol) __attribute__((visibility("default"))) type perennial_##symbol

/* With PERENNIAL_WITHOUT_HOST, which only tests define, no host has anything.  */
#ifdef PERENNIAL_WITHOUT_HOST
#define HOST(type, symbol, ...) static type (*const host_##symbol)(__VA_ARGS__) = NULL
#else
#define HOST(type, symbol, ...) extern type host_##symbol(__VA_ARGS__) __asm__(#symbol) __attribute__((weak))
#endif

/* Ends the process, as glibc does where a function that cannot fail does: a line, and abort.  */
extern void abort(void) __attribute__((noreturn));

static inline __attribute__((noreturn)) void fatal(const char *line, size_t length)
{
  ssize_t ignored = write(STDERR_FILENO, line, length);
  (void)ignored;
  abort();
}

#define FATAL(line) fatal(line "\n", sizeof(line "\n") - 1)

#endif
