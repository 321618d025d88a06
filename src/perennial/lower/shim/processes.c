/* gettid and tgkill (glibc 2.30), getcpu (2.29), mlock2 (2.27): system calls that glibc had no functions for.  */

#include "shim.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>

SHIM(pid_t, gettid)(void) { return (pid_t)syscall(SYS_gettid); }

SHIM(int, tgkill)(pid_t process, pid_t thread, int signal) { return (int)syscall(SYS_tgkill, process, thread, signal); }

/* glibc asks the vDSO, which is faster.  */
SHIM(int, getcpu)(unsigned *cpu, unsigned *node) { return (int)syscall(SYS_getcpu, cpu, node, NULL); }

/* Without the call (Linux 4.4), flags are EINVAL.  */
SHIM(int, mlock2)(const void *address, size_t length, unsigned flags)
{
  if (flags == 0)
    return mlock(address, length);
  int outcome = (int)syscall(SYS_mlock2, address, length, flags);
  if (outcome != 0 && errno == ENOSYS)
    errno = EINVAL;
  return outcome;
}
