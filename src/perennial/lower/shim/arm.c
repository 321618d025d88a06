/* What tables of unwinding without a function of their own refer to, to have the unwinder linked. It takes its own
   ones by their number (ARM's EHABI 7.3), never these.  */

#ifdef __arm__
__attribute__((visibility("hidden"))) void __aeabi_unwind_cpp_pr0(void) {}
__attribute__((visibility("hidden"))) void __aeabi_unwind_cpp_pr1(void) {}
__attribute__((visibility("hidden"))) void __aeabi_unwind_cpp_pr2(void) {}
#endif
