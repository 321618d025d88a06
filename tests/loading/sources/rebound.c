/* What moved between libraries of glibc and got other versions: see test_rebound.py. */
typedef unsigned long thread;
extern int pthread_create(thread *, const void *, void *(*)(void *), void *);
extern int pthread_join(thread, void **);
extern int statx(int, const char *, int, unsigned, void *) __attribute__((weak));

static int seen;
static void *see(void *place) {
    *(int *)place = 40;
    return 0;
}

int rebound_answer(void) {
    thread id;
    if (pthread_create(&id, 0, see, &seen) != 0 || pthread_join(id, 0) != 0)
        return -1;
    return seen + (statx != 0) + 1;
}
