/* statx, renameat2, copy_file_range, preadv2, pwritev2 and getdents64.  */

#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

extern ssize_t getdents64(int, void *, size_t);

static void say(const char *text, long outcome)
{
  printf("%s: %ld %s\n", text, outcome, outcome < 0 ? strerror(errno) : "");
}

static void show_statx(const char *text, int folder, const char *path, int flags, unsigned mask)
{
  struct statx result;
  memset(&result, 0xA5, sizeof result);
  errno = 0;
  if (statx(folder, path, flags, mask, &result) != 0) {
    printf("%s: %s\n", text, strerror(errno));
    return;
  }
  printf("%s: mode %o links %u size %lld owner %u:%u modified %lld.%09u device %u:%u all %d\n", text, result.stx_mode,
         S_ISDIR(result.stx_mode) ? 0 : result.stx_nlink, S_ISREG(result.stx_mode) ? (long long)result.stx_size : -1LL,
         result.stx_uid, result.stx_gid, S_ISREG(result.stx_mode) ? (long long)result.stx_mtime.tv_sec : 0LL,
         S_ISREG(result.stx_mode) ? result.stx_mtime.tv_nsec : 0, result.stx_rdev_major, result.stx_rdev_minor,
         (result.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
}

static void try_statx(int here, int file)
{
  show_statx("statx", AT_FDCWD, "file", 0, STATX_BASIC_STATS);
  show_statx("statx, little asked", here, "file", 0, STATX_SIZE);
  show_statx("statx, link", here, "link", 0, STATX_BASIC_STATS);
  show_statx("statx, of the link", here, "link", AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS);
  show_statx("statx, folder", here, "folder", 0, STATX_BASIC_STATS);
  show_statx("statx, by descriptor", file, "", AT_EMPTY_PATH, STATX_BASIC_STATS);
  show_statx("statx, from the server", here, "file", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS);
  show_statx("statx, nowhere", here, "nowhere", 0, STATX_BASIC_STATS);
  show_statx("statx, no path", here, "", 0, STATX_BASIC_STATS);
  show_statx("statx, below a file", file, "x", 0, STATX_BASIC_STATS);
  show_statx("statx, no flag", here, "file", 0x40000000, STATX_BASIC_STATS);
  struct statx result;
  struct stat64 status;
  if (statx(here, "file", 0, STATX_BASIC_STATS, &result) != 0 || stat64("file", &status) != 0)
    return;
  printf("as stat: %d %d %d %d\n", result.stx_ino == status.st_ino,
         (long long)result.stx_blocks == (long long)status.st_blocks, result.stx_blksize == (unsigned)status.st_blksize,
         result.stx_ctime.tv_nsec == (unsigned)status.st_ctim.tv_nsec);
}

static void try_renames(int here)
{
  say("renameat2", renameat2(here, "a", here, "b", 0));
  say("of what is gone", renameat2(here, "a", here, "b", 0));
  say("onto what is there, not", renameat2(here, "b", here, "file", RENAME_NOREPLACE));
  say("exchanged", renameat2(here, "b", here, "folder", RENAME_EXCHANGE));
  struct stat64 status;
  printf("exchanged: %d\n", stat64("b", &status) == 0 && S_ISDIR(status.st_mode));
  say("no such flag", renameat2(here, "b", here, "c", 0x80));
  say("flags that exclude each other", renameat2(here, "b", here, "c", RENAME_EXCHANGE | RENAME_NOREPLACE));
}

static void try_copies(int file)
{
  int to = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
  off64_t start = 2, end = 1;
  char text[20] = "";
  lseek(file, 0, SEEK_SET);
  say("copy_file_range", copy_file_range(file, NULL, to, NULL, 4, 0));
  say("from 2 to 1", copy_file_range(file, &start, to, &end, 3, 0));
  printf("then at %d %d, file at %d\n", (int)start, (int)end, (int)lseek(file, 0, SEEK_CUR));
  say("the rest", copy_file_range(file, NULL, to, NULL, 1000, 0));
  say("no more", copy_file_range(file, NULL, to, NULL, 1000, 0));
  say("no such flag", copy_file_range(file, NULL, to, NULL, 1, 1));
  say("no descriptor", copy_file_range(-1, NULL, to, NULL, 1, 0));
  printf("copied: %d %s\n", (int)pread(to, text, sizeof text - 1, 0), text);
}

#define TRY_VECTORS(read, write)                                                                                       \
  do {                                                                                                                 \
    char first[4] = "", second[8] = "";                                                                                \
    struct iovec parts[2] = {{first, 3}, {second, 5}};                                                                 \
    lseek(file, 1, SEEK_SET);                                                                                          \
    say(#read, read(file, parts, 2, 0, 0));                                                                            \
    printf("%s %s at %d\n", first, second, (int)lseek(file, 0, SEEK_CUR));                                             \
    memset(second, 0, sizeof second);                                                                                  \
    say("at its own position", read(file, parts, 2, -1, 0));                                                           \
    printf("%s %s at %d\n", first, second, (int)lseek(file, 0, SEEK_CUR));                                             \
    say("at the end", read(file, parts, 2, 10, 0));                                                                    \
    say("before the beginning", read(file, parts, 2, -2, 0));                                                          \
    say("no such flag", read(file, parts, 2, 0, 0x40000000));                                                          \
    parts[0].iov_base = "xyz";                                                                                         \
    parts[1].iov_base = "12345";                                                                                       \
    say(#write, write(other, parts, 2, 5, 0));                                                                         \
    say("at its own position", write(other, parts, 1, -1, 0));                                                         \
    say("no such flag", write(other, parts, 2, 0, 0x40000000));                                                        \
    say("no descriptor", write(-1, parts, 2, 0, 0));                                                                   \
  } while (0)

static void try_vectors(int file)
{
  int other = open("other", O_RDWR | O_CREAT | O_TRUNC, 0600);
  TRY_VECTORS(preadv2, pwritev2);
  TRY_VECTORS(preadv64v2, pwritev64v2);
  char text[20] = "";
  int size = (int)pread(other, text, sizeof text - 1, 0);
  printf("%d %d %s\n", size, text[4], text + 5);
}

static void try_listing(int here)
{
  char records[8000], small[8];
  int found = 0;
  lseek(here, 0, SEEK_SET);
  for (long size; (size = getdents64(here, records, sizeof records)) > 0;)
    for (char *record = records; record < records + size;) {
      struct dirent64 *entry = (struct dirent64 *)record;
      found += !strcmp(entry->d_name, "file") || !strcmp(entry->d_name, "link") || !strcmp(entry->d_name, "..");
      record += entry->d_reclen;
    }
  printf("getdents64: %d\n", found);
  lseek(here, 0, SEEK_SET);
  say("no room", getdents64(here, small, sizeof small));
  say("no descriptor", getdents64(-1, records, sizeof records));
}

static int cleaned;
static void clean(void *argument) { cleaned += *(int *)argument; }

/* Cancellation points: a thread that is to be cancelled ends in them.  */
static void *is_cancelled(void *argument)
{
  int *ends = argument, one = 1;
  char byte;
  struct iovec part = {&byte, 1};
  pthread_cleanup_push(clean, &one);
  pthread_cancel(pthread_self());
  if (ends[2] == 0)
    preadv2(ends[0], &part, 1, -1, 0);
  else
    copy_file_range(ends[0], NULL, ends[1], NULL, 1, 0);
  pthread_cleanup_pop(0);
  return NULL;
}

static void *waits(void *argument)
{
  char byte;
  struct iovec part = {&byte, 1};
  int one = 1;
  pthread_cleanup_push(clean, &one);
  preadv2(*(int *)argument, &part, 1, -1, 0);
  pthread_cleanup_pop(0);
  return NULL;
}

static int try_cancellation(void)
{
  int ends[3];
  pthread_t thread;
  void *result;
  if (pipe(ends) != 0)
    return 1;
  for (ends[2] = 0; ends[2] < 2; ++ends[2]) {
    if (pthread_create(&thread, NULL, is_cancelled, ends) != 0)
      return 1;
    pthread_join(thread, &result);
    printf("cancelled: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned);
  }
  /* One that is in the kernel, or will be soon, waiting for what never comes.  */
  if (pthread_create(&thread, NULL, waits, ends) != 0)
    return 1;
  usleep(50000);
  pthread_cancel(thread);
  pthread_join(thread, &result);
  printf("cancelled while it waits: %d, cleaned up: %d\n", result == PTHREAD_CANCELED, cleaned);
  return 0;
}

int run(const char *folder)
{
  const struct timespec times[2] = {{1000000000, 123456789}, {1234567890, 987654321}};
  if (chdir(folder) != 0)
    return 1;
  umask(022);
  int here = open(".", O_RDONLY | O_DIRECTORY);
  int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0640);
  close(open("a", O_RDWR | O_CREAT, 0600));
  if (write(file, "0123456789", 10) != 10 || futimens(file, times) != 0 || symlink("file", "link") != 0)
    return 1;
  mkdir("folder", 0751);
  try_statx(here, file);
  try_renames(here);
  try_copies(file);
  try_vectors(file);
  try_listing(here);
  return try_cancellation();
}
