/* __cxa_thread_atexit_impl: when and in which order destructors run.  */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);

static char here; /* of this library; C++ gives &__dso_handle */

static void say(void *text) { printf("%s\n", (const char *)text); }

static void another(void *text)
{
  printf("%s\n", (const char *)text);
  __cxa_thread_atexit_impl(say, "one that a destructor registered", &here);
}

static void *thread(void *argument)
{
  (void)argument;
  printf("registered: %d\n", __cxa_thread_atexit_impl(say, "first", &here));
  __cxa_thread_atexit_impl(another, "second", &here);
  __cxa_thread_atexit_impl(say, "third", &here);
  printf("thread ends\n");
  return NULL;
}

static void *thread_that_exits(void *argument)
{
  __cxa_thread_atexit_impl(say, "of a thread that calls pthread_exit", &here);
  pthread_exit(argument);
}

static void *thread_without(void *argument) { return argument; }

int run(const char *folder)
{
  (void)folder;
  pthread_t one;
  void *(*const each[])(void *) = {thread, thread_that_exits, thread_without, thread};
  __cxa_thread_atexit_impl(say, "of the main thread, first", &here);
  for (size_t index = 0; index < sizeof each / sizeof *each; ++index) {
    if (pthread_create(&one, NULL, each[index], NULL) != 0)
      return 1;
    pthread_join(one, NULL);
    printf("joined\n");
  }
  __cxa_thread_atexit_impl(another, "of the main thread, last", &here);
  printf("main ends\n");
  return 0;
}
