/* What librt had before glibc 2.34: timers, message queues, shared memory, asynchronous I/O.  */

#define _GNU_SOURCE 1
#include <aio.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void timers(void)
{
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  struct itimerspec time = {.it_value = {.tv_nsec = 1000000}}, left;
  sigset_t set;
  siginfo_t got;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  printf("timer_create %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
  printf("timer_settime %d\n", timer_settime(timer, 0, &time, NULL));
  printf("came: %d\n", sigwaitinfo(&set, &got) == SIGRTMIN);
  printf("overrun %d\n", timer_getoverrun(timer));
  printf("timer_gettime %d, left %ld\n", timer_gettime(timer, &left), (long)left.it_value.tv_sec);
  printf("timer_delete %d\n", timer_delete(timer));
  errno = 0;
  printf("of no clock %d %s\n", timer_create((clockid_t)12345, &event, &timer), strerror(errno));
}

static void memory(void)
{
  char name[64];
  snprintf(name, sizeof name, "/perennial-%d", (int)getpid());
  int descriptor = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
  printf("shm_open %d\n", descriptor >= 0);
  if (descriptor < 0)
    return;
  printf("ftruncate %d\n", ftruncate(descriptor, 4096));
  close(descriptor);
  errno = 0;
  printf("again %d %s\n", shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600), strerror(errno));
  printf("shm_unlink %d\n", shm_unlink(name));
  errno = 0;
  printf("again %d %s\n", shm_unlink(name), strerror(errno));
}

static void input_output(const char *folder)
{
  char path[4096], buffer[8] = "";
  snprintf(path, sizeof path, "%s/aio", folder);
  int descriptor = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
  struct aiocb control = {.aio_fildes = descriptor, .aio_buf = (void *)"content", .aio_nbytes = 7};
  const struct aiocb *list[] = {&control};
  printf("aio_write %d\n", aio_write(&control));
  while (aio_error(&control) == EINPROGRESS)
    aio_suspend(list, 1, NULL);
  printf("aio_error %d, aio_return %zd\n", aio_error(&control), aio_return(&control));
  struct aiocb reading = {.aio_fildes = descriptor, .aio_buf = buffer, .aio_nbytes = sizeof buffer};
  struct aiocb *both[] = {&reading};
  reading.aio_lio_opcode = LIO_READ;
  printf("lio_listio %d, %zd, %.7s\n", lio_listio(LIO_WAIT, both, 1, NULL), aio_return(&reading), buffer);
  close(descriptor);
  unlink(path);
}

int run(const char *folder)
{
  timers();
  memory();
  input_output(folder);
  errno = 0;
  printf("mq_open of no queue %d %s\n", (int)mq_open("/perennial-no-such-queue", O_RDONLY), strerror(errno));
  return 0;
}
