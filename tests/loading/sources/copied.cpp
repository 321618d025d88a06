// A program of fixed addresses: std::cout is in the program itself then (R_*_COPY), and the library has to find it there.
#include <iostream>
#include <stdexcept>
#include <string>
int main() {
  try {
    throw std::runtime_error(std::string("thrown by "));
  } catch (const std::exception &error) {
    std::cout << error.what() << 1 << std::endl;
  }
  return std::cin.tie() == &std::cout ? 0 : 1; // as the library sees it
}
