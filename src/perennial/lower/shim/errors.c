/* strerrorname_np and strerrordesc_np (glibc 2.32): what an error is called, and in English.

   The host's own, where it has them. Before, the names are here, up to EHWPOISON, the last one until glibc 2.43 got
   another; the texts are the host's, in the C locale. To find them, older releases take a lock, so that
   strerrordesc_np is not for signal handlers there.  */

#include "shim.h"

#include <locale.h>
#include <string.h>

/* Those of asm-generic/errno.h, from 1 on, which are those of every architecture here; 41 and 58 are none. (On ppc64le,
   58 is a name of its own.)  */
static const char names[] =
    "EPERM\0ENOENT\0ESRCH\0EINTR\0EIO\0ENXIO\0E2BIG\0ENOEXEC\0EBADF\0ECHILD\0EAGAIN\0ENOMEM\0EACCES\0EFAULT\0"
    "ENOTBLK\0EBUSY\0EEXIST\0EXDEV\0ENODEV\0ENOTDIR\0EISDIR\0EINVAL\0ENFILE\0EMFILE\0ENOTTY\0ETXTBSY\0EFBIG\0"
    "ENOSPC\0ESPIPE\0EROFS\0EMLINK\0EPIPE\0EDOM\0ERANGE\0EDEADLK\0ENAMETOOLONG\0ENOLCK\0ENOSYS\0ENOTEMPTY\0"
    "ELOOP\0\0ENOMSG\0EIDRM\0ECHRNG\0EL2NSYNC\0EL3HLT\0EL3RST\0ELNRNG\0EUNATCH\0ENOCSI\0EL2HLT\0EBADE\0EBADR\0"
    "EXFULL\0ENOANO\0EBADRQC\0EBADSLT\0\0EBFONT\0ENOSTR\0ENODATA\0ETIME\0ENOSR\0ENONET\0ENOPKG\0EREMOTE\0"
    "ENOLINK\0EADV\0ESRMNT\0ECOMM\0EPROTO\0EMULTIHOP\0EDOTDOT\0EBADMSG\0EOVERFLOW\0ENOTUNIQ\0EBADFD\0EREMCHG\0"
    "ELIBACC\0ELIBBAD\0ELIBSCN\0ELIBMAX\0ELIBEXEC\0EILSEQ\0ERESTART\0ESTRPIPE\0EUSERS\0ENOTSOCK\0EDESTADDRREQ\0"
    "EMSGSIZE\0EPROTOTYPE\0ENOPROTOOPT\0EPROTONOSUPPORT\0ESOCKTNOSUPPORT\0EOPNOTSUPP\0EPFNOSUPPORT\0"
    "EAFNOSUPPORT\0EADDRINUSE\0EADDRNOTAVAIL\0ENETDOWN\0ENETUNREACH\0ENETRESET\0ECONNABORTED\0ECONNRESET\0"
    "ENOBUFS\0EISCONN\0ENOTCONN\0ESHUTDOWN\0ETOOMANYREFS\0ETIMEDOUT\0ECONNREFUSED\0EHOSTDOWN\0EHOSTUNREACH\0"
    "EALREADY\0EINPROGRESS\0ESTALE\0EUCLEAN\0ENOTNAM\0ENAVAIL\0EISNAM\0EREMOTEIO\0EDQUOT\0ENOMEDIUM\0"
    "EMEDIUMTYPE\0ECANCELED\0ENOKEY\0EKEYEXPIRED\0EKEYREVOKED\0EKEYREJECTED\0EOWNERDEAD\0ENOTRECOVERABLE\0"
    "ERFKILL\0EHWPOISON\0";

HOST(const char *, strerrorname_np, int);
HOST(const char *, strerrordesc_np, int);

enum { LAST = 133 };

/* The name, NULL if there is none; "0" for none at all, as in glibc.  */
static const char *name_of(int error)
{
#ifdef __powerpc__
  if (error == 58)
    return "EDEADLOCK";
#endif
  if (error == 0)
    return "0";
  if (error < 0 || error > LAST)
    return NULL;
  const char *name = names;
  while (--error > 0)
    name += strlen(name) + 1;
  return *name == '\0' ? NULL : name;
}

SHIM(const char *, strerrorname_np)(int error)
{
  return host_strerrorname_np ? host_strerrorname_np(error) : name_of(error);
}

SHIM(const char *, strerrordesc_np)(int error)
{
  if (host_strerrordesc_np)
    return host_strerrordesc_np(error);
  if (name_of(error) == NULL)
    return NULL;
  locale_t locale = newlocale(LC_ALL_MASK, "C", NULL); /* glibc's own, which is there: nothing is allocated */
  return strerror_l(error, locale);
}
