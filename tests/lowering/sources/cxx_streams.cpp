// Default constructors of the string streams; and that std::cout is there before anything else is constructed.

#include <ostream>
#include <sstream>
#include <string>

// As the <iostream> of GCC 13 has it: a need, and no object that makes the streams.
namespace std
{
extern ostream cout;
extern wostream wcout;
} // namespace std
asm(".globl _ZSt21ios_base_library_initv");
extern "C" {
__attribute__((visibility("hidden"))) void *__dso_handle = &__dso_handle;
}

struct Early {
  Early() { std::cout << "constructor " << 1.5 << std::endl; }
  ~Early() { std::cout << "destructor, not flushed\n"; }
};
static Early early;

// Its constructor calls that of the stream as a part, with a table of virtual bases.
template <typename Stream> struct Part : Stream {
  Part() {}
  int after = 77;
};
template <typename Buffer> struct BufferPart : Buffer {
  BufferPart() {}
  int after = 77;
};

template <typename Stream> static auto read_back(Stream &stream)
{
  int number = 0;
  stream >> number;
  return number;
}

template <typename In, typename Out, typename Both, typename Buffer, typename String> static void try_all(String text)
{
  Out out;
  out << text << 42;
  std::cout << out.good() << (out.str() == text + out.widen('4') + out.widen('2')) << '\n';
  Both both;
  both << 17 << both.widen(' ');
  std::cout << read_back(both) << both.eof() << both.str().size() << '\n';
  In in;
  std::cout << in.str().empty() << (in.get() == In::traits_type::eof()) << in.eof() << '\n';
  in.clear();
  in.str(both.str());
  std::cout << read_back(in) << '\n';
  Buffer buffer;
  std::cout << buffer.sputn(text.data(), static_cast<std::streamsize>(text.size())) << ' '
            << (buffer.sgetc() == Buffer::traits_type::to_int_type(text[0])) << (buffer.str() == text) << '\n';
  Part<Out> part_out;
  part_out << text;
  Part<Both> part_both;
  part_both << 5;
  Part<In> part_in;
  part_in.str(part_both.str());
  BufferPart<Buffer> part_buffer;
  part_buffer.sputc(text[0]);
  std::cout << (part_out.str() == text) << read_back(part_both) << read_back(part_in) << part_buffer.str().size() << ' '
            << part_out.after << part_both.after << part_in.after << part_buffer.after << '\n';
}

extern "C" int run(const char *)
{
  try_all<std::istringstream, std::ostringstream, std::stringstream, std::stringbuf>(std::string("narrow"));
  try_all<std::wistringstream, std::wostringstream, std::wstringstream, std::wstringbuf>(std::wstring(L"wide"));
  std::wcout.good();
  std::cout << "end" << std::endl;
  return 0;
}
