/* System calls that are cancellation points.

   The way of glibc before 2.41: the thread can be cancelled at any time while it is in the kernel. As there, a call
   that has had its effect may be cancelled before it returns.  */

#ifndef PERENNIAL_CANCEL_H
#define PERENNIAL_CANCEL_H

#include "shim.h"

#include <pthread.h>
#include <sys/syscall.h>

#define CANCELLABLE(...)                                                                                               \
  ({                                                                                                                   \
    int type_before, type_now;                                                                                         \
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &type_before);                                                  \
    long result_of_call = syscall(__VA_ARGS__);                                                                        \
    pthread_setcanceltype(type_before, &type_now);                                                                     \
    result_of_call;                                                                                                    \
  })

#endif
