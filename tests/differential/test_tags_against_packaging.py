"""The same list as packaging.tags, for any glibc or musl, architecture, Python and override.

packaging computes lists for the Python that runs it, so its view of that is replaced: what the
C library answers, what sysconfig says, and the executable (an ELF file from the builder). As
packaging, perennial's list is the same, tag by tag. By the PEPs it is the same but for the corrections
that `corrected` spells out; docs/explanation/how-installers-compute-tags.md has the reasons.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

import packaging.tags
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging import _manylinux, _musllinux

from perennial.platform_tag import Libc, PlatformTag
from perennial.tags import Installer, Override, Python, Target, accepted_tags, compatible, platform_tags
from perennial.tags.detect import Observed, detect
from perennial.tags.here import CONFSTR, this_system
from perennial.tags.platforms import accepts_platform
from perennial.tags.program import read_program
from tests.support.elf_builder import ARCHES, elf

# What a Python says: sysconfig's platform, whether it is a 32-bit process, and its file.
SYSTEMS: Final[dict[str, tuple[str, bool, dict[str, Any]]]] = {
    **{arch: (f"linux-{arch}", ARCHES[arch].bits == 32, {"arch": arch}) for arch in ARCHES},
    "i686 on a 64-bit kernel": ("linux-x86_64", True, {"arch": "i686"}),
    "arm on a 64-bit kernel": ("linux-aarch64", True, {"arch": "armv7l"}),
    "armv8l": ("linux-armv8l", True, {"arch": "armv7l"}),
    "soft-float arm": ("linux-armv7l", True, {"arch": "armv7l", "flags": 0x05000200}),
    "x32": ("linux-x86_64", True, {"bits": 32, "machine": 62}),
}
NAMED: Final = {"manylinux2014": ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x")}
FLOORS: Final = {"riscv64": (2, 27), "loongarch64": (2, 36)}

Answer = Callable[[int, int, str], bool | None]


class Setting(NamedTuple):
    system: str
    libc: Libc
    version: tuple[int, int]
    override: Answer | dict[str, bool] | None


def answers(table: dict[tuple[int, int], bool | None], default: bool | None) -> Answer:
    def manylinux_compatible(major: int, minor: int, _arch: str) -> bool | None:
        return table.get((major, minor), default)

    return manylinux_compatible


versions = st.one_of(
    st.tuples(st.just(2), st.integers(0, 60)), st.tuples(st.just(3), st.integers(0, 30)), st.just((4, 1))
)
verdicts = st.sampled_from((True, False, None))
functions = st.builds(
    answers, st.dictionaries(st.tuples(st.just(2), st.sampled_from((5, 12, 17, 20, 28))), verdicts), verdicts
)
legacy = st.dictionaries(st.sampled_from([f"manylinux{each}_compatible" for each in (1, 2010, 2014)]), st.booleans())
settings = st.builds(
    Setting,
    st.sampled_from(sorted(SYSTEMS)),
    st.sampled_from(Libc),
    versions,
    st.one_of(st.none(), functions, legacy),
)


def program_of(system: str, libc: Libc) -> bytes:
    loader = "/lib/ld-musl-x.so.1" if libc is Libc.MUSL else "/lib64/ld-linux-x86-64.so.2"
    return elf(interpreter=loader, **SYSTEMS[system][2])


def module_of(setting: Setting) -> types.ModuleType | None:
    if setting.override is None:
        return None
    module = types.ModuleType("_manylinux")
    if isinstance(setting.override, dict):
        module.__dict__.update(setting.override)
    else:
        module.manylinux_compatible = setting.override  # type: ignore[attr-defined]
    return module


@contextmanager
def pretending(setting: Setting, executable: str) -> Iterator[None]:
    """packaging's view of the machine, replaced."""
    platform, _, _ = SYSTEMS[setting.system]
    glibc = setting.version if setting.libc is Libc.GLIBC else (-1, -1)
    musl = _musllinux._MuslVersion(*setting.version) if setting.libc is Libc.MUSL else None
    _manylinux._get_manylinux_module.cache_clear()
    with (
        mock.patch.object(sysconfig, "get_platform", return_value=platform),
        mock.patch.object(sys, "executable", executable),
        mock.patch.object(_manylinux, "_get_glibc_version", return_value=_manylinux._GLibCVersion(*glibc)),
        mock.patch.object(_musllinux, "_get_musl_version", return_value=musl),
        mock.patch.dict(sys.modules, {"_manylinux": module_of(setting)}),
    ):
        yield
    _manylinux._get_manylinux_module.cache_clear()


def both(setting: Setting) -> tuple[list[str], Target]:
    """packaging's platform tags, and perennial's target of the same system."""
    platform, is_32bit, _ = SYSTEMS[setting.system]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "python3.12"
        path.write_bytes(program_of(setting.system, setting.libc))
        with pretending(setting, os.fspath(path)):
            theirs = list(packaging.tags._linux_platforms(is_32bit=is_32bit))
        program = read_program(os.fspath(path))
    override = None
    if isinstance(setting.override, dict):
        override = Override("a test", None, setting.override)
    elif setting.override is not None:
        override = Override("a test", setting.override)
    observed = Observed(
        ((CONFSTR, "glibc {}.{}".format(*setting.version)),), platform, 32 if is_32bit else 64,
        "cpython", (3, 12, 1), "", "", os.fspath(path), program, None, override,
    )  # fmt: skip
    target = detect(observed)
    return theirs, target._replace(libc=setting.libc, libc_version=setting.version)


def corrected(theirs: list[str]) -> list[str]:
    """packaging's list without the tags that no system can mean."""
    kept = []
    for text in theirs:
        tag = PlatformTag.parse(text)
        if tag.libc is Libc.GLIBC and tag.arch is not None and tag.version is not None:
            if tag.version < FLOORS.get(tag.arch, (0, 0)):
                continue  # the port began with a later glibc
            if text.startswith("manylinux2014") and tag.arch not in NAMED["manylinux2014"]:
                continue  # PEP 600, "Legacy manylinux tags", names no such alias
        kept.append(text)
    return kept


@given(settings)
@example(Setting("x86_64", Libc.GLIBC, (2, 36), None))
@example(Setting("x86_64", Libc.GLIBC, (3, 2), None))
@example(Setting("arm on a 64-bit kernel", Libc.GLIBC, (2, 41), {"manylinux2014_compatible": False}))
def test_as_packaging_it_is_packagings_list(setting: Setting) -> None:
    theirs, target = both(setting)
    assert list(platform_tags(target, Installer.PACKAGING)) == theirs
    assert list(platform_tags(target, Installer.PIP)) == theirs


@given(settings)
def test_by_the_peps_it_is_that_list_with_corrections(setting: Setting) -> None:
    theirs, target = both(setting)
    assert list(platform_tags(target)) == corrected(theirs)


# What a tag may look like, including what no list has.
spelled = st.builds(
    lambda form, minor, arch: form.format(minor=minor, arch=arch),
    st.sampled_from(
        ("manylinux_2_{minor}_{arch}", "manylinux_3_{minor}_{arch}", "musllinux_1_{minor}_{arch}", "linux_{arch}",
         "manylinux_02_{minor}_{arch}", "manylinux1_{arch}", "manylinux2010_{arch}", "manylinux2014_{arch}",
         "macosx_11_0_{arch}")
    ),
    st.integers(0, 60),
    st.sampled_from((*ARCHES, "armv8l", "armv6l", "mips64")),
)  # fmt: skip


@given(settings, st.lists(spelled, max_size=40))
def test_a_tag_is_accepted_where_it_is_in_the_list(setting: Setting, others: list[str]) -> None:
    """PEP 600's code for one tag, and the list of all, are two readings of one rule.

    Except: no list holds every manylinux_2_y that a glibc 3 accepts; it ends where packaging's does.
    """
    _, target = both(setting)
    listed = platform_tags(target)
    for text in (*listed, *others):
        tag = PlatformTag.parse(text)
        if text not in listed and tag.libc is Libc.GLIBC and (tag.version or (0, 0))[1] > 50:
            continue
        assert accepts_platform(tag, target) is (text in listed), text


pythons = st.builds(
    lambda minor, threaded, debug: Python.cpython((3, minor), free_threaded=threaded and minor >= 13, debug=debug),
    st.integers(8, 20), st.booleans(), st.booleans(),
)  # fmt: skip


@given(pythons)
def test_the_pairs_are_packagings(python: Python) -> None:
    """PEP 425 leaves their order to installers; this is packaging's, with the platforms as one."""
    target = Target(None, None, "x86_64", python)
    places = ["linux_x86_64"]
    theirs = [
        *packaging.tags.cpython_tags(python.version, list(python.abis), places),
        *packaging.tags.compatible_tags(python.version, python.interpreter, places),
    ]
    for installer in (None, Installer.PACKAGING, Installer.PIP):
        assert list(accepted_tags(target, installer)) == list(map(str, theirs))
    assert all(compatible(tag, target) for tag in accepted_tags(target))


@pytest.mark.parametrize("installer", [None, Installer.PACKAGING, Installer.PIP, Installer.POETRY])
def test_this_system(installer: Installer | None) -> None:
    """What this very Python accepts, on whatever machine that is."""
    theirs = list(map(str, packaging.tags.sys_tags()))
    target = this_system()
    if installer is None and target.arch in FLOORS:
        pytest.skip(f"there are corrections on {target.arch}")
    assert list(accepted_tags(target, installer)) == theirs


def test_pypy_ends_as_packaging_and_pip_have_it() -> None:
    """packaging's sys_tags() has pp3-none-any, and pip, with the same functions, pp311-none-any."""
    target = Target(None, None, "x86_64", Python("pp", (3, 11), ("pypy311_pp73",)))
    generic = [*packaging.tags.generic_tags("pp311", ["pypy311_pp73"], ["linux_x86_64"])]
    for installer, own in ((Installer.PACKAGING, "pp3"), (Installer.PIP, "pp311")):
        rest = packaging.tags.compatible_tags((3, 11), own, ["linux_x86_64"])
        assert list(accepted_tags(target, installer)) == list(map(str, [*generic, *rest]))
