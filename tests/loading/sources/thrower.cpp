// Throws a type that only its name tells from others, through libstdc++, with a destructor to run on the way.
#include "thrown.hpp"
static int cleaned;
struct Cleaner {
  ~Cleaner() { cleaned += 100; }
};
extern "C" void throw_it(int value) {
  Cleaner cleaner;
  throw Thrown(value);
}
extern "C" int cleanings() { return cleaned; }
Thrown::Thrown(int value) : value(value) {}
Thrown::~Thrown() {}
int Thrown::what() const { return value; }
