/* A variable of STB_GNU_UNIQUE, as g++ makes of static variables in templates and inline functions. */
__asm__(".data\n"
        ".p2align 2\n"
        ".globl shared_count\n"
        ".type shared_count, \"gnu_unique_object\"\n"
        ".size shared_count, 4\n"
        "shared_count:\n"
        ".4byte 0\n"
        ".text\n");
extern int shared_count;
int count_up(void) { return ++shared_count; }
