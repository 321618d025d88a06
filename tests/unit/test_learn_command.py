"""perennial distro, as people call it, and a user's own data."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perennial.cli import distro
from perennial.errors import KnowledgeError, PerennialError, UsageError
from perennial.knowledge.snapshot_json import snapshot_from_json
from perennial.learn import data_folder, own_snapshots, read_snapshot, save_snapshot
from tests.support.audits import MODULE
from tests.support.elf_builder import Import, elf
from tests.support.run_perennial import Outcome, run_perennial
from tests.support.wheel_builder import wheel
from tests.unit.test_learn_archives import library
from tests.unit.test_learn_roots import ROOT, unpack
from tests.unit.test_symbol_store import ARM, OLD

Distro = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Distro:
    monkeypatch.setenv("PERENNIAL_DATA_DIR", str(tmp_path / "data"))

    def call(*arguments: str) -> str:
        parser = argparse.ArgumentParser()
        distro.add_arguments(parser)
        assert distro.run(parser.parse_args(arguments)) == 0
        return capsys.readouterr().out

    return call


def test_learning_a_folder_and_what_it_changes(run: Distro, tmp_path: Path) -> None:
    root = unpack(tmp_path / "root", ROOT)
    said = run("learn", str(root), "--as", "demo:1", "--date", "2026-01-02", "--kind", "release")
    kept = tmp_path / "data/snapshots/demo_1-x86_64-release.json"
    assert said == f"demo:1 x86_64 2026-01-02: 2 libraries, 5 symbols -> {kept}\n"
    shown = run("show", "demo:1")
    assert "2026-01-02, release" in shown
    assert "libc.so.6 libz.so.1" in shown
    exported = run("export", "demo:1")
    assert exported == kept.read_text(encoding="utf-8")
    document = json.loads(run("show", "demo:1", "--json", "--arch", "x86_64"))
    assert [each["soname"] for each in document["learned"][0]["libraries"]] == ["libc.so.6", "libz.so.1"]


def test_learning_again_replaces(run: Distro, tmp_path: Path) -> None:
    root = unpack(tmp_path / "root", ROOT)
    for date in ("2026-01-02", "2026-03-04"):
        run("learn", str(root), "--date", date)
    assert [each.date for each in own_snapshots(tmp_path / "data")] == ["2026-03-04"]
    assert "2026-03-04, updates" in run("show", "debian:13")
    assert "2026-03-04" in run("export", "debian:13")


def test_learning_into_a_file(run: Distro, tmp_path: Path) -> None:
    root, target = unpack(tmp_path / "root", ROOT), tmp_path / "out.json"
    run("learn", str(root), "-o", str(target))
    assert snapshot_from_json(target.read_text(encoding="utf-8"), "out").release == "debian:13"
    assert not (tmp_path / "data").exists()


def test_listing(run: Distro) -> None:
    listed = run("list")
    assert "debian:12" in listed
    assert "glibc 2.36" in listed
    assert (
        "aarch64 armv7l" in next(line for line in listed.splitlines() if line.startswith("debian:12"))
        or "i686" in listed
    )
    assert len(run("list", "--all").splitlines()) > len(listed.splitlines())
    document = json.loads(run("list", "--json"))
    debian = next(each for each in document["releases"] if each["id"] == "debian:12")
    assert debian["learned_on"]["x86_64"]
    assert debian["libc_release"] == "2.36"


def test_showing_a_release(run: Distro) -> None:
    shown = run("show", "debian:12")
    for text in ("Debian 12", "glibc 2.36", "GLIBCXX 3.4.30", "2028-06-30", "endoflife.date", "essential"):
        assert text in shown
    on_arm = run("show", "debian:12", "--arch", "aarch64")
    assert "libmvec.so.1" in on_arm
    assert "absent" in on_arm
    assert "GLIBC_2.36" in on_arm
    document = json.loads(run("show", "debian:12", "--json"))
    assert {each["architecture"] for each in document["learned"]} >= {"x86_64", "s390x"}
    assert document["sources"]["end_of_life"] == "endoflife.date"
    assert "Alpine 3.20" in run("show", "alpine:3.20")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "demo:0"), "no release demo:0"),
        (("export", "alpine:3.20"), "nothing was learned"),
        (("learn",), "SOURCE or a --mirror"),
        (("learn", "/x", "--as", "nonsense"), "debian:13"),
        (("learn", "/x", "--as", "../x:1"), "debian:13"),
        (("learn", "/x", "--as", "a:1", "--date", "today"), "YYYY-MM-DD"),
        (("learn", "/x", "--as", "a:1", "--arch", "z80"), "z80"),
        (("learn", "/x", "--mirror", "https://m.invalid", "--as", "a:1"), "two sources"),
        (("learn", "--mirror", "https://m.invalid", "--as", "a:1"), "--suite, --as and --arch"),
        (("learn", "/nowhere/at/all", "--as", "a:1"), "no such file"),
    ],
)
def test_what_goes_wrong_is_one_line(run: Distro, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(PerennialError, match=said) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)


def test_two_kinds_must_be_told_apart(run: Distro, tmp_path: Path) -> None:
    save_snapshot(OLD._replace(kind="release"), tmp_path / "data")
    with pytest.raises(UsageError, match="--kind"):
        run("export", "debian:11")
    assert json.loads(run("export", "debian:11", "--kind", "release"))["packages"] == OLD.packages


def test_the_data_folder(tmp_path: Path) -> None:
    assert data_folder({"PERENNIAL_DATA_DIR": str(tmp_path)}) == tmp_path
    assert data_folder({}).name == "perennial"
    assert list(own_snapshots(tmp_path / "missing")) == []


def test_only_the_wanted_architecture_is_read(tmp_path: Path) -> None:
    save_snapshot(OLD, tmp_path)
    save_snapshot(ARM, tmp_path).write_text("{", encoding="utf-8")
    assert [each.architecture for each in own_snapshots(tmp_path, "x86_64")] == ["x86_64"]
    with pytest.raises(KnowledgeError, match="not JSON"):
        list(own_snapshots(tmp_path))
    with pytest.raises(KnowledgeError, match="No such file"):
        read_snapshot(tmp_path / "missing.json")


def test_what_was_learned_here_changes_a_verdict(run: Distro, tmp_path: Path) -> None:
    """From a root to a verdict: a release that was patched not to have a function, and a wheel that calls it."""
    module = elf(needed=("libexpat.so.1", "libc.so.6"), imports=(Import("XML_SetHashSalt"),), relocations=True)
    demo = wheel(tmp_path, tags="cp312-cp312-manylinux_2_17_x86_64", members={MODULE: module})
    data = {"PERENNIAL_DATA_DIR": str(tmp_path / "data")}
    before = run_perennial("check", "--json", demo.name, cwd=tmp_path, env=data)
    assert (before.code, rules_of(before)) == (0, [])

    expat = library("libexpat.so.1", "XML_ParserCreate")
    root = unpack(tmp_path / "root", ROOT | {"usr/lib/x86_64-linux-gnu/libexpat.so.1": expat})
    run("learn", str(root), "--as", "debian:13", "--date", "2026-11-20")
    assert "libexpat.so.1" in run("show", "debian:13", "--arch", "x86_64")
    exported = snapshot_from_json(run("export", "debian:13"), "exported")
    assert next(each.exports for each in exported.libraries if each.soname == "libexpat.so.1") == (
        ("XML_ParserCreate", None),
    )

    after = run_perennial("check", "--json", demo.name, cwd=tmp_path, env=data)
    assert (after.code, rules_of(after)) == (1, ["symbol-not-provided"])
    (finding,) = (each for each in after.document["wheels"][0]["findings"] if each["rule"] == "symbol-not-provided")
    for text in ("XML_SetHashSalt", "libexpat.so.1", "glibc 2.42"):
        assert text in finding["message"]
    assert finding["witnesses"] == ["Debian 13"]

    # What was exported says the same to whoever takes it up.
    (tmp_path / "theirs/snapshots").mkdir(parents=True)
    (tmp_path / "theirs/snapshots/debian_13-x86_64-updates.json").write_text(run("export", "debian:13"))
    there = run_perennial(
        "check", "--json", demo.name, cwd=tmp_path, env={"PERENNIAL_DATA_DIR": str(tmp_path / "theirs")}
    )
    assert there == after


def rules_of(outcome: Outcome) -> list[str]:
    return [finding["rule"] for finding in outcome.document["wheels"][0]["findings"]]
