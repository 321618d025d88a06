/* explicit_bzero, reallocarray, mallinfo2 and __libc_single_threaded.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern void explicit_bzero(void *, size_t);
extern void __explicit_bzero_chk(void *, size_t, size_t);
extern void *reallocarray(void *, size_t, size_t);
extern char __libc_single_threaded;

static void *nothing(void *argument) { return argument; }

static void show(const char *name, const unsigned char *bytes, size_t size)
{
  printf("%s: ", name);
  for (size_t index = 0; index < size; ++index)
    printf("%02x", bytes[index]);
  printf("\n");
}

int run(const char *folder)
{
  (void)folder;
  unsigned char secret[16];
  memset(secret, 0x5a, sizeof secret);
  explicit_bzero(secret + 2, 12);
  show("explicit_bzero", secret, sizeof secret);
  explicit_bzero(secret, 0);
  show("of nothing", secret, sizeof secret);
  memset(secret, 0x5a, sizeof secret);
  __explicit_bzero_chk(secret, 4, sizeof secret);
  __explicit_bzero_chk(secret + 8, 8, 8);
  show("checked", secret, sizeof secret);
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    __explicit_bzero_chk(secret, sizeof secret, sizeof secret - 1);
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("too much: %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);

  char *text = reallocarray(NULL, 3, 5);
  strcpy(text, "fourteen bytes");
  text = reallocarray(text, 1000, 100);
  printf("reallocarray: %s\n", text);
  static const size_t many[][2] = {{SIZE_MAX, 2},
                                   {2, SIZE_MAX},
                                   {SIZE_MAX, SIZE_MAX},
                                   {SIZE_MAX / 2 + 1, 2},
                                   {(size_t)1 << (sizeof(size_t) * 4), (size_t)1 << (sizeof(size_t) * 4)}};
  for (size_t index = 0; index < sizeof many / sizeof *many; ++index) {
    errno = 0;
    void *none = reallocarray(text, many[index][0], many[index][1]);
    printf("too many: %d %d %s\n", none == NULL, errno == ENOMEM, text);
  }
  errno = 77;
  void *empty = reallocarray(NULL, 0, SIZE_MAX);
  printf("no bytes: %d errno %d\n", empty != NULL, errno);
  free(empty);
  free(text);

  struct mallinfo2 before = mallinfo2();
  char *block = malloc(50000), *mapped = malloc(40 << 20);
  struct mallinfo2 after = mallinfo2();
  printf("mallinfo2: %d %d %d\n", after.uordblks - before.uordblks >= 50000 && after.uordblks - before.uordblks < 60000,
         after.hblkhd - before.hblkhd >= 40 << 20, (int)(after.hblks - before.hblks));
  printf("arena: %d, in use and free: %d\n", after.arena > 0, after.uordblks + after.fordblks == after.arena);
  free(block);
  free(mapped);
  struct mallinfo2 freed = mallinfo2();
  printf("freed: %d %d\n", freed.uordblks < after.uordblks, (int)(freed.hblks - before.hblks));

  /* With one thread it may be either; with two, it is 0.  */
  pthread_t thread;
  printf("one thread: %d\n", __libc_single_threaded == 0 || __libc_single_threaded == 1);
  if (pthread_create(&thread, NULL, nothing, NULL) != 0)
    return 1;
  printf("two: %d\n", __libc_single_threaded);
  pthread_join(thread, NULL);
  return 0;
}
