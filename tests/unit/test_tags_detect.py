"""Detection on the running system: every odd one is a case, with the sentence that people read."""

from __future__ import annotations

import importlib
import sys
import types
from pathlib import Path
from typing import Any, Final

import pytest

from perennial.arch import ElfAbi
from perennial.errors import UsageError
from perennial.platform_tag import Libc
from perennial.tags import Override, Target, platform_tags
from perennial.tags import here as here_module
from perennial.tags.detect import Observed, detect
from perennial.tags.here import CONFSTR, FUNCTION, this_system
from perennial.tags.installers import Installer
from perennial.tags.libc_files import LibcVersion
from perennial.tags.program import Program
from perennial.tags.root import FoundLibc
from tests.support.elf_spec import ARCHES, Abi

X86_64: Final = Program(ElfAbi(*ARCHES["x86_64"]), "/lib64/ld-linux-x86-64.so.2")
MUSL: Final = Program(ElfAbi(*ARCHES["x86_64"]), "/lib/ld-musl-x86_64.so.1")
HARD: Final = Program(ElfAbi(*ARCHES["armv7l"]), "/lib/ld-linux-armhf.so.3")
SOFT: Final = Program(ElfAbi(*Abi(32, True, 40, 0x05000200)), "/lib/ld-linux.so.3")
UNSTATED: Final = Program(ElfAbi(*Abi(32, True, 40, 0x05000000)), "/lib/ld-linux.so.3")
X32: Final = Program(ElfAbi(*Abi(32, True, 62, 0)), "/libx32/ld-linux-x32.so.2")


def observed(**fields: Any) -> Observed:
    usual = Observed(
        ((CONFSTR, "glibc 2.36"),), "linux-x86_64", 64, "cpython", (3, 12, 4), "",
        ".cpython-312-x86_64-linux-gnu.so", "/usr/bin/python3.12", X86_64,
    )  # fmt: skip
    return usual._replace(**fields)


def text(target: Target, part: str) -> str:
    return next(detail.text for detail in target.details if detail.part == part)


# ----- libc


def test_the_usual() -> None:
    target = detect(observed())
    assert (target.libc, target.libc_version) == (Libc.GLIBC, (2, 36))
    assert text(target, "libc") == "glibc 2.36: confstr(CS_GNU_LIBC_VERSION) says 'glibc 2.36'"


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("glibc 2.20-2014.11", (2, 20)),  # Linaro
        ("glibc 2.27.9000", (2, 27)),  # Fedora, between releases
        ("glibc 2.31-0ubuntu9.9", (2, 31)),
        ("glibc 3.0", (3, 0)),
        ("2.17", (2, 17)),
    ],
)
def test_vendors_write_more_than_the_version(answer: str, version: tuple[int, int]) -> None:
    target = detect(observed(answers=((CONFSTR, answer),)))
    assert target.libc_version == version
    assert repr(answer) in text(target, "libc")
    assert ("first two numbers" in text(target, "libc")) is (answer.removeprefix("glibc ") != "{}.{}".format(*version))


def test_nonsense_is_a_sentence_and_the_library_is_asked() -> None:
    target = detect(observed(answers=((CONFSTR, "glibc two"), (FUNCTION, "2.17"))))
    assert target.libc_version == (2, 17)
    assert text(target, "libc") == (
        "glibc 2.17: gnu_get_libc_version() says '2.17'; "
        "confstr(CS_GNU_LIBC_VERSION) says 'glibc two', which is no version"
    )


def test_nonsense_alone() -> None:
    target = detect(observed(answers=((CONFSTR, "glibc two"),)))
    assert (target.libc, target.libc_version) == (None, None)
    assert "'glibc two', which is no version" in text(target, "libc")
    assert platform_tags(target) == ("linux_x86_64",)


def test_musl() -> None:
    found = FoundLibc(LibcVersion((1, 2), "1.2.5", "it holds its version, 1.2.5"), "lib/ld-musl-x86_64.so.1")
    target = detect(observed(answers=(), program=MUSL, found=found))
    assert (target.libc, target.libc_version) == (Libc.MUSL, (1, 2))
    assert text(target, "libc") == (
        "musl 1.2: the Python's loader is /lib/ld-musl-x86_64.so.1, and it holds its version, 1.2.5"
    )


def test_musl_with_something_that_answers_for_glibc() -> None:
    """gcompat, loaded into musl's processes, has gnu_get_libc_version()."""
    found = FoundLibc(LibcVersion((1, 2), "1.2.5", "it holds its version, 1.2.5"), "lib/ld-musl-x86_64.so.1")
    target = detect(observed(answers=((FUNCTION, "2.8"),), program=MUSL, found=found))
    assert (target.libc, target.libc_version) == (Libc.MUSL, (1, 2))
    assert "answers for glibc too, and does not count" in text(target, "libc")


def test_musl_that_does_not_say_its_version() -> None:
    target = detect(observed(answers=(), program=MUSL))
    assert target.libc is None
    assert "its version could not be read" in text(target, "libc")


def test_a_static_python() -> None:
    target = detect(observed(program=X86_64._replace(loader=None)))
    assert target.libc is None
    assert text(target, "libc") == "none: the Python is a static program, which loads no extension modules"
    assert platform_tags(target) == ("linux_x86_64",)


def test_neither() -> None:
    target = detect(observed(answers=(), program=X86_64._replace(loader="/system/bin/linker64")))
    assert target.libc is None
    assert text(target, "libc").endswith("(its loader is /system/bin/linker64)")


def test_a_python_whose_file_cannot_be_read() -> None:
    target = detect(observed(program="the Python's own file could not be read (/x: Permission denied)"))
    assert target.libc_version == (2, 36)
    assert "could not be read" in text(target, "architecture")
    assert platform_tags(target)[:2] == ("linux_x86_64", "manylinux_2_36_x86_64")


# ----- architecture


def arch_of(**fields: Any) -> tuple[str, bool, str | None]:
    target = detect(observed(**fields))
    return target.arch, target.loads_tagged, target.reported_arch


def test_32_bit_pythons_on_64_bit_kernels() -> None:
    i686 = Program(ElfAbi(*ARCHES["i686"]), "/lib/ld-linux.so.2")
    assert arch_of(pointer_bits=32, program=i686) == ("i686", True, None)
    assert arch_of(platform="linux-aarch64", pointer_bits=32, program=HARD) == ("armv8l", True, None)
    target = detect(observed(pointer_bits=32, program=i686))
    assert text(target, "architecture") == "i686: a 32-bit Python on a 64-bit kernel (x86_64)"


def test_arm_passes_floats_either_way() -> None:
    hard = detect(observed(platform="linux-armv7l", pointer_bits=32, program=HARD))
    assert "manylinux_2_36_armv7l" in platform_tags(hard)
    assert "hard-float" in text(hard, "architecture")
    for program in (SOFT, UNSTATED):
        soft = detect(observed(platform="linux-armv7l", pointer_bits=32, program=program))
        assert platform_tags(soft) == ("linux_armv7l",)
        assert "which no manylinux tag covers" in text(soft, "architecture")


def test_armv8l_takes_armv7l_too() -> None:
    target = detect(
        observed(platform="linux-armv8l", pointer_bits=32, program=HARD, answers=((CONFSTR, "glibc 2.18"),))
    )
    assert platform_tags(target) == (
        *("linux_armv8l", "linux_armv7l"),
        *("manylinux_2_18_armv8l", "manylinux_2_17_armv8l"),
        *("manylinux_2_18_armv7l", "manylinux_2_17_armv7l", "manylinux2014_armv7l"),
    )


def test_x32_is_no_i686() -> None:
    target = detect(observed(pointer_bits=32, program=X32))
    assert platform_tags(target) == ("linux_i686",)
    assert "x32" in text(target, "architecture")


def test_setarch_does_not_change_what_a_program_is() -> None:
    """`setarch i686 python3` makes uname say i686, and a 64-bit Python stays one; pip goes by uname."""
    assert arch_of(platform="linux-i686") == ("x86_64", True, "i686")
    target = detect(observed(platform="linux-i686"))
    assert platform_tags(target)[:2] == ("linux_x86_64", "manylinux_2_36_x86_64")
    assert platform_tags(target, Installer.PIP) == ("linux_i686",)


def test_armv6l_is_not_made_armv7l() -> None:
    """A Raspberry Pi Zero's processes have the same ELF ABI; its processor has not the same instructions."""
    assert arch_of(platform="linux-armv6l", pointer_bits=32, program=HARD) == ("armv6l", True, None)


def test_an_architecture_that_nobody_here_knows() -> None:
    program = Program(ElfAbi(*Abi(64, True, 9999, 0)), "/lib64/ld-linux-leg.so.1")
    target = detect(observed(platform="linux-legv8le", program=program))
    assert platform_tags(target)[:2] == ("linux_legv8le", "manylinux_2_36_legv8le"), "PEP 600's own example"


def test_other_systems_are_named() -> None:
    with pytest.raises(UsageError, match=r"macosx-14\.0-arm64, not on Linux: describe a system with --on"):
        detect(observed(platform="macosx-14.0-arm64"))


# ----- Python


@pytest.mark.parametrize(
    ("fields", "abis", "name"),
    [
        ({}, ("cp312",), "CPython 3.12.4"),
        ({"version": (3, 14, 0), "abi_flags": "t"}, ("cp314t",), "CPython 3.14.0 free-threaded"),
        ({"version": (3, 13, 1), "abi_flags": "td"}, ("cp313td", "cp313t"), "CPython 3.13.1 free-threaded, debug"),
        ({"abi_flags": "d"}, ("cp312d", "cp312"), "CPython 3.12.4 debug"),
        ({"version": (3, 7, 9), "abi_flags": "m"}, ("cp37m",), "CPython 3.7.9"),
        ({"version": (2, 7, 18)}, ("cp27mu",), "CPython 2.7.18"),
        (
            {"implementation": "pypy", "version": (3, 11, 9), "suffix": ".pypy311-pp73-x86_64-linux-gnu.so"},
            ("pypy311_pp73",),
            "PyPy 3.11.9",
        ),
        (
            {"implementation": "graalpy", "version": (3, 11, 7), "suffix": ".graalpy242-311-native-x86_64-linux.so"},
            ("graalpy242_311_native",),
            "GraalPy 3.11.7",
        ),
    ],
)
def test_pythons(fields: dict[str, Any], abis: tuple[str, ...], name: str) -> None:
    python = detect(observed(**fields)).python
    assert (python.abis, str(python)) == (abis, name)


# ----- overrides


def override_on(monkeypatch: pytest.MonkeyPatch, **attributes: Any) -> Override | None:
    module = types.ModuleType("_manylinux")
    module.__dict__.update(attributes)
    monkeypatch.setitem(sys.modules, "_manylinux", module)
    return this_system().override


def test_a_function_is_asked_for_every_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def manylinux_compatible(major: int, minor: int, arch: str) -> bool | None:
        asked.append((major, minor, arch))
        return {17: False, 12: True}.get(minor)

    override = override_on(monkeypatch, manylinux_compatible=manylinux_compatible, manylinux2010_compatible=False)
    target = detect(observed(override=override, answers=((CONFSTR, "glibc 2.18"),)))
    tags = platform_tags(target)
    assert "manylinux_2_17_x86_64" not in tags
    assert "manylinux2014_x86_64" not in tags
    assert {"manylinux_2_18_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64"} <= set(tags), (
        "the function takes precedence over the attribute"
    )
    assert asked == [(2, minor, "x86_64") for minor in range(18, 4, -1)]


def test_old_attributes_are_for_their_own_version_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    override = override_on(monkeypatch, manylinux1_compatible=False, manylinux2014_compatible=False)
    tags = platform_tags(detect(observed(override=override)))
    refused = {"manylinux_2_5_x86_64", "manylinux1_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"}
    assert refused.isdisjoint(tags)
    assert {"manylinux_2_16_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64"} <= set(tags)


def test_yes_does_not_raise_the_glibc() -> None:
    """In PEP 600's code the versions are compared first."""
    target = detect(observed(override=Override("a test", lambda *_: True)))
    assert platform_tags(target) == platform_tags(detect(observed()))


def test_the_sentence_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    override = override_on(monkeypatch, __file__="/usr/lib/python3/_manylinux.py", manylinux1_compatible=True)
    assert text(detect(observed(override=override)), "override").startswith(
        "_manylinux of /usr/lib/python3/_manylinux.py: manylinux1_compatible = True"
    )


def test_uv_sees_none_of_pythonpath(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """uv starts Python with -I, and asks once, for the system's own glibc."""
    (tmp_path / "_manylinux.py").write_text("def manylinux_compatible(*_):\n    return False\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "_manylinux", raising=False)
    importlib.invalidate_caches()
    try:
        override = here_module._override()
    finally:
        sys.modules.pop("_manylinux", None)
    assert override is not None and not override.isolated
    target = detect(observed(override=override))
    assert "uv, which starts Python with -I, does not find it" in text(target, "override")
    assert platform_tags(target, Installer.PIP) == ("linux_x86_64",)
    assert platform_tags(target, Installer.UV)[0] == "manylinux_2_36_x86_64"
    seen = detect(observed(override=override._replace(isolated=True)))
    assert platform_tags(seen, Installer.UV) == ("linux_x86_64",)


def test_uv_asks_once() -> None:
    """What a function says of the system's own glibc holds for all tags; what it says of others is not heard."""
    only_old = Override("a test", lambda _major, minor, _arch: minor <= 17)
    tags = platform_tags(detect(observed(override=only_old)), Installer.UV)
    assert tags == ("linux_x86_64",)
    but_one = Override("a test", None, {"manylinux2014_compatible": False})
    assert "manylinux2014_x86_64" in platform_tags(detect(observed(override=but_one)), Installer.UV)


# ----- this system


def test_this_system_says_how_it_knows() -> None:
    target = this_system()
    assert [detail.part for detail in target.details][:3] == ["libc", "architecture", "python"]
    assert target.python.version == sys.version_info[:2]


def test_the_library_is_asked_where_the_configuration_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    before = this_system()
    if before.libc is not Libc.GLIBC:
        pytest.skip("this Python is not linked with glibc")
    monkeypatch.setattr(here_module, "_confstr", lambda: None)
    after = this_system()
    assert after.libc_version == before.libc_version
    assert FUNCTION in text(after, "libc")
