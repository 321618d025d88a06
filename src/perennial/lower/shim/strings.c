/* strlcpy, strlcat, wcslcpy, wcslcat and their checked forms: glibc 2.38, POSIX.1-2024.

   The result is the length that the whole text would have; it fits where it is less than the size. The checked forms
   are what _FORTIFY_SOURCE calls: with a size that is larger than the object, they end the process with glibc's own
   message.  */

#include "shim.h"

#include <string.h>
#include <wchar.h>

extern void __chk_fail(void) __attribute__((noreturn));

static size_t copy(char *to, const char *from, size_t size)
{
  size_t length = strlen(from);
  if (size > 0) {
    size_t count = length < size ? length : size - 1;
    memcpy(to, from, count);
    to[count] = '\0';
  }
  return length;
}

static size_t append(char *to, const char *from, size_t size)
{
  size_t used = strnlen(to, size);
  return used + copy(to + used, from, size - used);
}

static size_t copy_wide(wchar_t *to, const wchar_t *from, size_t size)
{
  size_t length = wcslen(from);
  if (size > 0) {
    size_t count = length < size ? length : size - 1;
    wmemcpy(to, from, count);
    to[count] = L'\0';
  }
  return length;
}

static size_t append_wide(wchar_t *to, const wchar_t *from, size_t size)
{
  size_t used = wcsnlen(to, size);
  return used + copy_wide(to + used, from, size - used);
}

SHIM(size_t, strlcpy)(char *to, const char *from, size_t size) { return copy(to, from, size); }

SHIM(size_t, strlcat)(char *to, const char *from, size_t size) { return append(to, from, size); }

SHIM(size_t, wcslcpy)(wchar_t *to, const wchar_t *from, size_t size) { return copy_wide(to, from, size); }

SHIM(size_t, wcslcat)(wchar_t *to, const wchar_t *from, size_t size) { return append_wide(to, from, size); }

SHIM(size_t, __strlcpy_chk)(char *to, const char *from, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  return copy(to, from, size);
}

SHIM(size_t, __strlcat_chk)(char *to, const char *from, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  return append(to, from, size);
}

SHIM(size_t, __wcslcpy_chk)(wchar_t *to, const wchar_t *from, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  return copy_wide(to, from, size);
}

SHIM(size_t, __wcslcat_chk)(wchar_t *to, const wchar_t *from, size_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  return append_wide(to, from, size);
}
