/* quick_exit: handlers of at_quick_exit run, those of exit do not.  */

#define _DEFAULT_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* at_quick_exit, without libc_nonshared.a that it is in.  */
extern int __cxa_at_quick_exit(void (*)(void *), void *);

static void first(void *unused) { printf("first%s\n", unused ? "?" : ""); }
static void second(void *unused) { printf("second%s\n", unused ? "?" : ""); fflush(stdout); }
static void never(int status, void *unused) { printf("never %d%s\n", status, unused ? "?" : ""); }

int run(const char *folder)
{
  (void)folder;
  int status = 0;
  fflush(stdout);
  if (fork() == 0) {
    on_exit(never, NULL);
    __cxa_at_quick_exit(second, NULL);
    __cxa_at_quick_exit(first, NULL);
    quick_exit(7);
  }
  wait(&status);
  printf("%d\n", WEXITSTATUS(status));
  return 0;
}
