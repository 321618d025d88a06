// std::string::_M_construct<bool>, of which GCC 15 makes copies.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#if __SIZEOF_POINTER__ == 8
#define SIZE "m"
#else
#define SIZE "j"
#endif
#define MEMBER(letter, which)                                                                                          \
  "_ZNSt7__cxx1112basic_stringI" letter "St11char_traitsI" letter "ESaI" letter "EE12_M_constructILb" which            \
  "EEEvPK" letter SIZE

extern void with_end(std::string *, const char *, size_t) asm(MEMBER("c", "1"));
extern void without_end(std::string *, const char *, size_t) asm(MEMBER("c", "0"));
extern void with_end(std::wstring *, const wchar_t *, size_t) asm(MEMBER("w", "1"));
extern void without_end(std::wstring *, const wchar_t *, size_t) asm(MEMBER("w", "0"));

template <typename String> static void try_sizes()
{
  using Character = typename String::value_type;
  static Character text[2000];
  for (size_t index = 0; index < 2000; ++index)
    text[index] = static_cast<Character>('a' + index % 26);
  for (size_t size : {0, 1, 2, 3, 4, 5, 14, 15, 16, 17, 31, 100, 1999}) {
    String one, two;
    Character behind = text[size];
    text[size] = 0;
    with_end(&one, text, size);
    text[size] = behind;
    without_end(&two, text, size);
    std::printf("%zu: %d %d %zu %zu %d %d\n", size, one == two, one == String(text, size), one.capacity(),
                two.capacity(), one.data()[size] == 0, two.data()[size] == 0);
    one += static_cast<Character>('x');
    std::printf("%d\n", one == two + static_cast<Character>('x'));
  }
  String none;
  for (size_t size : {SIZE_MAX, SIZE_MAX / sizeof(Character), SIZE_MAX / 2 / sizeof(Character)})
    try {
      without_end(&none, text, size);
      std::printf("there is so much\n");
    } catch (const std::length_error &error) {
      std::printf("%s\n", error.what());
    } catch (const std::bad_alloc &error) {
      std::printf("%s\n", error.what());
    }
  std::printf("still empty: %d\n", none.empty());
}

extern "C" int run(const char *)
{
  try_sizes<std::string>();
  try_sizes<std::wstring>();
  return 0;
}
