/* explicit_bzero (glibc 2.25), memset_explicit (2.43, C23), reallocarray (2.26), mallinfo2 (2.33), free_sized and
   free_aligned_sized (2.43, C23), __libc_single_threaded (2.32).  */

#include "shim.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern void __chk_fail(void) __attribute__((noreturn));

/* The compiler has to believe that somebody reads what was written.  */
static void set(void *memory, int value, size_t size)
{
  memset(memory, value, size);
  __asm__ volatile("" : : "r"(memory) : "memory");
}

SHIM(void, explicit_bzero)(void *memory, size_t size) { set(memory, 0, size); }

SHIM(void, __explicit_bzero_chk)(void *memory, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  set(memory, 0, size);
}

SHIM(void *, memset_explicit)(void *memory, int value, size_t size)
{
  set(memory, value, size);
  return memory;
}

SHIM(void *, __memset_explicit_chk)(void *memory, int value, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  set(memory, value, size);
  return memory;
}

SHIM(void *, reallocarray)(void *memory, size_t count, size_t size)
{
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  return realloc(memory, bytes);
}

/* The size is a hint, which allocators that check it do not get.  */
SHIM(void, free_sized)(void *memory, size_t size)
{
  (void)size;
  free(memory);
}

SHIM(void, free_aligned_sized)(void *memory, size_t alignment, size_t size)
{
  (void)alignment;
  (void)size;
  free(memory);
}

/* struct mallinfo2 has the fields of struct mallinfo, as size_t. The old ones are int: more than 4 GiB wrap around.  */
typedef struct {
  size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
} statistics;

HOST(statistics, mallinfo2, void);

SHIM(statistics, mallinfo2)(void)
{
  if (host_mallinfo2)
    return host_mallinfo2();
  struct mallinfo old = mallinfo();
  return (statistics){
      .arena = (unsigned)old.arena,
      .ordblks = (unsigned)old.ordblks,
      .smblks = (unsigned)old.smblks,
      .hblks = (unsigned)old.hblks,
      .hblkhd = (unsigned)old.hblkhd,
      .usmblks = (unsigned)old.usmblks,
      .fsmblks = (unsigned)old.fsmblks,
      .uordblks = (unsigned)old.uordblks,
      .fordblks = (unsigned)old.fordblks,
      .keepcost = (unsigned)old.keepcost,
  };
}

/* Not 0 promises that the process has one thread. 0 promises nothing (glibc's manual, "Single-Threaded"), so whoever
   asks does what is right with several.  */
SHIM(char, __libc_single_threaded) = 0;
