/* __inet_ntop_chk and __inet_pton_chk (glibc 2.42): what _FORTIFY_SOURCE calls.  */

#include "shim.h"

#include <arpa/inet.h>

extern void __chk_fail(void) __attribute__((noreturn));

SHIM(const char *, __inet_ntop_chk)(int family, const void *address, char *text, socklen_t size, size_t available)
{
  if (available < size)
    __chk_fail();
  return inet_ntop(family, address, text, size);
}

SHIM(int, __inet_pton_chk)(int family, const char *text, void *address, size_t available)
{
  if ((family == AF_INET && available < 4) || (family == AF_INET6 && available < 16))
    __chk_fail();
  return inet_pton(family, text, address);
}
