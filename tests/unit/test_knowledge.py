"""The shipped knowledge: it loads, it is what the tables say, and it says what is known to be true."""

from __future__ import annotations

import pytest

from perennial.arch import Architecture
from perennial.errors import KnowledgeError
from perennial.knowledge import DistributionRelease, Knowledge, load_knowledge
from perennial.knowledge.knowledge import load_mainstream, load_releases
from perennial.knowledge.tables import parse_table
from perennial.knowledge.toolchains import day_number
from perennial.platform_tag import Libc

KNOWLEDGE = load_knowledge()
RELEASES = {release.id: release for release in KNOWLEDGE.releases}


def nodes(identity: str, arch: str, soname: str) -> frozenset[str]:
    found = KNOWLEDGE.nodes(RELEASES[identity], arch, soname)
    assert found is not None
    return found


def test_a_release_as_the_table_has_it() -> None:
    debian = RELEASES["debian:12"]
    assert debian.name == "Debian 12"
    assert (debian.family, debian.version) == ("debian", "12")
    assert (debian.libc, debian.libc_version, debian.libc_release) == (Libc.GLIBC, (2, 36), "2.36")
    assert (debian.released, debian.end_of_life) == ("2023-06-10", "2026-07-11")
    assert debian.tops["GLIBCXX"] == "3.4.30"
    assert (debian.x86_64_level, debian.python, debian.kernel) == (1, "3.11", "6.1")
    assert "armv7l" in debian.architectures
    assert debian.mainstream == 1
    assert not debian.rolling


def test_a_musl_release() -> None:
    alpine = RELEASES["alpine:3.20"]
    assert (alpine.libc, alpine.libc_version, alpine.libc_release) == (Libc.MUSL, (1, 2), "1.2.5")
    assert alpine.tops == {}


def test_ids_are_unique_and_architectures_are_known() -> None:
    assert len(RELEASES) == len(KNOWLEDGE.releases)
    known = {arch.value for arch in Architecture}
    for release in KNOWLEDGE.releases:
        assert release.architectures <= known, release.id
        assert release.id == f"{release.family}:{release.version}"


def test_dates_are_iso_dates_in_order() -> None:
    for release in KNOWLEDGE.releases:
        dates = [release.released, release.end_of_life, release.extended_end_of_life]
        present = [date for date in dates if date is not None]
        assert all(day_number(date) > 0 and len(date) == 10 for date in present), release.id
        assert present == sorted(present), release.id


def test_every_family_is_judged_and_every_judgement_is_used() -> None:
    mainstream = load_mainstream()
    families = {release.family for release in KNOWLEDGE.releases}
    assert families <= mainstream.keys()
    assert mainstream.keys() <= families | RELEASES.keys()
    assert all(tier in (0, 1, 2) and reason for tier, reason in mainstream.values())


def test_a_past_state_of_a_rolling_release_does_not_count() -> None:
    assert not RELEASES["archlinux:20191006"].counts
    assert RELEASES["archlinux:latest"].counts
    assert not RELEASES["amazonlinux:2022"].counts


def test_an_organisation_may_judge_by_its_own_fleet() -> None:
    own = Knowledge(load_releases({"rhel:8": (1, "ours"), "ubuntu:22.04": (1, "ours")}))
    assert {release.id for release in own.releases if release.counts} == {"rhel:8", "ubuntu:22.04"}


def test_the_knowledge_is_as_old_as_its_newest_measurement() -> None:
    assert KNOWLEDGE.as_of == max(release.measured_on or "" for release in KNOWLEDGE.releases)
    assert load_knowledge() is KNOWLEDGE


def test_nodes_of_versioned_libraries() -> None:
    libc = nodes("debian:12", "x86_64", "libc.so.6")
    assert {"GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_ABI_DT_RELR"} <= libc
    assert "GLIBC_2.37" not in libc and "GLIBC_2.38" not in libc and "GLIBC_PRIVATE" not in libc
    cxx = nodes("debian:12", "x86_64", "libstdc++.so.6")
    assert {"GLIBCXX_3.4.30", "CXXABI_1.3.13", "CXXABI_TM_1", "CXXABI_FLOAT128"} <= cxx
    assert "GLIBCXX_3.4.31" not in cxx and "GLIBC_2.2.5" not in cxx


def test_nodes_depend_on_the_architecture() -> None:
    assert "CXXABI_ARM_1.3.3" in nodes("debian:12", "armv7l", "libstdc++.so.6")
    assert "GLIBCXX_LDBL_3.4" in nodes("debian:12", "s390x", "libstdc++.so.6")
    assert "GCC_12.0.0" in nodes("debian:12", "x86_64", "libgcc_s.so.1")
    assert max(nodes("debian:12", "aarch64", "libgcc_s.so.1") & {"GCC_11.0", "GCC_12.0.0"}) == "GCC_11.0"


def test_libgcc_s_brings_old_glibc_nodes_of_its_own() -> None:
    """On aarch64, riscv64 and loongarch64 GLIBC_2.0 comes from libgcc_s."""
    for arch in ("aarch64", "riscv64", "loongarch64"):
        assert "GLIBC_2.0" in nodes("debian:13", arch, "libgcc_s.so.1")
        assert "GLIBC_2.0" not in nodes("debian:13", arch, "libc.so.6")
    assert "GLIBC_2.0" in nodes("debian:13", "i686", "libc.so.6")
    assert "GLIBC_2.0" not in nodes("debian:13", "x86_64", "libgcc_s.so.1")


def test_the_dynamic_linker_is_provided_for_its_architecture_only() -> None:
    debian = RELEASES["debian:12"]
    assert KNOWLEDGE.provides_library(debian, "x86_64", "ld-linux-x86-64.so.2")
    assert not KNOWLEDGE.provides_library(debian, "aarch64", "ld-linux-x86-64.so.2")
    assert "GLIBC_2.35" in nodes("debian:12", "x86_64", "ld-linux-x86-64.so.2")


def test_libraries_by_libc_and_architecture() -> None:
    alpine = RELEASES["alpine:3.20"]
    assert KNOWLEDGE.provides_library(alpine, "x86_64", "libc.musl-x86_64.so.1")
    assert KNOWLEDGE.provides_library(alpine, "armv7l", "ld-musl-armhf.so.1")
    assert not KNOWLEDGE.provides_library(alpine, "x86_64", "libc.so.6")
    assert not KNOWLEDGE.provides_library(RELEASES["alpine:3.9"], "riscv64", "libc.so")
    assert not KNOWLEDGE.provides_library(RELEASES["debian:12"], "x86_64", "libssl.so.3")


def test_unversioned_and_unknown_libraries_have_no_nodes() -> None:
    debian = RELEASES["debian:12"]
    assert KNOWLEDGE.nodes(debian, "x86_64", "libexpat.so.1") is None
    assert KNOWLEDGE.nodes(debian, "x86_64", "libssl.so.3") is None
    assert KNOWLEDGE.nodes(RELEASES["alpine:3.20"], "x86_64", "libz.so.1") is None


def test_support_is_by_date() -> None:
    debian: DistributionRelease = RELEASES["debian:12"]
    assert not debian.supported_on("2023-06-09")
    assert debian.supported_on("2023-06-10") and debian.supported_on("2026-07-11")
    assert debian.supported_on("2026-07-12"), "long-term support goes on"
    assert not debian.supported_on("2028-07-01")


def test_an_unknown_end_of_life_is_five_years_on() -> None:
    release = RELEASES["debian:12"]._replace(end_of_life=None, extended_end_of_life=None, released="2020-05-06")
    assert release.supported_on("2025-05-06") and not release.supported_on("2025-05-07")
    assert release._replace(rolling=True).supported_on("2099-01-01")
    assert not release._replace(released=None).supported_on("2021-01-01")


@pytest.mark.parametrize(
    ("newer", "older", "days"),
    [
        ("2024-03-01", "2024-02-28", 2),
        ("2023-03-01", "2023-02-28", 1),
        ("2025-01-01", "2024-01-01", 366),
        ("2000-01-01", "1999-12-31", 1),
    ],
)
def test_days_between_dates(newer: str, older: str, days: int) -> None:
    assert day_number(newer) - day_number(older) == days


@pytest.mark.parametrize("text", ["", "a\tc\n1\t2\n", "a\tb\n1\n", "a\tb\n1\t2\t3\n"])
def test_a_broken_table_is_refused(text: str) -> None:
    with pytest.raises(KnowledgeError, match=r"table\.tsv"):
        parse_table(text, ("a", "b"), "table.tsv")


def test_a_table_with_comments() -> None:
    assert parse_table("# why\na\tb\n\n1\t2\n", ("a", "b"), "t") == [["1", "2"]]
