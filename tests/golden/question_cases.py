"""Questions that people asked in public issue threads, and what perennial is to answer.

Each names its thread, the wheel by its real name, and the system as the thread describes it. `says` are words
of the answer that the thread itself arrived at: the golden beside this holds the sentences, these hold
that they are right. Wheels with content are built here, with what the thread says is inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.elf_builder import Export, Import, elf
from tests.support.wheel_builder import wheel

LIBC: Final = "libc.so.6"


class Question(NamedTuple):
    """`name` is a wheel's file name or a requirement; `options` what follows it on the command line.

    `build` writes the wheel; without it, its name is all there is. `offered` are an index's files.
    """

    thread: str
    asks: str
    name: str
    options: tuple[str, ...]
    says: tuple[str, ...]
    build: Callable[[Path], Path] | None = None
    offered: tuple[tuple[str, str | None], ...] = ()  # file name, Requires-Python


def _wheel(filename: str, members: Mapping[str, bytes]) -> Callable[[Path], Path]:
    name, version, tags = filename.removesuffix(".whl").split("-", 2)
    return lambda folder: wheel(folder, name=name, version=version, tags=tags, members=members)


def _module(*imports: Import, needed: tuple[str, ...] = (LIBC,), arch: str = "x86_64") -> bytes:
    return elf(arch=arch, needed=needed, imports=imports, exports=(Export("PyInit_module"),), relocations=True)


def _libc(symbol: str, version: str) -> Import:
    return Import(symbol, version, LIBC)


_VLLM: Final = "vllm-0.20.0+cu129-cp38-abi3-manylinux_2_31_x86_64.whl"
_CRYPTOGRAPHY: Final = "cryptography-42.0.2-cp39-abi3-manylinux_2_28_x86_64.whl"
_ORJSON: Final = "orjson-3.6.1-cp39-cp39-manylinux_2_24_x86_64.whl"
_OPENCV: Final = "opencv_python-4.3.0.38-cp38-cp38-manylinux2014_x86_64.whl"
_Z3: Final = "z3_solver-4.13.0.0-py2.py3-none-manylinux2014_aarch64.whl"
_ALE: Final = "ale_py-0.8.0-cp310-cp310-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"

QUESTIONS: Final[dict[str, Question]] = {
    "old_pip_and_2010": Question(
        "pypa/manylinux#389",
        "Ubuntu 18.04 has pip 9.0.1. Renaming the file to manylinux1 works. Is this intended?",
        "PyMuPDF-1.16.7-cp36-cp36m-manylinux2010_x86_64.whl",
        ("--on", "ubuntu:18.04", "--pip", "9.0.1"),
        ("pip ≥ 19.0", "pip>=19.0"),
    ),
    "old_pip_and_2014": Question(
        "aio-libs/frozenlist#161",
        "Poetry's pip 19.2.3 refuses a manylinux2014 wheel that was there yesterday as another one.",
        "frozenlist-1.1.0-cp38-cp38-manylinux2014_x86_64.whl",
        ("--on", "ubuntu:18.04,python=3.8", "--pip", "19.2.3"),
        ("pip ≥ 19.3", "pip>=19.3"),
    ),
    "old_pip_and_a_perennial_tag": Question(
        "google/magika#781",
        "Ubuntu 20.04 has glibc 2.31, so a 2_28 wheel should install. uv takes it, the system's pip does not.",
        "magika-0.6.0rc1-py3-none-manylinux_2_28_x86_64.whl",
        ("--on", "ubuntu:20.04", "--pip", "20.0.2"),
        ("pip ≥ 20.3", "pip>=20.3", "uv, poetry and pdm take it"),
    ),
    "old_pip_on_debian_10": Question(
        "PyO3/maturin#556",
        "maturin built it on this very machine, and pip 18.1 will not have it.",
        "maturin_starter-0.1.0-cp37-cp37m-manylinux_2_24_x86_64.whl",
        ("--on", "debian:10", "--pip", "18.1"),
        ("pip ≥ 20.3",),
    ),
    "old_pip_on_alpine": Question(
        "PyO3/maturin#589",
        "A musllinux wheel, in python:3.8-alpine with musl 1.2.2 and pip 21.1.1: I suppose I am missing something.",
        "punwrap-0.2.0_SNAPSHOT-cp38-cp38-musllinux_1_2_x86_64.whl",
        ("--on", "alpine:3.14,python=3.8", "--pip", "21.1.1"),
        ("pip ≥ 21.2",),
    ),
    "centos_7": Question(
        "Farama-Foundation/Arcade-Learning-Environment#478",
        "On CentOS 7 only versions before 0.8 are found. Renaming the wheel to manylinux2014 makes pip install it.",
        _ALE,
        ("--on", "centos:7,python=3.10"),
        ("needs glibc ≥ 2.27, this system has 2.17",),
    ),
    "too_strict": Question(
        "ijl/orjson#193",
        "3.6.1 changed to manylinux_2_24 and CentOS 7 lost its wheel: could it be published for an older glibc?",
        _ORJSON,
        ("--on", "centos:7,python=3.9"),
        ("needs glibc ≥ 2.24, this system has 2.17", "would run", "manylinux_2_17"),
        build=_wheel(_ORJSON, {"orjson/orjson.so": _module(_libc("memcpy", "GLIBC_2.14"))}),
    ),
    "too_lax": Question(
        "vllm-project/vllm#41103",
        "The manylinux_2_31 wheel installs on glibc 2.31, and importing it says version `GLIBC_2.34' not found.",
        _VLLM,
        ("--on", "ubuntu:20.04"),
        ("installs, then fails", "GLIBC_2.34", "dlopen", "pthread_once"),
        build=_wheel(
            _VLLM,
            {
                "vllm/_C.abi3.so": _module(_libc("dlopen", "GLIBC_2.34"), _libc("pthread_once", "GLIBC_2.34")),
                "vllm/_moe_C.abi3.so": _module(_libc("dlsym", "GLIBC_2.34")),
            },
        ),
    ),
    "lambda": Question(
        "pyca/cryptography#10440",
        "AWS Lambda's Python 3.9 is Amazon Linux 2 with glibc 2.26; the function fails with GLIBC_2.28 not found.",
        _CRYPTOGRAPHY,
        ("--on", "amazonlinux:2,python=3.9"),
        ("needs glibc ≥ 2.28, this system has 2.26", "GLIBC_2.28", "Amazon Linux 2023"),
        build=_wheel(
            _CRYPTOGRAPHY, {"cryptography/hazmat/bindings/_rust.abi3.so": _module(_libc("fcntl64", "GLIBC_2.28"))}
        ),
    ),
    "ubuntu_18_04": Question(
        "google-deepmind/lab2d#30",
        "Something to do with the wheel being for a newer Ubuntu, but I've never had such issues before.",
        "dmlab2d-1.0-cp310-cp310-manylinux_2_35_x86_64.whl",
        ("--on", "ubuntu:18.04,python=3.10"),
        ("needs glibc ≥ 2.35, this system has 2.27", "Ubuntu 22.04"),
    ),
    "amazon_linux_2": Question(
        "rerun-io/rerun#7296",
        "Unable to pip install rerun-sdk on Amazon Linux 2: no matching distribution.",
        "rerun-sdk",
        ("--on", "amazonlinux:2,python=3.10"),
        ("needs glibc ≥ 2.31, this system has 2.26",),
        offered=(
            ("rerun_sdk-0.17.0-cp38-abi3-manylinux_2_31_x86_64.whl", ">=3.8,<3.13"),
            ("rerun_sdk-0.17.0-cp38-abi3-manylinux_2_31_aarch64.whl", ">=3.8,<3.13"),
            ("rerun_sdk-0.17.0-cp38-abi3-win_amd64.whl", ">=3.8,<3.13"),
            ("rerun_sdk-0.16.1-cp38-abi3-manylinux_2_31_x86_64.whl", ">=3.8,<3.13"),
        ),
    ),
    "manylinux_on_alpine": Question(
        "unicorn-engine/unicorn#1784",
        "pip builds this wheel in python:3-alpine and then says that it is not supported there.",
        "unicorn-2.0.1.post1-py2.py3-none-manylinux1_x86_64.whl",
        ("--on", "alpine:3.17,python=3.11"),
        ("musl",),
    ),
    "another_python": Question(
        "oobabooga/textgen#3200",
        "My system is both x86_64 and Linux. Maybe a library that these wheels depend on?",
        "exllama-0.0.6+cu117-cp310-cp310-linux_x86_64.whl",
        ("--on", "ubuntu:22.04,python=3.11"),
        ("needs Python 3.10", "CPython 3.10"),
    ),
    "free_threaded": Question(
        "giampaolo/psutil#2476",
        "psutil ships an abi3 wheel, which isn't compatible with free-threaded Python 3.13.",
        "psutil",
        ("--on", "debian:13,python=3.13t"),
        ("a Python with the GIL",),
        offered=(
            (
                "psutil-6.1.1-cp36-abi3-manylinux_2_12_x86_64.manylinux2010_x86_64.manylinux_2_17_x86_64"
                ".manylinux2014_x86_64.whl",
                ">=2.7",
            ),
            ("psutil-6.1.1-cp37-abi3-win_amd64.whl", ">=2.7"),
            ("psutil-6.1.1.tar.gz", ">=2.7"),
        ),
    ),
    "only_free_threaded": Question(
        "crate-py/rpds#110",
        "The new release seems to ship Python 3.13 wheels for free-threaded mode only.",
        "rpds_py-0.22.1-cp313-cp313t-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        ("--on", "debian:13"),
        ("free-threaded",),
    ),
    "arm64_is_aarch64": Question(
        "project-chip/connectedhomeip#5299",
        "On a Raspberry Pi, a wheel that was built for it: linux_arm64 is not supported.",
        "chip-0.0-cp37-abi3-linux_arm64.whl",
        ("--on", "debian:10,arch=aarch64"),
        ("aarch64, not arm64",),
    ),
    "no_such_legacy_tag": Question(
        "capstone-engine/capstone#1720",
        "manylinux1 does not seem to support aarch64.",
        "capstone-4.0.2-py3-none-manylinux1_aarch64.whl",
        ("--on", "debian:11,arch=aarch64"),
        ("manylinux1",),
    ),
    "raspberry_pi": Question(
        "basler/pypylon#334",
        "A 32-bit Raspberry Pi OS (Debian 10, armv7l, Python 3.7) refuses the armv7l wheel.",
        "pypylon-1.7.1-cp38-cp38-manylinux_2_24_armv7l.whl",
        ("--on", "debian:10,arch=armv7l"),
        ("needs Python 3.8",),
    ),
    "raspberry_pi_zero": Question(
        "piwheels/piwheels#66",
        "armv7 wheels are no good on a Pi 1 or Zero, which is armv6.",
        "grpcio-1.11.0-cp35-cp35m-linux_armv7l.whl",
        ("--on", "debian:9,arch=armv6l"),
        ("armv7l", "armv6l"),
    ),
    "thirty_two_bits_on_arm64": Question(
        "pypa/pip#8871",
        "In a 32-bit armv7 image on a 64-bit machine, the aarch64 wheel is the wrong one.",
        "cryptography-3.1-cp35-abi3-manylinux2014_aarch64.whl",
        ("--on", "ubuntu:18.04,arch=armv8l,python=3.8"),
        ("aarch64",),
    ),
    "files_of_another_architecture": Question(
        "Z3Prover/z3#7232",
        "The aarch64 wheel is an x86_64 wheel inside, and needs glibc 2.34.",
        _Z3,
        ("--on", "debian:12,arch=aarch64"),
        ("installs, then fails", "x86_64"),
        build=_wheel(_Z3, {"z3/lib/libz3.so": _module(_libc("pthread_create", "GLIBC_2.34"))}),
    ),
    "missing_host_library": Question(
        "opencv/opencv-python#370",
        "In python:slim: libGL.so.1: cannot open shared object file.",
        _OPENCV,
        ("--on", "debian:12,python=3.8"),
        ("libGL.so.1", "libgl1"),
        build=_wheel(
            _OPENCV, {"cv2/cv2.cpython-38-x86_64-linux-gnu.so": _module(Import("glBegin"), needed=("libGL.so.1", LIBC))}
        ),
    ),
    "nixos": Question(
        "NixOS/nixpkgs#18484",
        "Python on Nix claims to be manylinux compatible; a _manylinux module should say that it is not.",
        "numpy-1.11.1-cp27-cp27mu-manylinux1_x86_64.whl",
        ("--on", "glibc:2.23,python=2.7,abi=cp27mu,manylinux=no"),
        ("_manylinux",),
    ),
    "riscv64": Question(
        "astral-sh/uv#8889",
        "pip installs this riscv64 wheel, and uv did not.",
        "PyYAML-6.0.2-cp311-cp311-manylinux_2_35_riscv64.whl",
        ("--on", "ubuntu:24.04,arch=riscv64,python=3.11"),
        ("yes", "pip ≥ 24.1"),
    ),
    "pypy_and_abi3": Question(
        "mesonbuild/meson-python#626",
        "A wheel that was built for PyPy and tagged abi3: pip will not install it.",
        "ligo_segments-1.4.0-pp39-abi3-manylinux_2_17_x86_64.whl",
        ("--on", "glibc:2.17,python=pp39"),
        ("abi3", "pypy39_pp73"),
    ),
    "cp3": Question(
        "pypa/pip#7637",
        "A wheel tagged cp3-abi3, as in PEP 425's example; cp33 succeeds.",
        "test_wheel-1.2.0-cp3-abi3-linux_x86_64.whl",
        ("--on", "debian:10"),
        ("cp3",),
    ),
    "wheels_for_macos_only": Question(
        "cnr-isti-vclab/PyMeshLab#438",
        "uv says: you're on Linux (manylinux_2_39_x86_64), but it only has wheels for other platforms.",
        "pymeshlab",
        ("--on", "ubuntu:24.04"),
        ("aarch64",),
        offered=(
            ("pymeshlab-2025.7-cp312-cp312-manylinux_2_35_aarch64.whl", ">=3.8"),
            ("pymeshlab-2025.7-cp312-cp312-macosx_11_0_arm64.whl", ">=3.8"),
            ("pymeshlab-2025.7-cp312-cp312-macosx_11_0_x86_64.whl", ">=3.8"),
            ("pymeshlab-2025.7-cp312-cp312-win_amd64.whl", ">=3.8"),
            ("pymeshlab-2023.12.post3-cp312-cp312-manylinux_2_31_x86_64.whl", ">=3.8"),
        ),
    ),
}
