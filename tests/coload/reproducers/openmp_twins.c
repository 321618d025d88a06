// Two runtimes, two pools of threads: with OMP_NUM_THREADS=4 seven threads, where one runtime has four.
//
//! copy: culprit.libs/libgomp-1.so = libgomp.so.1
//! build: culprit/_core.so = {cc} {src} -fopenmp-simd -DPARALLEL culprit.libs/libgomp-1.so -Wl,-rpath,$ORIGIN/../culprit.libs
//! cured: culprit/_core.so = {cc} {src} -DPARALLEL -Wl,--no-as-needed -l:libgomp.so.1
//! build: victim/_core.so = {cc} {src} -DPARALLEL -Wl,--no-as-needed -l:libgomp.so.1
//! environment: OMP_NUM_THREADS=4 OMP_WAIT_POLICY=passive
//! check: import culprit, victim; assert culprit.check() == victim.check() == 42; assert len(os.listdir("/proc/self/task")) == 4
//! breaks: culprit victim: AssertionError
//! breaks: victim culprit: AssertionError
//! finds: several-openmp-runtimes info culprit victim: -
//! finds: several-openmp-runtimes info victim culprit: -
#include "module.h"

void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);

static void body(void *data) { __atomic_fetch_add((long *)data, 1, __ATOMIC_SEQ_CST); }

static long parallel(void)
{
    long threads = 0;
    GOMP_parallel(body, &threads, 0, 0);
    return threads == 4 ? 42 : 0;
}
MODULE(parallel)
