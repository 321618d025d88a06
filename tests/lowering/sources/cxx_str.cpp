// str() of string streams, which C++20 made two functions of.

#include <cstdio>
#include <sstream>
#include <string>

extern "C" int run(const char *)
{
  std::ostringstream out;
  out << "text " << 42 << ' ' << 2.5;
  std::stringstream both;
  both << out.str() << " more";
  std::istringstream in(both.str());
  std::wostringstream wide;
  wide << L"wide " << 7;
  std::string word;
  int number = 0;
  in >> word >> number;
  std::printf("%s|%s|%s|%d|%zu\n", out.str().c_str(), both.str().c_str(), word.c_str(), number, wide.str().size());
  std::printf("%s|%zu\n", in.str().c_str(), out.rdbuf()->str().size());
  return 0;
}
