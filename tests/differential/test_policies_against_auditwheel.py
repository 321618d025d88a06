"""Derived policies against auditwheel's, cell by cell: family of nodes × architecture × policy.

auditwheel's policies are the output of another derivation from the same measurements (the
repository mayeut/pep600_compliance), patched by hand now and then. Every cell that differs is
listed in DIFFERENCES with its reason; the table is complete both ways.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Final

import pytest

from perennial.arch import Architecture
from perennial.knowledge import load_knowledge
from perennial.platform_tag import Libc
from perennial.policy import Policy, policies

pytest.importorskip("auditwheel.policy")

Cell = tuple[str, str, str]  # family, architecture, X_Y

PPC64_UNMEASURED: Final = "ppc64"  # nobody measured a release on it; auditwheel's cells are PEP 599's

PHOTON_2 = (
    "stricter here: this architecture has one release with glibc 2.26 (Ubuntu 17.10, nine months of support), "
    "so the floors of other architectures are looked at, and Photon 2 and Amazon Linux 2 are older there"
)
PHOTON_3 = "wider here: Photon 3, the release without GLIBCXX_3.4.25, does not exist on this architecture"
AMAZON_2 = "wider here: Amazon Linux 2, whose zlib ends at 1.2.5.2, does not exist on this architecture"
RISCV_2_37 = "auditwheel lists GLIBC_2.37, which no riscv64 library defines"
RISCV_RELR = "auditwheel leaves out GLIBC_ABI_DT_RELR, which glibc 2.36 defines on every architecture"
LOONG_GCC = "auditwheel lists GCC_4.4.0; the libgcc_s of all measured loongarch64 releases defines GCC_3.3.4 instead"
LOONG_NEW = "wider here: all loongarch64 releases with that glibc define it; auditwheel had too little data then"
DEBIAN_12 = (
    "stricter here: i686 has one release with glibc 2.36 (Debian 12); Ubuntu 22.10 has zlib 1.2.11 "
    "with that glibc elsewhere"
)
RHEL_7 = "auditwheel lists a node that RHEL 7 backported; glibc 2.17 does not define it, and nobody else took it"

DIFFERENCES: Final[dict[Cell, str]] = {
    **dict.fromkeys(
        ((family, arch, "2_26") for family in ("CXXABI", "GCC", "GLIBCXX", "ZLIB") for arch in ("i686", "s390x")),
        PHOTON_2,
    ),
    ("GLIBCXX", "ppc64le", "2_27"): PHOTON_3,
    ("GLIBCXX", "ppc64le", "2_28"): PHOTON_3,
    ("GLIBCXX", "s390x", "2_28"): PHOTON_3,
    **dict.fromkeys((("ZLIB", arch, "2_24") for arch in ("armv7l", "i686", "ppc64le", "s390x")), AMAZON_2),
    ("ZLIB", "i686", "2_36"): DEBIAN_12,
    ("GLIBC", "aarch64", "2_17"): RHEL_7,
    ("GLIBC", "riscv64", "2_36"): RISCV_RELR,
    ("GLIBC", "riscv64", "2_37"): f"{RISCV_2_37}, and {RISCV_RELR}",
    **dict.fromkeys((("GLIBC", "riscv64", f"2_{minor}") for minor in range(38, 42)), RISCV_2_37),
    **dict.fromkeys((("GCC", "loongarch64", f"2_{minor}") for minor in range(36, 42)), LOONG_GCC),
    **dict.fromkeys((("CXXABI", "loongarch64", f"2_{minor}") for minor in range(39, 42)), LOONG_NEW),
    ("GLIBCXX", "loongarch64", "2_39"): LOONG_NEW,
}


def auditwheel_policies(name: str) -> list[dict[str, object]]:
    return [
        policy
        for policy in json.loads(files("auditwheel.policy").joinpath(name).read_text(encoding="utf-8"))
        if policy["symbol_versions"]
    ]


def version_of(name: str) -> tuple[int, int]:
    _, major, minor = name.split("_")
    return int(major), int(minor)


def derived(libc: Libc, arch: str, version: tuple[int, int]) -> Policy:
    return policies(load_knowledge(), libc, Architecture(arch)).policy(version)


def cells() -> dict[Cell, tuple[frozenset[str], frozenset[str]]]:
    """Every cell: what is derived, what auditwheel has."""
    compared = {}
    for policy in auditwheel_policies("manylinux-policy.json"):
        by_arch = policy["symbol_versions"]
        assert isinstance(by_arch, dict)
        version = version_of(str(policy["name"]))
        for arch, families in by_arch.items():
            if arch == PPC64_UNMEASURED:
                continue
            ours = frozenset().union(*derived(Libc.GLIBC, arch, version).versions.values())
            for family, theirs in families.items():
                prefix = f"{family}_"
                nodes = frozenset(name.removeprefix(prefix) for name in ours if name.startswith(prefix))
                compared[family, arch, f"{version[0]}_{version[1]}"] = (nodes, frozenset(theirs))
    return compared


def test_cells() -> None:
    compared = cells()
    different = {cell for cell, (ours, theirs) in compared.items() if ours != theirs}
    assert different == DIFFERENCES.keys()
    # a newer auditwheel may have more policies, never fewer
    assert len(compared) >= 618
    assert len(compared) - len(different) >= 585


def test_where_auditwheel_has_more_it_is_wrong_or_less_careful() -> None:
    """A wheel that perennial passes must not break a release; so narrower cells are listed apart."""
    narrower = {cell for cell, (ours, theirs) in cells().items() if theirs - ours}
    stricter = {cell for cell, reason in DIFFERENCES.items() if reason in (PHOTON_2, DEBIAN_12)}
    wrong = {cell for cell, reason in DIFFERENCES.items() if "auditwheel lists" in reason}
    assert narrower == stricter | wrong


# glibc has no such library there (data/libraries.tsv); in auditwheel one list serves all architectures
NO_MVEC = {"armv7l", "i686", "ppc64", "ppc64le", "riscv64", "s390x", "loongarch64"}
NO_OLD_LIBRARIES = {"loongarch64": {"libanl.so.1", "libnsl.so.1", "libutil.so.1"}}


def test_allowed_libraries() -> None:
    for policy in auditwheel_policies("manylinux-policy.json"):
        by_arch, allowed = policy["symbol_versions"], policy["lib_whitelist"]
        assert isinstance(by_arch, dict) and isinstance(allowed, list)
        version = version_of(str(policy["name"]))
        for arch in by_arch:
            expected = set(allowed) - NO_OLD_LIBRARIES.get(arch, set())
            if arch in NO_MVEC or (arch == "aarch64" and version < (2, 38)):
                expected.discard("libmvec.so.1")
            ours = {name for name in derived(Libc.GLIBC, arch, version).libraries if not name.startswith("ld")}
            assert ours == expected, (policy["name"], arch)


def test_allowed_libraries_of_musllinux() -> None:
    for policy in auditwheel_policies("musllinux-policy.json"):
        by_arch, allowed = policy["symbol_versions"], policy["lib_whitelist"]
        assert isinstance(by_arch, dict) and isinstance(allowed, list)
        for arch in by_arch:
            ours = derived(Libc.MUSL, arch, version_of(str(policy["name"]))).libraries
            # libc.so is spelled after the architecture, too
            assert {name for name in ours if "musl" not in name} == set(allowed)
