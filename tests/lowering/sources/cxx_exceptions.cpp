// __throw_bad_array_new_length, exception_ptr, __cxa_call_terminate, __glibcxx_assert_fail and _Sp_make_shared_tag.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <sys/wait.h>
#include <typeinfo>
#include <unistd.h>
#include <unwind.h>

// By their mangled names, which the headers of older compilers do not have.
[[noreturn]] extern void throw_bad_array_new_length() asm("_ZSt28__throw_bad_array_new_lengthv");
[[noreturn]] extern void call_terminate(void *) asm("__cxa_call_terminate");
extern void add_reference(std::exception_ptr *) asm("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv");
extern void release(std::exception_ptr *) asm("_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv");
[[noreturn]] extern void assert_fail(const char *, int, const char *,
                                     const char *) asm("_ZSt21__glibcxx_assert_failPKciS0_S0_");
extern bool is_tag(const std::type_info &) asm("_ZNSt19_Sp_make_shared_tag5_S_eqERKSt9type_info");

static int living;

struct Counted {
  Counted() { ++living; }
  Counted(const Counted &) { ++living; }
  ~Counted() { --living; }
};

template <typename Action> static void in_child(const char *text, Action action)
{
  int ends[2], status;
  char said[200] = "";
  std::fflush(stdout);
  if (pipe(ends) != 0)
    return;
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    action();
    _exit(9);
  }
  close(ends[1]);
  ssize_t size = 0, more;
  while ((more = read(ends[0], said + size, sizeof said - 1 - size)) > 0)
    size += more;
  close(ends[0]);
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    std::printf("%s: signal %d, %s\n", text, WTERMSIG(status), said);
  else
    std::printf("%s: exit %d, %s\n", text, WEXITSTATUS(status), said);
}

static void say(const char *text)
{
  ssize_t ignored = write(STDERR_FILENO, text, std::strlen(text));
  (void)ignored;
}
[[maybe_unused]] static void first()
{
  say("first");
  _exit(3);
}
static void second()
{
  say("second");
  _exit(4);
}
[[maybe_unused]] static void returns() { say("returns"); }
[[maybe_unused]] static void throws()
{
  say("throws");
  throw 2;
}

// What is in flight, as an unwinder knows it: before the object.
static void terminate_with_current()
{
  std::exception_ptr pointer = std::current_exception();
  void *object;
  std::memcpy(&object, &pointer, sizeof object);
  call_terminate(static_cast<char *>(object) - sizeof(_Unwind_Exception));
}

[[maybe_unused]] static void thrown_under(std::terminate_handler handler)
{
  std::set_terminate(handler);
  try {
    throw Counted();
  } catch (...) {
    std::set_terminate(second);
    terminate_with_current();
  }
}

extern "C" int run(const char *)
{
  try {
    throw_bad_array_new_length();
  } catch (const std::bad_array_new_length &error) {
    std::printf("%s\n", error.what());
  }
  try {
    throw_bad_array_new_length();
  } catch (const std::bad_alloc &error) {
    std::printf("%s, %s\n", typeid(error).name(), error.what());
  }

  std::exception_ptr pointer;
  add_reference(&pointer);
  release(&pointer);
  std::printf("none: %d\n", pointer == nullptr);
  pointer = std::make_exception_ptr(Counted());
  std::printf("one: %d\n", living);
  add_reference(&pointer);
  {
    std::exception_ptr other = pointer, third = other;
    pointer = nullptr;
    std::printf("held: %d\n", living);
    try {
      std::rethrow_exception(third);
    } catch (const Counted &) {
      std::printf("caught: %d\n", living);
    }
    std::memcpy(static_cast<void *>(&pointer), &other, sizeof pointer); // the reference that was added
  }
  std::printf("kept: %d\n", living);
  release(&pointer);
  std::printf("released: %d\n", living);
  std::memset(static_cast<void *>(&pointer), 0, sizeof pointer);

#ifndef __arm__ // there it is the handler of now
  in_child("the handler of then", [] { thrown_under(first); });
  in_child("one that returns", [] { thrown_under(returns); });
  in_child("one that throws", [] { thrown_under(throws); });
  in_child("thrown again", [] {
    std::set_terminate(first);
    try {
      std::rethrow_exception(std::make_exception_ptr(1));
    } catch (...) {
      std::set_terminate(second);
      terminate_with_current();
    }
  });
#endif
  in_child("nothing in flight", [] {
    std::set_terminate(second);
    call_terminate(nullptr);
  });
  in_child("assertion", [] { assert_fail("file.h", 12, "f(int)", "x < y"); });
  in_child("assertion in a function", [] { assert_fail(nullptr, 0, "f(int)", nullptr); });
  in_child("assertion of nothing", [] { assert_fail(nullptr, 0, nullptr, nullptr); });

  std::printf("tags: %d %d %d\n", is_tag(typeid(std::_Sp_make_shared_tag)), is_tag(typeid(int)),
              is_tag(typeid(Counted)));
  auto shared = std::make_shared<Counted>();
  std::printf("shared: %d %d\n", static_cast<int>(shared.use_count()), living);
  shared.reset();
  std::printf("not: %d\n", living);
  return 0;
}
