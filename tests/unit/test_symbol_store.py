"""The store of learned symbols: what goes in comes out, whichever way it is asked; and what ships is sound."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial.arch import Architecture
from perennial.errors import KnowledgeError
from perennial.knowledge import load_knowledge
from perennial.knowledge.snapshot import (
    ABSENT,
    KINDS,
    TIERS,
    ProvidedLibrary,
    Snapshot,
    absent_library,
    canonical,
)
from perennial.knowledge.snapshot_json import snapshot_from_json, snapshot_to_json
from perennial.knowledge.symbol_store import SymbolStore, load_symbols
from perennial.knowledge.symbol_store_encode import encode
from perennial.knowledge.symbol_store_format import FOLDER, unpack
from perennial.knowledge.tables import DATA, read_table
from perennial.learn.libraries import wanted_libraries
from perennial.platform_tag import Libc

ARCHES = [arch.value for arch in Architecture]
OLD = Snapshot(
    "debian:11", "x86_64", "2025-08-09", "updates", {"libc6": "2.31-13", "libexpat1": "2.2.10"},
    (
        ProvidedLibrary(
            "libc.so.6", "libc6", "essential", "ab" * 20, ("GLIBC_2.2.5", "GLIBC_2.14"),
            (("malloc_get_state", "GLIBC_2.2.5"), ("memcpy", "GLIBC_2.14"), ("memcpy", "GLIBC_2.2.5")),
        ),
        ProvidedLibrary("libexpat.so.1", "libexpat1", "python", None, (), (("XML_Parse", None),)),
    ),
)  # fmt: skip
NEW = Snapshot(
    "debian:12", "x86_64", "2026-07-11", "updates", {"libc6": "2.36-9"},
    (
        ProvidedLibrary(
            "libc.so.6", "libc6", "essential", None, ("GLIBC_2.2.5", "GLIBC_2.14", "GLIBC_2.36", "GLIBC_ABI_DT_RELR"),
            (("arc4random", "GLIBC_2.36"), ("memcpy", "GLIBC_2.14"), ("memcpy", "GLIBC_2.2.5")),
        ),
        absent_library("libnsl.so.1"),
    ),
)  # fmt: skip
ARM = OLD._replace(architecture="aarch64")
# Nodes without a number, and those of one architecture, which the table leaves out.
EXTRA_NODES = {"GLIBC_PRIVATE"}


def store(*snapshots: Snapshot, arch: str = "x86_64", own: tuple[Snapshot, ...] = ()) -> SymbolStore:
    return SymbolStore(arch, encode(snapshots).get, own)


def contents(of: SymbolStore) -> list[Snapshot]:
    return [of.snapshot(number) for number in range(len(of.snapshots))]


def shipped() -> dict[str, bytes]:
    """The store's files; inputs.tsv says where they come from, and is none of them."""
    folder = Path(DATA, FOLDER)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name != "inputs.tsv"}


def test_questions_are_answered_by_snapshot() -> None:
    found = store(NEW, OLD, ARM)
    assert [info.release for info in found.snapshots] == ["debian:11", "debian:12"]
    assert found.snapshots[0].packages == OLD.packages
    assert found.sonames == ("libc.so.6", "libexpat.so.1", "libnsl.so.1")
    assert found.exporting("libc.so.6", "memcpy", "GLIBC_2.14") == frozenset({0, 1})
    assert found.exporting("libc.so.6", "malloc_get_state", "GLIBC_2.2.5") == frozenset({0})
    assert found.exporting("libc.so.6", "arc4random", "GLIBC_2.36") == frozenset({1})
    assert found.exporting("libc.so.6", "arc4random", None) == frozenset({1})
    assert found.exporting("libc.so.6", "arc4random", "GLIBC_2.14") == frozenset()
    assert found.exporting("libm.so.6", "sin", None) is None
    assert found.exporting("libnsl.so.1", "yp_all", None) == frozenset()
    assert found.exporting("libexpat.so.1", "XML_Parse", None) == frozenset({0})
    assert found.versions("libc.so.6", "memcpy") == {"GLIBC_2.2.5": {0, 1}, "GLIBC_2.14": {0, 1}}
    assert found.nodes("libc.so.6")["GLIBC_ABI_DT_RELR"] == {1}
    assert (found.nodes("libexpat.so.1"), found.nodes("libm.so.6")) == ({}, {})
    assert found.owners("XML_Parse") == ("libexpat.so.1",)
    assert found.owners("nothing") == ()


def test_tiers_and_absence() -> None:
    found = store(NEW, OLD)
    assert found.tier("libc.so.6", 0) == "essential"
    assert found.tier("libexpat.so.1", 1) is None
    assert found.tier("libnsl.so.1", 1) == ABSENT
    assert found.providing("libnsl.so.1") == set()
    assert found.providing("libexpat.so.1") == {0}
    libc = found.library("libc.so.6", 0)
    assert libc is not None
    assert (libc.package, libc.build_id, libc.exports) == ("libc6", "ab" * 20, ())
    assert found.library("libexpat.so.1", 1) is None


def test_a_reference_without_a_version_finds_less() -> None:
    """ld.so binds it to the base version or the default one, and to no superseded version after the first."""
    libc = OLD.libraries[0]._replace(versioned_only=("memcpy",))
    found = store(OLD._replace(libraries=(libc,)), NEW)
    assert found.exporting("libc.so.6", "memcpy", None) == frozenset({1})
    assert found.exporting("libc.so.6", "memcpy", "GLIBC_2.14") == frozenset({0, 1})
    assert found.owners("memcpy") == ("libc.so.6",)
    assert found.snapshot(0).libraries == (libc,)


def test_other_architectures_are_not_seen() -> None:
    found = store(OLD, ARM, arch="aarch64")
    assert [info.architecture for info in found.snapshots] == ["aarch64"]
    assert found.exporting("libc.so.6", "memcpy", "GLIBC_2.14") == frozenset({0})
    assert store(OLD, arch="riscv64").snapshots == ()


def test_own_libraries_replace_and_come_on_top() -> None:
    newer = NEW._replace(date="2027-01-01", libraries=OLD.libraries)
    rhel = OLD._replace(release="rhel:9")
    found = store(OLD, NEW, own=(newer, rhel, ARM))
    assert [(info.release, info.date) for info in found.snapshots] == [
        ("debian:11", "2025-08-09"), ("debian:12", "2027-01-01"), ("rhel:9", "2025-08-09"),
    ]  # fmt: skip
    assert found.exporting("libc.so.6", "malloc_get_state", "GLIBC_2.2.5") == frozenset({0, 1, 2})
    assert found.exporting("libc.so.6", "arc4random", None) == frozenset()
    assert found.nodes("libc.so.6")["GLIBC_2.14"] == {0, 1, 2}
    assert "GLIBC_ABI_DT_RELR" not in found.nodes("libc.so.6")
    assert contents(found)[0] == canonical(OLD) and contents(found)[2] == canonical(rhel)


def test_a_partial_snapshot_leaves_the_other_libraries_that_shipped() -> None:
    """Somebody learns one package: what they did not learn is no less a part of the release."""
    name = OLD.libraries[0].soname
    mine = ProvidedLibrary(name, "", None, "cd" * 20, ("GLIBC_2.2.5",), (("mine", "GLIBC_2.2.5"),))
    found = store(OLD, NEW, own=(OLD._replace(date="2027-01-01", packages={"mine": "1"}, libraries=(mine,)),))
    assert found.exporting(name, "mine", "GLIBC_2.2.5") == frozenset({0})
    assert 0 not in (found.exporting(name, "memcpy", "GLIBC_2.14") or ())
    for library in OLD.libraries[1:]:
        assert found.library(library.soname, 0) == library._replace(nodes=(), exports=(), versioned_only=())
        for symbol, version in library.exports:
            assert 0 in (found.exporting(library.soname, symbol, version) or ())
        assert not found.is_own(library.soname, 0)
        assert found.source(library.soname, 0) == OLD.info
    assert found.is_own(name, 0)
    assert found.source(name, 0).packages == {"mine": "1"}
    assert found.snapshots[0].date == "2027-01-01"
    # a package and a tier that were not found out stay as they were
    described = found.library(name, 0)
    assert described is not None
    assert (described.package, described.tier, described.build_id) == (
        OLD.libraries[0].package, OLD.libraries[0].tier, "cd" * 20,
    )  # fmt: skip


def test_an_own_snapshot_may_know_that_a_library_is_absent() -> None:
    name = OLD.libraries[0].soname
    found = store(OLD, own=(OLD._replace(libraries=(absent_library(name),)),))
    assert found.providing(name) == frozenset()
    assert found.exporting(name, "memcpy", "GLIBC_2.14") == frozenset()


def test_an_own_library_that_nobody_shipped() -> None:
    own = OLD._replace(libraries=(ProvidedLibrary("libown.so.1", "own", None, None, (), (("own", None),)),))
    found = store(NEW, own=(own,))
    assert found.exporting("libown.so.1", "own", None) == frozenset({1})
    assert found.owners("own") == ("libown.so.1",)


def test_two_of_the_same_kind_cannot_be_stored() -> None:
    with pytest.raises(KnowledgeError, match="same release"):
        encode([OLD, OLD._replace(date="2026-01-01")])
    assert len(store(OLD, OLD._replace(kind="release")).snapshots) == 2


@pytest.mark.parametrize("name", ["a b", "", "-", "a\nb", "a/b", " a", "a\u2003b"])
def test_names_that_would_break_the_format_are_refused(name: str) -> None:
    library = ProvidedLibrary("libz.so.1", "p", None, None, (), ((name, None),))
    with pytest.raises(KnowledgeError, match="cannot be stored"):
        encode([OLD._replace(libraries=(library,))])


def test_damaged_files_are_one_line() -> None:
    files = encode([OLD])
    damaged: Mapping[str, bytes] = {**files, "libc.so.6.txt.xz": files["libc.so.6.txt.xz"][:60]}
    with pytest.raises(KnowledgeError, match="damaged"):
        SymbolStore("x86_64", damaged.get).nodes("libc.so.6")
    with pytest.raises(KnowledgeError):
        SymbolStore("x86_64", {"x86_64.tsv": b"nonsense"}.get)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="/= "), min_size=1
).filter(lambda name: name != "-" and len(name.split()) == 1)
PLAIN = st.from_regex(r"[a-z0-9][a-z0-9+.]{0,8}", fullmatch=True)
LIBRARIES = st.builds(
    ProvidedLibrary,
    soname=PLAIN.map(lambda name: f"lib{name}.so.1"),
    package=st.just("") | PLAIN,
    tier=st.sampled_from((*TIERS, None)),
    build_id=st.none() | st.just("0f" * 20),
    nodes=st.lists(NAMES, max_size=4, unique=True).map(tuple),
    exports=st.lists(st.tuples(NAMES, st.none() | NAMES), max_size=8).map(tuple),
    versioned_only=st.lists(NAMES, max_size=3).map(tuple),
)
SNAPSHOTS = st.builds(
    Snapshot,
    release=st.sampled_from(["debian:9", "debian:10", "debian:testing", "rhel:9"]),
    architecture=st.sampled_from(ARCHES[:2]),
    date=st.just("2026-11-20"),
    kind=st.sampled_from(KINDS),
    packages=st.dictionaries(PLAIN, PLAIN, max_size=3),
    libraries=st.lists(LIBRARIES, max_size=4, unique_by=lambda library: library.soname).map(tuple),
)
MANY = st.lists(SNAPSHOTS, max_size=6, unique_by=lambda snapshot: snapshot.info.key)


@given(MANY)
def test_what_goes_in_comes_out(snapshots: list[Snapshot]) -> None:
    files = encode(snapshots)
    assert files == encode(reversed(snapshots))
    found = [each for arch in ARCHES for each in contents(SymbolStore(arch, files.get))]
    assert sorted(found, key=repr) == sorted(map(canonical, snapshots), key=repr)
    for snapshot in snapshots:
        answers = SymbolStore(snapshot.architecture, files.get)
        number = next(n for n, info in enumerate(answers.snapshots) if info.key == snapshot.info.key)
        for library in snapshot.libraries:
            for symbol, version in library.exports:
                found_by = answers.exporting(library.soname, symbol, version) or ()
                assert (number in found_by) is (version is not None or symbol not in library.versioned_only)
                assert library.soname in answers.owners(symbol)


@given(MANY)
def test_an_overlay_answers_as_if_it_had_shipped(snapshots: list[Snapshot]) -> None:
    for arch in ARCHES[:2]:
        overlaid = SymbolStore(arch, encode([]).get, snapshots)
        stored = SymbolStore(arch, encode(snapshots).get)
        assert sorted(contents(overlaid), key=repr) == sorted(contents(stored), key=repr)


@given(SNAPSHOTS)
def test_json_keeps_a_snapshot(snapshot: Snapshot) -> None:
    text = snapshot_to_json(snapshot)
    assert snapshot_from_json(text, "demo") == canonical(snapshot)
    assert snapshot_to_json(snapshot_from_json(text, "demo")) == text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": "other"}, "schema"),
        ({"release": "../x"}, "name of a release"),
        ({"release": 7}, "release must be a text"),
        ({"date": "yesterday"}, "not a date"),
        ({"architecture": "z80"}, "z80"),
        ({"kind": "demo"}, "kind must be"),
        ({"packages": {"a": 1}}, "packages"),
        ({"libraries": {}}, "libraries"),
        ({"libraries": [7]}, "libraries"),
        ({"libraries": [{"soname": "x", "package": "", "tier": "deep", "exports": {}, "nodes": []}]}, "tier"),
        ({"libraries": [{"soname": "x", "package": "", "exports": [], "nodes": []}]}, "exports"),
        ({"libraries": [{"soname": "x", "package": "", "exports": {}, "nodes": [3]}]}, "nodes"),
        ({"libraries": [{"soname": "x", "package": "", "build_id": 3, "exports": {}, "nodes": []}]}, "build_id"),
        ({"libraries": [{"soname": "x", "package": "", "exports": {}, "nodes": []}] * 2}, "twice"),
    ],
)
def test_json_from_anybody_is_checked(change: dict[str, object], said: str) -> None:
    document = json.loads(snapshot_to_json(OLD)) | change
    with pytest.raises(KnowledgeError, match=said) as caught:
        snapshot_from_json(json.dumps(document), "demo.json")
    assert "\n" not in str(caught.value)
    with pytest.raises(KnowledgeError, match="not JSON"):
        snapshot_from_json("{", "demo.json")


# What ships


def test_the_shipped_store_is_rebuilt_bit_for_bit() -> None:
    snapshots = [each for arch in ARCHES for each in contents(load_symbols(arch))]
    assert encode(snapshots) == shipped()


def test_the_shipped_store_is_small() -> None:
    assert sum(map(len, shipped().values())) < 300_000


def test_every_suite_is_there_on_every_architecture() -> None:
    columns = ("release", "suite", "architecture", "point_release", "date", "index", "sha256")
    rows = read_table(f"{FOLDER}/inputs.tsv", columns)
    inputs = sorted((row[2], row[0], row[4]) for row in rows)
    stored = sorted(
        (info.architecture, info.release, info.date) for arch in ARCHES for info in load_symbols(arch).snapshots
    )
    assert inputs == stored
    assert sum(release.startswith("debian:") for _, release, _ in inputs) == 33
    assert all(len(row[6]) == 64 and not set(row[6]) - set("0123456789abcdef") for row in rows)
    known = {release.id for release in load_knowledge().releases}
    assert {release for _, release, _ in inputs if not release.startswith("musl:")} <= known


@pytest.mark.parametrize("arch", [arch for arch in ARCHES if arch != "ppc64"])
def test_what_was_learned_agrees_with_the_table_of_nodes(arch: str) -> None:
    """releases.tsv was measured by others, on other days: a stable release only ever gains nodes.

    The table has one set of nodes for all of glibc's libraries, which is their union.
    """
    knowledge, found = load_knowledge(), load_symbols(arch)
    releases = {release.id: release for release in knowledge.releases}
    libraries = knowledge.libraries(Libc.GLIBC, arch)
    for number, info in enumerate(found.snapshots):
        release = releases.get(info.release)
        if release is None or release.rolling or arch not in release.architectures:
            continue
        for family, soname in (("GLIBC", "libc.so.6"), ("GLIBCXX", "libstdc++.so.6"), ("ZLIB", "libz.so.1")):
            known = knowledge.nodes(release, arch, soname)
            learned = {
                node
                for each, library in libraries.items()
                if family in library.families
                for node, members in found.nodes(each).items()
                if number in members and node.partition("_")[0] in (family, "CXXABI" if family == "GLIBCXX" else "")
            }
            assert known is not None
            assert known <= learned, (info.release, soname)
            assert {node for node in learned - known if not node.startswith("GLIBC_ABI")} <= EXTRA_NODES, info.release


def test_facts_that_are_known_otherwise() -> None:
    found = load_symbols("x86_64")
    everywhere = frozenset(n for n, info in enumerate(found.snapshots) if info.release.startswith("debian:"))
    by_release = {info.release: number for number, info in enumerate(found.snapshots)}
    old, stable = by_release["debian:11"], by_release["debian:12"]
    maximum = found.exporting("libexpat.so.1", "XML_SetAllocTrackerMaximumAmplification", None)
    assert maximum is not None
    assert not maximum & {old, stable}
    assert found.exporting("libc.so.6", "arc4random", "GLIBC_2.36") == everywhere - {old}
    assert found.exporting("libc.so.6", "memcpy", "GLIBC_2.14") == everywhere
    assert found.nodes("libc.so.6")["GLIBC_ABI_DT_RELR"] == everywhere - {old}
    assert found.exporting("libm.so.6", "__exp_finite", "GLIBC_2.15") == everywhere
    assert found.exporting("libm.so.6", "__exp_finite", None) == frozenset()
    assert found.exporting("libc.so.6", "malloc_get_state", None) == frozenset({old})  # its version is the base
    assert found.tier("libGL.so.1", stable) == "desktop"
    assert found.tier("libexpat.so.1", stable) == "python"
    assert found.tier("libstdc++.so.6", stable) == "essential"


def test_what_each_musl_exports() -> None:
    """As musl's release notes have it: gettid in 1.2.2, qsort_r in 1.2.3, statx in 1.2.5, posix_getdents in 1.2.6."""
    found = load_symbols("x86_64")
    versions = {info.release: n for n, info in enumerate(found.snapshots) if info.release.startswith("musl:")}
    assert versions.keys() >= {"musl:1.2.2", "musl:1.2.3", "musl:1.2.5"}
    since = {
        "memcpy": "musl:1.2.2",
        "gettid": "musl:1.2.2",
        "qsort_r": "musl:1.2.3",
        "statx": "musl:1.2.5",
        "posix_getdents": "musl:1.2.6",
    }
    for symbol, first in since.items():
        expected = frozenset(number for release, number in versions.items() if release >= first)
        assert found.exporting("libc.so", symbol, None) == expected, symbol
    assert found.exporting("libc.so", "crypt", None) == frozenset(versions.values())
    assert found.exporting("libc.so", "fts_open", None) == frozenset()  # a patch of Debian's
    (libc,) = found.snapshot(versions["musl:1.2.5"]).libraries
    assert len(libc.exports) == 1647  # as many as ziglang's list of musl 1.2.5 has for x86_64


def test_libmvec_came_late_to_aarch64() -> None:
    found = load_symbols("aarch64")
    tiers = {info.release: found.tier("libmvec.so.1", number) for number, info in enumerate(found.snapshots)}
    assert (tiers["debian:11"], tiers["debian:12"], tiers["debian:13"]) == (ABSENT, ABSENT, "essential")


def test_every_allowed_library_is_one_that_is_learned() -> None:
    for libc in Libc:
        for arch in ARCHES:
            assert load_knowledge().libraries(libc, arch).keys() <= wanted_libraries(libc).keys()


def test_a_soname_costs_what_it_needs() -> None:
    """Only the files of what was asked for are read."""
    files, read = shipped(), []

    def reading(name: str) -> bytes | None:
        read.append(name)
        return files.get(name)

    found = SymbolStore("x86_64", reading)
    found.exporting("libz.so.1", "inflate", None)
    found.nodes("libz.so.1")
    assert read == ["x86_64.tsv", "libz.so.1.txt.xz"]
    assert all(unpack(data, name) for name, data in files.items() if name.endswith(".xz"))
    assert os.path.getsize(os.path.join(DATA, FOLDER, "libz.so.1.txt.xz")) < 2000
