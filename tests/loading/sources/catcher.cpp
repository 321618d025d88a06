// Catches what another library throws: unwinding needs both files' .eh_frame where the program headers say.
#include "thrown.hpp"
extern "C" void throw_it(int value);
extern "C" int cleanings();
extern "C" int caught() {
  try {
    throw_it(42);
  } catch (const Thrown &thrown) {
    return cleanings() + thrown.what();
  } catch (...) {
    return -2;
  }
  return -1;
}
