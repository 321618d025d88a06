// Not a conflict: the C library is searched before any package, so that nobody calls these, not even the package
// that has them.
//
//! build: culprit/_core.so = {cc} -DCULPRIT -fno-builtin {src}
//! build: victim/_core.so = {cc} {src}
//! works: culprit victim
//! works: victim culprit
#include "module.h"

#ifdef CULPRIT
EXPORT void *malloc(size_t size) { return 0; }
EXPORT void *calloc(size_t count, size_t size) { return 0; }
EXPORT void *realloc(void *address, size_t size) { return 0; }
EXPORT void free(void *address) { *(volatile int *)0 = 0; }
#endif

static long allocate(void)
{
    char *volatile memory = malloc(42);
    long answer = memory ? 42 : 0;
    free(memory);
    return answer;
}
MODULE(allocate)
