/* What libutil had before glibc 2.34, without what writes into the machine's records of logins.  */

#include <errno.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utmp.h>

int run(const char *folder)
{
  (void)folder;
  int master = -1, slave = -1;
  struct winsize size = {.ws_row = 7, .ws_col = 11};
  int outcome = openpty(&master, &slave, NULL, NULL, &size);
  if (outcome == 0) { /* a root without /dev/pts has none */
    char text[8] = "";
    ssize_t sent = write(slave, "hello", 5), came = read(master, text, sizeof text - 1);
    printf("%zd %zd %s %d\n", sent, came, text, isatty(slave));
    close(master);
    close(slave);
  }
  int pipes[2];
  if (pipe(pipes) != 0)
    return 1;
  errno = 0;
  printf("login_tty of a pipe %d %s\n", login_tty(pipes[0]), strerror(errno));
  return 0;
}
