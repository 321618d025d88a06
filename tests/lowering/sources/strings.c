/* strlcpy, strlcat, wcslcpy, wcslcat, and what their checked forms do with a size that is too large.  */

#define _GNU_SOURCE 1
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

extern size_t strlcpy(char *, const char *, size_t);
extern size_t strlcat(char *, const char *, size_t);
extern size_t wcslcpy(wchar_t *, const wchar_t *, size_t);
extern size_t wcslcat(wchar_t *, const wchar_t *, size_t);
extern size_t __strlcpy_chk(char *, const char *, size_t, size_t);
extern size_t __strlcat_chk(char *, const char *, size_t, size_t);
extern size_t __wcslcpy_chk(wchar_t *, const wchar_t *, size_t, size_t);
extern size_t __wcslcat_chk(wchar_t *, const wchar_t *, size_t, size_t);

enum { SIZE = 12 };

static void show(const char *name, size_t size, size_t result, const void *buffer, size_t bytes)
{
  printf("%s %zu: %zu ", name, size, result);
  for (size_t index = 0; index < bytes; ++index)
    printf("%02x", ((const unsigned char *)buffer)[index]);
  printf("\n");
}

#define TRY(letter, name, before, text, ...)                                                                           \
  for (size_t size = 0; size <= SIZE; ++size) {                                                                        \
    letter buffer[SIZE];                                                                                               \
    memset(buffer, 0x2e, sizeof buffer);                                                                               \
    memcpy(buffer, before, sizeof before);                                                                             \
    size_t result = name(buffer, text, size, ##__VA_ARGS__);                                                           \
    unsigned char low[SIZE];                                                                                           \
    for (size_t index = 0; index < SIZE; ++index)                                                                      \
      low[index] = (unsigned char)buffer[index];                                                                       \
    show(#name, size, result, low, sizeof low);                                                                        \
  }

/* What a child says before it dies, up to where releases differ.  */
#define DIES(name, letter, text)                                                                                       \
  do {                                                                                                                 \
    int ends[2], status;                                                                                               \
    char said[200] = "";                                                                                               \
    fflush(stdout);                                                                                                    \
    if (pipe(ends) != 0)                                                                                               \
      return 1;                                                                                                        \
    pid_t child = fork();                                                                                              \
    if (child == 0) {                                                                                                  \
      letter buffer[SIZE] = {0};                                                                                       \
      dup2(ends[1], STDERR_FILENO);                                                                                    \
      setenv("LIBC_FATAL_STDERR_", "1", 1);                                                                            \
      name(buffer, text, SIZE + 1, SIZE);                                                                              \
      _exit(0);                                                                                                        \
    }                                                                                                                  \
    close(ends[1]);                                                                                                    \
    ssize_t ignored = read(ends[0], said, sizeof said - 1);                                                            \
    (void)ignored;                                                                                                     \
    close(ends[0]);                                                                                                    \
    waitpid(child, &status, 0);                                                                                        \
    char *end = strstr(said, "detected ***");                                                                          \
    if (end != NULL)                                                                                                   \
      end[strlen("detected ***")] = '\0';                                                                              \
    printf("%s: %s, %s\n", #name, WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? "aborts" : "goes on", said);    \
  } while (0)

int run(const char *folder)
{
  (void)folder;
  TRY(char, strlcpy, "old", "a text")
  TRY(char, strlcpy, "old", "")
  TRY(char, strlcpy, "old", "a longer text than fits")
  TRY(char, strlcat, "old", "er text")
  TRY(char, strlcat, "old", "")
  TRY(char, strlcat, "", "a longer text than fits")
  TRY(wchar_t, wcslcpy, L"old", L"a text")
  TRY(wchar_t, wcslcpy, L"old", L"")
  TRY(wchar_t, wcslcat, L"old", L"er text")
  TRY(wchar_t, wcslcat, L"old", L"")
  TRY(char, __strlcpy_chk, "old", "a text", SIZE)
  TRY(char, __strlcat_chk, "old", "er text that is long", SIZE)
  TRY(wchar_t, __wcslcpy_chk, L"old", L"a text", SIZE)
  TRY(wchar_t, __wcslcat_chk, L"old", L"er text that is long", SIZE)
  DIES(__strlcpy_chk, char, "short");
  DIES(__strlcat_chk, char, "short");
  DIES(__wcslcpy_chk, wchar_t, L"short");
  DIES(__wcslcat_chk, wchar_t, L"short");
  return 0;
}
