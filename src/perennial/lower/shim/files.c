/* statx and renameat2 (glibc 2.28), copy_file_range (2.27), preadv2 and pwritev2 (2.26), getdents64 (2.30).

   Where the kernel has no such call, what is done is what glibc's own functions do.  */

#include "cancel.h"
#include "shim.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

/* As in stat.c.  */
#if defined __x86_64__ || defined __s390x__ || defined __powerpc64__
enum { STAT_VERSION = 1 };
#elif defined __i386__ || defined __arm__
enum { STAT_VERSION = 3 };
#else
enum { STAT_VERSION = 0 };
#endif

extern int __fxstatat64(int, int, const char *, struct stat64 *, int);

/* The kernel's struct statx (statx(2)), of 256 bytes, which glibc does not declare everywhere.  */
struct moment {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t unused;
};
struct attributes {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, user, group;
  uint16_t mode, unused_mode;
  uint64_t inode, size, blocks, attributes_mask;
  struct moment accessed, born, changed, modified;
  uint32_t device_major, device_minor, on_major, on_minor;
  uint64_t unused[14];
};
_Static_assert(sizeof(struct attributes) == 256, "struct statx");

enum { BASIC_STATS = 0x7ff };

static struct moment moment_of(struct timespec time)
{
  return (struct moment){.seconds = time.tv_sec, .nanoseconds = (uint32_t)time.tv_nsec};
}

/* What POSIX has, whatever was asked for. Flags that fstatat does not have are EINVAL, those of when to ask a server
   too.  */
static int attributes_by_stat(int folder, const char *path, int flags, struct attributes *result)
{
  struct stat64 status;
  if (flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW)) {
    errno = EINVAL;
    return -1;
  }
  if (__fxstatat64(STAT_VERSION, folder, path, &status, flags) != 0)
    return -1;
  *result = (struct attributes){
      .mask = BASIC_STATS,
      .block_size = (uint32_t)status.st_blksize,
      .links = (uint32_t)status.st_nlink,
      .user = status.st_uid,
      .group = status.st_gid,
      .mode = (uint16_t)status.st_mode,
      .inode = status.st_ino,
      .size = (uint64_t)status.st_size,
      .blocks = (uint64_t)status.st_blocks,
      .accessed = moment_of(status.st_atim),
      .changed = moment_of(status.st_ctim),
      .modified = moment_of(status.st_mtim),
      .device_major = major(status.st_rdev),
      .device_minor = minor(status.st_rdev),
      .on_major = major(status.st_dev),
      .on_minor = minor(status.st_dev),
  };
  return 0;
}

SHIM(int, statx)(int folder, const char *path, int flags, unsigned mask, void *result)
{
  int outcome = (int)syscall(SYS_statx, folder, path, flags, mask, result);
  if (outcome == 0 || errno != ENOSYS)
    return outcome;
  return attributes_by_stat(folder, path, flags, result);
}

SHIM(int, renameat2)(int old_folder, const char *old, int new_folder, const char *new, unsigned flags)
{
  if (flags == 0)
    return renameat(old_folder, old, new_folder, new);
  int outcome = (int)syscall(SYS_renameat2, old_folder, old, new_folder, new, flags);
  if (outcome != 0 && errno == ENOSYS)
    errno = EINVAL;
  return outcome;
}

/* ENOSYS before Linux 4.5, as glibc's own since 2.30; the one of 2.27 to 2.29 copied by itself.  */
HOST(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);

SHIM(ssize_t, copy_file_range)(int from, off64_t *start, int to, off64_t *end, size_t length, unsigned flags)
{
  if (host_copy_file_range)
    return host_copy_file_range(from, start, to, end, length, flags);
  return CANCELLABLE(SYS_copy_file_range, from, start, to, end, length, flags);
}

SHIM(ssize_t, getdents64)(int folder, void *records, size_t size)
{
  /* The kernel counts with an int.  */
  return syscall(SYS_getdents64, folder, records, size > INT_MAX ? INT_MAX : size);
}

/* On 32-bit systems the offset goes in two halves, the lower one first; on others the second is not looked at.
   -1 is the file's own position. Without the call (Linux 4.6), flags are ENOTSUP.  */
#define VECTOR(symbol, offset_type, call, without, without_offset)                                                     \
  HOST(ssize_t, symbol, int, const struct iovec *, int, offset_type, int);                                             \
  SHIM(ssize_t, symbol)(int descriptor, const struct iovec *vector, int count, offset_type offset, int flags)          \
  {                                                                                                                    \
    if (host_##symbol)                                                                                                 \
      return host_##symbol(descriptor, vector, count, offset, flags);                                                  \
    long lower = (long)offset, upper = (long)((uint64_t)(int64_t)offset >> 32);                                        \
    ssize_t result = CANCELLABLE(call, descriptor, vector, count, lower, upper, flags);                                \
    if (result >= 0 || errno != ENOSYS)                                                                                \
      return result;                                                                                                   \
    if (flags != 0) {                                                                                                  \
      errno = ENOTSUP;                                                                                                 \
      return -1;                                                                                                       \
    }                                                                                                                  \
    return offset == -1 ? without_offset(descriptor, vector, count) : without(descriptor, vector, count, offset);      \
  }

VECTOR(preadv2, off_t, SYS_preadv2, preadv, readv)
VECTOR(preadv64v2, off64_t, SYS_preadv2, preadv64, readv)
VECTOR(pwritev2, off_t, SYS_pwritev2, pwritev, writev)
VECTOR(pwritev64v2, off64_t, SYS_pwritev2, pwritev64, writev)
