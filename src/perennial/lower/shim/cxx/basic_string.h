/* The members of std::basic_string<CHARACTER>, whose mangled name is LETTER; included once for each kind of character.
   The layout is fixed by the ABI of std::__cxx11: a pointer, a length, and the capacity or 16 bytes of room.  */

#define GLUE(first, second) first##_##second
#define NAME_OF(first, second) GLUE(first, second)
#define NAME(name) NAME_OF(name, CHARACTER)
#define MEMBER(rest) "_ZNSt7__cxx1112basic_stringI" LETTER "St11char_traitsI" LETTER "ESaI" LETTER "EE" rest

enum { NAME(INSIDE) = 16 / sizeof(CHARACTER) - 1 };

struct NAME(string) {
  CHARACTER *data;
  size_t length;
  union {
    CHARACTER local[NAME(INSIDE) + 1];
    size_t capacity;
  };
};

static void NAME(move)(CHARACTER *to, const CHARACTER *from, size_t count)
{
  memmove(to, from, count * sizeof(CHARACTER));
}

/* reserve(), without a size: gives back room, if there is memory to do so.  */
void NAME(reserve)(struct NAME(string) * string) SHIM_OF(MEMBER("7reserveEv"));
void NAME(reserve)(struct NAME(string) * string)
{
  CHARACTER *old = string->data, *new = string->local;
  if (old == new)
    return;
  if (string->length > NAME(INSIDE)) {
    if (string->length >= string->capacity)
      return;
    new = new_or_null((string->length + 1) * sizeof(CHARACTER), &nothrow);
    if (new == NULL)
      return;
    string->capacity = string->length;
  }
  NAME(move)(new, old, string->length + 1);
  delete (old);
  string->data = new;
}

/* Puts `count` characters at `from`, which is within the string, in the place of `old_count` at `at`, before the
   `tail` that follows there; the capacity is enough. If that grows, the tail makes room first. What `from` has of it
   moves with it, and what lies before it does not.  */
void NAME(replace)(void *string, CHARACTER *at, size_t old_count, const CHARACTER *from, size_t count, size_t tail)
    SHIM_OF(MEMBER("15_M_replace_coldEP" LETTER SIZE_T "PK" LETTER SIZE_T SIZE_T));
void NAME(replace)(void *string, CHARACTER *at, size_t old_count, const CHARACTER *from, size_t count, size_t tail)
{
  (void)string;
  CHARACTER *const old_end = at + old_count;
  if (count <= old_count) {
    NAME(move)(at, from, count);
    NAME(move)(at + count, old_end, tail);
    return;
  }
  size_t before = from < old_end ? (size_t)(old_end - from) : 0;
  if (before > count)
    before = count;
  NAME(move)(at + count, old_end, tail);
  NAME(move)(at, from, before);
  NAME(move)(at + before, from + before + (count - old_count), count - before);
}

/* What std::allocator does.  */
CHARACTER *NAME(allocate)(void *allocator, size_t count) SHIM_OF(MEMBER("11_S_allocateERS3_" SIZE_T));
CHARACTER *NAME(allocate)(void *allocator, size_t count)
{
  (void)allocator;
  if (count > SIZE_MAX / sizeof(CHARACTER))
    throw_bad_array_new_length();
  if (count > (size_t)PTRDIFF_MAX / sizeof(CHARACTER))
    throw_bad_alloc();
  return new (count * sizeof(CHARACTER));
}

/* The string is empty, its pointer at the room inside. GCC 15's copies and conversions call this.  */
CHARACTER *NAME(create)(void *, size_t *, size_t) HOSTS(MEMBER("9_M_createER" SIZE_T SIZE_T));

static void NAME(fill)(struct NAME(string) * string, const CHARACTER *from, size_t count)
{
  size_t capacity = count;
  if (count > NAME(INSIDE)) {
    string->data = NAME(create)(string, &capacity, 0);
    string->capacity = capacity;
  }
  NAME(move)(string->data, from, count);
  string->data[count] = 0;
  string->length = count;
}

/* With <true>, from[count] is 0.  */
void NAME(construct_true)(struct NAME(string) * string, const CHARACTER *from, size_t count)
    SHIM_OF(MEMBER("12_M_constructILb1EEEvPK" LETTER SIZE_T));
void NAME(construct_true)(struct NAME(string) * string, const CHARACTER *from, size_t count)
{
  NAME(fill)(string, from, count);
}

void NAME(construct_false)(struct NAME(string) * string, const CHARACTER *from, size_t count)
    SHIM_OF(MEMBER("12_M_constructILb0EEEvPK" LETTER SIZE_T));
void NAME(construct_false)(struct NAME(string) * string, const CHARACTER *from, size_t count)
{
  NAME(fill)(string, from, count);
}

#undef MEMBER
#undef NAME
#undef NAME_OF
#undef GLUE
