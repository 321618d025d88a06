/* Weak references: which of a symbol's versions each is bound to.  */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <stdio.h>

#define WEAK(symbol) extern void weak_##symbol(void) __asm__(#symbol) __attribute__((weak))

WEAK(pthread_cond_clockwait);
WEAK(pthread_cond_signal);
WEAK(getrandom);
WEAK(arc4random);

static void show(const char *symbol, void (*found)(void), const char *const *versions)
{
  printf("%s: %s", symbol, found == NULL ? "none" : "found");
  for (; *versions != NULL; ++versions) {
    void *version = dlvsym(RTLD_DEFAULT, symbol, *versions);
    if (version != NULL)
      printf(", %s %s", *versions, version == (void *)found ? "it is" : "it is not");
  }
  printf("\n");
}

int run(const char *folder)
{
  (void)folder;
  show("pthread_cond_clockwait", weak_pthread_cond_clockwait, (const char *[]){"GLIBC_2.30", "GLIBC_2.34", NULL});
  show("pthread_cond_signal", weak_pthread_cond_signal, (const char *[]){"GLIBC_2.2.5", "GLIBC_2.3.2", NULL});
  show("getrandom", weak_getrandom, (const char *[]){"GLIBC_2.25", NULL});
  show("arc4random", weak_arc4random, (const char *[]){"GLIBC_2.36", NULL});
  return 0;
}
