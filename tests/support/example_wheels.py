"""The wheels of the documentation's examples.

A page names a set in a comment before a block (`<!-- wheels: executable-stack -->`), and
tests/test_docs.py builds that set in an empty folder and runs the block there. For a reader who
wants to follow: `python -m tests.support.example_wheels executable-stack FOLDER`.

The wheels are small, and say what a real one in the same trouble says.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.support.elf_builder import Export, Import, Need, NeedVersion, elf
from tests.support.raw_zip import SYMLINK, RawEntry, RawZip, Side
from tests.support.wheel_builder import add_lines, alter_line, drop_lines, entries_of, wheel, wheel_bytes

MODULE: Final = "demo/_core.cpython-312-x86_64-linux-gnu.so"
LIBC: Final = "libc.so.6"
LIBM: Final = "libm.so.6"
LIBSTDCXX: Final = "libstdc++.so.6"
LINUX_TAG: Final = "cp312-cp312-linux_x86_64"
TAG_2_17: Final = "cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64"
TAG_2_28: Final = "cp312-cp312-manylinux_2_28_x86_64"
PYTHON: Final = Import("PyModule_Create2")
CLOCK: Final = Import("clock_gettime", "GLIBC_2.17", LIBC)
OLD_MEMCPY: Final = Import("memcpy", "GLIBC_2.2.5", LIBC)


def module(*imports: Import, **fields: Any) -> bytes:
    """An extension module that any glibc from 2.17 on can load, and what `fields` make of it."""
    fields.setdefault("needed", (LIBC,))
    return elf(imports=(PYTHON, CLOCK, *imports), exports=(Export("PyInit__core"),), **fields)


def old_module(symbol: Import, init: str) -> bytes:
    """One of Python's early years, for any glibc of x86_64."""
    return elf(imports=(symbol, OLD_MEMCPY), exports=(Export(init),), needed=(LIBC,))


def library(soname: str, **fields: Any) -> bytes:
    """A shared library that needs nothing but libc."""
    fields.setdefault("needed", (LIBC,))
    fields.setdefault("exports", (Export("demo_of_a_library"),))
    return elf(soname=soname, imports=(CLOCK,), **fields)


def demo(folder: Path, content: bytes | None = None, /, *, tags: str = TAG_2_17, **options: Any) -> None:
    """`demo-1.0`, with one extension module and what `members` adds."""
    members = {"demo/__init__.py": b"from demo import _core\n"}
    if content is not None:
        members[MODULE] = content
    members |= options.pop("members", {})
    wheel(folder, tags=tags, members=members, **options)


# ----- sets of wheels


def _honest(folder: Path) -> None:
    demo(folder, module())


def _too_new(folder: Path) -> None:
    threads = Import("pthread_create", "GLIBC_2.34", LIBC)
    strings = Import("_ZSt21__glibcxx_assert_failPKciS0_S0_", "GLIBCXX_3.4.30", LIBSTDCXX)
    demo(folder, module(threads, strings, needed=(LIBSTDCXX, LIBC)))


def _linux(folder: Path) -> None:
    ssl = Import("SSL_CTX_new", "OPENSSL_3.0.0", "libssl.so.3")
    demo(folder, module(ssl, needed=("libssl.so.3", LIBC)), tags="cp312-cp312-linux_x86_64")


def _not_retagged(folder: Path) -> None:
    demo(folder, module(), tags="cp312-cp312-linux_x86_64")


def _two(folder: Path) -> None:
    (folder / "dist").mkdir()
    demo(folder / "dist", module())
    _executable_stack(folder / "dist", name="other", version="2.1")


def _config(folder: Path) -> None:
    _rpath(folder)
    (folder / "pyproject.toml").write_text(
        '[tool.perennial]\ntag = "manylinux_2_17_x86_64"\nignore = ["rpath-outside-wheel"]\n', encoding="utf-8"
    )


def _weak(folder: Path) -> None:
    demo(folder, module(verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.99", weak=True),)),)))


def _not_provided(folder: Path) -> None:
    ssl = Import("SSL_CTX_new", "OPENSSL_3.0.0", "libssl.so.3")
    demo(folder, module(ssl, needed=("libssl.so.3", LIBC)))


def _unresolvable(folder: Path) -> None:
    content = module(Import("foo"), needed=("libfoo-1a2b3c4d.so.1", LIBC))
    demo(folder, content, members={"demo.libs/libfoo-1a2b3c4d.so.1": library("libfoo-1a2b3c4d.so.1")})


def _libpython(folder: Path) -> None:
    demo(folder, module(needed=("libpython3.12.so.1.0", LIBC)))


def _architecture(folder: Path) -> None:
    other = elf(arch="aarch64", needed=(LIBC,), imports=(CLOCK,), exports=(Export("PyInit__fast"),))
    demo(folder, module(), members={"demo/_fast.cpython-312-aarch64-linux-gnu.so": other})


def _libc(folder: Path) -> None:
    demo(folder, module(), tags="cp312-cp312-musllinux_1_2_x86_64")


def _executable_stack(folder: Path, **options: Any) -> None:
    demo(folder, module(stack="rwx"), tags=TAG_2_28, **options)


def _relr(folder: Path) -> None:
    demo(folder, module(relr=True), tags="cp312-cp312-manylinux_2_39_x86_64")


def _symbol(folder: Path) -> None:
    new = Import("XML_SetAllocTrackerMaximumAmplification")
    demo(folder, module(new, needed=(LIBC, "libexpat.so.1"), relocations=True))


def _to_learn(folder: Path) -> None:
    """The root of a system whose libexpat lacks a function, and a wheel that calls it."""
    demo(folder, module(Import("XML_SetHashSalt"), needed=(LIBC, "libexpat.so.1"), relocations=True))
    libraries = {
        LIBC: elf(soname=LIBC, exports=(Export("clock_gettime", "GLIBC_2.17"),)),
        "libexpat.so.1": elf(soname="libexpat.so.1", exports=(Export("XML_Parse"), Export("XML_ParserCreate"))),
    }
    status = ""
    place = folder / "root/usr/lib/x86_64-linux-gnu"
    place.mkdir(parents=True)
    for soname, content in libraries.items():
        (place / soname).write_bytes(content)
    records = folder / "root/var/lib/dpkg"
    (records / "info").mkdir(parents=True)
    for package, version, soname in (("libc6", "2.41-12", LIBC), ("libexpat1", "2.7.1-2", "libexpat.so.1")):
        status += f"Package: {package}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n\n"
        listed = f"/usr/lib/x86_64-linux-gnu/{soname}\n"
        (records / f"info/{package}:amd64.list").write_text(listed, encoding="utf-8")
    (records / "status").write_text(status, encoding="utf-8")


def _host_library(folder: Path) -> None:
    demo(folder, module(needed=(LIBC, "libGL.so.1")))


def _unresolved(folder: Path) -> None:
    demo(folder, module(Import("foo_create"), Import("foo_version")))


def _stale_need(folder: Path) -> None:
    demo(folder, module(verneeds=(Need("libssl.so.1.1", (NeedVersion("OPENSSL_1_1_0"),)),)))


def _text_relocations(folder: Path) -> None:
    demo(folder, module(textrel=True))


def _isa_level(folder: Path) -> None:
    demo(folder, module(x86_isa_needed=0b111))


def _pyfpe(folder: Path) -> None:
    content = old_module(Import("PyFPE_jbuf", kind="object"), "PyInit__core")
    tags = "cp36-cp36m-manylinux1_x86_64.manylinux_2_5_x86_64"
    demo(folder, members={"demo/_core.cpython-36m-x86_64-linux-gnu.so": content}, tags=tags)


def _ucs2(folder: Path) -> None:
    content = old_module(Import("PyUnicodeUCS2_AsUTF8String"), "init_core")
    demo(folder, members={"demo/_core.so": content}, tags="cp27-cp27mu-manylinux1_x86_64.manylinux_2_5_x86_64")


def _malformed(folder: Path) -> None:
    demo(folder, module(), members={"demo/tests/broken.so": module()[:200]})


def _rpath(folder: Path) -> None:
    demo(folder, module(runpath="$ORIGIN/../demo.libs:/home/builder/deps/lib"))


def _soname(folder: Path) -> None:
    content = module(needed=("libexpat.so.1", LIBC), runpath="$ORIGIN/../demo.libs")
    demo(folder, content, members={"demo.libs/libexpat.so.1": library("libexpat.so.1")})


def _loaded_by_name(folder: Path) -> None:
    dlopen = Import("dlopen", "GLIBC_2.2.5", "libdl.so.2")
    demo(folder, module(dlopen, needed=("libdl.so.2", LIBC), rodata=b"\0libcuda.so.1\0"))


def _purelib(folder: Path) -> None:
    demo(folder, module(), tags="py3-none-any", purelib=True)


def _dead_tag(folder: Path) -> None:
    demo(folder, module(), tags="cp312-cp312-manylinux_02_017_x86_64")


def _tags_differ(folder: Path) -> None:
    demo(folder, module(), wheel_tags=["cp312-cp312-linux_x86_64"])


def _record_missing(folder: Path) -> None:
    added = {"demo.libs/libfoo-1a2b3c4d.so.1": library("libfoo-1a2b3c4d.so.1")}
    demo(folder, module(), members=added, edit_record=drop_lines(*added))


def _record_extra(folder: Path) -> None:
    demo(folder, module(), edit_record=add_lines("demo/_gone.so,sha256=AAAA,4096"))


def _record_mismatch(folder: Path) -> None:
    demo(folder, module(), edit_record=alter_line(MODULE, size=1234))


def _symlink(folder: Path) -> None:
    link = "demo.libs/libfoo.so"
    demo(folder, module(), members={link: b"libfoo-1a2b3c4d.so.1"}, modes={link: SYMLINK >> 16})


def _hostile(folder: Path) -> None:
    good = wheel_bytes(members={MODULE: module()}, tags=TAG_2_17)
    outside = RawZip(entries=(*entries_of(good), RawEntry(name="../../.profile", data=b"echo hello\n"))).build()
    (folder / f"outside-1.0-{TAG_2_17}.whl").write_bytes(outside)
    first, *rest = entries_of(good)
    other = MODULE.replace("_core", "_evil")
    twofold = RawEntry(name=first.name, data=first.data, local=Side(name=other))
    (folder / f"twofold-1.0-{TAG_2_17}.whl").write_bytes(RawZip(entries=(twofold, *rest)).build())
    bomb = RawEntry(name="demo/zeros", data=bytes(1 << 20), repeat=100, method=8)
    (folder / f"bomb-1.0-{TAG_2_17}.whl").write_bytes(RawZip.of(bomb).build())


def _bundled_version(folder: Path) -> None:
    """A bundled library may define what it likes; who needs it is checked against it."""
    soname = "libfake-0123abcd.so.1"
    own = library(soname, exports=(Export("fake", "GLIBC_9.9"),))
    content = module(Import("fake", "GLIBC_9.9", soname), needed=(soname, LIBC), runpath="$ORIGIN/../demo.libs")
    demo(folder, content, members={f"demo.libs/{soname}": own})


def _loader(folder: Path) -> None:
    loader = "ld-linux-x86-64.so.2"
    offset = Import("__rseq_offset", "GLIBC_2.35", loader, kind="object")
    demo(folder, module(offset, needed=(LIBC, loader)))


def _to_repair(folder: Path) -> None:
    """A wheel as a build leaves it, and the root file system that it was built in."""
    paint = Import("paint", "PAINT_1", "libpaint.so.1")
    plug = {"demo/_plug.cpython-312-x86_64-linux-gnu.so": module(needed=("libEGL.so.1", LIBC))}
    demo(folder, module(paint, needed=("libpaint.so.1", LIBC), runpath="/opt/build/lib"), tags=LINUX_TAG)
    demo(folder, module(), tags=LINUX_TAG, name="display", members=plug)
    libraries = folder / "sysroot" / "usr" / "lib64"
    libraries.mkdir(parents=True)
    painted = (Export("paint", "PAINT_1"),)
    brush = library("libpaint.so.1", needed=("libbrush.so.2", LIBC), exports=painted)
    (libraries / "libpaint.so.1").write_bytes(brush)
    (libraries / "libbrush.so.2").write_bytes(library("libbrush.so.2"))
    (libraries / "libEGL.so.1").write_bytes(library("libEGL.so.1"))


def _to_lower(folder: Path) -> None:
    """What a new system's compiler makes of an everyday module; and one that asks for what is new."""
    imports = (
        Import("pthread_create", "GLIBC_2.34", LIBC),
        Import("pthread_join", "GLIBC_2.34", LIBC),
        Import("pow", "GLIBC_2.29", LIBM),
        Import("stat", "GLIBC_2.33", LIBC),
    )
    demo(folder, module(*imports, needed=(LIBM, LIBC)), tags=LINUX_TAG)
    buffered = Import("fmemopen", "GLIBC_2.22", LIBC)
    members = {
        "stuck/_core.cpython-312-x86_64-linux-gnu.so": module(
            imports[0], buffered, Import("totalorder", "GLIBC_2.31", LIBM), needed=(LIBM, LIBC)
        ),
        "stuck/_io.cpython-312-x86_64-linux-gnu.so": module(buffered),
    }
    wheel(folder, name="stuck", tags=LINUX_TAG, members=members)


def _to_lower_cxx(folder: Path) -> None:
    """One that needs a newer libstdc++ than old systems have, and the root file system that it was built in."""
    strings = Import("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_createERmm", "GLIBCXX_3.4.21", LIBSTDCXX)
    length = Import("_ZSt28__throw_bad_array_new_lengthv", "GLIBCXX_3.4.29", LIBSTDCXX)
    demo(folder, module(strings, length, needed=(LIBSTDCXX, LIBC)), tags=LINUX_TAG)
    libraries = folder / "sysroot" / "usr" / "lib64"
    libraries.mkdir(parents=True)
    exports = (
        Export("_ZSt15get_new_handlerv", "GLIBCXX_3.4.20", unique=True),
        *(Export(each.name, each.version) for each in (strings, length)),
    )
    (libraries / LIBSTDCXX).write_bytes(library(LIBSTDCXX, exports=exports))


def _between(folder: Path) -> None:
    demo(folder, module(Import("__libc_single_threaded", "GLIBC_2.32", LIBC, kind="object")), tags=TAG_2_28)


def _strict(folder: Path) -> None:
    demo(folder, module(), tags="cp312-cp312-manylinux_2_34_x86_64")


def _index(folder: Path) -> None:
    """An index with three versions of a project, the newest for young systems only."""
    place = folder / "index/demo"
    place.mkdir(parents=True)
    demo(place, module(), version="1.0", tags=TAG_2_17)
    (place / "demo-1.0.tar.gz").write_bytes(b"")
    demo(place, module(), version="2.0", tags="cp312-cp312-manylinux_2_28_x86_64")
    demo(place, module(), version="3.0", tags="cp312-cp312-manylinux_2_34_x86_64")
    demo(place, module(arch="aarch64"), version="3.0", tags="cp312-cp312-manylinux_2_34_aarch64")


def _once(version: str | None, library: str | None) -> tuple[Import, ...]:
    """References to the two variables of std::call_once (libstdc++, since GCC 4.4)."""
    return tuple(Import(name, version, library, kind="tls") for name in ("_ZSt15__once_callable", "_ZSt11__once_call"))


def _takes_once_call(folder: Path, name: str = "demo") -> None:
    """A wheel that exports them, as old developer toolsets' static part of libstdc++ made some do."""
    exports = (
        Export("PyInit__core"),
        Export("_ZSt15__once_callable", kind="tls"),
        Export("_ZSt11__once_call", kind="tls"),
    )
    content = elf(imports=(PYTHON, CLOCK), exports=exports, needed=(LIBSTDCXX, LIBC), tls=(16, 8))
    members = {f"{name}/_core.cpython-312-x86_64-linux-gnu.so": content}
    wheel(folder, name=name, tags=TAG_2_17, members=members)


def _crash(folder: Path) -> None:
    """What pyarrow 0.13 and tensorflow 1.13 were to each other."""
    _takes_once_call(folder, "arrows")
    content = elf(
        imports=(PYTHON, CLOCK, *_once("GLIBCXX_3.4.11", LIBSTDCXX)),
        exports=(Export("PyInit__core"),),
        needed=(LIBSTDCXX, LIBC),
        relocations=True,
    )
    members = {"flows/_core.cpython-312-x86_64-linux-gnu.so": content}
    wheel(folder, name="flows", tags=TAG_2_17, members=members)


SETS: Final[dict[str, Callable[[Path], None]]] = {
    "none": lambda _: None,
    "honest": _honest,
    "linux": _linux,
    "not-retagged": _not_retagged,
    "two": _two,
    "crash": _crash,
    "captures-shared-library": _takes_once_call,
    "configured": _config,
    "weak": _weak,
    "hostile": _hostile,
    "bundled-version": _bundled_version,
    "loader-version": _loader,
    "between": _between,
    "to-learn": _to_learn,
    "to-repair": _to_repair,
    "to-lower": _to_lower,
    "to-lower-cxx": _to_lower_cxx,
    "too-strict": _strict,
    "index": _index,
    # one for each rule, under its name
    "too-new-symbol-version": _too_new,
    "library-not-provided": _not_provided,
    "unresolvable-bundled-library": _unresolvable,
    "links-libpython": _libpython,
    "wrong-architecture": _architecture,
    "wrong-libc": _libc,
    "executable-stack": _executable_stack,
    "unresolved-symbol": _unresolved,
    "stale-version-need": _stale_need,
    "symbol-not-provided": _symbol,
    "host-library-may-be-missing": _host_library,
    "relr-undeclared": _relr,
    "text-relocations": _text_relocations,
    "isa-level-above-baseline": _isa_level,
    "pyfpe-symbols": _pyfpe,
    "ucs2-symbols": _ucs2,
    "malformed-elf": _malformed,
    "rpath-outside-wheel": _rpath,
    "soname-not-unique": _soname,
    "library-loaded-by-name": _loaded_by_name,
    "elf-in-purelib": _purelib,
    "dead-tag": _dead_tag,
    "wheel-tags-differ": _tags_differ,
    "record-missing-member": _record_missing,
    "record-extra-entry": _record_extra,
    "record-mismatch": _record_mismatch,
    "symlink-member": _symlink,
}


def main(name: str, folder: str) -> None:
    """Builds one set in a folder, which is made where it is not there."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    SETS[name](target)


if __name__ == "__main__":
    main(*sys.argv[1:])
