"""Releases that only somebody's own snapshots know: what they are taken for, and when they count."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from perennial.knowledge import Knowledge, load_knowledge
from perennial.knowledge.learned_release import REASON, learned_releases
from perennial.knowledge.mainstream import judged, parse_mainstream
from perennial.knowledge.snapshot import ProvidedLibrary, Snapshot, absent_library
from perennial.learn import save_snapshot
from perennial.platform_tag import Libc
from perennial.policy import policies
from tests.support.example_wheels import SETS
from tests.support.run_perennial import run_perennial

SHIPPED = load_knowledge()
KNOWN = [release.id for release in SHIPPED.releases]


def library(soname: str, *nodes: str) -> ProvidedLibrary:
    return ProvidedLibrary(soname, "", None, None, nodes, tuple((node.lower(), node) for node in nodes))


OURS = Snapshot(
    "ours:2026",
    "x86_64",
    "2026-11-20",
    "updates",
    {"libc6": "2.36-9"},
    (
        library("libc.so.6", "GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.36", "GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"),
        library("libgcc_s.so.1", "GCC_3.0", "GCC_7.0.0"),
        library("libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.9", "GLIBCXX_3.4.28", "CXXABI_1.3", "CXXABI_FLOAT128"),
        absent_library("libz.so.1"),
    ),
)
MUSL = Snapshot("mine:1", "x86_64", "2026-11-20", "updates", {"musl": "1.2.4-r2"}, (library("libc.so"),))


def test_what_a_snapshot_says_of_its_release() -> None:
    arm = OURS._replace(architecture="aarch64", libraries=(library("libc.so.6", "GLIBC_2.36"),))
    (release,) = learned_releases([OURS, arm], KNOWN)
    assert (release.id, release.libc, release.libc_version) == ("ours:2026", Libc.GLIBC, (2, 36))
    assert release.tops == {"GLIBC": "2.36", "GLIBCXX": "3.4.28", "CXXABI": "1.3", "GCC": "7.0.0"}
    assert release.architectures == {"x86_64", "aarch64"}
    assert not release.counts and release.mainstream_reason == REASON
    assert release.supported_on("2026-11-20")


def test_musl_is_known_by_its_package() -> None:
    (release,) = learned_releases([MUSL], KNOWN)
    assert (release.libc, release.libc_release, release.libc_version) == (Libc.MUSL, "1.2.4", (1, 2))


@pytest.mark.parametrize(
    "snapshot",
    [
        OURS._replace(release="debian:12"),  # which the shipped table knows better
        OURS._replace(libraries=OURS.libraries[1:]),  # without a C library
        MUSL._replace(packages={}),
        MUSL._replace(release="musl:1.2.4"),
    ],
)
def test_no_release_comes_of(snapshot: Snapshot) -> None:
    assert learned_releases([snapshot], KNOWN) == ()


def test_a_list_that_names_it_makes_it_a_floor() -> None:
    own = learned_releases([OURS], KNOWN)
    listed = parse_mainstream("ours:2026 1 our image\nubuntu:24.04", "fleet", (*SHIPPED.releases, *own))
    (release,) = judged(own, listed)
    assert (release.mainstream, release.mainstream_reason) == (1, "our image")
    knowledge = Knowledge((*(r for r in SHIPPED.releases if r.id == "ubuntu:24.04"), release), lambda _: [OURS])
    own_policies = policies(knowledge, Libc.GLIBC, "x86_64")
    provision = own_policies.node("libstdc++.so.6", "GLIBCXX_3.4.29")
    assert provision.since is not None and provision.since > (2, 36)
    assert [each.id for each in provision.witnesses] == ["ours:2026"]
    allowed = own_policies.node("libstdc++.so.6", "GLIBCXX_3.4.28").since
    assert allowed is not None and allowed <= (2, 36)
    # its symbols, too: nothing but what was learned
    assert knowledge.exports(release, "x86_64", "libstdc++.so.6", "glibcxx_3.4.28", "GLIBCXX_3.4.28") is True
    assert judged(own, {}) == own


def test_the_commands_know_it(tmp_path: Path) -> None:
    run = partial(run_perennial, cwd=tmp_path, env={"PERENNIAL_DATA_DIR": str(tmp_path / "data")})
    save_snapshot(OURS, tmp_path / "data")
    (tmp_path / "fleet.txt").write_text("ours:2026\n", encoding="utf-8")
    listed = run("distro", "list", "--json").document["releases"]
    (entry,) = (each for each in listed if each["id"] == "ours:2026")
    assert entry["libc_release"] == "2.36" and entry["mainstream"] == 0
    shown = run("distro", "show", "ours:2026").output
    assert "glibc 2.36" in shown and "those of a list that names it" in shown
    policy = run("policy", "show", "manylinux_2_36_x86_64", "--mainstream", "fleet.txt", "--json").document
    assert [release["id"] for release in policy["floor"]] == ["ours:2026"]
    without = run("policy", "show", "manylinux_2_36_x86_64", "--json").document
    assert "ours:2026" not in json.dumps(without)
    SETS["honest"](tmp_path)
    report = run("show", "--mainstream", "fleet.txt", "--json", ".").document
    assert report["wheels"][0]["runs_on"] == ["ours:2026"]
