/* pthread_cond_clockwait, pthread_mutex_clocklock, pthread_rwlock_clock*lock and sem_clockwait.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern int pthread_cond_clockwait(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
extern int pthread_mutex_clocklock(pthread_mutex_t *, clockid_t, const struct timespec *);
extern int pthread_rwlock_clockrdlock(pthread_rwlock_t *, clockid_t, const struct timespec *);
extern int pthread_rwlock_clockwrlock(pthread_rwlock_t *, clockid_t, const struct timespec *);
extern int sem_clockwait(sem_t *, clockid_t, const struct timespec *);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, taken = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER, steady;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore, ready, done;
static int flag;

enum { WAIT = 250 }; /* milliseconds */

static struct timespec begin; /* by CLOCK_MONOTONIC: before the time was computed that is waited for */

static struct timespec after(clockid_t clock, long milliseconds)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  clock_gettime(clock, &time);
  time.tv_sec += milliseconds / 1000;
  time.tv_nsec += milliseconds % 1000 * 1000000;
  if (time.tv_nsec >= 1000000000)
    time.tv_nsec -= 1000000000, ++time.tv_sec;
  return time;
}

static long elapsed(const struct timespec *start)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* The outcome, and whether it took as long as it had to: 0 at once, 1 for the time, 2 for ever.  */
#define SHOW(text, call)                                                                                               \
  do {                                                                                                                 \
    errno = 0;                                                                                                         \
    int outcome = call;                                                                                                \
    long took = elapsed(&begin);                                                                                       \
    printf("%s: %s, %d\n", text,                                                                                       \
           outcome < 0 ? strerror(errno)                                                                               \
           : outcome   ? strerror(outcome)                                                                             \
                       : "0",                                                                                          \
           took < WAIT - 1 ? 0                                                                                         \
           : took < 5000   ? 1                                                                                         \
                           : 2);                                                                                       \
    clock_gettime(CLOCK_MONOTONIC, &begin);                                                                            \
  } while (0)

#define SHOW_ALL(object, call)                                                                                         \
  do {                                                                                                                 \
    struct timespec time = after(CLOCK_MONOTONIC, WAIT);                                                               \
    SHOW(#call " by the steady clock", call(object, CLOCK_MONOTONIC, &time));                                          \
    time = after(CLOCK_REALTIME, WAIT);                                                                                \
    SHOW("by the wall clock", call(object, CLOCK_REALTIME, &time));                                                    \
    time = after(CLOCK_MONOTONIC, -1000);                                                                              \
    SHOW("in the past", call(object, CLOCK_MONOTONIC, &time));                                                         \
    time = (struct timespec){0, 0};                                                                                    \
    SHOW("at zero", call(object, CLOCK_MONOTONIC, &time));                                                             \
    time = (struct timespec){-5, 5};                                                                                   \
    SHOW("before zero", call(object, CLOCK_MONOTONIC, &time));                                                         \
    time = (struct timespec){after(CLOCK_MONOTONIC, 9000).tv_sec, 1000000000};                                         \
    SHOW("too many nanoseconds", call(object, CLOCK_MONOTONIC, &time));                                                \
    time = (struct timespec){after(CLOCK_MONOTONIC, 9000).tv_sec, -1};                                                 \
    SHOW("too few", call(object, CLOCK_MONOTONIC, &time));                                                             \
    time = after(CLOCK_MONOTONIC, WAIT);                                                                               \
    SHOW("by no clock", call(object, CLOCK_PROCESS_CPUTIME_ID, &time));                                                \
    SHOW("by no clock at all", call(object, 999, &time));                                                              \
  } while (0)

static int wait_for_condition(pthread_cond_t *which, clockid_t clock, const struct timespec *time)
{
  pthread_mutex_lock(&mutex);
  int outcome = pthread_cond_clockwait(which, &mutex, clock, time);
  pthread_mutex_unlock(&mutex);
  return outcome;
}

static void *holds(void *argument)
{
  (void)argument;
  pthread_mutex_lock(&taken);
  pthread_rwlock_wrlock(&lock);
  sem_post(&ready);
  while (sem_wait(&done) != 0)
    ;
  pthread_rwlock_unlock(&lock);
  pthread_mutex_unlock(&taken);
  return NULL;
}

static void *releases(void *argument)
{
  usleep((WAIT + 100) * 1000);
  if (argument == &semaphore)
    sem_post(&semaphore);
  else {
    pthread_mutex_lock(&mutex);
    flag = 1;
    pthread_cond_broadcast(argument);
    pthread_mutex_unlock(&mutex);
  }
  return NULL;
}

/* Woken long before its time. Another wakeup is nobody's fault, so it is asked again.  */
static void show_woken(const char *text, pthread_cond_t *which, clockid_t clock)
{
  pthread_t thread;
  struct timespec time = after(clock, 20000);
  int outcome = 0;
  flag = 0;
  pthread_create(&thread, NULL, releases, which);
  struct timespec start = after(CLOCK_MONOTONIC, 0);
  pthread_mutex_lock(&mutex);
  while (!flag && outcome == 0)
    outcome = pthread_cond_clockwait(which, &mutex, clock, &time);
  pthread_mutex_unlock(&mutex);
  printf("%s: woken %d %s, %d\n", text, flag, strerror(outcome), elapsed(&start) < 5000);
  pthread_join(thread, NULL);
}

int run(const char *folder)
{
  (void)folder;
  pthread_condattr_t by_steady;
  pthread_condattr_init(&by_steady);
  pthread_condattr_setclock(&by_steady, CLOCK_MONOTONIC);
  pthread_cond_init(&steady, &by_steady);
  sem_init(&semaphore, 0, 0);
  sem_init(&ready, 0, 0);
  sem_init(&done, 0, 0);
  SHOW_ALL(&condition, wait_for_condition);
  SHOW_ALL(&steady, wait_for_condition);
  show_woken("by the steady clock", &condition, CLOCK_MONOTONIC);
  show_woken("by the wall clock", &condition, CLOCK_REALTIME);
  show_woken("steady by the steady clock", &steady, CLOCK_MONOTONIC);
  show_woken("steady by the wall clock", &steady, CLOCK_REALTIME);

  pthread_t holder, waker;
  pthread_create(&holder, NULL, holds, NULL);
  sem_wait(&ready);
  SHOW_ALL(&taken, pthread_mutex_clocklock);
  SHOW_ALL(&lock, pthread_rwlock_clockrdlock);
  SHOW_ALL(&lock, pthread_rwlock_clockwrlock);
  sem_post(&done);
  pthread_join(holder, NULL);

  /* Free ones are taken whatever the time, if the clock is one.  */
  struct timespec time = {0, 0}, wrong = {0, -1};
  SHOW("a free mutex", pthread_mutex_clocklock(&taken, CLOCK_MONOTONIC, &time));
  pthread_mutex_unlock(&taken);
  SHOW("whatever the time", pthread_mutex_clocklock(&taken, CLOCK_MONOTONIC, &wrong));
  pthread_mutex_unlock(&taken);
  SHOW("not by no clock", pthread_mutex_clocklock(&taken, 999, &time));
  SHOW("a free lock", pthread_rwlock_clockrdlock(&lock, CLOCK_MONOTONIC, &time));
  SHOW("a second reader", pthread_rwlock_clockrdlock(&lock, CLOCK_REALTIME, &time));
  time = after(CLOCK_MONOTONIC, WAIT);
  SHOW("no writer", pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &time));
  pthread_rwlock_unlock(&lock);
  pthread_rwlock_unlock(&lock);
  SHOW("a writer", pthread_rwlock_clockwrlock(&lock, CLOCK_MONOTONIC, &time));
  pthread_rwlock_unlock(&lock);

  SHOW_ALL(&semaphore, sem_clockwait);
  sem_post(&semaphore);
  time = (struct timespec){0, 0};
  SHOW("a free semaphore", sem_clockwait(&semaphore, CLOCK_MONOTONIC, &time));
  pthread_create(&waker, NULL, releases, &semaphore);
  time = after(CLOCK_MONOTONIC, 20000);
  SHOW("a semaphore that is posted", sem_clockwait(&semaphore, CLOCK_MONOTONIC, &time));
  pthread_join(waker, NULL);
  return 0;
}
