"""What was published holds, and what no longer follows from the releases needs a decision."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from perennial.arch import Architecture
from perennial.knowledge import DistributionRelease, Knowledge, load_knowledge
from perennial.knowledge.mainstream import knowledge_on
from perennial.knowledge.published import Decision, Published, load_published
from perennial.platform_tag import Libc
from perennial.policy import Limit, Policies, policies
from perennial.policy.why import answers

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "publish_policies.py"))
SHIPPED = load_knowledge()
STDCXX = "libstdc++.so.6"
# glibc 2.28 allows GLIBCXX_3.4.24; this one has it with the compiler of RHEL 7.
NEWCOMER: DistributionRelease = next(release for release in SHIPPED.releases if release.id == "debian:10")._replace(
    id="old:1", name="Old Toolchain 1", tops={"GLIBC": "2.28", "GLIBCXX": "3.4.19", "CXXABI": "1.3.7", "GCC": "4.8.0"}
)


def broken(own: Policies, published: Published) -> list[str]:
    """The cells of a derivation from the releases alone that fall short of what was promised."""
    tops = {(cell.family, cell.version): cell.top for cell in SCRIPT["cells"](own)}
    return [
        f"{own.arch} {family} {version}"
        for family in published.promises
        for version in own.versions
        if not own.is_provisional(version)
        and (promise := published.promise(family, version)) is not None
        and tops.get((family, version), ()) < promise.top
        and not any(each.kind == "kept" and each.covers(family, version) for each in published.decisions)
    ]


@pytest.mark.parametrize("arch", Architecture)
def test_the_releases_keep_what_was_published(arch: Architecture) -> None:
    """If this fails, a release was learned that takes something back: decide, and write a line into withdrawn.tsv."""
    own = policies(Knowledge(SHIPPED.releases), Libc.GLIBC, arch)
    assert broken(own, load_published("glibc", arch.value)) == []


@pytest.mark.parametrize("libc", Libc)
@pytest.mark.parametrize("arch", Architecture)
def test_libraries_without_nodes_stay_allowed(arch: Architecture, libc: Libc) -> None:
    own = policies(SHIPPED, libc, arch)
    rows = (ROOT / "src/perennial/knowledge/data/published.tsv").read_text(encoding="utf-8").splitlines()
    for row in rows[3:]:
        _, of_libc, of_arch, family, sonames, tops = row.split("\t")
        if (of_libc, of_arch, family) == (libc.value, arch.value, "-"):
            for soname in sonames.split(" "):
                since = own.library(soname).since
                assert since is not None and since <= tuple(map(int, tops.split(".")))


@pytest.mark.parametrize("arch", Architecture)
def test_promises_change_nothing_today(arch: Architecture) -> None:
    pure = policies(Knowledge(SHIPPED.releases), Libc.GLIBC, arch)
    kept = policies(SHIPPED, Libc.GLIBC, arch)
    assert [pure.policy(version) for version in pure.versions] == [kept.policy(version) for version in kept.versions]


def test_a_newcomer_takes_nothing_back() -> None:
    releases = (*SHIPPED.releases, NEWCOMER)
    pure = policies(Knowledge(releases), Libc.GLIBC, Architecture.X86_64)
    kept = policies(Knowledge(releases, keeps_promises=True), Libc.GLIBC, Architecture.X86_64)
    assert pure.node(STDCXX, "GLIBCXX_3.4.24").since == (2, 29)
    provision = kept.node(STDCXX, "GLIBCXX_3.4.24")
    assert provision.since == (2, 27)
    assert [release.id for release in provision.despite] == ["old:1"]
    assert provision.published == "0.1.0"
    # and the test above would have said so
    assert f"{Architecture.X86_64} GLIBCXX (2, 28)" in broken(pure, load_published("glibc", "x86_64"))


def test_why_names_the_newcomer_and_the_promise() -> None:
    kept = policies(Knowledge((*SHIPPED.releases, NEWCOMER), keeps_promises=True), Libc.GLIBC, Architecture.X86_64)
    from perennial.report.policy_sheets import why_sheet
    from perennial.report.sheet import as_plain

    sheet = why_sheet(kept.policy((2, 28)), "GLIBCXX_3.4.24", answers(kept, "GLIBCXX_3.4.24"), SHIPPED.as_of)
    text = " ".join(as_plain(sheet).split())
    assert "although Old Toolchain 1 lacks it: frozen since perennial 0.1.0" in text
    assert "in the way" not in text


def test_a_promise_that_was_withdrawn_no_longer_holds() -> None:
    decided = Published(
        load_published("glibc", "x86_64").promises,
        (Decision("GLIBCXX", (2, 27), (2, 28), "withdrawn", (3, 4, 19), "Old Toolchain counts"),),
    )

    class Decided(Knowledge):
        def published(self, libc: Libc, arch: str) -> Published | None:
            return decided if (libc, arch) == (Libc.GLIBC, "x86_64") else None

    knowledge = Decided((*SHIPPED.releases, NEWCOMER))
    own = policies(knowledge, Libc.GLIBC, Architecture.X86_64)
    assert own.node(STDCXX, "GLIBCXX_3.4.24").since == (2, 29)
    pure = policies(Knowledge((*SHIPPED.releases, NEWCOMER)), Libc.GLIBC, Architecture.X86_64)
    assert not [cell for cell in broken(pure, decided) if "GLIBCXX (2, 27)" in cell or "GLIBCXX (2, 28)" in cell]


def test_peps_outrank_and_say_so() -> None:
    own = policies(SHIPPED, Libc.GLIBC, Architecture.X86_64)
    provision = own.node(STDCXX, "GLIBCXX_3.4.19")
    assert provision.since == (2, 17)
    assert [release.id for release in provision.despite] == ["ubuntu:13.04"]
    assert provision.published is None
    assert own.node(STDCXX, "GLIBCXX_3.4.25").limit is Limit.RELEASES


def test_the_past_and_an_own_list_promise_nothing() -> None:
    assert SHIPPED.published(Libc.GLIBC, "x86_64") is not None
    assert knowledge_on(SHIPPED, "2020-01-01").published(Libc.GLIBC, "x86_64") is None
    assert Knowledge(SHIPPED.releases).published(Libc.GLIBC, "x86_64") is None


def test_the_script_only_adds(tmp_path: Path) -> None:
    main: Any = SCRIPT["main"]
    shipped = (ROOT / "src/perennial/knowledge/data/published.tsv").read_text(encoding="utf-8")
    copy = tmp_path / "published.tsv"
    copy.write_text(shipped, encoding="utf-8")
    main("9.9.9", str(copy))
    written = copy.read_text(encoding="utf-8")
    assert written.startswith(shipped)
