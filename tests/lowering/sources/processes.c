/* gettid, tgkill, getcpu and mlock2.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern pid_t gettid(void);
extern int tgkill(pid_t, pid_t, int);
extern int getcpu(unsigned *, unsigned *);
extern int mlock2(const void *, size_t, unsigned);

static volatile pid_t received_by;

static void receive(int number)
{
  (void)number;
  received_by = gettid();
}

static void say(const char *text, int outcome)
{
  printf("%s: %d %s\n", text, outcome, outcome < 0 ? strerror(errno) : "");
}

static void *thread(void *argument)
{
  *(pid_t *)argument = gettid();
  say("to this thread", tgkill(getpid(), gettid(), SIGUSR1));
  printf("received by it: %d\n", received_by == gettid());
  return NULL;
}

int run(const char *folder)
{
  (void)folder;
  pid_t other = 0;
  pthread_t one;
  struct sigaction action = {.sa_handler = receive};
  sigaction(SIGUSR1, &action, NULL);
  printf("main thread: %d\n", gettid() == getpid());
  say("to the main thread", tgkill(getpid(), gettid(), SIGUSR1));
  printf("received: %d\n", received_by == gettid());
  if (pthread_create(&one, NULL, thread, &other) != 0)
    return 1;
  pthread_join(one, NULL);
  printf("another: %d\n", other != 0 && other != gettid());
  say("to nobody", tgkill(getpid(), 0x3fffffff, 0));
  say("to no number", tgkill(getpid(), -1, 0));
  say("no signal", tgkill(getpid(), gettid(), 0));
  say("no such signal", tgkill(getpid(), gettid(), 1000));
  fflush(stdout);
  pid_t child = fork();
  if (child == 0)
    _exit(gettid() == getpid() ? 0 : 1);
  int status;
  waitpid(child, &status, 0);
  printf("in a child: %d\n", status);

  unsigned cpu = 123456, node = 123456;
  say("getcpu", getcpu(&cpu, &node));
  printf("%d %d\n", cpu < 4096, node < 1024);
  say("getcpu of nothing", getcpu(NULL, NULL));

  static char pages[3 << 16] __attribute__((aligned(1 << 16)));
  pages[0] = 1;
  say("mlock2", mlock2(pages, 1, 0));
  say("when touched", mlock2(pages + (1 << 16), 1, MLOCK_ONFAULT));
  say("no such flag", mlock2(pages, 1, 0x80));
  say("no memory", mlock2((void *)(1 << 12), 1, 0));
  return 0;
}
