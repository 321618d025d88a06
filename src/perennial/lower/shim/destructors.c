/* __cxa_thread_atexit_impl (glibc 2.18): what runs the destructors of C++'s thread_local variables.

   The host's own, where it has one. With glibc 2.17 they are kept here: they run in the reverse order of their
   registration when the thread ends, and for the thread that calls exit when it does. What differs then:
   - a library that is closed (dlclose) before the threads end that have variables of it is gone when their destructors
     are to run. glibc keeps it until then. (CPython never closes extension modules.)
   - they run among the destructors of pthread keys and the functions of atexit, not before all of them.  */

#include "shim.h"

#include <pthread.h>
#include <stdlib.h>

typedef void destructor(void *);

struct registered {
  destructor *function;
  void *object;
  struct registered *before;
};

extern int __cxa_atexit(void (*)(void *), void *, void *);

HOST(int, __cxa_thread_atexit_impl, destructor *, void *, void *);

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Destructors may register others, which then run next; pthread would call this again for them.  */
static void run_all(void *unused)
{
  (void)unused;
  for (struct registered *last; (last = pthread_getspecific(key)) != NULL;) {
    pthread_setspecific(key, last->before);
    last->function(last->object);
    free(last);
  }
}

/* pthread has taken the value away before it calls.  */
static void run_of_thread(void *last)
{
  pthread_setspecific(key, last);
  run_all(NULL);
}

static void begin(void)
{
  if (pthread_key_create(&key, run_of_thread) != 0 || __cxa_atexit(run_all, NULL, NULL) != 0)
    FATAL("perennial: thread_local destructors cannot be registered");
}

SHIM(int, __cxa_thread_atexit_impl)(destructor *function, void *object, void *library)
{
  if (host___cxa_thread_atexit_impl)
    return host___cxa_thread_atexit_impl(function, object, library);
  pthread_once(&once, begin);
  struct registered *entry = malloc(sizeof *entry);
  if (entry == NULL)
    FATAL("perennial: no memory to register a thread_local destructor");
  *entry = (struct registered){.function = function, .object = object, .before = pthread_getspecific(key)};
  if (pthread_setspecific(key, entry) != 0)
    FATAL("perennial: no memory to register a thread_local destructor");
  return 0;
}
