// Sized operator delete, which C++14 compilers call for objects whose size they know.

#include <cstdio>

struct Thing {
  explicit Thing(int v) : value(v) { ++alive; }
  virtual ~Thing() { --alive; }
  int value;
  static int alive;
};
int Thing::alive = 0;

struct Larger : Thing {
  Larger() : Thing(2) {}
  char space[100] = {};
};

extern "C" int run(const char *)
{
  Thing *one = new Thing(1);
  Thing *larger = new Larger;
  Thing *several = new Thing[3]{Thing(1), Thing(2), Thing(3)};
  std::printf("%d %d\n", one->value + larger->value + several[2].value, Thing::alive);
  delete one;
  delete larger;
  delete[] several;
  std::printf("%d\n", Thing::alive);
  return 0;
}
