"""The wheels whose reports are kept: each is a story that a report has to tell well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.audits import LIBC, MODULE
from tests.support.elf_builder import Export, Import, Need, NeedVersion, elf
from tests.support.wheel_builder import add_lines, alter_line, drop_lines, wheel

STDCXX: Final = "libstdc++.so.6"
PYTHON: Final = Import("PyModule_Create2")
INIT: Final = Export("PyInit__core")
MEMCPY: Final = Import("memcpy", "GLIBC_2.14", LIBC)
CLOCK: Final = Import("clock_gettime", "GLIBC_2.17", LIBC)
THREADS: Final = (Import("pthread_create", "GLIBC_2.34", LIBC), Import("pthread_join", "GLIBC_2.34", LIBC))
ASSERT_FAIL: Final = Import("_ZSt21__glibcxx_assert_failPKciS0_S0_", "GLIBCXX_3.4.30", STDCXX)
HASHTABLE: Final = Import("_ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm", "GLIBCXX_3.4.18", STDCXX)


def honest(folder: Path) -> Path:
    """As it should be: the reader wants one look and no more."""
    module = elf(needed=(STDCXX, LIBC), imports=(PYTHON, MEMCPY, CLOCK, HASHTABLE), exports=(INIT,))
    tags = "cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64"
    return wheel(folder, tags=tags, members={"demo/__init__.py": b"", MODULE: module})


def built_on_the_laptop(folder: Path) -> Path:
    """The everyday accident: tagged by hand for what the build machine is not."""
    module = elf(needed=(STDCXX, LIBC), imports=(PYTHON, MEMCPY, *THREADS, ASSERT_FAIL), exports=(INIT,))
    fast = elf(needed=(LIBC,), imports=(PYTHON, MEMCPY, THREADS[0]), exports=(Export("PyInit__fast"),))
    members = {MODULE: module, "demo/_fast.cpython-312-x86_64-linux-gnu.so": fast}
    return wheel(folder, tags="cp312-cp312-manylinux2014_x86_64", members=members)


def not_repaired(folder: Path) -> Path:
    """Straight from the compiler, tagged linux: what is to be done?"""
    ssl = Import("SSL_CTX_new", "OPENSSL_3.0.0", "libssl.so.3")
    needed = ("libssl.so.3", "libhelper.so.2", "libpython3.12.so.1.0", LIBC)
    module = elf(needed=needed, imports=(PYTHON, MEMCPY, ssl, Import("dlopen", "GLIBC_2.34", LIBC)), exports=(INIT,),
                 runpath="/home/dev/project/build/lib:$ORIGIN/../demo.libs", rodata=b"\0libcuda.so.1\0")  # fmt: skip
    helper = elf(soname="libhelper.so.2", needed=(LIBC,), imports=(MEMCPY,), exports=(Export("help"),))
    members = {MODULE: module, "demo.libs/libhelper.so.2": helper}
    return wheel(folder, tags="cp312-cp312-linux_x86_64", members=members)


def full_of_trouble(folder: Path) -> Path:
    """Everything at once, as nobody would build it."""
    members = {
        MODULE: elf(needed=("libdeep-1a2b3c4d.so", LIBC), imports=(PYTHON, MEMCPY), exports=(INIT,), stack="rwx"),
        "demo/_arm.so": elf(arch="aarch64", needed=(LIBC,), imports=(Import("f"),), exports=(INIT,)),
        "demo/_broken.so": elf(needed=(LIBC,))[:100],
        "demo/_hidden.so": elf(needed=(LIBC,), imports=(THREADS[0],), exports=(Export("PyInit__hidden"),)),
        "demo/_musl.so": elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("malloc"),)),
        "demo/_new.so": elf(needed=(LIBC,), imports=(Import("f", "GLIBC_2.99", LIBC),), exports=(INIT,),
                            x86_isa_needed=0b1111),
        "demo/_text.so": elf(needed=(LIBC,), imports=(MEMCPY,), textrel=True, rpath="/opt/lib"),
        "demo.libs/libdeep-1a2b3c4d.so": elf(soname="libdeep-1a2b3c4d.so", needed=(LIBC,), relr=True,
                                            verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.2.5"),)),)),
        "demo/data.txt": b"some text\n",
    }  # fmt: skip

    def edit(lines: list[str]) -> list[str]:
        for change in (drop_lines("demo/_hidden.so"), alter_line("demo/data.txt", size=3), add_lines("demo/gone.py,,")):
            lines = list(change(lines))
        return lines

    tags = "cp312-cp312-manylinux_2_5_x86_64.manylinux_2_05_x86_64"
    return wheel(folder, tags=tags, members=members, wheel_tags=["cp312-cp312-linux_x86_64"], edit_record=edit)


def static_program(folder: Path) -> Path:
    """Runs under any C library, and might be tagged for both."""
    members = {"demo-1.0.data/scripts/demo": elf(static=True, type=2, arch="aarch64")}
    return wheel(folder, tags="py3-none-musllinux_1_2_aarch64", members=members, modes={next(iter(members)): 0o100755})


def pure(folder: Path) -> Path:
    """Nothing to audit."""
    return wheel(folder, tags="py3-none-any", members={"demo/__init__.py": b""}, purelib=True)


def hostile_names(folder: Path) -> Path:
    """Names that want to be obeyed by terminals, log viewers and workflow runners."""
    soname = "lib\x1b[31mred\x07.so.1\n::error::gotcha"
    member = "demo/a%0A::set-output name=x::y,z:[31m.so"  # control characters are refused before any report
    module = elf(
        needed=(soname, LIBC), imports=(Import("f", "GLIBC_2.99\n  lowest tag    any", LIBC),), exports=(INIT,)
    )
    return wheel(folder, tags="cp312-cp312-manylinux_2_17_x86_64", members={member: module})


EXAMPLES: Final[dict[str, Callable[[Path], Path]]] = {
    build.__name__: build
    for build in (honest, built_on_the_laptop, not_repaired, full_of_trouble, static_program, pure, hostile_names)
}
