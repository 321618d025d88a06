/* memset_explicit, free_sized and free_aligned_sized: C23's, which glibc has since 2.43.  */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *memset_explicit(void *, int, size_t);
extern void *__memset_explicit_chk(void *, int, size_t, size_t);
extern void free_sized(void *, size_t);
extern void free_aligned_sized(void *, size_t, size_t);

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
  printf("the same: %d\n", memset_explicit(secret + 2, 0x1ff, 12) == secret + 2);
  show("memset_explicit", secret, sizeof secret);
  printf("the same: %d\n", __memset_explicit_chk(secret, 1, 4, 16) == secret);
  show("checked", secret, sizeof secret);
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    __memset_explicit_chk(secret, 0, sizeof secret, sizeof secret - 1);
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("too much: %d\n", WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
  free_sized(NULL, 0);
  free_aligned_sized(NULL, 16, 0);
  for (int index = 0; index < 1000; ++index) {
    free_sized(malloc(100000), 100000);
    free_aligned_sized(aligned_alloc(64, 128000), 64, 128000);
  }
  printf("freed\n");
  return 0;
}
