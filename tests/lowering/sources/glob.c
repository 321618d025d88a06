/* glob: links that lead nowhere are what the versions differ in.  */

#define _GNU_SOURCE 1
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *folder, const char *pattern, int flags)
{
  char path[4096];
  glob_t found = {0};
  snprintf(path, sizeof path, "%s/%s", folder, pattern);
  printf("%s: %d", pattern, glob(path, flags, NULL, &found));
  for (size_t index = 0; index < found.gl_pathc; ++index)
    printf(" %s", found.gl_pathv[index] + strlen(folder) + 1);
  printf("\n");
  globfree(&found);
}

int run(const char *folder)
{
  char path[4096], to[4096];
  static const char *const files[] = {"a.c", "b.c", "ab.h", ".hidden"};
  for (int index = 0; index < 4; ++index) {
    snprintf(path, sizeof path, "%s/%s", folder, files[index]);
    close(open(path, O_CREAT | O_WRONLY, 0600));
  }
  snprintf(path, sizeof path, "%s/d", folder);
  mkdir(path, 0700);
  snprintf(path, sizeof path, "%s/to-a.c", folder);
  snprintf(to, sizeof to, "%s/a.c", folder);
  if (symlink(to, path) != 0)
    return 1;
  show(folder, "*", GLOB_MARK);
  show(folder, "[ab]*.c", 0);
  show(folder, "{a,b}.c", GLOB_BRACE);
  show(folder, "nothing*", 0);
  show(folder, "nothing*", GLOB_NOCHECK);
  show(folder, ".h*", GLOB_PERIOD);
  snprintf(path, sizeof path, "%s/to-nothing.c", folder);
  if (symlink("/no/such/file", path) != 0)
    return 1;
  printf("differs: ");
  show(folder, "to-*", 0);
  return 0;
}
