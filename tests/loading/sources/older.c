/* What libstdc++ of Debian 12 and 13 needs beyond glibc 2.31, for one test: no shim for anybody else. */
#include <stddef.h>
struct stat;
int __xstat(int version, const char *path, struct stat *result);
int __lxstat(int version, const char *path, struct stat *result);
int __fxstat(int version, int file, struct stat *result);
int __fxstat64(int version, int file, struct stat *result);
unsigned long strtoul(const char *text, char **end, int base);
int getentropy(void *buffer, size_t size);
int older_stat(const char *path, struct stat *result) { return __xstat(1, path, result); }
int older_lstat(const char *path, struct stat *result) { return __lxstat(1, path, result); }
int older_fstat(int file, struct stat *result) { return __fxstat(1, file, result); }
int older_fstat64(int file, struct stat *result) { return __fxstat64(1, file, result); }
unsigned long older___isoc23_strtoul(const char *text, char **end, int base) { return strtoul(text, end, base); }
unsigned older_arc4random(void) {
  unsigned number = 0;
  return getentropy(&number, sizeof number) == 0 ? number : 4;
}
char older___libc_single_threaded = 0;
