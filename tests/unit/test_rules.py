"""Each rule finds what it is for, at the right severity, and is silent about the neighbouring case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from perennial import AuditReport, Finding, Severity, audit_wheel
from perennial.audit.checks import RULES
from tests.support.audits import audit_members, rules
from tests.support.elf_builder import ARCHES, Export, Import, Need, NeedVersion, Verdef, elf
from tests.support.wheel_builder import add_lines, alter_line, drop_lines, wheel

EXTENSION = "demo/_ext.cpython-311-x86_64-linux-gnu.so"
MANYLINUX = "cp311-cp311-manylinux_2_17_x86_64"
LINUX = "cp311-cp311-linux_x86_64"
LIBC = Import("memcpy", "GLIBC_2.14", "libc.so.6")


def extension(**changes: Any) -> bytes:
    """An extension module that keeps manylinux_2_17."""
    # Relocations, as any linked file has them: a symbol that nothing refers to is never looked up.
    facts: dict[str, Any] = {
        "needed": ("libc.so.6",),
        "imports": (LIBC, Import("PyModule_Create2")),
        "relocations": True,
    }
    return elf(**(facts | changes))


def module(**changes: Any) -> bytes:
    """An extension module that Python can import, and that ends up looking for all of its symbols."""
    return extension(**({"exports": (Export("PyInit__ext"),)} | changes))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A wheel, and the findings of one rule that it should have: (severity, member) each."""

    rule: str
    name: str
    expected: tuple[tuple[str, str | None], ...]
    members: Mapping[str, bytes] = field(default_factory=lambda: {EXTENSION: extension()})
    tags: str = MANYLINUX
    options: Mapping[str, Any] = field(default_factory=dict)
    defeats: bool = False
    says: Sequence[str] = ()
    tag: str | None = None


def case(rule: str, name: str, *expected: tuple[str, str | None], **facts: Any) -> Case:
    return Case(rule=rule, name=name, expected=expected, **facts)


def one(data: bytes, path: str = EXTENSION) -> dict[str, bytes]:
    return {path: data}


LIBFOO = "libfoo-0123abcd.so.1"
BUNDLE = f"demo.libs/{LIBFOO}"
STATIC_PROGRAM = elf(static=True, type=2)

CASES: tuple[Case, ...] = (
    case("too-new-symbol-version", "within the tag"),
    case(
        "too-new-symbol-version",
        "newer than the tag",
        ("error", EXTENSION),
        members=one(extension(imports=(Import("pthread_create", "GLIBC_2.34", "libc.so.6"),))),
        says=("pthread_create@GLIBC_2.34", "libc.so.6", "manylinux_2_17_x86_64 ends at GLIBC_2.17"),
    ),
    case(
        "too-new-symbol-version",
        "newer than the tag that was asked about, and not than the claimed one",
        ("error", EXTENSION),
        tag="manylinux_2_5_x86_64",
        says=("memcpy@GLIBC_2.14", "ends at GLIBC_2.5"),
    ),
    case(
        "too-new-symbol-version",
        "weak version needs stop nothing",
        members=one(
            extension(verneeds=(Need("libc.so.6", (NeedVersion("GLIBC_2.17"), NeedVersion("GLIBC_2.34", weak=True))),))
        ),
    ),
    case(
        "too-new-symbol-version",
        "a version that no release has",
        ("error", EXTENSION),
        members=one(extension(imports=(Import("f", "GLIBC_9.9", "libc.so.6"),))),
        says=("f@GLIBC_9.9", "no known release"),
    ),
    case(
        "too-new-symbol-version",
        "a version that no release has, in a wheel that promises nothing",
        ("warning", EXTENSION),
        tags=LINUX,
        members=one(extension(imports=(Import("f", "GLIBC_9.9", "libc.so.6"),))),
    ),
    case(
        "symbol-not-provided",
        "of a library without versions, exported everywhere",
        members=one(extension(needed=("libc.so.6", "libexpat.so.1"), imports=(LIBC, Import("XML_ParserCreate")))),
    ),
    case(
        "symbol-not-provided",
        "of a library without versions, new",
        ("error", EXTENSION),
        members=one(
            extension(
                needed=("libc.so.6", "libexpat.so.1"),
                imports=(LIBC, Import("XML_SetAllocTrackerMaximumAmplification")),
            )
        ),
        says=("XML_SetAllocTrackerMaximumAmplification from libexpat.so.1", "manylinux_2_37_x86_64"),
    ),
    case(
        "symbol-not-provided",
        "of libc, without version",
        ("error", EXTENSION),
        members=one(extension(imports=(LIBC, Import("arc4random")))),
        says=("arc4random", "from glibc 2.36 on"),
    ),
    case(
        "symbol-not-provided",
        "of libc, without version, and weak",
        members=one(extension(imports=(LIBC, Import("arc4random", weak=True)))),
    ),
    case(
        "symbol-not-provided",
        "of libc's name, and from a library in the wheel",
        members={
            EXTENSION: extension(
                needed=("libfoo-0123abcd.so.1",), runpath="$ORIGIN/../demo.libs", imports=(LIBC, Import("arc4random"))
            ),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1", exports=(Export("arc4random"),)),
        },
    ),
    case(
        "symbol-not-provided",
        "of libc, and removed since",
        ("error", EXTENSION),
        members=one(extension(imports=(Import("malloc_get_state", "GLIBC_2.2.5", "libc.so.6"),))),
        says=("malloc_get_state@GLIBC_2.2.5",),
    ),
    case(
        "symbol-not-provided",
        "of pthreads, wherever it is now",
        members=one(
            extension(
                needed=("libpthread.so.0",),
                imports=(Import("pthread_create", "GLIBC_2.2.5", "libpthread.so.0"), Import("pthread_join")),
            )
        ),
    ),
    case(
        "symbol-not-provided",
        "of musl, in every release",
        tags="cp311-cp311-musllinux_1_2_x86_64",
        members=one(elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("memcpy"),), relocations=True)),
    ),
    case(
        "symbol-not-provided",
        "of musl, and newer than Alpine 3.13",
        ("error", EXTENSION),
        tags="cp311-cp311-musllinux_1_2_x86_64",
        members=one(elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("statx"),), relocations=True)),
        says=("statx", "Alpine"),
    ),
    case("host-library-may-be-missing", "libc is everywhere"),
    case(
        "host-library-may-be-missing",
        "expat comes with Python",
        members=one(extension(needed=("libc.so.6", "libexpat.so.1"))),
    ),
    case(
        "host-library-may-be-missing",
        "OpenGL comes with a desktop",
        ("warning", EXTENSION),
        members=one(extension(needed=("libc.so.6", "libGL.so.1"))),
        says=("Debian 13", "libgl1", "cannot be grafted"),
    ),
    case(
        "host-library-may-be-missing",
        "libnsl is gone from new releases",
        ("warning", EXTENSION),
        members=one(extension(needed=("libc.so.6", "libnsl.so.1"))),
        says=("RHEL 10", "libnsl"),
    ),
    case(
        "host-library-may-be-missing",
        "glib may be grafted",
        ("warning", EXTENSION),
        members=one(extension(needed=("libc.so.6", "libglib-2.0.so.0"))),
        says=("or graft libglib-2.0.so.0",),
    ),
    case("library-not-provided", "libc is"),
    case(
        "library-not-provided",
        "a library of the system's",
        ("error", EXTENSION),
        members=one(extension(needed=("libc.so.6", "libpq.so.5"))),
        defeats=True,
        says=("libpq.so.5", "Graft libpq.so.5"),
    ),
    case(
        "library-not-provided",
        "in a wheel that promises nothing",
        ("warning", EXTENSION),
        tags=LINUX,
        members=one(extension(needed=("libc.so.6", "libpq.so.5"))),
        defeats=True,
    ),
    case(
        "library-not-provided",
        "one that only higher tags allow",
        ("error", EXTENSION),
        tags="cp311-cp311-manylinux_2_5_x86_64",
        members=one(elf(needed=("libexpat.so.1",), imports=(Import("f", "GLIBC_2.2.5", "libc.so.6"),))),
        says=("libexpat.so.1", "from 2.12"),
    ),
    case(
        "library-not-provided",
        "a musl that is older than any known",
        ("error", EXTENSION),
        tags="cp311-cp311-musllinux_1_0_x86_64",
        members=one(elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("printf"),), relocations=True)),
        says=("libc.musl-x86_64.so.1", "from 1.1"),
    ),
    case(
        "unresolvable-bundled-library",
        "RUNPATH leads there",
        members={
            EXTENSION: extension(needed=("libfoo-0123abcd.so.1",), runpath="$ORIGIN/../demo.libs"),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1"),
        },
    ),
    case(
        "unresolvable-bundled-library",
        "nothing leads there",
        ("error", EXTENSION),
        members={EXTENSION: extension(needed=("libfoo-0123abcd.so.1",)), BUNDLE: elf(soname="libfoo-0123abcd.so.1")},
        defeats=True,
        says=(BUNDLE,),
    ),
    case(
        "unresolvable-bundled-library",
        "it lacks a version",
        ("error", EXTENSION),
        members={
            EXTENSION: extension(
                needed=("libfoo-0123abcd.so.1",),
                runpath="$ORIGIN/../demo.libs",
                imports=(Import("f", "FOO_2", "libfoo-0123abcd.so.1"),),
            ),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1", verdefs=(Verdef("FOO_1"),)),
        },
        defeats=True,
        says=("FOO_2", "does not define it"),
    ),
    case("unresolved-symbol", "names of the interpreter, and weak ones"),
    case(
        "unresolved-symbol",
        "a name that nobody has",
        ("warning", EXTENSION),
        members=one(module(imports=(LIBC, Import("nobody_has_this"), Import("nor_this")))),
        says=("nobody_has_this, nor_this", "the interpreter"),
    ),
    case(
        "unresolved-symbol",
        "a weak reference to a name that nobody has",
        members=one(module(imports=(LIBC, Import("nobody_has_this", weak=True)))),
    ),
    case(
        "unresolved-symbol",
        "in a library that the module loads",
        ("warning", BUNDLE),
        members={
            EXTENSION: module(needed=(LIBFOO,), imports=(LIBC, Import("foo")), runpath="$ORIGIN/../demo.libs"),
            BUNDLE: elf(soname=LIBFOO, imports=(Import("nobody_has_this"),), exports=(Export("foo"),)),
        },
    ),
    case(
        "unresolved-symbol",
        "the module has what its library wants",
        members={
            EXTENSION: module(
                needed=(LIBFOO,), exports=(Export("PyInit__ext"), Export("callback")), runpath="$ORIGIN/../demo.libs"
            ),
            BUNDLE: elf(soname=LIBFOO, imports=(Import("callback"),), exports=(Export("foo"),)),
        },
    ),
    case(
        "unresolved-symbol",
        "at a version of a library in the wheel, which has it not",
        ("warning", EXTENSION),
        members={
            EXTENSION: module(
                needed=(LIBFOO,), imports=(LIBC, Import("bar", "FOO_1", LIBFOO)), runpath="$ORIGIN/../demo.libs"
            ),
            BUNDLE: elf(soname=LIBFOO, exports=(Export("foo", "FOO_1"),)),
        },
    ),
    case(
        "unresolved-symbol",
        "a weak reference at a version of a library in the wheel, which has it not",
        members={
            EXTENSION: module(
                needed=(LIBFOO,),
                imports=(LIBC, Import("foo", "FOO_1", LIBFOO), Import("bar", "FOO_1", LIBFOO, weak=True)),
                runpath="$ORIGIN/../demo.libs",
            ),
            BUNDLE: elf(soname=LIBFOO, exports=(Export("foo", "FOO_1"),)),
        },
    ),
    case(
        "unresolved-symbol",
        "nobody has learned that architecture's libstdc++",
        tags="cp311-cp311-linux_ppc64",
        members=one(module(arch="ppc64", needed=("libstdc++.so.6",), imports=(Import("of_some_libstdcxx"),))),
    ),
    case(
        "unresolved-symbol",
        "another file of the wheel has it, which Python code may load first",
        members={
            EXTENSION: module(imports=(LIBC, Import("foo"))),
            "demo/libplugin.so": elf(soname="libplugin.so", exports=(Export("foo"),)),
        },
    ),
    case(
        "unresolved-symbol",
        "another file of the wheel has it, whose hash table is of the old kind",
        members={
            EXTENSION: module(imports=(LIBC, Import("foo"))),
            "demo/libplugin.so": elf(soname="libplugin.so", exports=(Export("foo"),), hash_style="sysv"),
        },
    ),
    case(
        "unresolved-symbol",
        "it may come from a library outside the wheel",
        members=one(module(needed=("libc.so.6", "libtorch.so"), imports=(LIBC, Import("nobody_has_this")))),
    ),
    case(
        "unresolved-symbol",
        "libX11 brings libraries of which nothing is known",
        members=one(module(needed=("libc.so.6", "libX11.so.6"), imports=(LIBC, Import("xcb_connect")))),
    ),
    case(
        "unresolved-symbol",
        "no module: who loads it may have the name",
        members={
            "demo/plugin.so": elf(needed=("libc.so.6",), imports=(Import("of_the_host"),), exports=(Export("run"),))
        },
    ),
    case(
        "unresolved-symbol",
        "some release of the C library has it, some learned release of zlib, and some builds of Python",
        members=one(module(imports=(LIBC, Import("sqrt"), Import("inflate"), Import("XML_Parse"), Import("mpd_qadd")))),
    ),
    case(
        "unresolved-symbol",
        "musl has it, and no release of it",
        ("warning", "demo/_ext.cpython-311-x86_64-linux-musl.so"),
        tags="cp311-cp311-musllinux_1_2_x86_64",
        members={
            "demo/_ext.cpython-311-x86_64-linux-musl.so": module(
                needed=("libc.musl-x86_64.so.1",), imports=(Import("memcpy"), Import("fts_open"), Import("_nobody"))
            )
        },
        says=("needs _nobody, fts_open",),
    ),
    case(
        "unresolved-symbol",
        "a name that CPython took away",
        ("warning", "demo/_ext.cpython-312-x86_64-linux-gnu.so"),
        tags="cp312-cp312-manylinux_2_17_x86_64",
        members={
            "demo/_ext.cpython-312-x86_64-linux-gnu.so": module(imports=(LIBC, Import("PyUnicode_AsUnicode"))),
            EXTENSION: module(imports=(LIBC, Import("PyUnicode_AsUnicode"))),
            "demo/_ext.abi3.so": module(imports=(LIBC, Import("PyUnicode_AsUnicode"))),
        },
        says=("CPython 3.12 does not export (3.6 to 3.11 do)",),
    ),
    case(
        "unresolved-symbol",
        "a private name that only a later Python is known to have may be in a patch release",
        members=one(module(imports=(LIBC, Import("_PyErr_ChainExceptions1"), Import("_Py_NobodyHasThis")))),
    ),
    case(
        "unresolved-symbol",
        "a public name that only a later Python has",
        ("warning", EXTENSION),
        members=one(module(imports=(LIBC, Import("PyErr_GetRaisedException")))),
        says=("CPython 3.11 does not export (3.12 to 3.13 do)",),
    ),
    case(
        "stale-version-need",
        "all are loaded",
        members={
            EXTENSION: extension(
                needed=("libc.so.6", "libfoo-0123abcd.so.1"),
                runpath="$ORIGIN/../demo.libs",
                imports=(LIBC, Import("f", "FOO_1", "libbar-0123abcd.so.1")),
            ),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1", needed=("libbar-0123abcd.so.1",), runpath="$ORIGIN"),
            "demo.libs/libbar-0123abcd.so.1": elf(soname="libbar-0123abcd.so.1", verdefs=(Verdef("FOO_1"),)),
        },
    ),
    case(
        "stale-version-need",
        "left behind by patchelf --remove-needed",
        ("error", EXTENSION),
        members=one(extension(imports=(LIBC, Import("f", "GONE_1", "libgone.so.9")))),
        defeats=True,
        says=("libgone.so.9", "GONE_1"),
    ),
    case("links-libpython", "does not"),
    case(
        "links-libpython",
        "does",
        ("error", EXTENSION),
        members=one(extension(needed=("libc.so.6", "libpython3.11.so.1.0"))),
        defeats=True,
    ),
    case("wrong-architecture", "all alike"),
    case(
        "wrong-architecture",
        "a library for another architecture beside",
        ("error", "demo/other.so"),
        members={EXTENSION: extension(), "demo/other.so": elf(arch="aarch64", soname="other.so")},
        defeats=True,
        says=("aarch64", "x86_64"),
    ),
    case(
        "wrong-architecture",
        "a program for another architecture may be data",
        ("warning", "demo/firmware"),
        members={EXTENSION: extension(), "demo/firmware": elf(arch="armv7l", static=True, type=2)},
    ),
    case(
        "wrong-architecture",
        "all for another than the tag says",
        ("error", "demo/x.so"),
        members={"demo/x.so": elf(arch="aarch64", soname="x.so")},
        says=("manylinux_2_17_x86_64", "aarch64"),
    ),
    case("wrong-libc", "glibc in manylinux"),
    case(
        "wrong-libc",
        "musl beside glibc",
        ("error", "demo/b.so"),
        members={EXTENSION: extension(), "demo/b.so": elf(needed=("libc.musl-x86_64.so.1",))},
        defeats=True,
    ),
    case(
        "wrong-libc",
        "musl in manylinux",
        ("error", "demo/b.so"),
        members={"demo/b.so": elf(needed=("libc.musl-x86_64.so.1",))},
    ),
    case("executable-stack", "no"),
    case("executable-stack", "asked for", ("error", EXTENSION), members=one(extension(stack="rwx")), defeats=True),
    case(
        "executable-stack",
        "by default where nothing is said",
        ("error", EXTENSION),
        members=one(extension(stack=None)),
        defeats=True,
    ),
    case(
        "executable-stack",
        "not by default on aarch64",
        tags="cp311-cp311-manylinux_2_17_aarch64",
        members=one(elf(arch="aarch64", stack=None, needed=("libc.so.6",))),
    ),
    case(
        "executable-stack",
        "musl does not look at it",
        ("warning", EXTENSION),
        tags="cp311-cp311-musllinux_1_2_x86_64",
        members=one(elf(stack="rwx", needed=("libc.musl-x86_64.so.1",))),
    ),
    case(
        "relr-undeclared",
        "declared",
        members=one(extension(relr=True, imports=(Import("f", "GLIBC_ABI_DT_RELR", "libc.so.6"),))),
        tags="cp311-cp311-manylinux_2_36_x86_64",
    ),
    case(
        "relr-undeclared",
        "no libc to declare it to",
        members=one(elf(relr=True, soname="x")),
        tags="cp311-cp311-manylinux_2_36_x86_64",
    ),
    case(
        "relr-undeclared",
        "musl",
        ("error", EXTENSION),
        tags="cp311-cp311-musllinux_1_2_x86_64",
        members=one(elf(relr=True, needed=("libc.musl-x86_64.so.1",))),
        defeats=True,
        says=("1.2.4",),
    ),
    case("relr-undeclared", "not declared", ("error", EXTENSION), members=one(extension(relr=True)), defeats=True),
    case("text-relocations", "no"),
    case("text-relocations", "yes", ("warning", EXTENSION), members=one(extension(textrel=True))),
    case("isa-level-above-baseline", "baseline", members=one(extension(x86_isa_needed=1))),
    case(
        "isa-level-above-baseline",
        "v3",
        ("error", EXTENSION),
        members=one(extension(x86_isa_needed=0b111)),
        defeats=True,
        says=("x86-64-v3",),
    ),
    case("pyfpe-symbols", "no"),
    case(
        "pyfpe-symbols",
        "yes",
        ("error", EXTENSION),
        members=one(extension(imports=(LIBC, Import("PyFPE_jbuf")))),
        defeats=True,
    ),
    case("ucs2-symbols", "UCS-4", members=one(extension(imports=(LIBC, Import("PyUnicodeUCS4_Decode"))))),
    case(
        "ucs2-symbols",
        "UCS-2",
        ("error", EXTENSION),
        members=one(extension(imports=(LIBC, Import("PyUnicodeUCS2_Decode")))),
        defeats=True,
    ),
    case("malformed-elf", "all well"),
    case(
        "malformed-elf",
        "four bytes, and the rest is judged",
        ("error", "demo/bad.so"),
        members={EXTENSION: extension(), "demo/bad.so": b"\x7fELF"},
        says=("e_ident",),
    ),
    case(
        "rpath-outside-wheel", "relative to the file", members=one(extension(runpath="$ORIGIN/../demo.libs:${ORIGIN}"))
    ),
    case(
        "rpath-outside-wheel",
        "absolute",
        ("warning", EXTENSION),
        members=one(extension(runpath="/opt/lib")),
        says=("'/opt/lib'",),
    ),
    case("rpath-outside-wheel", "relative to nothing", ("warning", EXTENSION), members=one(extension(rpath="lib"))),
    case(
        "rpath-outside-wheel",
        "out of the environment",
        ("warning", EXTENSION),
        members=one(extension(runpath="$ORIGIN/" + "../" * 9)),
    ),
    case(
        "rpath-outside-wheel", "up to the environment's root", members=one(extension(runpath="$ORIGIN/../../../../lib"))
    ),
    case("rpath-outside-wheel", "an empty entry", ("warning", EXTENSION), members=one(extension(runpath="$ORIGIN:"))),
    case("rpath-outside-wheel", "an empty path", members=one(extension(runpath=""))),
    case(
        "soname-not-unique",
        "a hash in it",
        members={
            EXTENSION: extension(needed=("libfoo-0123abcd.so.1",), runpath="$ORIGIN/../demo.libs"),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1"),
        },
    ),
    case(
        "soname-not-unique",
        "what interpreters load themselves",
        ("warning", "demo.libs/libssl.so.3"),
        members={
            EXTENSION: extension(needed=("libssl.so.3",), runpath="$ORIGIN/../demo.libs"),
            "demo.libs/libssl.so.3": elf(soname="libssl.so.3"),
        },
    ),
    case(
        "soname-not-unique",
        "a name that may be anybody's",
        ("info", "demo.libs/libfoo.so"),
        members={
            EXTENSION: extension(needed=("libfoo.so",), runpath="$ORIGIN/../demo.libs"),
            "demo.libs/libfoo.so": elf(soname="libfoo.so"),
        },
    ),
    case(
        "library-loaded-by-name",
        "named, and dlopen is imported",
        ("info", EXTENSION),
        members=one(extension(imports=(LIBC, Import("dlopen", "GLIBC_2.2.5", "libc.so.6")), rodata=b"\0libfoo.so.3\0")),
        says=("libfoo.so.3",),
    ),
    case("library-loaded-by-name", "named, without dlopen", members=one(extension(rodata=b"\0libfoo.so.3\0"))),
    case(
        "library-loaded-by-name",
        "in the wheel under a longer name",
        members={
            EXTENSION: extension(
                imports=(LIBC, Import("dlopen", "GLIBC_2.2.5", "libc.so.6")), rodata=b"\0libfoo.so.1\0"
            ),
            BUNDLE: elf(soname="libfoo-0123abcd.so.1"),
        },
    ),
    case(
        "captures-shared-library",
        "a thread-local variable of libstdc++, an operator new, the unwinder",
        ("warning", EXTENSION),
        ("warning", EXTENSION),
        ("warning", EXTENSION),
        members=one(
            extension(
                needed=("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6"),
                exports=(Export("_ZSt11__once_call", kind="tls"), Export("_Znwm"), Export("_Unwind_GetIPInfo")),
                tls=(8, 8),
            )
        ),
        says=("_ZSt11__once_call", "allocates what another frees", "_Unwind_GetIPInfo"),
    ),
    case(
        "captures-shared-library",
        "bundled copies of the libraries themselves",
        members={
            EXTENSION: extension(needed=("libstdc++.so.6", "libc.so.6")),
            "demo.libs/libstdc++-0123abcd.so.6": elf(
                soname="libstdc++-0123abcd.so.6", exports=(Export("_ZSt11__once_call", kind="tls"),), tls=(8, 8)
            ),
        },
    ),
    case(
        "captures-shared-library",
        "nothing of the wheel needs libstdc++",
        members={
            EXTENSION: extension(needed=("libc.so.6",), exports=(Export("_Znwm"),)),
        },
    ),
    case(
        "captures-shared-library",
        "malloc, and C++ that is not the library's",
        members=one(extension(needed=("libstdc++.so.6", "libc.so.6"), exports=(Export("malloc"), Export("_Z3foov")))),
    ),
    case("elf-in-purelib", "in platlib"),
    case(
        "elf-in-purelib",
        "Root-Is-Purelib: true",
        ("error", EXTENSION),
        options={"purelib": True},
    ),
    case(
        "elf-in-purelib",
        "in .data/purelib",
        ("error", "demo-1.0.data/purelib/x.so"),
        members=one(extension(), "demo-1.0.data/purelib/x.so"),
    ),
    case("elf-in-purelib", "any platform", ("error", EXTENSION), tags="py3-none-any"),
    case("dead-tag", "alive"),
    *(
        case("dead-tag", f"{tag}", ("error", None), tags=f"cp311-cp311-{tag}", says=(tag, why))
        for tag, why in (
            ("manylinux_2_0_x86_64", "begin at 2.5"),
            ("manylinux_02_017_x86_64", "manylinux_2_17_x86_64"),
            ("manylinux_2_999_x86_64", "newest known"),
            ("musllinux_0_9_x86_64", "begin at 1.0"),
            ("manylinux_9_9_sparc", "sparc"),
            ("manylinux2015_x86_64", "not of the form"),
        )
    ),
    case(
        "dead-tag",
        "manylinux_2_5_aarch64",
        ("error", None),
        tags="cp311-cp311-manylinux_2_5_aarch64",
        members=one(elf(arch="aarch64", needed=("libc.so.6",))),
        says=("begin at 2.17",),
    ),
    case(
        "dead-tag",
        "manylinux1 is for PCs",
        ("error", None),
        tags="cp311-cp311-manylinux1_aarch64",
        members=one(elf(arch="aarch64", needed=("libc.so.6",))),
    ),
    case("wheel-tags-differ", "alike"),
    case(
        "wheel-tags-differ",
        "other ones",
        ("error", "demo-1.0.dist-info/WHEEL"),
        options={"wheel_tags": ("cp311-cp311-linux_x86_64",)},
        says=("only in the file name: cp311-cp311-manylinux_2_17_x86_64", "only in WHEEL: cp311-cp311-linux_x86_64"),
    ),
    case("wheel-tags-differ", "no WHEEL at all", ("error", None), options={"omit": ("WHEEL",)}),
    case("record-missing-member", "all listed"),
    case(
        "record-missing-member",
        "not listed, yet judged",
        ("error", EXTENSION),
        options={"edit_record": drop_lines(EXTENSION)},
    ),
    case("record-missing-member", "no RECORD", ("error", None), options={"omit": ("RECORD",)}),
    case("record-extra-entry", "none"),
    case(
        "record-extra-entry",
        "a file that is not there",
        ("error", "demo-1.0.dist-info/RECORD"),
        options={"edit_record": add_lines("demo/gone.py,sha256=AAAA,3")},
        says=("demo/gone.py",),
    ),
    case(
        "record-extra-entry",
        "a line that is none",
        ("error", "demo-1.0.dist-info/RECORD"),
        options={"edit_record": add_lines("demo/gone.py")},
    ),
    case("record-mismatch", "right"),
    case("record-mismatch", "wrong size", ("error", EXTENSION), options={"edit_record": alter_line(EXTENSION, size=1)}),
    case(
        "record-mismatch",
        "wrong hash",
        ("error", EXTENSION),
        options={"edit_record": alter_line(EXTENSION, digest="sha256=" + "A" * 43)},
    ),
    case(
        "record-mismatch",
        "a weak hash",
        ("error", EXTENSION),
        options={"edit_record": alter_line(EXTENSION, digest="md5=AAAA")},
    ),
    case("record-mismatch", "no hash", ("error", EXTENSION), options={"edit_record": alter_line(EXTENSION, digest="")}),
    case("symlink-member", "none"),
    case(
        "symlink-member",
        "one",
        ("warning", "demo/link.so"),
        members={EXTENSION: extension(), "demo/link.so": b"_ext.so"},
        options={"modes": {"demo/link.so": 0o120777}},
    ),
)


def audited(folder: Path, given: Case) -> AuditReport:
    path = wheel(folder, members=given.members, tags=given.tags, **given.options)
    return audit_wheel(path, tag=given.tag)


@pytest.mark.parametrize("given", CASES, ids=lambda given: f"{given.rule}: {given.name}")
def test_rule(tmp_path: Path, given: Case) -> None:
    found = [finding for finding in audited(tmp_path, given).findings if finding.rule == given.rule]
    assert tuple((finding.severity.value, finding.member) for finding in found) == given.expected
    assert all(finding.defeats_tags for finding in found) == given.defeats or not found
    for text in given.says:
        assert any(text in f"{finding.message} {finding.remedy}" for finding in found), (text, found)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_tried_both_ways(rule: str) -> None:
    own = [given for given in CASES if given.rule == rule]
    assert any(given.expected for given in own), "no case in which it finds something"
    assert any(not given.expected for given in own), "no case in which it is silent"


@pytest.mark.parametrize(
    "given", [given for given in CASES if given.expected], ids=lambda given: f"{given.rule}: {given.name}"
)
def test_findings_are_complete_sentences(tmp_path: Path, given: Case) -> None:
    for finding in audited(tmp_path, given).findings:
        _is_complete(finding)


def _is_complete(finding: Finding) -> None:
    assert finding.message
    assert "\n" not in finding.message
    assert not finding.message.endswith(".")
    assert finding.remedy is not None
    assert finding.remedy.endswith(".")
    assert finding.severity in Severity


def test_a_sound_wheel_has_no_findings(tmp_path: Path) -> None:
    report = audit_wheel(wheel(tmp_path, members={EXTENSION: extension()}))
    assert report.findings == ()
    assert report.honest is True
    assert report.lowest.text == "manylinux_2_14_x86_64"
    # pip before 20.3 reads the old spelling only, and what keeps 2.14 keeps 2.17
    assert [tag.text for tag in report.tags] == ["manylinux2014_x86_64", "manylinux_2_14_x86_64"]


@pytest.mark.parametrize("arch", ARCHES)
def test_every_architecture_is_judged(tmp_path: Path, arch: str) -> None:
    number = {"riscv64": "2_27", "loongarch64": "2_36", "x86_64": "2_5", "i686": "2_5"}.get(arch, "2_17")
    data = elf(arch=arch, needed=("libc.so.6",))
    report = audit_wheel(wheel(tmp_path, members={"demo/x.so": data}, tags=f"py3-none-linux_{arch}"))
    assert report.lowest.text == f"manylinux_{number}_{arch}"
    assert report.honest is True


def test_what_cannot_be_read_is_not_honest(tmp_path: Path) -> None:
    report = audit_wheel(wheel(tmp_path, members={EXTENSION: b"\x7fELF" + bytes(20)}, tags=MANYLINUX))
    assert report.lowest.text == "linux_x86_64"
    assert report.honest is False


def test_a_copy_of_libc_in_the_wheel_is_never_loaded(tmp_path: Path) -> None:
    """ld.so takes the one that the process has: the wheel's own libm may define what it likes."""
    pow_ = Import("pow", "GLIBC_2.99", "libm.so.6")
    members = {
        EXTENSION: extension(needed=("libm.so.6",), imports=(pow_,), runpath="$ORIGIN/../demo.libs"),
        "demo.libs/libm.so.6": elf(soname="libm.so.6", verdefs=(Verdef("GLIBC_2.99"),), exports=(Export("pow"),)),
    }
    report = audit_wheel(wheel(tmp_path, members=members))
    assert report.honest is False
    assert report.lowest.text == "linux_x86_64"


def test_another_operating_systems_files(tmp_path: Path) -> None:
    report = audit_wheel(wheel(tmp_path, members={EXTENSION: extension(os_abi=9)}))
    assert report.honest is False
    assert [finding.rule for finding in report.findings] == ["wrong-architecture"]


def test_many_findings_are_bounded(tmp_path: Path) -> None:
    lines = add_lines(*(f"demo/gone{number}.py,," for number in range(3000)))
    report = audit_wheel(wheel(tmp_path, members={EXTENSION: extension()}, edit_record=lines))
    assert len(report.findings) == 1001
    assert any("2000 more than the 1000" in finding.message for finding in report.findings)


def test_where_a_wheel_runs_depends_on_its_symbols_too(tmp_path: Path) -> None:
    new = Import("XML_SetAllocTrackerMaximumAmplification")
    data = extension(needed=("libc.so.6", "libexpat.so.1"), imports=(LIBC, new))
    coverage = audit_wheel(wheel(tmp_path, members={EXTENSION: data})).coverage
    runs = {release.id for release in coverage.runs}
    fails = {lack.release.id for lack in coverage.fails}
    assert "debian:13" in runs
    assert {"debian:11", "debian:12"} <= fails
    # nobody has learned RHEL 8's expat, and the tag leaves that release out
    assert "rhel:8" not in runs


def test_the_bound_on_findings_hides_no_verdict(tmp_path: Path) -> None:
    """1,100 programs for another architecture are warnings; the library behind them defeats the tag."""
    program = elf(arch="armv7l", static=True, type=2)
    members = {f"demo/firmware/{number:04}": program for number in range(1100)}
    members |= {EXTENSION: extension(), "demo/zz.so": elf(arch="aarch64", soname="zz.so")}
    report = audit_wheel(wheel(tmp_path, members=members))
    assert report.lowest.text == "linux_x86_64"
    assert report.honest is False
    assert report.has_errors


def test_what_bundled_libraries_export_is_known_without_reading_them_again() -> None:
    """`audit` is handed nothing here that could say which members export a name."""
    members = {
        EXTENSION: module(needed=(LIBFOO,), imports=(LIBC, Import("foo")), runpath="$ORIGIN/../demo.libs"),
        BUNDLE: elf(soname=LIBFOO, exports=(Export("foo"),)),
    }
    assert "unresolved-symbol" not in rules(audit_members(members, MANYLINUX))
    members[BUNDLE] = elf(soname=LIBFOO, exports=(Export("bar"),))
    assert "unresolved-symbol" in rules(audit_members(members, MANYLINUX))
