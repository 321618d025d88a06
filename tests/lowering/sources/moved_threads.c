/* What libpthread had before glibc 2.34: threads, keys, once, mutexes, conditions, rwlocks, barriers, semaphores.  */

#define _GNU_SOURCE 1
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static int onces, ready, destroyed;

static void count(void) { ++onces; }

static void destroy(void *value) { destroyed += *(int *)value; }

static void unlock(void *lock) { pthread_mutex_unlock(lock); }

static void *work(void *value)
{
  pthread_once(&once, count);
  pthread_setspecific(key, value);
  pthread_mutex_lock(&mutex);
  while (!ready)
    pthread_cond_wait(&condition, &mutex);
  pthread_mutex_unlock(&mutex);
  pthread_barrier_wait(&barrier);
  sem_post(&semaphore);
  return pthread_getspecific(key);
}

static void *until_cancelled(void *unused)
{
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock, &mutex);
  for (;;)
    pthread_cond_wait(&condition, &mutex);
  pthread_cleanup_pop(0);
  return unused;
}

static void *by_signal(void *unused)
{
  int number = 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigwait(&set, &number);
  printf("signal %d\n", number);
  return unused;
}

static void show(const char *text, int outcome) { printf("%s: %s\n", text, outcome ? strerror(outcome) : "0"); }

static void attributes(void)
{
  pthread_attr_t attr;
  size_t size = 0, guard = 0;
  void *stack = NULL;
  pthread_attr_init(&attr);
  show("setstacksize", pthread_attr_setstacksize(&attr, 1 << 20));
  show("setstacksize too small", pthread_attr_setstacksize(&attr, 1));
  pthread_attr_getstacksize(&attr, &size);
  show("setguardsize", pthread_attr_setguardsize(&attr, 8192));
  pthread_attr_getguardsize(&attr, &guard);
  printf("stack %zu, guard %zu\n", size, guard);
  pthread_attr_destroy(&attr);
  show("getattr_np", pthread_getattr_np(pthread_self(), &attr));
  pthread_attr_getstack(&attr, &stack, &size);
  printf("the stack is there: %d\n", (char *)&attr > (char *)stack && (char *)&attr < (char *)stack + size);
  pthread_attr_destroy(&attr);

  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  show("getaffinity_np", pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus));
  printf("some cpu: %d\n", CPU_COUNT(&cpus) > 0);
  show("setaffinity_np", pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus));
  char name[16];
  show("setname_np", pthread_setname_np(pthread_self(), "a-name"));
  show("setname_np too long", pthread_setname_np(pthread_self(), "a-name-that-is-too-long"));
  pthread_getname_np(pthread_self(), name, sizeof name);
  printf("%s\n", name);
}

static void locks(void)
{
  struct timespec past = {0, 0};
  pthread_mutexattr_t attr;
  pthread_mutex_t lock;
  int type = -1;
  pthread_mutexattr_init(&attr);
  pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
  pthread_mutexattr_gettype(&attr, &type);
  pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&lock, &attr);
  pthread_mutexattr_destroy(&attr);
  printf("type %d\n", type);
  show("trylock", pthread_mutex_trylock(&lock));
  show("trylock again", pthread_mutex_trylock(&lock));
  show("timedlock again", pthread_mutex_timedlock(&lock, &past));
  pthread_mutex_unlock(&lock);
  pthread_mutex_destroy(&lock);

  pthread_rwlock_t rwlock;
  pthread_rwlock_init(&rwlock, NULL);
  show("rdlock", pthread_rwlock_rdlock(&rwlock));
  show("tryrdlock", pthread_rwlock_tryrdlock(&rwlock));
  show("trywrlock", pthread_rwlock_trywrlock(&rwlock));
  show("timedwrlock", pthread_rwlock_timedwrlock(&rwlock, &past));
  pthread_rwlock_unlock(&rwlock);
  pthread_rwlock_unlock(&rwlock);
  show("wrlock", pthread_rwlock_wrlock(&rwlock));
  pthread_rwlock_unlock(&rwlock);
  pthread_rwlock_destroy(&rwlock);

  pthread_spinlock_t spin;
  pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
  show("spin_lock", pthread_spin_lock(&spin));
  show("spin_trylock", pthread_spin_trylock(&spin));
  pthread_spin_unlock(&spin);

  errno = 0;
  printf("sem_trywait %d %s\n", sem_trywait(&semaphore), strerror(errno));
  errno = 0;
  printf("sem_timedwait %d %s\n", sem_timedwait(&semaphore, &past), strerror(errno));
}

int run(const char *folder)
{
  (void)folder;
  enum { COUNT = 4 };
  pthread_t threads[COUNT];
  int values[COUNT];
  sem_init(&semaphore, 0, 0);
  pthread_barrier_init(&barrier, NULL, COUNT);
  pthread_key_create(&key, destroy);
  for (int index = 0; index < COUNT; ++index) {
    values[index] = index + 1;
    if (pthread_create(&threads[index], NULL, work, &values[index]) != 0)
      return 1;
  }
  pthread_mutex_lock(&mutex);
  ready = 1;
  pthread_cond_broadcast(&condition);
  pthread_mutex_unlock(&mutex);
  int sum = 0;
  for (int index = 0; index < COUNT; ++index) {
    void *value = NULL;
    sem_wait(&semaphore);
    pthread_join(threads[index], &value);
    sum += *(int *)value;
  }
  printf("sum %d, destroyed %d, once %d\n", sum, destroyed, onces);
  show("key_delete", pthread_key_delete(key));
  show("key_delete again", pthread_key_delete(key));
  show("getspecific of no key", pthread_getspecific(key) == NULL ? 0 : 1);

  pthread_t one;
  void *result = NULL;
  pthread_create(&one, NULL, until_cancelled, NULL);
  pthread_cancel(one);
  pthread_join(one, &result);
  printf("cancelled: %d, the mutex is free: %d\n", result == PTHREAD_CANCELED, pthread_mutex_trylock(&mutex) == 0);
  pthread_mutex_unlock(&mutex);

  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  show("sigmask", pthread_sigmask(SIG_BLOCK, &set, NULL));
  show("sigmask of no kind", pthread_sigmask(99, &set, NULL));
  pthread_create(&one, NULL, by_signal, NULL);
  int outcome = pthread_kill(one, SIGUSR1);
  pthread_join(one, NULL);
  show("kill", outcome);
  show("kill with no signal", pthread_kill(pthread_self(), 0));
  show("kill with a wrong signal", pthread_kill(pthread_self(), 9999));
  attributes();
  locks();
  return 0;
}
