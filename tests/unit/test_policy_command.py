"""`perennial policy`, as a user runs it, and the values behind its answers."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from perennial.arch import Architecture
from perennial.cli.main import main
from perennial.errors import UsageError
from perennial.knowledge import Knowledge, load_knowledge
from perennial.knowledge.knowledge import load_releases
from perennial.knowledge.mainstream import knowledge_on, parse_mainstream
from perennial.platform_tag import Libc
from perennial.policy import Limit, policies
from perennial.policy.compare import compare
from perennial.policy.heights import Height, heights
from perennial.policy.why import Kind, answers, kind_of
from perennial.report.policy_words import families, why_no_more
from tests.support.example_wheels import SETS
from tests.support.run_perennial import run_perennial

KNOWLEDGE = load_knowledge()
X86_64 = policies(KNOWLEDGE, Libc.GLIBC, Architecture.X86_64)
MUSL = policies(KNOWLEDGE, Libc.MUSL, Architecture.X86_64)


def output(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["policy", *arguments]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    parsed = json.loads(output(capsys, *arguments, "--json"))
    assert isinstance(parsed, dict)
    return parsed


def complaint(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    assert main(["policy", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


# ----- show


def height_of(family: str, version: tuple[int, int]) -> Height:
    (found,) = [each for each in heights(X86_64, X86_64.policy(version)) if each.family == family]
    return found


def test_heights_name_what_the_policy_has_and_lacks() -> None:
    for version in X86_64.versions:
        policy = X86_64.policy(version)
        for height in heights(X86_64, policy):
            soname = height.sonames[0]
            assert height.highest is None or policy.provides(soname, height.highest)
            assert height.missing is None or not policy.provides(soname, height.missing)
            assert all(policy.provides(soname, name) for name in height.unnumbered)
            assert all(release in policy.derived_from for release in height.lacking)
            assert height.since is None or height.since > version


def test_a_limit_has_its_witness() -> None:
    height = height_of("GLIBCXX", (2, 28))
    assert (height.highest, height.missing, height.since) == ("GLIBCXX_3.4.24", "GLIBCXX_3.4.25", (2, 29))
    assert [release.name for release in height.lacking] == ["Photon OS 3.0"]
    sentence = "GLIBCXX ends at 3.4.24: Photon OS 3.0 lacks 3.4.25; manylinux_2_29 has 3.4.25"
    assert why_no_more(height, Libc.GLIBC) == sentence


@pytest.mark.parametrize(
    ("family", "version", "sentence"),
    [
        ("GLIBC", (2, 28), "GLIBC ends at 2.28: glibc itself has 2.29 from 2.29 on"),
        ("ZLIB", (2, 5), "ZLIB has no node: the PEP of a legacy tag leaves 1.2.0 out; manylinux_2_6 has 1.2.0"),
        ("LIBATOMIC", (2, 28), "LIBATOMIC ends at 1.2: none that is newer is known"),
    ],
)
def test_other_limits_in_words(family: str, version: tuple[int, int], sentence: str) -> None:
    assert why_no_more(height_of(family, version), Libc.GLIBC) == sentence


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "show", "manylinux_2_28_x86_64")
    assert "GLIBCXX ends at 3.4.24: Photon OS 3.0 lacks 3.4.25" in text
    assert "tier 1" in text and "tier 2" in text and "RHEL 8" in text
    assert "provisional" not in text
    assert max(map(len, text.splitlines())) < 350


def test_show_says_provisional(capsys: pytest.CaptureFixture[str]) -> None:
    assert "provisional" in output(capsys, "show", "manylinux_2_44")
    assert "provisional" in output(capsys, "show", "manylinux_2_29", "--arch", "riscv64")


def test_show_verbose_lists_every_release_and_node(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "show", "-v", "manylinux_2_34_x86_64")
    policy = X86_64.policy((2, 34))
    assert all(release.name in text for release in policy.derived_from)
    assert all(name in text for nodes in policy.versions.values() for name in nodes)


def test_show_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown = document(capsys, "show", "manylinux2014_x86_64")
    assert shown["schema"] == "perennial.policy/1"
    assert (shown["tag"], shown["legacy_alias"]) == ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
    nodes = {library["soname"]: library["nodes"] for library in shown["libraries"]}
    assert nodes["libX11.so.6"] is None and "GLIBCXX_3.4.19" in nodes["libstdc++.so.6"]
    assert {"debian:12", "rhel:7"} <= {release["id"] for release in shown["floor"]}
    assert not any(release["supported"] for release in shown["floor"] if release["id"] == "debian:8")


def test_show_musl(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "show", "musllinux_1_2", "--arch", "aarch64")
    assert "libc.musl-aarch64.so.1" in text and "Alpine" in text and "limits" not in text


def test_the_past_did_not_know_what_came(capsys: pytest.CaptureFixture[str]) -> None:
    then = document(capsys, "show", "manylinux_2_28_x86_64", "--as-of", "2020-01-01")
    floor = {release["id"] for release in then["floor"]}
    assert "debian:10" in floor and not floor & {"rhel:9", "debian:11", "archlinux:latest"}
    now = knowledge_on(KNOWLEDGE, "2090-01-01")
    assert now is KNOWLEDGE


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("fedora", "not a manylinux or musllinux tag"),
        ("linux_x86_64", "not a manylinux or musllinux tag"),
        ("manylinux_2_28_sparc", "not a manylinux or musllinux tag"),
        ("manylinux_2_99", "no glibc has that version"),
        ("manylinux_2_5_aarch64", "on aarch64 they begin at 2.17"),
        ("musllinux_1_2_ppc64", "musl"),
    ],
)
def test_tags_that_are_none(capsys: pytest.CaptureFixture[str], tag: str, words: str) -> None:
    assert words in complaint(capsys, "show", tag)


def test_options_that_make_no_sense(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "YYYY-MM-DD" in complaint(capsys, "show", "manylinux_2_28", "--as-of", "yesterday")
    assert "no tag names it" in complaint(capsys, "show", "manylinux_2_28_x86_64", "--arch", "sparc")
    assert "--arch says aarch64" in complaint(capsys, "show", "manylinux_2_28_x86_64", "--arch", "aarch64")
    assert "No such file" in complaint(capsys, "recommend", "--mainstream", str(tmp_path / "none"), code=3)
    assert "X.Y" in complaint(capsys, "chart", "-o", "-", "--from", "x")


# ----- diff


def test_diff_adds_and_loses() -> None:
    found = compare(X86_64, (2, 34), (2, 28))
    assert (found.earlier.tag.version, found.later.tag.version) == ((2, 28), (2, 34))
    gains = {soname: gain.nodes for gain in found.gains for soname in gain.sonames}
    assert gains["libc.so.6"] == tuple(f"GLIBC_2.{minor}" for minor in range(29, 35))
    assert gains["libc.so.6"] is gains["libm.so.6"]
    assert "GLIBCXX_3.4.29" in gains["libstdc++.so.6"] and "libz.so.1" not in gains
    assert {"rhel:8", "debian:11"} <= {release.id for release in found.lost}
    assert all((2, 28) <= release.libc_version < (2, 34) for release in found.lost)


def test_diff_of_a_tag_with_itself_is_empty() -> None:
    found = compare(X86_64, (2, 28), (2, 28))
    assert (found.libraries, found.gains, found.lost) == ((), (), ())


def test_diff(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "diff", "manylinux_2_5", "manylinux2010_x86_64")
    assert "libraries     libexpat.so.1" in text and "GLIBC_2.12" in text
    assert "the same tag" in output(capsys, "diff", "manylinux_2_17", "manylinux2014")
    shown = document(capsys, "diff", "manylinux_2_28", "manylinux_2_34", "--arch", "aarch64")
    assert shown["schema"] == "perennial.policy-diff/1" and shown["later"] == "manylinux_2_34_aarch64"
    assert "two C libraries" in complaint(capsys, "diff", "manylinux_2_28", "musllinux_1_2")


def test_diff_does_not_mix_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    complaint(capsys, "diff", "manylinux_2_28_x86_64", "manylinux_2_28_aarch64")


# ----- why


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("libexpat.so.1", Kind.LIBRARY),
        ("libnever-heard-of.so", Kind.LIBRARY),
        ("ld-linux-x86-64.so.2", Kind.LIBRARY),
        ("GLIBCXX_3.4.26", Kind.VERSION),
        ("CXXABI_TM_1", Kind.VERSION),
        ("GLIBC_2.99", Kind.VERSION),
        ("GLIBC_ABI_DT_RELR", Kind.VERSION),
        ("memcpy@GLIBC_2.14", Kind.SYMBOL),
        ("arc4random", Kind.SYMBOL),
        ("_ZNSt6vectorIiE", Kind.SYMBOL),
        ("XML_SetAllocTrackerMaximumAmplification", Kind.SYMBOL),
    ],
)
def test_kinds_of_names(name: str, kind: Kind) -> None:
    assert kind_of(X86_64, name) is kind


@pytest.mark.parametrize(
    ("name", "libraries", "since", "limit"),
    [
        ("GLIBCXX_3.4.26", ("libstdc++.so.6",), (2, 30), Limit.RELEASES),
        ("GLIBC_2.2.5", None, (2, 5), Limit.NOTHING),
        ("GLIBC_2.99", (), None, Limit.UNKNOWN),
        ("GLIBC_ABI_DT_RELR", None, (2, 36), Limit.UPSTREAM),
        ("libexpat.so.1", ("libexpat.so.1",), (2, 12), Limit.ALLOWED),
        ("libssl.so.3", (), None, Limit.UNKNOWN),
        ("memcpy@GLIBC_2.14", ("libc.so.6",), (2, 14), Limit.UPSTREAM),
        ("memcpy@@GLIBC_2.14", ("libc.so.6",), (2, 14), Limit.UPSTREAM),
        ("memcpy@GLIBC_2.15", (), None, Limit.UNKNOWN),
        ("nobody_exports_this", (), None, Limit.UNKNOWN),
        ("malloc_get_state@GLIBC_2.2.5", ("libc.so.6",), None, Limit.RELEASES),
        ("XML_SetAllocTrackerMaximumAmplification", ("libexpat.so.1",), (2, 37), Limit.RELEASES),
    ],
)
def test_answers(name: str, libraries: tuple[str, ...] | None, since: tuple[int, int] | None, limit: Limit) -> None:
    (found,) = answers(X86_64, name)
    assert (found.since, found.limit) == (since, limit)
    assert libraries is None or found.libraries == libraries


def test_every_release_is_in_just_one_list() -> None:
    for name in ("GLIBCXX_3.4.26", "libmvec.so.1", "memcpy", "arc4random", "g_once_init_enter_pointer", "nothing_such"):
        for found in answers(X86_64, name):
            listed = [release.id for release in (*found.has, *found.lacks, *found.unknown)]
            assert sorted(listed) == sorted(release.id for release in X86_64.releases)


def test_a_symbol_without_version_has_an_answer_for_each() -> None:
    assert [found.version for found in answers(X86_64, "memcpy")] == ["GLIBC_2.2.5", "GLIBC_2.14"]


def test_of_an_unversioned_library_only_what_was_learned_is_known() -> None:
    (found,) = answers(X86_64, "XML_SetAllocTrackerMaximumAmplification")
    assert {"debian:11", "debian:12"} <= {release.id for release in found.lacks}
    assert "debian:13" in {release.id for release in found.has}
    assert "rhel:8" in {release.id for release in found.unknown}


def test_musl_knows_symbols_only() -> None:
    (found,) = answers(MUSL, "statx")
    assert found.since is None
    assert {release.libc_release for release in found.has} == {"1.2.5"}
    assert "alpine:3.19" in {release.id for release in found.lacks}


def test_why(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "why", "manylinux_2_28_x86_64", "GLIBCXX_3.4.26")
    assert "allowed       no: from manylinux_2_30 on" in text and "RHEL 8" in text
    assert "allowed       yes" in output(capsys, "why", "manylinux_2_30_x86_64", "GLIBCXX_3.4.26")
    assert "has to be bundled" in output(capsys, "why", "manylinux_2_28", "libssl.so.3")
    assert "removed" in output(capsys, "why", "manylinux_2_28", "malloc_get_state")
    assert "does not tell" in output(capsys, "why", "musllinux_1_2", "statx")
    assert "nobody has learned" in output(capsys, "why", "manylinux_2_28", "XML_SetAllocTrackerMaximumAmplification")
    shown = document(capsys, "why", "manylinux_2_28_x86_64", "arc4random")
    assert shown["schema"] == "perennial.policy-why/1"
    (only,) = shown["answers"]
    assert (only["allowed"], only["since"], only["limit"]) == (False, "2.36", Limit.UPSTREAM)
    assert complaint(capsys, "why", "manylinux_2_28", "")


# ----- names of releases


def some(*identities: str) -> list[Any]:
    return [release for release in KNOWLEDGE.releases if release.id in identities]


def test_families_are_named_once() -> None:
    assert families(some("debian:11", "debian:12", "debian:testing")) == "Debian 11, 12, testing"
    assert families(some("rhel:8", "debian:12")) == "Debian 12, RHEL 8"
    assert families(some("rhel:8", "rhel:9", "debian:12")) == "Debian 12; RHEL 8, 9"
    assert families(some("centos:8", "centos:stream9")) == "CentOS 8, CentOS Stream 9"
    assert families(()) == "none"


def test_neighbours_are_drawn_together() -> None:
    fedora = [release for release in KNOWLEDGE.releases if release.family == "fedora"]
    chosen = some("fedora:30", "fedora:31", "fedora:32", "fedora:34", "fedora:35", "fedora:rawhide")
    assert families(chosen, fedora) == "Fedora 30–32, 34, 35, Rawhide"


# ----- an organisation's own list


def parse(text: str) -> dict[str, tuple[int, str]]:
    return parse_mainstream(text, "fleet.txt", KNOWLEDGE.releases)


def test_a_list_of_ones_own() -> None:
    listed = parse("# ours\nrhel:8\nubuntu:22.04 2 a few\ndebian  # all of it\n\ndebian:10 0 gone\n")
    assert listed == {
        "rhel:8": (1, "on your list"),
        "ubuntu:22.04": (2, "a few"),
        "debian": (1, "on your list"),
        "debian:10": (0, "gone"),
    }
    counted = {release.id for release in Knowledge(load_releases(listed)).releases if release.counts}
    assert {"rhel:8", "ubuntu:22.04", "debian:9", "debian:testing"} <= counted
    assert not counted & {"rhel:9", "debian:10", "alpine:3.20"}


def test_plus_means_and_later() -> None:
    assert set(parse("rhel:8+ 2 x")) == {"rhel:8", "rhel:9", "rhel:10"}
    assert "ubuntu:22.10" in parse("ubuntu:22.04+") and "ubuntu:20.04" not in parse("ubuntu:22.04+")
    assert "opensuse:tumbleweed" not in parse("opensuse:15.6+")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rhel:8\nrhl:9\n", "fleet.txt:2: there is no release rhl:9: did you mean rhel:9?"),
        ("windows\n", "there is no release windows"),
        ("", "lists no release that counts"),
        ("rhel 0\n", "lists no release that counts"),
        ("debian:testing+\n", "is no number"),
        ("\x1b[2J\n", "there is no release \\x1b[2J"),
    ],
)
def test_lists_that_are_none(text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert words in str(caught.value)


def test_a_shorter_list_never_narrows_what_releases_allow() -> None:
    """Without Photon OS 3.0, nothing speaks against GLIBCXX_3.4.25 in 2.28."""
    own = policies(Knowledge(load_releases(parse("rhel:8+\nubuntu:22.04"))), Libc.GLIBC, Architecture.X86_64)
    assert own.policy((2, 28)).provides("libstdc++.so.6", "GLIBCXX_3.4.25")
    assert not X86_64.policy((2, 28)).provides("libstdc++.so.6", "GLIBCXX_3.4.25")


def test_mainstream_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "fleet.txt").write_text("rhel:9+\n", encoding="utf-8")
    SETS["honest"](tmp_path)
    run = run_perennial("show", "--mainstream", "fleet.txt", "--json", ".", cwd=tmp_path)
    (report,) = run.document["wheels"]
    assert report["runs_on"] == ["rhel:10", "rhel:9"]
    digest = sha256(b"rhel:9+\n").hexdigest()
    assert run.document["mainstream"] == {"name": "fleet.txt", "sha256": digest}
    assert run_perennial("show", "--json", ".", cwd=tmp_path).document["mainstream"] is None
    run = run_perennial("policy", "recommend", "--mainstream", "fleet.txt", "--json", cwd=tmp_path)
    assert run.document["tag"] == "manylinux_2_34_x86_64"


# ----- recommend, coverage, chart


def test_recommend(capsys: pytest.CaptureFixture[str]) -> None:
    text = output(capsys, "recommend", "--as-of", "2026-07-15")
    assert "the highest X.Y that loses no release of tier 1 in general support" in text
    assert "build for     manylinux_2_28_x86_64" in text
    shown = document(capsys, "recommend", "--as-of", "2026-07-15", "--support", "extended")
    assert shown["schema"] == "perennial.policy-recommendation/1"
    assert shown["tag"] == "manylinux_2_17_x86_64"
    assert "no answer" in output(capsys, "recommend", "--arch", "ppc64")
    assert "musllinux_1_2" in output(capsys, "recommend", "--libc", "musl", "--as-of", "2026-07-15")


def test_coverage(tmp_path: Path) -> None:
    for name in ("honest", "between"):
        SETS[name](tmp_path)
    day = ("--as-of", "2026-08-01")
    run = run_perennial("policy", "coverage", ".", *day, cwd=tmp_path)
    assert run.code == 0 and "[2]" in run.output
    assert "Ubuntu 22.04" in run.output and "lacks     GLIBC_2.32 of libc.so.6" in run.output
    shown = run_perennial("policy", "coverage", ".", "--json", *day, cwd=tmp_path).document
    assert shown["schema"] == "perennial.policy-coverage/1"
    lacks = {each["id"]: each["lacks"] for wheel in shown["wheels"] for each in wheel["fails_on"]}
    assert lacks["rhel:8"] == "GLIBC_2.32"


def test_chart(tmp_path: Path) -> None:
    SETS["between"](tmp_path)
    run = run_perennial("policy", "chart", "-o", "out.svg", ".", cwd=tmp_path)
    assert (run.code, run.output, run.errors) == (0, "", "")
    assert "demo 1.0: manylinux_2_32_x86_64" in (tmp_path / "out.svg").read_text(encoding="utf-8")
    run = run_perennial("policy", "chart", "-o", "-", "none.whl", cwd=tmp_path)
    assert run.code == 3 and run.output.startswith("<svg") and run.errors == "perennial: none.whl: no such file\n"


def test_a_wheel_that_is_not_on_the_clock_is_said(tmp_path: Path) -> None:
    SETS["honest"](tmp_path)
    run = run_perennial("policy", "chart", "--arch", "aarch64", "-o", "out.svg", ".", cwd=tmp_path)
    assert run.code == 3 and "is not on the glibc clock of aarch64" in run.errors


@pytest.mark.parametrize("action", ["show", "diff", "why", "recommend", "coverage", "chart", "export"])
def test_every_action_has_help_with_examples(capsys: pytest.CaptureFixture[str], action: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["policy", action, "--help"])
    text = capsys.readouterr().out
    assert (
        stop.value.code == 0 and f"  perennial policy {action}" in text and text.startswith("usage: perennial policy")
    )
