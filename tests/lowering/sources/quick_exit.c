/* quick_exit: handlers of at_quick_exit run, those of atexit do not.  */

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void first(void) { printf("first\n"); }
static void second(void) { printf("second\n"); fflush(stdout); }
static void never(void) { printf("never\n"); }

int run(const char *folder)
{
  (void)folder;
  int status = 0;
  fflush(stdout);
  if (fork() == 0) {
    atexit(never);
    at_quick_exit(second);
    at_quick_exit(first);
    quick_exit(7);
  }
  wait(&status);
  printf("%d\n", WEXITSTATUS(status));
  return 0;
}
