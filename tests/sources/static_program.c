//! try: cc -static {src} -o program
//! build: cc -static {src} -o program
//! tags: py3-none-manylinux_2_28_x86_64
//! member: demo-1.0.data/scripts/answer = program
//! expect: lowest = manylinux_2_5_x86_64
//! expect: tags = manylinux1_x86_64 manylinux_2_5_x86_64 musllinux_1_1_x86_64
//! loader: runs
int main(void) { return 0; }
