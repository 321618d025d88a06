/* fcntl64, which fcntl is for whoever is compiled for 64-bit offsets.  */

#define _GNU_SOURCE 1
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int run(const char *folder)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/file", folder);
  int descriptor = open(path, O_CREAT | O_RDWR, 0600), copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 50);
  printf("dup %d, cloexec %d\n", copy >= 50, fcntl(copy, F_GETFD));
  printf("setfl %d, append %d\n", fcntl(copy, F_SETFL, O_APPEND), (fcntl(copy, F_GETFL) & O_APPEND) != 0);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1LL << 40, .l_len = 10};
  printf("setlk %d\n", fcntl(descriptor, F_SETLK, &lock));
  printf("getlk %d %d\n", fcntl(descriptor, F_GETLK, &lock), lock.l_type == F_UNLCK);
  lock = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
  printf("ofd %d\n", fcntl(descriptor, F_OFD_SETLK, &lock));
  errno = 0;
  printf("of no file %d %s\n", fcntl(-1, F_GETFD), strerror(errno));
  errno = 0;
  printf("of no kind %d %s\n", fcntl(descriptor, 99999), strerror(errno));
  return 0;
}
