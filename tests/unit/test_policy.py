"""Policies: the cases that a reader would check by hand."""

from __future__ import annotations

import pytest

from perennial.arch import Architecture
from perennial.knowledge import Knowledge, load_knowledge
from perennial.platform_tag import Libc
from perennial.policy import Limit, Policies, Provision, policies

KNOWLEDGE = load_knowledge()
X86_64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.X86_64)
AARCH64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.AARCH64)
MUSL = policies(KNOWLEDGE, Libc.MUSL, Architecture.X86_64)


def names(provision: Provision) -> list[str]:
    return [release.name for release in provision.witnesses]


def test_glibc_is_the_clock() -> None:
    assert X86_64.node("libc.so.6", "GLIBC_2.2.5").since == (2, 5)
    assert X86_64.node("libc.so.6", "GLIBC_2.14").since == (2, 14)
    assert X86_64.node("libm.so.6", "GLIBC_2.29").since == (2, 29)
    assert X86_64.node("ld-linux-x86-64.so.2", "GLIBC_2.35").since == (2, 35)
    assert AARCH64.node("libc.so.6", "GLIBC_2.17").since == (2, 17)


def test_a_node_that_nobody_has_yet() -> None:
    assert X86_64.node("libc.so.6", "GLIBC_2.99").since is None
    private = X86_64.node("libc.so.6", "GLIBC_PRIVATE")
    assert private.since is None and private.limit is Limit.UNKNOWN
    assert private.witnesses == X86_64.releases


def test_a_node_counts_against_the_library_that_is_named() -> None:
    assert X86_64.node("libc.so.6", "GLIBCXX_3.4").since is None
    assert X86_64.node("libz.so.1", "GLIBC_2.2.5").since is None
    assert X86_64.node("libssl.so.3", "OPENSSL_3.0.0").since is None


def test_markers_come_with_the_glibc_that_introduced_them() -> None:
    """A backport into older releases (Debian 13, Oracle 10) makes no promise for others."""
    assert X86_64.node("libc.so.6", "GLIBC_ABI_DT_RELR").since == (2, 36)
    assert X86_64.node("libc.so.6", "GLIBC_ABI_GNU2_TLS").since == (2, 42)
    assert X86_64.node("libc.so.6", "GLIBC_ABI_DT_X86_64_PLT").since == (2, 42)


def test_witnesses_are_those_with_the_newest_glibc_first() -> None:
    provision = X86_64.node("libstdc++.so.6", "GLIBCXX_3.4.25")
    assert provision.since == (2, 29) and provision.limit is Limit.RELEASES
    assert names(provision)[0] == "Photon OS 3.0"
    versions = [release.libc_version for release in provision.witnesses]
    assert versions == sorted(versions, reverse=True)


@pytest.mark.parametrize(
    ("version", "highest"),
    # tags that auditwheel rounds away
    [((2, 29), "3.4.25"), ((2, 30), "3.4.28"), ((2, 32), "3.4.28"), ((2, 33), "3.4.29"), ((2, 42), "3.4.34")],
)
def test_tags_that_are_on_no_list(version: tuple[int, int], highest: str) -> None:
    provided = X86_64.policy(version).versions["libstdc++.so.6"]
    numbers = [tuple(map(int, name[8:].split("."))) for name in provided if name.startswith("GLIBCXX_")]
    assert max(numbers) == tuple(map(int, highest.split(".")))


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ((2, 5), "GLIBCXX_3.4.8", "GLIBCXX_3.4.9"),
        ((2, 5), "CXXABI_1.3.1", "CXXABI_1.3.2"),
        ((2, 12), "GLIBCXX_3.4.13", "GLIBCXX_3.4.14"),
        ((2, 12), "CXXABI_1.3.3", "CXXABI_1.3.4"),
        ((2, 17), "GLIBCXX_3.4.19", "GLIBCXX_3.4.20"),  # though Ubuntu 13.04 ends at 3.4.17
        ((2, 17), "CXXABI_TM_1", "CXXABI_1.3.8"),
    ],
)
def test_legacy_tags_are_frozen(version: tuple[int, int], has: str, lacks: str) -> None:
    """PEP 513, 571 and 599 give highest versions; the derivation must not touch them."""
    policy = X86_64.policy(version)
    assert policy.provides("libstdc++.so.6", has)
    assert not policy.provides("libstdc++.so.6", lacks)
    assert not policy.provisional


def test_a_young_glibc_is_provisional() -> None:
    assert X86_64.policy(X86_64.newest).provisional
    assert not X86_64.policy((2, 28)).provisional
    assert not X86_64.policy((2, 34)).provisional
    newest = X86_64.node("libstdc++.so.6", "GLIBCXX_3.4.35")
    assert newest.since is None and newest.limit is Limit.FORECAST


def test_without_a_release_of_ones_own_others_are_looked_at() -> None:
    """riscv64 has no release with glibc 2.29; its oldest would allow what Ubuntu 20.04 has."""
    riscv64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.RISCV64)
    assert riscv64.policy((2, 29)).provisional
    provision = riscv64.node("libstdc++.so.6", "GLIBCXX_3.4.28")
    assert provision.since == (2, 30) and provision.limit is Limit.OTHER_ARCHITECTURE
    assert "Mageia 7" in names(provision)


def test_the_lowest_tag_is_the_architectures() -> None:
    assert (X86_64.lowest, AARCH64.lowest, MUSL.lowest) == ((2, 5), (2, 17), (1, 1))
    assert X86_64.newest == (2, 44)
    assert not AARCH64.policy((2, 5)).provides("libc.so.6", "GLIBC_2.17")


def test_libraries() -> None:
    assert X86_64.library("libc.so.6") == Provision((2, 5), (), Limit.NOTHING)
    assert X86_64.library("libexpat.so.1") == Provision((2, 12), (), Limit.ALLOWED)
    assert X86_64.library("libmvec.so.1").since == (2, 24)
    assert X86_64.library("libssl.so.3") == Provision(None, (), Limit.UNKNOWN)
    assert X86_64.library("libcrypt.so.1").since is None
    assert AARCH64.library("ld-linux-x86-64.so.2").since is None
    assert AARCH64.library("ld-linux-aarch64.so.1").since == (2, 17)


def test_an_unversioned_library_meets_every_need() -> None:
    """glibc, match_symbol in elf/dl-version.c: a library without DT_VERDEF is let through."""
    assert X86_64.node("libX11.so.6", "X11_1.0").since == (2, 5)
    assert X86_64.node("libexpat.so.1", "EXPAT_2").since == (2, 12)
    assert X86_64.policy((2, 12)).provides("libexpat.so.1", "EXPAT_2")
    assert not X86_64.policy((2, 5)).provides("libexpat.so.1", "EXPAT_2")


def test_musl_policies_are_libraries_only() -> None:
    policy = MUSL.policy((1, 1))
    assert policy.tag.text == "musllinux_1_1_x86_64"
    assert policy.libraries == {"libc.so", "libz.so.1", "libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"}
    assert policy.versions == {}
    assert MUSL.newest == (1, 2)
    assert [release.name for release in policy.derived_from][-1] == "Alpine 3.10"
    assert {release.libc_version for release in MUSL.policy((1, 2)).derived_from} == {(1, 2)}
    assert MUSL.node("libc.so", "ANY").since == (1, 1)
    assert policies(KNOWLEDGE, Libc.MUSL, Architecture.LOONGARCH64).lowest == (1, 2)
    assert policies(KNOWLEDGE, Libc.MUSL, Architecture.PPC64).library("libc.so").since is None


def test_the_floor_is_named() -> None:
    floor = X86_64.policy((2, 34)).derived_from
    assert {"RHEL 9", "Amazon Linux 2023", "Ubuntu 24.04"} <= {release.name for release in floor}
    assert min(release.libc_version for release in floor) == (2, 34)
    assert all(release.counts for release in floor)


def test_ppc64_is_known_by_inference_only() -> None:
    ppc64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.PPC64)
    assert ppc64.policy((2, 17)).provisional and ppc64.policy((2, 28)).provisional
    assert ppc64.node("libstdc++.so.6", "GLIBCXX_3.4.19").since == (2, 17)


def test_nothing_known_is_no_crash() -> None:
    empty = Policies(Knowledge(()), Libc.MUSL, Architecture.X86_64)
    assert empty.lowest == empty.newest
    assert empty.policy((1, 1)).derived_from == ()


def test_the_forecast_was_never_too_generous() -> None:
    """On every glibc that has releases, GCC 120 days before it is a safe guess."""
    toolchains = KNOWLEDGE.toolchains
    compared = 0
    for version in X86_64.versions:
        released = [release for release in X86_64.releases if release.libc_version == version]
        compiler = toolchains.newest_compiler_before(version, days=120)
        if not released or version < (2, 12):
            continue
        assert compiler is not None
        lowest = min(int(release.tops["GLIBCXX"].split(".")[2]) for release in released)
        assert int(compiler.tops["GLIBCXX"].split(".")[2]) <= lowest, version
        compared += 1
    assert compared > 25
