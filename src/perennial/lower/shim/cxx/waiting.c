/* std::__atomic_futex_unsigned_base::_M_futex_wait_until_steady (GLIBCXX_3.4.29): how std::future waits until a time of
   std::chrono::steady_clock.

   The waker is that of GCC 5, _M_futex_notify_all: it wakes whoever waits for the number, by whatever clock.  */

#include "shimxx.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>

/* Of the system call, whose times are of long. chrono's durations are passed as the integers that they hold.  */
struct kernel_time {
  long seconds, nanoseconds;
};

/* False if the time has come. Whatever else ends the wait, the caller looks at the number again.  */
bool wait_until_steady(void *, unsigned *, unsigned, bool, int64_t, int64_t)
    SHIM_OF("_ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_steadyEPjjbNSt6chrono8durationI" INT64_T
            "St5ratioIL" INT64_T "1EL" INT64_T "1EEEENS2_I" INT64_T "S3_IL" INT64_T "1EL" INT64_T "1000000000EEEE");
bool wait_until_steady(void *base, unsigned *number, unsigned value, bool has_time, int64_t seconds,
                       int64_t nanoseconds)
{
  (void)base;
  if (!has_time) {
    syscall(SYS_futex, number, FUTEX_WAIT, value, NULL, NULL, 0);
    return true;
  }
  if (seconds < 0 || nanoseconds < 0)
    return false; /* before the clock's beginning, to which the kernel says EINVAL */
  struct kernel_time time = {seconds > LONG_MAX ? LONG_MAX : (long)seconds, (long)nanoseconds};
  /* FUTEX_WAIT_BITSET has an absolute time, of CLOCK_MONOTONIC, since Linux 2.6.25.  */
  long outcome = syscall(SYS_futex, number, FUTEX_WAIT_BITSET, value, &time, NULL, FUTEX_BITSET_MATCH_ANY);
  return outcome == 0 || errno != ETIMEDOUT;
}
