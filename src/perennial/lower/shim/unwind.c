/* _dl_find_object (glibc 2.35): the loaded object that an address is in, with its unwind table. libgcc since GCC 12
   asks for every frame that an exception passes.

   The host's own, where it has one: that takes no lock. Before, the objects are looked through (dl_iterate_phdr).
   What differs then: it takes the loader's lock, so it is not for signal handlers; it takes longer, the more objects
   there are; in a namespace of dlmopen the link map is NULL; an address between two segments is in no object.  */

#include "shim.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>

/* glibc, bits/dl_find_object.h  */
#ifdef __arm__
enum { TABLE = PT_ARM_EXIDX };
#else
enum { TABLE = PT_GNU_EH_FRAME };
#endif

struct found {
  unsigned long long flags;
  void *start, *end;
  struct link_map *map;
  void *table;
#ifdef __i386__
  void *data_base; /* DT_PLTGOT, what DW_EH_PE_datarel counts from */
  unsigned unused_base;
#endif
#ifdef __arm__
  int table_count;
  unsigned unused_count;
#endif
  /* 56 bytes that are reserved; an address of SFrame data since 2.43, of which flags tell. Not written.  */
};

HOST(int, _dl_find_object, void *, struct found *);

struct search {
  uintptr_t address;
  struct found *result;
};

/* The loader's list, which does not change while it calls us.  */
static struct link_map *map_of(uintptr_t dynamic)
{
  struct link_map *map = _r_debug.r_map;
  while (map != NULL && (uintptr_t)map->l_ld != dynamic)
    map = map->l_next;
  return map;
}

static int look(struct dl_phdr_info *info, size_t size, void *argument)
{
  struct search *search = argument;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t start = UINTPTR_MAX, end = 0, dynamic = 0;
  bool is_in = false;
  struct found found = {0};
  (void)size;
  for (unsigned index = 0; index < info->dlpi_phnum; ++index) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[index];
    const uintptr_t from = info->dlpi_addr + segment->p_vaddr, to = from + segment->p_memsz;
    switch (segment->p_type) {
    case PT_LOAD:
      is_in = is_in || (search->address >= (from & -page) && search->address < to);
      start = from < start ? from & -page : start;
      end = to > end ? to : end;
      break;
    case PT_DYNAMIC:
      dynamic = from;
      break;
    case TABLE:
      found.table = (void *)from;
#ifdef __arm__
      found.table_count = (int)(segment->p_memsz / 8);
#endif
      break;
    }
  }
  if (!is_in)
    return 0;
  found.start = (void *)start;
  found.end = (void *)end;
  found.map = dynamic != 0 ? map_of(dynamic) : NULL;
#ifdef __i386__
  if (dynamic != 0)
    for (const ElfW(Dyn) *entry = (const ElfW(Dyn) *)dynamic; entry->d_tag != DT_NULL; ++entry)
      if (entry->d_tag == DT_PLTGOT)
        found.data_base = (void *)entry->d_un.d_ptr; /* the loader has made an address of it */
#endif
  *search->result = found;
  return 1;
}

SHIM(int, _dl_find_object)(void *address, struct found *result)
{
  if (host__dl_find_object)
    return host__dl_find_object(address, result);
  struct search search = {.address = (uintptr_t)address, .result = result};
  return dl_iterate_phdr(look, &search) == 1 ? 0 : -1;
}
