/* Functions that are called where there are any, as Rust's standard library does.  */

#define _GNU_SOURCE 1
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#pragma weak copy_file_range
#pragma weak statx
#pragma weak gettid
#pragma weak getrandom
extern ssize_t getrandom(void *, size_t, unsigned);

int run(const char *folder)
{
  char path[4096], random[16];
  struct stat status;
  struct statx more;
  snprintf(path, sizeof path, "%s/file", folder);
  int descriptor = open(path, O_CREAT | O_RDWR, 0600);
  long long size = 0;
  if (statx != NULL && statx(AT_FDCWD, path, 0, STATX_SIZE, &more) == 0)
    size = (long long)more.stx_size;
  else if (fstat(descriptor, &status) == 0)
    size = status.st_size;
  printf("size %lld\n", size);
  printf("thread %d\n", gettid == NULL || gettid() == getpid());
  printf("random %d\n", getrandom == NULL || getrandom(random, sizeof random, 0) == sizeof random);
  printf("copied %d\n", copy_file_range == NULL || copy_file_range(descriptor, NULL, descriptor, NULL, 0, 0) == 0);
  return 0;
}
