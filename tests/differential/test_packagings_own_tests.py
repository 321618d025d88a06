"""packaging's own tests of tags, run against perennial.

Its sdist has them, with their ELF files: it is downloaded when this runs, and nothing of it is kept
here. `tests/support/packaging_adapter.py` gives perennial the private names that they use. They run
twice: against the list as packaging has it, and against perennial's own, that of the PEPs. Every test
passes but those below, each with its reason, and each of those fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.roots.make import alone
from tests.wheels.download import cache_dir

pytestmark = pytest.mark.wheels

VERSION: Final = "26.4"
FILES: Final = ("test_manylinux.py", "test_musllinux.py", "test_tags.py", "test_elffile.py")
_TIMEOUT: Final = 300

_NO_WARNINGS: Final = "what is odd becomes a sentence in the target's details, never a warning"
_MAJOR_ONLY: Final = "a target's Python always has a minor version"
_PYTHON_2: Final = "a function with restype c_char_p returns bytes; text came from Python 2"
_ALIAS: Final = "PEP 600 defines manylinux2014 for seven architectures; armv8l is none of them"
_STABLE_ONLY: Final = "among a CPython's own ABIs is one of its version; abi3t alone describes none"
_HEADER: Final = "the Python that the test names is a 64-bit program; its header counts, and not what is said of it"
_ANY_ARCH: Final = "PEP 600 (LEG v8): tags of any architecture exist, of those that packaging does not list too"

EXCEPT: Final[Mapping[str, str]] = {
    "test_manylinux.py::test_check_glibc_version_warning[glibc-2.4.5]": _NO_WARNINGS,
    "test_manylinux.py::test_check_glibc_version_warning[2]": _NO_WARNINGS,
    "test_manylinux.py::test_glibc_version_string[2.4-2.4_1]": _PYTHON_2,
    "test_tags.py::TestCPythonTags::test_major_only_python_version": _MAJOR_ONLY,
    "test_tags.py::TestCPythonTags::test_major_only_python_version_with_default_abis": _MAJOR_ONLY,
    "test_tags.py::TestCPythonTags::test_no_abi3_in_threaded_interpreter[abis2]": _STABLE_ONLY,
    "test_tags.py::TestCompatibleTags::test_empty_platforms": _MAJOR_ONLY,
    "test_tags.py::TestCompatibleTags::test_major_only_python_version": _MAJOR_ONLY,
    "test_tags.py::TestSysTags::test_warn_forwarded_to_generic_tags": _NO_WARNINGS,
    "test_elffile.py::test_elffile_invalid_section": "a file that ends before its program headers is malformed",
    "test_elffile.py::test_elffle_no_interpreter_section": "it changes a file by private attributes of the reader",
}
EXCEPT_PEP: Final[Mapping[str, str]] = {
    f"test_tags.py::{name}": reason
    for name, reason in {
        "TestManylinuxPlatform::test_linux_platforms_manylinux2014_armhf_abi[armv8l-armv8l]": _ALIAS,
        "TestManylinuxPlatform::test_linux_platforms_manylinux2014_armhf_abi[aarch64-armv8l]": _ALIAS,
        "TestManylinuxPlatform::test_linux_platforms_manylinux2014_armv6l": _ANY_ARCH,
        "TestSysTags::test_linux_platforms_manylinux2014_armv6l": _ANY_ARCH,
        "TestManylinuxPlatform::test_linux_platforms_musllinux[cross-aarch64-armv8l-musl_version1]": _HEADER,
        "TestManylinuxPlatform::test_linux_platforms_musllinux[cross-x86_64-i686-musl_version3]": _HEADER,
    }.items()
}
# How many tests must have come through perennial: the others are about macOS, about grammar, and so on.
LEAST: Final = 90


@cache
def packagings_tests() -> Path:
    """The unpacked sdist."""
    place = cache_dir().parent / "sdists"
    folder = place / f"packaging-{VERSION}"
    with alone(place / ".lock"):
        if not folder.is_dir():
            command = [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--no-binary",
                ":all:",
                "--dest",
                str(place),
            ]
            done = subprocess.run([*command, f"packaging=={VERSION}"], capture_output=True, text=True, check=False)
            archive = place / f"packaging-{VERSION}.tar.gz"
            if not archive.is_file():
                pytest.skip(f"packaging's sdist cannot be had: {done.stderr.strip().rpartition(chr(10))[2]}")
            with tarfile.open(archive) as tar:
                tar.extractall(place, filter="data")
    return folder


def run(installer: str, seen: Path) -> tuple[set[str], int]:
    """The names of the tests that failed, and how many passed."""
    support = Path(__file__).parents[1] / "support"
    source = Path(__file__).parents[2] / "src"
    environment = {**os.environ, "PERENNIAL_AS": installer, "PERENNIAL_SEEN": str(seen)}
    environment["PYTHONPATH"] = f"{source}{os.pathsep}{support}"
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "packaging_adapter", "-p", "no:cacheprovider", "-q", "-rfE"]
    command += ["--tb=no", "--no-showlocals", *(f"tests/{name}" for name in FILES)]
    done = subprocess.run(
        command, cwd=packagings_tests(), env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    assert not re.search(r"^ERROR", done.stdout, re.MULTILINE), done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None, done.stdout + done.stderr
    failed = re.findall(r"^FAILED tests/(\S+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return set(failed), int(passed[1])


def test_the_sdist_is_of_the_version_that_the_adapter_knows() -> None:
    from importlib.metadata import version

    if version("packaging") != VERSION:
        pytest.skip(f"packaging {version('packaging')} is installed, and its tests of {VERSION} are not for it")


@pytest.mark.parametrize(
    ("installer", "exceptions"),
    [("packaging", EXCEPT), ("", {**EXCEPT, **EXCEPT_PEP})],
    ids=["as-packaging", "as-the-peps"],
)
def test_all_pass_but_the_listed(installer: str, exceptions: Mapping[str, str], tmp_path: Path) -> None:
    test_the_sdist_is_of_the_version_that_the_adapter_knows()
    failed, passed = run(installer, tmp_path / "seen")
    assert failed == set(exceptions)
    assert passed > 250
    assert len(set((tmp_path / "seen").read_text(encoding="utf-8").splitlines())) >= LEAST
