//! build: cc -shared -nostdlib -Wl,-z,notext {src} -o core.so
//! member: {module} = core.so
//! expect: lowest = manylinux_2_5_x86_64
//! expect: finding = text-relocations warning
//! loader: loads
	.text
	.globl	table
table:	.quad	answer
	.globl	answer
answer:	ret
	.section .note.GNU-stack,"",@progbits
