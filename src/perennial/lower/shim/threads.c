/* Waiting by a clock that the caller names (glibc 2.30): pthread_cond_clockwait and others.

   The host's own function waits by that clock itself. Before 2.30 there is only the wait by the object's clock, which
   is CLOCK_REALTIME (of condition variables: what pthread_condattr_setclock chose), so the time is converted to that.
   What differs then: if CLOCK_REALTIME is set back during a wait by CLOCK_MONOTONIC, the wait takes that much longer.
   If it is set forward, the wait goes on; of a condition variable it ends early, like any spurious wakeup.  */

#include "shim.h"

#include <gnu/libc-version.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { SECOND = 1000000000 };

HOST(int, pthread_cond_clockwait, pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
HOST(int, pthread_mutex_clocklock, pthread_mutex_t *, clockid_t, const struct timespec *);
HOST(int, pthread_rwlock_clockrdlock, pthread_rwlock_t *, clockid_t, const struct timespec *);
HOST(int, pthread_rwlock_clockwrlock, pthread_rwlock_t *, clockid_t, const struct timespec *);
HOST(int, sem_clockwait, sem_t *, clockid_t, const struct timespec *);

static bool is_supported(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC; }

static bool is_valid(const struct timespec *time) { return time->tv_nsec >= 0 && time->tv_nsec < SECOND; }

/* The time of another clock that is as far away. What is invalid stays so, for the host to refuse.  */
static struct timespec converted(struct timespec time, clockid_t from, clockid_t to)
{
  struct timespec now_from, now_to;
  if (from == to || !is_valid(&time))
    return time;
  clock_gettime(from, &now_from);
  clock_gettime(to, &now_to);
  const time_t last = (time_t)(sizeof(time_t) == 8 ? INT64_MAX : INT32_MAX);
  long nanoseconds = time.tv_nsec - now_from.tv_nsec + now_to.tv_nsec;
  time_t seconds = 0;
  if (nanoseconds < 0)
    nanoseconds += SECOND, --seconds;
  else if (nanoseconds >= SECOND)
    nanoseconds -= SECOND, ++seconds;
  seconds += now_to.tv_sec - now_from.tv_sec;
  if (__builtin_add_overflow(time.tv_sec, seconds, &seconds))
    seconds = time.tv_sec < 0 ? 0 : last;
  return (struct timespec){.tv_sec = seconds, .tv_nsec = nanoseconds};
}

static bool has_come(const struct timespec *time, clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

/* The clock of a condition variable, which nothing tells but its bits. This is for glibc before 2.30 only, whose
   layouts change no more: bit 0 of __nwaiters up to 2.24 (nptl/pthread_cond_init.c), bit 1 of __wrefs since 2.25
   (nptl/pthreadP.h).  */
static clockid_t clock_of(const pthread_cond_t *condition)
{
  const char *version = gnu_get_libc_version(); /* "2.17" */
  bool is_old = version[0] == '2' && version[1] == '.' && version[3] != '\0' && version[4] == '\0' &&
                (version[2] == '1' || (version[2] == '2' && version[3] < '5'));
  unsigned word;
  const size_t place = is_old ? (sizeof(void *) == 8 ? 40 : 36) : 36;
  memcpy(&word, (const char *)condition + place, sizeof word);
  return word & (is_old ? 1 : 2) ? CLOCK_MONOTONIC : CLOCK_REALTIME;
}

SHIM(int, pthread_cond_clockwait)(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *time)
{
  if (host_pthread_cond_clockwait)
    return host_pthread_cond_clockwait(condition, mutex, clock, time);
  if (!is_valid(time) || !is_supported(clock))
    return EINVAL;
  struct timespec own = converted(*time, clock, clock_of(condition));
  int outcome = pthread_cond_timedwait(condition, mutex, &own);
  return outcome == ETIMEDOUT && !has_come(time, clock) ? 0 : outcome;
}

/* Waits until the time has come by the caller's clock.  */
#define LOCK(symbol, object, lock)                                                                                     \
  SHIM(int, symbol)(object *locked, clockid_t clock, const struct timespec *time)                                      \
  {                                                                                                                    \
    if (host_##symbol)                                                                                                 \
      return host_##symbol(locked, clock, time);                                                                       \
    if (!is_supported(clock))                                                                                          \
      return EINVAL;                                                                                                   \
    int outcome;                                                                                                       \
    do {                                                                                                               \
      struct timespec own = converted(*time, clock, CLOCK_REALTIME);                                                   \
      outcome = lock(locked, &own);                                                                                    \
    } while (outcome == ETIMEDOUT && !has_come(time, clock));                                                          \
    return outcome;                                                                                                    \
  }

LOCK(pthread_mutex_clocklock, pthread_mutex_t, pthread_mutex_timedlock)
LOCK(pthread_rwlock_clockrdlock, pthread_rwlock_t, pthread_rwlock_timedrdlock)
LOCK(pthread_rwlock_clockwrlock, pthread_rwlock_t, pthread_rwlock_timedwrlock)

SHIM(int, sem_clockwait)(sem_t *semaphore, clockid_t clock, const struct timespec *time)
{
  if (host_sem_clockwait)
    return host_sem_clockwait(semaphore, clock, time);
  if (!is_supported(clock) || !is_valid(time)) {
    errno = EINVAL;
    return -1;
  }
  int outcome;
  do {
    struct timespec own = converted(*time, clock, CLOCK_REALTIME);
    outcome = sem_timedwait(semaphore, &own);
  } while (outcome != 0 && errno == ETIMEDOUT && !has_come(time, clock));
  return outcome;
}
