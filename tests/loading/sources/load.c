/* Opens libraries as Python opens extension modules, one process each, and says what happened.

   load [OPTION... LIBRARY [FUNCTION...]] [-- ...]

   The groups between -- are independent. Each prints lines that begin with the library:
     LIBRARY opened
     LIBRARY FUNCTION = 42          int FUNCTION(void)
     LIBRARY FUNCTION = "text"      const char *FUNCTION(void), asked for as s:FUNCTION
     LIBRARY FUNCTION absent
     LIBRARY refused: WORDS OF THE LOADER
     LIBRARY killed by signal N     or LIBRARY ended with N, as ld.so does where it loses an assertion
     LIBRARY maps PATH              with the option -m, one for each library in the process
     LIBRARY closed                 with the option -c, dlclose afterwards
   -g opens with RTLD_GLOBAL. Written for the C library alone, with few functions, as it runs on old and new. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *library;

static int print_name(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  (void)data;
  if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0')
    printf("%s maps %s\n", library, info->dlpi_name);
  return 0;
}

static void call(void *handle, const char *wanted) {
  int text = strncmp(wanted, "s:", 2) == 0;
  const char *name = text ? wanted + 2 : wanted;
  void *address = dlsym(handle, name);
  if (address == NULL) {
    printf("%s %s absent\n", library, name);
  } else if (text) {
    const char *(*function)(void);
    memcpy(&function, &address, sizeof address);
    printf("%s %s = \"%s\"\n", library, name, function());
  } else {
    int (*function)(void);
    memcpy(&function, &address, sizeof address);
    printf("%s %s = %d\n", library, name, function());
  }
  fflush(stdout);
}

/* One group of arguments, in a process of its own. */
static void load(char **words) {
  int flags = RTLD_NOW, maps = 0, close = 0;
  for (; *words != NULL && (*words)[0] == '-'; words++) {
    if ((*words)[1] == 'g')
      flags |= RTLD_GLOBAL;
    else if ((*words)[1] == 'm')
      maps = 1;
    else
      close = 1;
  }
  library = *words++;
  void *handle = dlopen(library, flags);
  if (handle == NULL) {
    printf("%s refused: %s\n", library, dlerror());
    return;
  }
  printf("%s opened\n", library);
  fflush(stdout);
  for (; *words != NULL; words++)
    call(handle, *words);
  if (maps)
    dl_iterate_phdr(print_name, NULL);
  if (close && dlclose(handle) == 0)
    printf("%s closed\n", library);
}

int main(int count, char **words) {
  (void)count;
  int status;
  for (words++; *words != NULL;) {
    char **end = words;
    while (*end != NULL && strcmp(*end, "--") != 0)
      end++;
    char **next = *end == NULL ? end : end + 1;
    *end = NULL;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      load(words);
      fflush(stdout);
      _exit(0);
    }
    waitpid(child, &status, 0);
    while (*words != NULL && (*words)[0] == '-')
      words++;
    if (WIFSIGNALED(status))
      printf("%s killed by signal %d\n", *words, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
      printf("%s ended with %d\n", *words, WEXITSTATUS(status));
    words = next;
  }
  return 0;
}
