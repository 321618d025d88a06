"""perennial retag: which tags a wheel gets, what is proven, and what is on disk afterwards."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.utils import parse_wheel_filename

from perennial.audit.report import AuditReport
from perennial.cli.main import main
from perennial.wheel.wheel import parse_wheel_file
from tests.support.audits import audit_of
from tests.support.elf_builder import Export, Import, elf
from tests.support.wheel_builder import alter_line, drop_lines, wheel

LIBC: Final = "libc.so.6"
DIST_INFO: Final = "demo-1.0.dist-info"
LEGACY: Final = "manylinux2014_x86_64.manylinux_2_17_x86_64"


@pytest.fixture(autouse=True)
def cut_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's takes part, and paths are short."""
    for name in ("SOURCE_DATE_EPOCH", "AUDITWHEEL_ZIP_COMPRESSION_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PERENNIAL_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.chdir(tmp_path)


def module(version: str = "GLIBC_2.17", **fields: Any) -> bytes:
    """An extension module that needs this version of glibc."""
    fields.setdefault("needed", (LIBC,))
    return elf(imports=(Import("f", version, LIBC),), exports=(Export("PyInit_x"),), **fields)


def demo(folder: Path, platforms: str, content: bytes | None = None, **options: Any) -> Path:
    members = {"demo/x.so": module() if content is None else content, "demo/__init__.py": b"from demo import x\n" * 99}
    members |= options.pop("members", {})
    python = options.pop("python", "cp312-cp312")
    return wheel(folder, tags=f"{python}-{platforms}", members=members, **options)


def retag(*arguments: str | Path) -> int:
    return main(["retag", *map(str, arguments)])


def platforms(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def only_wheel(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def wheel_file(path: Path) -> list[tuple[str, str]]:
    with zipfile.ZipFile(path) as archive:
        return parse_wheel_file(archive.read(f"{DIST_INFO}/WHEEL"))


def assert_agrees(path: Path) -> AuditReport:
    """File name, WHEEL and RECORD say the same, and packaging reads the name."""
    report = audit_of(path)
    assert {finding.rule for finding in report.findings} & {"wheel-tags-differ", "record-mismatch"} == set()
    tags = parse_wheel_filename(path.name)[3]
    assert sorted(str(tag) for tag in tags) == sorted(value for key, value in wheel_file(path) if key == "tag")
    return report


# ----- which tags


def test_a_wheel_gets_the_tags_that_it_ought_to_have(tmp_path: Path) -> None:
    source = demo(tmp_path, "linux_x86_64")
    before = source.read_bytes()
    assert retag("-w", "out", source) == 0
    made = only_wheel(tmp_path / "out")
    assert made.name == f"demo-1.0-cp312-cp312-{LEGACY}.whl"
    assert assert_agrees(made).honest
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("claimed", "arguments", "expected"),
    [
        # added to what is claimed, but for linux_*, which promises nothing that another tag does not
        ("linux_x86_64", "--tag manylinux_2_28_x86_64", "manylinux_2_28_x86_64"),
        ("manylinux_2_17_x86_64", "--tag manylinux_2_28_x86_64", "manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        ("manylinux_2_17_x86_64", "--tag manylinux_2_28_x86_64 --only", "manylinux_2_28_x86_64"),
        ("linux_x86_64", "--tag manylinux_2_34_x86_64 --tag manylinux_2_28_x86_64",
         "manylinux_2_28_x86_64.manylinux_2_34_x86_64"),
        ("linux_x86_64", f"--tag {LEGACY}", LEGACY),
        ("linux_x86_64", "--tag MANYLINUX_2_28_X86_64", "manylinux_2_28_x86_64"),
        # down again
        (LEGACY, "--tag linux_x86_64 --only", "linux_x86_64"),
        (LEGACY, "--tag linux_x86_64", f"linux_x86_64.{LEGACY}"),
        # auto
        ("manylinux_2_28_x86_64", "--tag auto", "manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        ("manylinux_2_28_x86_64", "--tag auto --only", LEGACY),
        ("manylinux_2_28_x86_64", "--tag auto --only --drop-legacy", "manylinux_2_17_x86_64"),
        # aliases alone change nothing else
        ("manylinux_2_17_x86_64", "--add-legacy", LEGACY),
        (LEGACY, "--drop-legacy", "manylinux_2_17_x86_64"),
        ("manylinux2014_x86_64", "--drop-legacy", "manylinux_2_17_x86_64"),
        ("linux_x86_64", "--tag manylinux_2_17_x86_64 --add-legacy", LEGACY),
    ],
)  # fmt: skip
def test_semantics_of_the_options(tmp_path: Path, claimed: str, arguments: str, expected: str) -> None:
    source = demo(tmp_path, claimed)
    assert retag(*arguments.split(), "-w", "out", source) == 0
    made = only_wheel(tmp_path / "out")
    assert platforms(made) == expected
    assert_agrees(made)


@pytest.mark.parametrize(
    ("arch", "legacy"),
    [("aarch64", "manylinux2014_aarch64.manylinux_2_17_aarch64"), ("riscv64", "manylinux_2_27_riscv64")],
)
def test_any_architecture_on_any_host(tmp_path: Path, arch: str, legacy: str) -> None:
    version = "GLIBC_2.17" if arch == "aarch64" else "GLIBC_2.27"
    source = demo(tmp_path, f"linux_{arch}", module(version, arch=arch))
    assert retag("-w", "out", source) == 0
    assert platforms(only_wheel(tmp_path / "out")) == legacy


def test_musl(tmp_path: Path) -> None:
    content = elf(needed=("libc.musl-x86_64.so.1",), imports=(Import("printf"),), exports=(Export("PyInit_x"),))
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64", content)) == 0
    assert platforms(only_wheel(tmp_path / "out")).startswith("musllinux_1_")


def test_python_and_abi_tags_and_the_rest_of_the_name_stay(tmp_path: Path) -> None:
    source = demo(tmp_path, "linux_x86_64", python="cp39.cp310-abi3", build="2b", version="1.0+local.1",
                  dist_info=DIST_INFO)  # fmt: skip
    assert retag("-w", "out", source) == 0
    made = only_wheel(tmp_path / "out")
    assert made.name == f"demo-1.0+local.1-2b-cp39.cp310-abi3-{LEGACY}.whl"
    assert_agrees(made)
    assert [value for key, value in wheel_file(made) if key == "tag"] == [
        f"{python}-abi3-{platform}" for python in ("cp39", "cp310") for platform in LEGACY.split(".")
    ]


def test_the_rest_of_wheel_stays_to_the_byte(tmp_path: Path) -> None:
    content = (
        b"Wheel-Version: 1.0\r\nGenerator: t\xc3\xa4st\r\nTag: cp312-cp312-linux_x86_64\r\nBuild: 7\r\n\r\nbody\r\n"
    )
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64", wheel_file=content)) == 0
    with zipfile.ZipFile(only_wheel(tmp_path / "out")) as archive:
        made = archive.read(f"{DIST_INFO}/WHEEL")
    new = b"".join(b"Tag: cp312-cp312-%s\r\n" % tag.encode() for tag in LEGACY.split("."))
    assert made == content.replace(b"Tag: cp312-cp312-linux_x86_64\r\n", new)


def test_a_renamed_file_is_brought_in_line(tmp_path: Path) -> None:
    """What sed and mv leave behind: a name that says one thing, and a WHEEL that says another."""
    source = demo(tmp_path, LEGACY, wheel_tags=("cp312-cp312-linux_x86_64",))
    assert retag("--remove", source) == 0  # it is its own successor, and stays
    assert os.listdir(tmp_path) == [source.name]
    assert_agrees(source)


@pytest.mark.parametrize("claimed", ["linux_x86_64", LEGACY])
def test_a_wheel_file_that_was_edited_is_brought_in_line_with_record(tmp_path: Path, claimed: str) -> None:
    """sed on WHEEL leaves RECORD with the hash of what WHEEL was."""
    edit = alter_line(f"{DIST_INFO}/WHEEL", digest="sha256=AAAA")
    source = demo(tmp_path, claimed, edit_record=edit, wheel_tags=[f"cp312-cp312-{tag}" for tag in LEGACY.split(".")])
    assert retag("-w", "out", source) == 0
    assert assert_agrees(only_wheel(tmp_path / "out")).findings == ()


def test_another_order_of_the_same_tags_is_no_change(tmp_path: Path) -> None:
    source = demo(tmp_path, "manylinux_2_17_x86_64.manylinux2014_x86_64")
    assert retag(source) == 0
    assert os.listdir(tmp_path) == [source.name]


# ----- proof


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("manylinux_2_17_x86_64", "what it needs, only manylinux_2_28_x86_64 and later provide"),
        ("manylinux_2_28_aarch64", "its files are for x86_64"),
        ("manylinux_2_99_x86_64", "no glibc has that version"),
        ("musllinux_1_2_x86_64", "its files are linked against glibc"),
        ("manylinux_02_28_x86_64", "installers spell it manylinux_2_28_x86_64"),
        ("win_amd64", "it is for a system about which nothing is known"),
        ("any", "its files are for x86_64"),
    ],
)
def test_tags_that_do_not_hold_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, reason: str
) -> None:
    source = demo(tmp_path, "linux_x86_64", module("GLIBC_2.28"))
    assert retag("--tag", tag, "--only", "-w", "out", source) == 1
    assert f"  refused       {tag}: {reason}" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert retag("--tag", tag, "--only", "--force", "-w", "out", source) == 0
    assert f"  overridden    {tag}: {reason}" in capsys.readouterr().out
    assert platforms(only_wheel(tmp_path / "out")) == tag


def test_wheels_of_other_systems_are_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = wheel(tmp_path, tags="cp312-cp312-macosx_11_0_arm64", members={"demo/x.so": b"\xcf\xfa\xed\xfe"})
    assert retag(source) == 0
    assert "unchanged" in capsys.readouterr().out
    assert retag("--tag", "manylinux_2_28_x86_64", source) == 1
    assert "the wheel is for macosx_11_0_arm64, and nothing is known about its files" in capsys.readouterr().out
    assert os.listdir(tmp_path) == [source.name]


def test_pure_wheels_stay_any_and_may_be_narrowed(tmp_path: Path) -> None:
    source = wheel(tmp_path, tags="py3-none-any", purelib=True, members={"demo/x.py": b""})
    assert retag(source) == 0
    assert retag("--tag", "manylinux_2_28_x86_64", "--only", "-w", "out", source) == 0
    assert platforms(only_wheel(tmp_path / "out")) == "manylinux_2_28_x86_64"


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (alter_line("demo/__init__.py", digest="sha256=AAAA"), "record-mismatch"),
        (drop_lines("demo/__init__.py"), "record-missing-member"),
    ],
)
def test_a_damaged_wheel_gets_no_record_that_hides_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: Any, rule: str
) -> None:
    source = demo(tmp_path, "linux_x86_64", edit_record=edit)
    assert retag("-w", "out", source) == 1
    assert f"  refused       {rule}: " in capsys.readouterr().out
    assert retag("-w", "out", "--force", source) == 0
    assert f"  overridden    {rule}: " in capsys.readouterr().out


def test_errors_that_are_not_about_tags_are_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, LEGACY, module(stack="rwx"))
    assert retag("-w", "out", "--tag", "linux_x86_64", "--only", source) == 0
    out = capsys.readouterr().out
    assert "new tags      linux_x86_64  no manylinux or musllinux tag is honest: demo/x.so asks for" in out
    assert "other errors  executable-stack" in out


@pytest.mark.parametrize("claimed", [LEGACY, "any"])
def test_no_wheel_loses_its_last_promise_by_accident(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], claimed: str
) -> None:
    source = demo(tmp_path, claimed, module(stack="rwx"))
    assert retag("-w", "out", source) == 1
    out = capsys.readouterr().out
    assert "new tags      linux_x86_64  no manylinux or musllinux tag is honest: demo/x.so asks for" in out
    assert "refused       linux_x86_64: no other tag would be left" in out
    assert not (tmp_path / "out").exists()
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64", module(stack="rwx"))) == 0


def test_a_wheel_without_wheel_file_cannot_be_retagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert retag(demo(tmp_path, "linux_x86_64", omit=("WHEEL",))) == 3
    assert "it has no WHEEL file" in capsys.readouterr().err


# ----- on disk


def test_without_folder_it_lies_beside_and_the_input_stays(tmp_path: Path) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag(source.name) == 0
    assert sorted(platforms(path) for path in tmp_path.iterdir()) == ["linux_x86_64", LEGACY]


def test_remove(tmp_path: Path) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag("--remove", source) == 0
    assert platforms(only_wheel(tmp_path)) == LEGACY
    assert retag("--remove", tmp_path) == 0  # unchanged: there is no successor
    assert platforms(only_wheel(tmp_path)) == LEGACY


def test_unchanged_wheels_are_copied_to_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, LEGACY)
    assert retag(source) == 0
    assert os.listdir(tmp_path) == [source.name]
    assert "unchanged     it has these tags already" in capsys.readouterr().out
    assert retag("-w", "out", source) == 0
    assert only_wheel(tmp_path / "out").read_bytes() == source.read_bytes()
    assert "copied to     out/" in capsys.readouterr().out


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag("--dry-run", "--remove", "-w", "out", source) == 0
    assert os.listdir(tmp_path) == [source.name]
    assert f"would write   out/demo-1.0-cp312-cp312-{LEGACY}.whl" in capsys.readouterr().out


def test_other_wheels_are_not_replaced_without_being_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, "linux_x86_64")
    other = demo(tmp_path, LEGACY, members={"demo/other.py": b""})
    before = other.read_bytes()
    assert retag(source) == 3
    assert f"{other}: exists already and is not the same; --overwrite replaces it" in capsys.readouterr().err
    assert other.read_bytes() == before
    assert retag("--overwrite", source) == 0
    assert other.read_bytes() != before
    assert retag(source) == 0  # it is there already, to the byte
    assert sorted(os.listdir(tmp_path)) == sorted([source.name, other.name])


def test_two_wheels_never_become_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo(tmp_path, "linux_x86_64")
    demo(tmp_path, "manylinux_2_28_x86_64", members={"demo/other.py": b""})
    assert retag("--overwrite", "-w", "out", tmp_path) == 3
    assert "another of the wheels, and not the same, became out/" in capsys.readouterr().err
    assert audit_of(only_wheel(tmp_path / "out")).honest


def test_folders_and_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(b"PK")
    demo(folder, "linux_x86_64")
    assert retag("-w", "out", folder, "nothing.whl", "numpy") == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 3
    assert "numpy: no such file" in said.err
    assert platforms(only_wheel(tmp_path / "out")) == LEGACY


def test_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert retag("-w", "file/out", demo(tmp_path, "linux_x86_64")) == 3
    assert "file/out: the folder cannot be made: " in capsys.readouterr().err


def test_only_wheel_and_record_are_written_anew(tmp_path: Path) -> None:
    source = demo(tmp_path, "linux_x86_64", modes={"demo/__init__.py": 0o100755}, mtime=(2022, 2, 2, 2, 2, 2))
    assert retag("-w", "out", source) == 0
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(only_wheel(tmp_path / "out")) as after:
        for one, other in zip(before.infolist(), after.infolist(), strict=True):
            assert (one.filename, one.date_time, one.external_attr) == (
                other.filename, other.date_time, other.external_attr
            )  # fmt: skip
            changed = one.filename in (f"{DIST_INFO}/WHEEL", f"{DIST_INFO}/RECORD")
            assert (before.read(one) != after.read(other)) == changed


def test_the_same_bytes_wherever_and_whenever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag("-w", "one", source) == 0
    (tmp_path / "elsewhere").mkdir()
    moved = Path(shutil.copy(source, tmp_path / "elsewhere"))
    os.utime(moved, (1, 1))
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert retag("-w", "two", moved) == 0
    assert only_wheel(tmp_path / "one").read_bytes() == only_wheel(tmp_path / "two").read_bytes()


# ----- settings of the environment, usage, JSON


def test_source_date_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64")) == 0
    with zipfile.ZipFile(only_wheel(tmp_path / "out")) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SOURCE_DATE_EPOCH", "yesterday"),
        ("SOURCE_DATE_EPOCH", "-1"),
        ("SOURCE_DATE_EPOCH", ""),
        ("AUDITWHEEL_ZIP_COMPRESSION_LEVEL", "10"),
        ("AUDITWHEEL_ZIP_COMPRESSION_LEVEL", "best"),
    ],
)
def test_senseless_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64")) == 2
    assert variable in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_far_future_is_the_last_that_zip_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "9" * 30)
    assert retag("-w", "out", demo(tmp_path, "linux_x86_64")) == 0
    with zipfile.ZipFile(only_wheel(tmp_path / "out")) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {2107}


@pytest.mark.parametrize("setting", ["option", "environment"])
def test_level_zero_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    arguments = ["-z", "0"] if setting == "option" else []
    if setting == "environment":
        monkeypatch.setenv("AUDITWHEEL_ZIP_COMPRESSION_LEVEL", "0")
    assert retag(*arguments, "-w", "out", demo(tmp_path, "linux_x86_64")) == 0
    with zipfile.ZipFile(only_wheel(tmp_path / "out")) as archive:
        method = {info.filename: info.compress_type for info in archive.infolist()}
    assert method[f"{DIST_INFO}/WHEEL"] == method[f"{DIST_INFO}/RECORD"] == zipfile.ZIP_STORED
    assert method["demo/__init__.py"] == zipfile.ZIP_DEFLATED


@pytest.mark.parametrize(
    "arguments",
    [
        ("--only",),
        ("--tag", "cp312-cp312-manylinux_2_28_x86_64"),
        ("--tag", "../x"),
        ("--tag", ""),
        ("--tag", "manylinux_2_28"),
        ("--tag", "manylinux_2_28_x86_64."),
        ("--tag", "many\x1b[31mlinux"),
    ],
)
def test_senseless_requests(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag(*arguments, source) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert os.listdir(tmp_path) == [source.name]


def test_legacy_options_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        retag("--add-legacy", "--drop-legacy", "x.whl")
    assert stop.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_names_of_hostile_wheels_are_printable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, "linux_x86_64", name="de\x1b[31mmo", dist_info=DIST_INFO)
    assert retag("-w", "out", source) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = demo(tmp_path, "linux_x86_64")
    assert retag("--json", "-w", "out", source.name, "nothing.whl") == 3
    document = json.loads(capsys.readouterr().out)
    assert document == {
        "schema": "perennial.retag/1",
        "wheels": [
            {
                "path": source.name,
                "filename": source.name,
                "claimed_tags": ["linux_x86_64"],
                "tags": LEGACY.split("."),
                "outcome": "retagged",
                "new_filename": f"demo-1.0-cp312-cp312-{LEGACY}.whl",
                "output": f"out/demo-1.0-cp312-cp312-{LEGACY}.whl",
                "removed": False,
                "dry_run": False,
                "objections": [],
                "shortfall": None,
                "other_errors": [],
                "dropped": [],
            }
        ],
        "errors": [{"input": "nothing.whl", "message": "nothing.whl: no such file"}],
    }


def test_signatures_are_left_out_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signature = f"{DIST_INFO}/RECORD.jws"
    source = demo(tmp_path, "linux_x86_64", members={signature: b"{}"}, edit_record=drop_lines(signature))
    assert retag("-w", "out", source) == 0
    assert f"left out      {signature}, the signature of a RECORD that has changed" in capsys.readouterr().out
    assert retag("-w", "out", "--json", source) == 0
    assert json.loads(capsys.readouterr().out)["wheels"][0]["dropped"] == [signature]
