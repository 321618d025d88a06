/* _dl_find_object: addresses in libraries, in the program and in none.  */

#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __arm__
enum { TABLE = PT_ARM_EXIDX };
#else
enum { TABLE = PT_GNU_EH_FRAME };
#endif

struct object {
  const void *address;
  uintptr_t table;
  size_t entries;
};

static int find_table(struct dl_phdr_info *info, size_t size, void *argument)
{
  struct object *object = argument;
  uintptr_t address = (uintptr_t)object->address, table = 0;
  size_t entries = 0;
  int is_in = 0;
  (void)size;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[index];
    uintptr_t from = info->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && address >= from && address < from + segment->p_memsz)
      is_in = 1;
    if (segment->p_type == TABLE) {
      table = from;
      entries = segment->p_memsz / 8;
    }
  }
  if (is_in) {
    object->table = table;
    object->entries = entries;
  }
  return is_in;
}

/* Of the loader itself, glibc does not always say where it begins.  */
static void show(const char *text, void *address, int says_where)
{
  struct dl_find_object found;
  struct object object = {.address = address};
  memset(&found, 0xA5, sizeof found);
  int outcome = _dl_find_object(address, &found);
  printf("%s: %d\n", text, outcome);
  if (outcome != 0)
    return;
  dl_iterate_phdr(find_table, &object);
  struct link_map *map = found.dlfo_link_map;
  const char *name = map == NULL ? "none" : strrchr(map->l_name, '/') ? strrchr(map->l_name, '/') + 1 : map->l_name;
  printf("  within: %d, table: %d, map: %s\n",
         (char *)address >= (char *)found.dlfo_map_start && (char *)address < (char *)found.dlfo_map_end,
         found.dlfo_eh_frame != NULL && (uintptr_t)found.dlfo_eh_frame == object.table, name);
  if (says_where)
    printf("  begins where it is loaded: %d, at a page: %d\n",
           map != NULL && (map->l_addr == 0 || (uintptr_t)found.dlfo_map_start == map->l_addr),
           ((uintptr_t)found.dlfo_map_start & 4095) == 0);
#ifdef __arm__
  printf("  entries: %d\n", found.dlfo_eh_count == (int)object.entries);
#endif
}

static int data = 1;

int run(const char *folder)
{
  (void)folder;
  void *heap = malloc(100);
  int stack;
  show("this library's code", (void *)(uintptr_t)run, 1);
  show("this library's data", &data, 1);
  show("libc's code", dlsym(RTLD_DEFAULT, "qsort"), 1);
  show("the loader's", dlsym(RTLD_DEFAULT, "_r_debug"), 0);
  show("the heap", heap, 1);
  show("the stack", &stack, 1);
  show("nothing", NULL, 1);
  show("the end", (void *)-1L, 1);
  free(heap);
  return 0;
}
