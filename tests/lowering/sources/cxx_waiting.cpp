// std::future: waiting until a time of steady_clock.

#include <chrono>
#include <cstdio>
#include <future>
#include <pthread.h>
#include <unistd.h>

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

static const char *name_of(std::future_status status)
{
  return status == std::future_status::ready ? "ready" : status == std::future_status::timeout ? "timeout" : "deferred";
}

template <typename Wait> static void show(const char *text, Wait wait)
{
  const auto start = Clock::now();
  const std::future_status status = wait();
  const auto took = Clock::now() - start;
  std::printf("%s: %s, %d\n", text, name_of(status), took < milliseconds(249) ? 0 : took < milliseconds(5000) ? 1 : 2);
}

static void *set_soon(void *promise)
{
  usleep(350000);
  static_cast<std::promise<int> *>(promise)->set_value(5);
  return nullptr;
}

extern "C" int run(const char *)
{
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  show("for a time", [&] { return future.wait_for(milliseconds(250)); });
  show("until a time", [&] { return future.wait_until(Clock::now() + milliseconds(250)); });
  show("for no time", [&] { return future.wait_for(milliseconds(0)); });
  show("for less", [&] { return future.wait_for(milliseconds(-5)); });
  show("until the past", [&] { return future.wait_until(Clock::now() - milliseconds(5)); });
  show("until before the clock", [&] { return future.wait_until(Clock::time_point(milliseconds(-5))); });
  show("until its beginning", [&] { return future.wait_until(Clock::time_point()); });
  pthread_t thread;
  if (pthread_create(&thread, nullptr, set_soon, &promise) != 0)
    return 1;
  show("until it is set", [&] { return future.wait_for(std::chrono::seconds(20)); });
  show("which it is", [&] { return future.wait_for(milliseconds(250)); });
  std::printf("%d\n", future.get());
  pthread_join(thread, nullptr);
  std::promise<int> other;
  std::future<int> never = other.get_future();
  if (pthread_create(&thread, nullptr, set_soon, &other) != 0)
    return 1;
  show("until the end of time", [&] { return never.wait_until(Clock::time_point::max()); });
  pthread_join(thread, nullptr);
  return 0;
}
