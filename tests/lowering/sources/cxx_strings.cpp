// Members of std::string and std::wstring that the library has only since GCC 11 to 13.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#if __SIZEOF_POINTER__ == 8
#define SIZE "m"
#else
#define SIZE "j"
#endif
#define MEMBER(letter, rest) "_ZNSt7__cxx1112basic_stringI" letter "St11char_traitsI" letter "ESaI" letter "EE" rest

#define DECLARE(type, character, letter)                                                                               \
  extern void shrink(type *) asm(MEMBER(letter, "7reserveEv"));                                                        \
  extern void replace(type *, character *, size_t, const character *, size_t,                                          \
                      size_t) asm(MEMBER(letter, "15_M_replace_coldEP" letter SIZE "PK" letter SIZE SIZE));            \
  extern character *allocate(std::allocator<character> &, size_t) asm(MEMBER(letter, "11_S_allocateERS3_" SIZE));

DECLARE(std::string, char, "c")
DECLARE(std::wstring, wchar_t, "w")

template <typename String> static unsigned checksum(const String &string)
{
  unsigned sum = 0;
  for (auto character : string)
    sum = sum * 31 + static_cast<unsigned>(character);
  return sum;
}

// Every place and size in a string of LENGTH, with a source anywhere in it: what results, in one number each.
template <typename String> static void try_replace(const char *name)
{
  enum { LENGTH = 12 };
  using Character = typename String::value_type;
  for (size_t at = 0; at <= LENGTH; ++at)
    for (size_t old_count = 0; at + old_count <= LENGTH; ++old_count) {
      unsigned sum = 0, tries = 0;
      for (size_t from = 0; from <= LENGTH; ++from)
        for (size_t count = 0; from + count <= LENGTH; ++count) {
          Character room[4 * LENGTH];
          for (size_t index = 0; index < 4 * LENGTH; ++index)
            room[index] = static_cast<Character>(index < LENGTH ? 'a' + index : '.');
          String *const nobody = nullptr; // it is not looked at
          replace(nobody, room + at, old_count, room + from, count, LENGTH - at - old_count);
          String expected;
          for (size_t index = 0; index < LENGTH; ++index)
            expected += static_cast<Character>('a' + index);
          expected.replace(at, old_count, String(expected, from, count));
          String result(room, expected.size());
          sum = sum * 33 + checksum(result) + (result == expected ? 0 : 1);
          tries += result == expected;
        }
      std::printf("%s %zu %zu: %u %08x\n", name, at, old_count, tries, sum);
    }
}

template <typename String> static void show(const char *name, const String &string)
{
  std::printf("%s: size %zu, capacity %zu, inside %d, %08x\n", name, string.size(), string.capacity(),
              reinterpret_cast<const char *>(string.data()) ==
                  reinterpret_cast<const char *>(&string) + 2 * sizeof(size_t),
              checksum(string));
}

template <typename String> static void try_shrinking()
{
  using Character = typename String::value_type;
  const size_t sizes[] = {0, 1, 2, 3, 4, 14, 15, 16, 17, 100, 5000};
  for (size_t size : sizes)
    for (size_t capacity : {size_t(0), size_t(15), size_t(16), size_t(30), size_t(100), size_t(9999)}) {
      String string;
      string.reserve(capacity);
      for (size_t index = 0; index < size; ++index)
        string += static_cast<Character>('a' + index % 26);
      shrink(&string);
      shrink(&string);
      show("shrunk", string);
      string += static_cast<Character>('!');
      show("longer", string);
    }
}

template <typename Character> static void try_allocation()
{
  std::allocator<Character> allocator;
  for (size_t size : {size_t(1), size_t(0), size_t(100)}) {
    Character *memory = allocate(allocator, size);
    std::memset(memory, 1, size * sizeof(Character));
    std::printf("%zu: %d\n", size, memory != nullptr);
    ::operator delete(memory);
  }
  for (size_t size : {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(Character), SIZE_MAX / 2 / sizeof(Character) + 1})
    try {
      allocate(allocator, size);
      std::printf("there is so much\n");
    } catch (const std::bad_array_new_length &) {
      std::printf("no such array\n");
    } catch (const std::bad_alloc &) {
      std::printf("no memory\n");
    }
}

extern "C" int run(const char *)
{
  try_replace<std::string>("narrow");
  try_replace<std::wstring>("wide");
  try_shrinking<std::string>();
  try_shrinking<std::wstring>();
  try_allocation<char>();
  try_allocation<wchar_t>();
  return 0;
}
