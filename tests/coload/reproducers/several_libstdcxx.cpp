// The culprit runs with a libstdc++ of its own, under another soname. What it throws and the victim catches, the
// one counts as begun and the other as ended, so that in the culprit an exception is under way for ever.
//
//! copy: culprit.libs/libstdc++-1.so = libstdc++.so.6
//! build: culprit/_core.so = {cxx} -DCULPRIT {src} culprit.libs/libstdc++-1.so -Wl,--as-needed -Wl,-rpath,$ORIGIN/../culprit.libs
//! cured: culprit/_core.so = {cxx} -DCULPRIT {src}
//! build: victim/_core.so = {cxx} {src}
//! check: culprit.check(); assert victim.check() == 42; assert culprit.check() == 42
//! breaks: culprit victim: AssertionError
//! breaks: victim culprit: AssertionError
//! finds: several-libstdcxx info culprit victim: -
//! finds: captured-shared-library warning culprit victim: *
//! finds: several-libstdcxx info victim culprit: -
#include "module.h"
#include <exception>
#include <stdexcept>

typedef void Thrower();

#ifdef CULPRIT
static void thrower() { throw std::runtime_error("thrown by the culprit"); }

static long count()
{
    char address[32];
    snprintf(address, sizeof address, "%p", (void *)&thrower);
    setenv("THROWER", address, 1);  // as good as a capsule
    return 42 + std::uncaught_exceptions();
}
MODULE(count)
#else
static long catch_it()
{
    void *address = nullptr;
    sscanf(getenv("THROWER"), "%p", &address);
    try {
        ((Thrower *)address)();
    } catch (const std::exception &) {
        return 42;
    }
    return 0;
}
MODULE(catch_it)
#endif
