"""From what a Python says of itself to a target: pure, so that every odd system is a test.

What is odd: glibc's version with a vendor's suffix, a 32-bit Python on a 64-bit kernel, ARM with
either way of passing floats, musl, a static Python, and one with neither C library. Each becomes
a sentence in the target's details, and none a warning.
"""

from __future__ import annotations

from perennial.arch import Architecture, architecture_of_tag
from perennial.errors import UsageError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.tags.libc_files import version_pair
from perennial.tags.program import Program
from perennial.tags.root import FoundLibc
from perennial.tags.target import SHORT_NAMES, Detail, Override, Python, Target

# What 32-bit processes are on the kernels that run them, to installers.
_NARROW: Final = {"x86_64": "i686", "aarch64": "armv8l"}


class Observed(NamedTuple):
    """What was asked of a running Python.

    `answers` are what the process says of glibc, as (question, answer), in the order in which they count:
    PEP 600 leaves that to installers, and they ask the C library's configuration ("glibc 2.36"), then a function
    of the loaded library. Empty where neither has an answer. `platform` is sysconfig.get_platform(),
    `pointer_bits` 8 × struct.calcsize("P"), `abi_flags` sys.abiflags, `suffix` the first of
    importlib.machinery.EXTENSION_SUFFIXES. `program` is the executable's ELF file, or a sentence on why it
    could not be read; `found` the C library that its loader leads to, looked for where that is musl's.
    """

    answers: tuple[tuple[str, str], ...]
    platform: str
    pointer_bits: int
    implementation: str
    version: tuple[int, int, int]
    abi_flags: str
    suffix: str
    executable: str
    program: Program | str
    found: FoundLibc | None = None
    override: Override | None = None


def detect(observed: Observed) -> Target:
    """The target that a Python runs on. UsageError where that is no Linux."""
    system, _, reported = observed.platform.partition("-")
    if system != "linux" or not reported:
        raise UsageError(
            f"this Python runs on {printable(observed.platform)}, not on Linux: "
            "describe a system with --on, such as --on debian:12"
        )
    libc, version, libc_text = _libc(observed)
    arch, loads_tagged, reported_arch, arch_text = _architecture(observed, reported)
    python = observed_python(observed)
    details = [
        Detail("libc", libc_text),
        Detail("architecture", arch_text),
        Detail("python", f"{python}: {printable(observed.executable) or 'the running Python'}"),
    ]
    if observed.override is not None:
        details.append(Detail("override", describe_override(observed.override)))
    return Target(
        libc, version, arch, python, loads_tagged, reported_arch, observed.override, details=tuple(details)
    )  # fmt: skip


def _libc(observed: Observed) -> tuple[Libc | None, tuple[int, int] | None, str]:
    program = observed.program
    if isinstance(program, Program):
        if program.loader is None:
            return None, None, "none: the Python is a static program, which loads no extension modules"
        if program.libc is Libc.MUSL:
            return _musl(observed, program.loader)
    said: list[str] = []
    for question, answer in observed.answers:
        pair = version_pair(answer.removeprefix("glibc").strip())
        if pair is not None:
            return Libc.GLIBC, pair, _glibc_text(pair, question, answer, said)
        said.append(f"{question} says {answer!r}, which is no version")
    loader = f"its loader is {program.loader}" if isinstance(program, Program) else program
    reason = "; ".join([*said, loader])
    return None, None, f"none: the process says nothing of glibc, and is none of musl's ({reason})"


def _glibc_text(pair: tuple[int, int], question: str, answer: str, said: list[str]) -> str:
    own = f"glibc {pair[0]}.{pair[1]}"
    short = answer.removeprefix("glibc").strip()
    text = f"{own}: {question} says {answer!r}"
    if short != f"{pair[0]}.{pair[1]}":
        text += ", of which the first two numbers count"
    return "; ".join([text, *said])


def _musl(observed: Observed, loader: str) -> tuple[Libc | None, tuple[int, int] | None, str]:
    if observed.found is None:
        return None, None, f"none: the Python's loader is {loader}, musl's, and its version could not be read"
    version = observed.found.version
    text = f"musl {version.version[0]}.{version.version[1]}: the Python's loader is {loader}, and {version.how}"
    if observed.answers:
        text += "; something in the process answers for glibc too, and does not count"
    return Libc.MUSL, version.version, text


def _architecture(observed: Observed, reported: str) -> tuple[str, bool, str | None, str]:
    """(architecture, whether tagged files load, what get_platform() says where that differs, sentence)"""
    machine = "".join("_" if char in "-. " else char for char in reported)
    narrow = _NARROW.get(machine) if observed.pointer_bits == 32 else None
    arch = narrow or machine
    text = f"{arch}: get_platform() says {observed.platform}"
    if narrow is not None:
        text = f"{arch}: a 32-bit Python on a 64-bit kernel ({machine})"
    program = observed.program
    if not isinstance(program, Program):
        return arch, True, None, f"{text}; {program}"
    own = program.abi.architecture
    known = architecture_of_tag(arch)
    if own is not None and own is not known:
        text = f"{own}: the Python is a program for {own}, though get_platform() says {observed.platform}"
        return own.value, program.loads_tagged, arch, f"{text}, which pip and uv believe"
    if program.loads_tagged or known is None:
        if known is Architecture.ARMV7L:
            text += ", and the Python passes floats in registers (hard-float)"
        return arch, True, None, text
    text += f"; but the Python is a program for {_kind(program)}, which no manylinux tag covers"
    return arch, False, None, text


def _kind(program: Program) -> str:
    return "soft-float ARM" if program.abi.architecture is Architecture.ARMV7L else program.abi.machine_name


def observed_python(observed: Observed) -> Python:
    """The Python part, from its name, version, ABI flags and the suffix of its extension modules."""
    version, micro = observed.version[:2], observed.version[2]
    short = SHORT_NAMES.get(observed.implementation, observed.implementation)
    if short == "cp":
        flags = observed.abi_flags
        return Python.cpython(version, free_threaded="t" in flags, debug="d" in flags, micro=micro)
    return Python(short, version, _abis_of_suffix(observed.suffix), micro)


def _abis_of_suffix(suffix: str) -> tuple[str, ...]:
    """`.pypy311-pp73-x86_64-linux-gnu.so` names the ABI pypy311_pp73, as packaging reads it."""
    name = suffix.strip(".").partition(".")[0]
    parts = name.split("-")
    kept = {"pypy": 2, "graalpy": 3}.get(parts[0].rstrip("0123456789"), len(parts))
    return ("_".join(parts[:kept]),) if name else ()


def describe_override(override: Override) -> str:
    """A sentence on a `_manylinux` module."""
    if override.compatible is not None:
        text = "its manylinux_compatible() is asked for every tag"
    elif override.legacy:
        text = ", ".join(f"{name} = {said}" for name, said in sorted(override.legacy.items()))
    else:
        text = "it says nothing of any tag"
    where = "" if override.isolated else "; uv, which starts Python with -I, does not find it"
    return f"_manylinux of {printable(override.source)}: {text}{where}"
