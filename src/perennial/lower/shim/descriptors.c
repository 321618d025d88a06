/* close_range and closefrom (glibc 2.34), memfd_create (2.27).  */

#include "shim.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

SHIM(int, close_range)(unsigned first, unsigned last, int flags)
{
  return (int)syscall(SYS_close_range, first, last, flags); /* ENOSYS before Linux 5.9, as glibc's own */
}

SHIM(int, memfd_create)(const char *name, unsigned flags) { return (int)syscall(SYS_memfd_create, name, flags); }

/* The descriptor that a name of /proc/self/fd is, or -1.  */
static int number_of(const char *name)
{
  int number = 0;
  if (*name < '0' || *name > '9')
    return -1;
  for (; *name >= '0' && *name <= '9'; ++name)
    number = 10 * number + (*name - '0');
  return number;
}

/* Closes those that one reading of the folder names. How many, or -1 for an error.  */
static int close_those_listed(int folder, int first)
{
  /* The kernel's linux_dirent64: two numbers of 8 bytes, the length of the record, a kind, a name.  */
  enum { LENGTH = 16, NAME = 19 };
  char records[1024] __attribute__((aligned(8)));
  int closed = 0;
  for (;;) {
    long size = syscall(SYS_getdents64, folder, records, sizeof records);
    if (size <= 0)
      return size < 0 ? -1 : closed;
    unsigned short length;
    for (const char *record = records; record < records + size; record += length) {
      memcpy(&length, record + LENGTH, sizeof length);
      int descriptor = number_of(record + NAME);
      if (descriptor >= first && descriptor != folder) {
        syscall(SYS_close, descriptor); /* EINTR and EIO leave it closed, too */
        ++closed;
      }
    }
  }
}

static int open_list(void) { return (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY, 0); }

static bool close_by_list(int first)
{
  int folder = open_list();
  if (folder < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
    /* One that may go makes room.  */
    for (int descriptor = first; descriptor < INT_MAX; ++descriptor)
      if (syscall(SYS_close, descriptor) == 0 || errno != EBADF)
        break;
    folder = open_list();
  }
  if (folder < 0)
    return false;
  /* What is closed moves what is listed, so it is read until nothing is left.  */
  int closed;
  do
    closed = close_those_listed(folder, first);
  while (closed > 0 && syscall(SYS_lseek, folder, 0L, (long)SEEK_SET) == 0);
  syscall(SYS_close, folder);
  return closed == 0;
}

/* Safe in signal handlers and after fork, so nothing is allocated.  */
SHIM(void, closefrom)(int first)
{
  if (first < 0)
    first = 0;
  if (syscall(SYS_close_range, first, ~0U, 0L) != 0 && !close_by_list(first))
    FATAL("perennial: closefrom cannot close descriptors: no close_range, and no /proc");
}
