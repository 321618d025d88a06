// No header of the standard library is needed: those of clang are another library's than a root's.
struct Thrown {
  explicit Thrown(int value);
  virtual ~Thrown();
  virtual int what() const;
  int value;
};
