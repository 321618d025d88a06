/* stat and its family, and mknod: symbols of glibc since 2.33 (2.33 NEWS).

   Before, a program had a small static function for each (libc_nonshared.a), which told __xstat and the others for
   which version of struct stat it was compiled. These are still there, and always will be, for the programs of then;
   the layout is still that of the version that was the last one. Nothing differs.  */

#include "shim.h"

#include <sys/stat.h>
#include <sys/types.h>

/* _STAT_VER and _MKNOD_VER of glibc, sysdeps/unix/sysv/linux/.../xstatver.h  */
#if defined __x86_64__ || (defined __s390__ && defined __s390x__)
enum { STAT_VERSION = 1, MKNOD_VERSION = 0 };
#elif defined __i386__ || defined __arm__
enum { STAT_VERSION = 3, MKNOD_VERSION = 1 };
#elif defined __powerpc64__
enum { STAT_VERSION = 1, MKNOD_VERSION = 1 };
#elif defined __aarch64__ || (defined __riscv && __riscv_xlen == 64)
enum { STAT_VERSION = 0, MKNOD_VERSION = 0 };
#else
#error "no version of struct stat is known for this architecture"
#endif

extern int __xstat(int, const char *, struct stat *);
extern int __fxstat(int, int, struct stat *);
extern int __lxstat(int, const char *, struct stat *);
extern int __fxstatat(int, int, const char *, struct stat *, int);
extern int __xstat64(int, const char *, struct stat64 *);
extern int __fxstat64(int, int, struct stat64 *);
extern int __lxstat64(int, const char *, struct stat64 *);
extern int __fxstatat64(int, int, const char *, struct stat64 *, int);
extern int __xmknod(int, const char *, mode_t, dev_t *);
extern int __xmknodat(int, int, const char *, mode_t, dev_t *);

SHIM(int, stat)(const char *path, struct stat *result) { return __xstat(STAT_VERSION, path, result); }

SHIM(int, fstat)(int descriptor, struct stat *result) { return __fxstat(STAT_VERSION, descriptor, result); }

SHIM(int, lstat)(const char *path, struct stat *result) { return __lxstat(STAT_VERSION, path, result); }

SHIM(int, fstatat)(int folder, const char *path, struct stat *result, int flags)
{
  return __fxstatat(STAT_VERSION, folder, path, result, flags);
}

SHIM(int, stat64)(const char *path, struct stat64 *result) { return __xstat64(STAT_VERSION, path, result); }

SHIM(int, fstat64)(int descriptor, struct stat64 *result) { return __fxstat64(STAT_VERSION, descriptor, result); }

SHIM(int, lstat64)(const char *path, struct stat64 *result) { return __lxstat64(STAT_VERSION, path, result); }

SHIM(int, fstatat64)(int folder, const char *path, struct stat64 *result, int flags)
{
  return __fxstatat64(STAT_VERSION, folder, path, result, flags);
}

SHIM(int, mknod)(const char *path, mode_t mode, dev_t device) { return __xmknod(MKNOD_VERSION, path, mode, &device); }

SHIM(int, mknodat)(int folder, const char *path, mode_t mode, dev_t device)
{
  return __xmknodat(MKNOD_VERSION, folder, path, mode, &device);
}
