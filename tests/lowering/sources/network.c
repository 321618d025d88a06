/* __inet_ntop_chk and __inet_pton_chk.  */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern const char *__inet_ntop_chk(int, const void *, char *, socklen_t, size_t);
extern int __inet_pton_chk(int, const char *, void *, size_t);

static int dies(int family, size_t available, int reads)
{
  unsigned char address[16] = {0};
  char text[64];
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    if (reads)
      __inet_pton_chk(family, "::1", address, available);
    else
      __inet_ntop_chk(family, address, text, sizeof text, available);
    _exit(0);
  }
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int run(const char *folder)
{
  (void)folder;
  static const char *const texts[] = {"127.0.0.1", "::1", "2001:db8::ff00:42:8329", "", "1.2.3", "::ffff:1.2.3.4", "x"};
  static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
  for (size_t index = 0; index < sizeof texts / sizeof *texts; ++index)
    for (size_t which = 0; which < 3; ++which) {
      unsigned char address[16] = {0};
      char text[64] = "";
      errno = 0;
      int outcome = __inet_pton_chk(families[which], texts[index], address, sizeof address);
      printf("%s: %d %s", texts[index], outcome, strerror(errno));
      errno = 0;
      const char *back = __inet_ntop_chk(families[which], address, text, sizeof text, sizeof text);
      printf(", %s %d %s", text, back == text, strerror(errno));
      errno = 0;
      back = __inet_ntop_chk(families[which], address, text, 4, sizeof text);
      printf(", %d %s\n", back == NULL, strerror(errno));
    }
  printf("4: %d %d\n", dies(AF_INET, 3, 1), dies(AF_INET, 4, 1));
  printf("6: %d %d\n", dies(AF_INET6, 15, 1), dies(AF_INET6, 16, 1));
  printf("others: %d\n", dies(AF_UNIX, 0, 1));
  printf("to text: %d %d\n", dies(AF_INET, 63, 0), dies(AF_INET, 64, 0));
  return 0;
}
