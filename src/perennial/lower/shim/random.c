/* getrandom and getentropy (glibc 2.25), arc4random and its family (2.36).

   Where the kernel has no getrandom (before 3.17), glibc's functions say ENOSYS, and arc4random reads /dev/urandom once
   /dev/random is ready. Here getentropy and getrandom without flags do that too: they are to give bytes of the same
   source, at the same time. ENOSYS is left for flags, and for a system without these devices.

   arc4random keeps no state, so that a fork copies none. It never fails: without a source the process ends.  */

#include "cancel.h"
#include "shim.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/syscall.h>

HOST(ssize_t, getrandom, void *, size_t, unsigned);

/* syscall() is no cancellation point, which open and read are.  */
static int open_device(const char *path)
{
  int descriptor;
  do
    descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

/* The kernel's pool is filled once, at boot, as /dev/random tells by being readable.  */
static bool is_seeded(void)
{
  static char known;
  if (__atomic_load_n(&known, __ATOMIC_RELAXED))
    return true;
  struct pollfd random = {.fd = open_device("/dev/random"), .events = POLLIN};
  if (random.fd < 0)
    return false;
  long ready;
  do
    ready = syscall(SYS_ppoll, &random, 1L, NULL, NULL, 0L);
  while (ready < 0 && errno == EINTR);
  syscall(SYS_close, random.fd);
  if (ready < 0)
    return false;
  __atomic_store_n(&known, 1, __ATOMIC_RELAXED);
  return true;
}

/* All bytes, or false.  */
static bool read_urandom(char *buffer, size_t length)
{
  if (!is_seeded())
    return false;
  int descriptor = open_device("/dev/urandom");
  if (descriptor < 0)
    return false;
  while (length > 0) {
    ssize_t count = syscall(SYS_read, descriptor, buffer, length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      break;
    buffer += count;
    length -= (size_t)count;
  }
  syscall(SYS_close, descriptor);
  return length == 0;
}

/* All bytes, or false with errno. No cancellation point.  */
static bool fill(char *buffer, size_t length)
{
  while (length > 0) {
    ssize_t count = syscall(SYS_getrandom, buffer, length, 0L);
    if (count > 0) {
      buffer += count;
      length -= (size_t)count;
    } else if (count == 0) {
      errno = EIO;
      return false;
    } else if (errno == ENOSYS) {
      if (read_urandom(buffer, length))
        return true;
      errno = ENOSYS;
      return false;
    } else if (errno != EINTR)
      return false;
  }
  return true;
}

static void fill_or_die(void *buffer, size_t length)
{
  if (!fill(buffer, length))
    FATAL("perennial: there is no source of random bytes for arc4random");
}

SHIM(ssize_t, getrandom)(void *buffer, size_t length, unsigned flags)
{
  ssize_t count =
      host_getrandom ? host_getrandom(buffer, length, flags) : CANCELLABLE(SYS_getrandom, buffer, length, flags);
  if (count < 0 && errno == ENOSYS && flags == 0) {
    if (read_urandom(buffer, length))
      return (ssize_t)length;
    errno = ENOSYS;
  }
  return count;
}

SHIM(int, getentropy)(void *buffer, size_t length)
{
  if (length > 256) {
    errno = EIO;
    return -1;
  }
  return fill(buffer, length) ? 0 : -1;
}

SHIM(void, arc4random_buf)(void *buffer, size_t length) { fill_or_die(buffer, length); }

SHIM(uint32_t, arc4random)(void)
{
  uint32_t value;
  fill_or_die(&value, sizeof value);
  return value;
}

/* All values below the bound are equally likely: of those below the next power of two, the others are thrown away, at
   most every second.  */
SHIM(uint32_t, arc4random_uniform)(uint32_t bound)
{
  if (bound < 2)
    return 0;
  const uint32_t mask = UINT32_MAX >> __builtin_clz(bound - 1);
  uint32_t value;
  do {
    fill_or_die(&value, sizeof value);
    value &= mask;
  } while (value >= bound);
  return value;
}
