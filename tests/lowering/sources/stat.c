/* stat and its family, mknod and mknodat: what they say of files of every kind, and their errors.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define SHOW(text, call, status)                                                                                       \
  do {                                                                                                                 \
    memset(&(status), 0xA5, sizeof(status));                                                                           \
    errno = 0;                                                                                                         \
    if ((call) != 0)                                                                                                   \
      printf("%s: %s\n", text, strerror(errno));                                                                       \
    else                                                                                                               \
      printf("%s: mode %o links %lu size %lld modified %lld.%09ld device %u:%u owner %u:%u\n", text,                   \
             (unsigned)(status).st_mode, (unsigned long)(status).st_nlink,                                             \
             S_ISREG((status).st_mode) ? (long long)(status).st_size : -1LL,                                           \
             S_ISREG((status).st_mode) ? (long long)(status).st_mtim.tv_sec : 0LL,                                     \
             S_ISREG((status).st_mode) ? (long)(status).st_mtim.tv_nsec : 0L, major((status).st_rdev),                 \
             minor((status).st_rdev), (status).st_uid, (status).st_gid);                                               \
  } while (0)

static void show_all(const char *name, int folder)
{
  struct stat status;
  struct stat64 status64;
  printf("-- %s\n", name);
  SHOW("stat", stat(name, &status), status);
  SHOW("stat64", stat64(name, &status64), status64);
  SHOW("lstat", lstat(name, &status), status);
  SHOW("lstat64", lstat64(name, &status64), status64);
  SHOW("fstatat", fstatat(folder, name, &status, 0), status);
  SHOW("fstatat64", fstatat64(folder, name, &status64, 0), status64);
  SHOW("fstatat of the link", fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW), status);
  SHOW("fstatat64 of the link", fstatat64(folder, name, &status64, AT_SYMLINK_NOFOLLOW), status64);
}

static void say(const char *text, int outcome) { printf("%s: %d %s\n", text, outcome, outcome ? strerror(errno) : ""); }

int run(const char *folder)
{
  struct stat status;
  struct stat64 status64;
  const struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
  if (chdir(folder) != 0)
    return 1;
  umask(022);
  int here = open(".", O_RDONLY | O_DIRECTORY);
  int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0640);
  if (write(file, "12345", 5) != 5 || futimens(file, times) != 0)
    return 1;
  mkdir("folder", 0751);
  if (symlink("file", "link") || symlink("nowhere", "dangling") || symlink("circle", "circle") ||
      link("file", "second"))
    return 1;
  int large = open("large", O_RDWR | O_CREAT | O_LARGEFILE, 0600);
  if (ftruncate64(large, 5LL << 30) != 0 || futimens(large, times) != 0)
    return 1;
  say("mknod, a pipe", mknod("pipe", S_IFIFO | 0666, 0));
  say("mknod, a file", mknod("made", S_IFREG | 0600, 0));
  say("mknod, what is there", mknod("made", S_IFREG | 0600, 0));
  say("mknod, a folder", mknod("folder2", S_IFDIR | 0700, 0));
  say("mknod, in no folder", mknod("nowhere/x", S_IFREG | 0600, 0));
  say("mknodat, a pipe", mknodat(here, "pipe2", S_IFIFO | 0644, 0));
  say("mknodat, no descriptor", mknodat(-1, "pipe3", S_IFIFO | 0644, 0));
  utimensat(here, "made", times, 0);
  const char *const names[] = {"file",  "folder", "link",    "dangling",   "circle", "large",         "pipe",
                               "pipe2", "made",   "nowhere", "file/below", "",       "folder/../file"};
  for (size_t index = 0; index < sizeof names / sizeof *names; ++index)
    show_all(names[index], here);
  SHOW("fstat", fstat(file, &status), status);
  SHOW("fstat64", fstat64(file, &status64), status64);
  SHOW("fstat, large", fstat(large, &status), status);
  SHOW("fstat64, large", fstat64(large, &status64), status64);
  SHOW("fstat, no descriptor", fstat(-1, &status), status);
  SHOW("fstat64, closed", fstat64(999, &status64), status64);
  SHOW("fstatat, by descriptor", fstatat(file, "", &status, AT_EMPTY_PATH), status);
  SHOW("fstatat64, by descriptor", fstatat64(file, "", &status64, AT_EMPTY_PATH), status64);
  SHOW("fstatat, no flag", fstatat(here, "file", &status, 0x40000000), status);
  SHOW("fstatat, no folder", fstatat(file, "file", &status, 0), status);
  SHOW("fstatat, this folder", fstatat(AT_FDCWD, "file", &status, 0), status);
  struct stat64 other;
  if (stat64("second", &other) || stat64("file", &status64))
    return 1;
  printf("the same file: %d %d\n", other.st_ino == status64.st_ino, other.st_dev == status64.st_dev);
  printf("blocks: %d, of %d\n", (int)status64.st_blocks > 0, status64.st_blksize > 0);
  return 0;
}
