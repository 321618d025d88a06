/* Calls `run` of a library: main LIBRARY FOLDER [NUMBER...]

   FOLDER is one that may be written to. The system calls with these numbers fail with ENOSYS, as if the kernel were
   older (77 where that cannot be had). The library is lowered in tests, this program is not.  */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static int forbid(unsigned number)
{
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

int main(int count, char **words)
{
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int index = 3; index < count; ++index)
    if (forbid((unsigned)atoi(words[index])))
      return 77;
  void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  int (*run)(const char *) = (int (*)(const char *))dlsym(library, "run");
  return run == NULL ? 2 : run(words[2]);
}
