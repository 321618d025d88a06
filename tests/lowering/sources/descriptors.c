/* close_range, closefrom and memfd_create. Each is tried in a child, whose other descriptors matter to nobody.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern int close_range(unsigned, unsigned, int);
extern void closefrom(int);

enum { FIRST = 20, COUNT = 12, ON_EXEC = 4 };

static void open_some(void)
{
  for (int descriptor = FIRST; descriptor < FIRST + COUNT; ++descriptor)
    dup2(STDOUT_FILENO, descriptor);
  close(FIRST + 3);
}

/* 1 for an open one, 2 for one that exec closes.  */
static void show(const char *text)
{
  printf("%s: ", text);
  for (int descriptor = FIRST; descriptor < FIRST + COUNT; ++descriptor) {
    int flags = fcntl(descriptor, F_GETFD);
    printf("%d", flags < 0 ? 0 : flags & FD_CLOEXEC ? 2 : 1);
  }
  printf("\n");
}

static void try_range(const char *text, unsigned first, unsigned last, int flags)
{
  fflush(stdout);
  if (fork() == 0) {
    open_some();
    errno = 0;
    int outcome = close_range(first, last, flags);
    printf("%d %s, ", outcome, outcome ? strerror(errno) : "closed");
    show(text);
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
}

static void try_from(const char *text, int first, int many)
{
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    open_some();
    for (int descriptor = 100; descriptor < 100 + many; ++descriptor)
      dup2(STDOUT_FILENO, descriptor);
    errno = 77;
    closefrom(first);
    if (first < 1)
      _exit(write(STDOUT_FILENO, "", 1) == -1 && errno == EBADF ? 0 : 1);
    int left = 0;
    for (int descriptor = 100; descriptor < 100 + many; ++descriptor)
      left += fcntl(descriptor, F_GETFD) >= 0;
    printf("%d left, ", left);
    show(text);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("ends with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void show_memory(const char *text, int descriptor)
{
  struct stat64 status;
  if (descriptor < 0) {
    printf("%s: %s\n", text, strerror(errno));
    return;
  }
  fstat64(descriptor, &status);
  printf("%s: %d bytes, kind %o, flags %d\n", text, (int)status.st_size, status.st_mode & S_IFMT,
         fcntl(descriptor, F_GETFD));
}

int run(const char *folder)
{
  (void)folder;
  try_range("all", FIRST, FIRST + COUNT, 0);
  try_range("some", FIRST + 2, FIRST + 5, 0);
  try_range("one", FIRST + 1, FIRST + 1, 0);
  try_range("up to the last", FIRST + 6, ~0U, 0);
  try_range("none", FIRST + 5, FIRST + 4, 0);
  try_range("none there", 900, 999, 0);
  try_range("at exec", FIRST + 6, FIRST + 9, ON_EXEC);
  try_range("no such flag", FIRST, FIRST + 3, 64);
  try_from("from the first", FIRST, 0);
  try_from("from the fifth", FIRST + 5, 0);
  try_from("from after", FIRST + COUNT, 500);
  try_from("from among many", FIRST + 1, 500);
  try_from("from 0", 0, 0);
  try_from("from -1", -1, 0);
  struct rlimit few = {.rlim_cur = FIRST + COUNT, .rlim_max = FIRST + COUNT};
  fflush(stdout);
  if (fork() == 0) {
    /* None is left to open a folder with.  */
    setrlimit(RLIMIT_NOFILE, &few);
    for (int descriptor = 3; descriptor < FIRST + COUNT; ++descriptor)
      dup2(STDOUT_FILENO, descriptor);
    closefrom(FIRST);
    show("without a free one");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);

  int memory = memfd_create("name", 0);
  show_memory("memfd_create", memory);
  printf("written: %d\n", (int)write(memory, "text", 4));
  show_memory("then", memory);
  show_memory("at exec", memfd_create("", MFD_CLOEXEC));
  int sealed = memfd_create("sealed", MFD_ALLOW_SEALING);
  printf("seal: %d\n", fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE));
  printf("write: %d %s\n", (int)write(sealed, "x", 1), strerror(errno));
  show_memory("no such flag", memfd_create("x", 0x4000));
  char name[300];
  memset(name, 'x', sizeof name);
  name[249] = '\0';
  show_memory("long name", memfd_create(name, 0));
  name[249] = 'x';
  name[250] = '\0';
  show_memory("too long", memfd_create(name, 0));
  return 0;
}
