// Uses much of the C++ library, and says which step went wrong; 0 if none. Built with g++ and its own headers.
#include <algorithm>
#include <any>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <future>
#include <iomanip>
#include <iostream>
#include <limits>
#include <locale>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Base {
  virtual ~Base() = default;
};
struct Left : virtual Base {};
struct Right : virtual Base {
  int answer = 42;
};
struct Both : Left, Right {};
struct Own : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Commas : std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition))                                                                                                  \
      return __LINE__;                                                                                                 \
  } while (false)

template <typename Expected, typename Function> bool throws(Function &&function) {
  try {
    function();
  } catch (const Expected &error) {
    return error.what() != nullptr;
  } catch (...) {
    return false;
  }
  return false;
}

volatile std::size_t most_bytes = std::numeric_limits<std::ptrdiff_t>::max();

int exceptions() {
  CHECK(throws<std::runtime_error>([] { throw Own("mine"); }));
  CHECK(throws<std::out_of_range>([] { std::vector<int>().at(1); }));          // thrown by the library
  CHECK(throws<std::invalid_argument>([] { (void)std::stoi("no number"); }));
  CHECK(throws<std::out_of_range>([] { (void)std::string("abc").substr(7); }));
  CHECK(throws<std::bad_alloc>([] { std::vector<char>(most_bytes - 1); }));
  CHECK(throws<std::bad_any_cast>([] { (void)std::any_cast<int>(std::any(1.0)); }));
  CHECK(throws<std::system_error>([] { throw std::system_error(2, std::generic_category(), "x"); }));
  CHECK(throws<std::ios_base::failure>([] {
    std::istringstream stream("x");
    stream.exceptions(std::ios_base::failbit);
    int number;
    stream >> number;
  }));
#ifndef FOR_OLD // what gcc 12 needs for this is not in Debian 11's libstdc++
  std::exception_ptr kept;
  try {
    try {
      throw Own("inner");
    } catch (...) {
      std::throw_with_nested(std::logic_error("outer"));
    }
  } catch (...) {
    kept = std::current_exception();
  }
  try {
    std::rethrow_exception(kept);
  } catch (const std::logic_error &error) {
    try {
      std::rethrow_if_nested(error);
      return __LINE__;
    } catch (const Own &inner) {
      CHECK(std::string(inner.what()) == "inner");
    }
  }
#endif
  CHECK(std::uncaught_exceptions() == 0);
  return 0;
}

int strings_and_streams() {
  std::string text(100, 'a');
  text += std::to_string(1.5) + std::string("b") + text;
  CHECK(text.size() == 209 && text.find("1.500000b") == 100);
  std::ostringstream stream;
  stream << std::setw(6) << std::setfill('0') << 42 << ' ' << std::fixed << std::setprecision(2) << 2.5 << ' '
         << std::boolalpha << true << ' ' << std::hex << 255;
  CHECK(stream.str() == "000042 2.50 true ff");
  std::ostringstream grouped;
  grouped.imbue(std::locale(std::locale::classic(), new Commas));
  grouped << 1234567;
  CHECK(grouped.str() == "1.234.567");
  CHECK(std::has_facet<Commas>(grouped.getloc()) && std::use_facet<std::ctype<char>>(std::locale()).is(std::ctype_base::alpha, 'x'));
  std::wostringstream wide;
  wide << L"wide " << 12;
  CHECK(wide.str() == L"wide 12");
  double number = 0;
  std::istringstream("  3.25e2") >> number;
  CHECK(number == 325);
  std::cout << "cout " << 1 << std::endl;
  std::fputs("stdio 2\n", stdout);
  std::cout << "cout " << 3 << std::endl;
  CHECK(std::cout.good() && std::cerr.good());
  return 0;
}

thread_local std::shared_ptr<std::atomic<int>> of_thread;
struct AtExit {
  std::atomic<int> &count;
  ~AtExit() { count++; }
};

int threads() {
  std::mutex mutex;
  std::condition_variable changed;
  std::once_flag once;
  std::atomic<int> ended{0}, called{0};
  int waiting = 0;
  std::vector<std::thread> all;
  for (int number = 0; number < 4; number++)
    all.emplace_back([&] {
      thread_local AtExit at_exit{ended};
      (void)at_exit;
      of_thread = std::make_shared<std::atomic<int>>(1);
      std::call_once(once, [&] { called++; });
      std::unique_lock<std::mutex> lock(mutex);
      waiting++;
      changed.notify_all();
      changed.wait(lock, [&] { return waiting == 4; });
    });
  for (auto &thread : all)
    thread.join();
  CHECK(ended == 4 && called == 1);
#ifndef FOR_OLD
  auto failing = std::async(std::launch::async, []() -> int { throw Own("in a thread"); });
  CHECK(throws<Own>([&] { failing.get(); }));
  std::promise<int> promise;
  auto future = promise.get_future();
  CHECK(future.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout);
  promise.set_value(7);
  CHECK(future.get() == 7);
#endif
  std::timed_mutex timed;
  std::unique_lock<std::timed_mutex> lock(timed, std::chrono::milliseconds(1));
  CHECK(lock.owns_lock());
  CHECK(changed.wait_for(*std::make_unique<std::unique_lock<std::mutex>>(mutex), std::chrono::milliseconds(1)) == std::cv_status::timeout);
  return 0;
}

int files() {
  namespace fs = std::filesystem;
  std::string pattern = (fs::temp_directory_path() / ("private-" + std::to_string(std::random_device()()))).string();
  fs::path folder(pattern);
  CHECK(fs::create_directories(folder / "a" / "b"));
  std::ofstream(folder / "a" / "file") << "content\n";
  std::string word;
  std::ifstream(folder / "a" / "file") >> word;
  CHECK(word == "content" && fs::file_size(folder / "a" / "file") == 8 && fs::is_directory(folder / "a"));
  int found = 0;
  for (const auto &entry : fs::recursive_directory_iterator(folder))
    found += entry.path().filename() != "nothing";
  CHECK(found == 3);
  CHECK(throws<fs::filesystem_error>([&] { (void)fs::file_size(folder / "missing"); }));
  CHECK(fs::remove_all(folder) == 4 && !fs::exists(folder));
  return 0;
}

int casts_and_statics() {
  std::unique_ptr<Base> both = std::make_unique<Both>();
  CHECK(dynamic_cast<Right *>(dynamic_cast<Left *>(both.get()))->answer == 42);
  std::unique_ptr<Base> plain = std::make_unique<Base>();
  CHECK(dynamic_cast<Left *>(plain.get()) == nullptr);
  CHECK(throws<std::bad_cast>([&] { (void)dynamic_cast<Left &>(*plain); }));
  const Base &one = *both, &other = *plain;
  CHECK(typeid(one) == typeid(Both) && typeid(one) != typeid(other));
  int tries = 0;
  auto once = [&tries] {
    static int value = [&tries] {
      if (tries++ == 0)
        throw Own("first time");
      return 5;
    }();
    return value;
  };
  static bool again = false;
  CHECK(again || throws<Own>([&] { once(); }));
  again = true;
  CHECK(once() == 5 && once() == 5);
  std::atomic<int> made{0};
  std::vector<std::thread> all;
  for (int number = 0; number < 4; number++)
    all.emplace_back([&made] {
      static const std::map<std::string, int> table = {{"one", (made++, 1)}, {"two", 2}};
      (void)table.at("two");
    });
  for (auto &thread : all)
    thread.join();
  CHECK(made <= 1);
  std::pmr::monotonic_buffer_resource memory;
  std::pmr::vector<int> numbers({3, 1, 2}, &memory);
  std::sort(numbers.begin(), numbers.end());
  CHECK(numbers.back() == 3 && std::pmr::get_default_resource() == std::pmr::new_delete_resource());
  return 0;
}

} // namespace

extern "C" int work() {
  for (auto step : {exceptions, strings_and_streams, threads, files, casts_and_statics})
    if (int line = step())
      return line;
  return 0;
}

// Which library it is bound to: a plain object, and one that g++ makes STB_GNU_UNIQUE.
extern "C" const void *stream_at() { return &std::cout; }
extern "C" const void *unique_at() { return &std::numpunct<char>::id; }
// For others to catch.
extern "C" void throw_out() { throw std::runtime_error("from elsewhere"); }
extern "C" int catch_from(void (*function)()) {
  try {
    function();
  } catch (const std::runtime_error &error) {
    return std::string(error.what()) == "from elsewhere" ? 1 : -1;
  } catch (...) {
    return 2;
  }
  return 0;
}
extern "C" int uncaught() { return std::uncaught_exceptions(); }
