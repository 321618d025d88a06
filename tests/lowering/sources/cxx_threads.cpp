// condition_variable::wait, which has had a version of its own since GCC 12.

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

extern "C" int run(const char *)
{
  std::mutex mutex;
  std::condition_variable condition;
  int stage = 0;
  std::thread other([&] {
    std::unique_lock<std::mutex> lock(mutex);
    while (stage != 1)
      condition.wait(lock);
    stage = 2;
    condition.notify_one();
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    stage = 1;
    condition.notify_one();
    while (stage != 2)
      condition.wait(lock);
  }
  other.join();
  std::printf("%d\n", stage);
  return 0;
}
