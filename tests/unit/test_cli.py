"""The command line, as shells and people meet it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import perennial
from perennial import audit_wheel
from perennial.cli.config import Config, load_config
from perennial.cli.main import COMMANDS, main
from perennial.errors import UnreadableError, UsageError
from tests.support.elf_builder import Export, Import, elf
from tests.support.wheel_builder import RawEntry, RawZip, alter_line, wheel

TAG = "cp311-cp311-manylinux_2_17_x86_64"


def extension(version: str = "GLIBC_2.14", **facts: Any) -> bytes:
    return elf(needed=("libc.so.6",), imports=(Import("f", version, "libc.so.6"),), relocations=True, **facts)


@pytest.fixture
def honest(tmp_path: Path) -> Path:
    return wheel(tmp_path, members={"demo/x.so": extension()}, tags=TAG)


@pytest.fixture
def dishonest(tmp_path: Path) -> Path:
    return wheel(tmp_path, name="liar", members={"liar/x.so": extension("GLIBC_2.34")}, tags=TAG)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken-1.0-py3-none-any.whl"
    path.write_bytes(b"not a zip")
    return path


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pyproject.toml above the current folder takes part."""
    monkeypatch.chdir(tmp_path)


def document(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_exit_codes(honest: Path, dishonest: Path, broken: Path) -> None:
    for command in ("show", "check"):
        assert main([command, str(honest)]) == 0
        assert main([command, str(dishonest)]) == 1
        assert main([command, str(honest), str(dishonest)]) == 1
        assert main([command, str(broken)]) == 3
        assert main([command, str(honest), str(broken), str(dishonest)]) == 3
        assert main([command, "--ignore", "no-such-rule", str(honest)]) == 2


@pytest.mark.parametrize(
    "arguments", [["show"], ["nonsense"], ["show", "--format", "xml", "x.whl"], ["show", "x.whl", "--max-ratio", "0"]]
)
def test_wrong_usage_is_one_line_and_says_where_help_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--help" in error


@pytest.mark.parametrize("arguments", [[], ["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_is_what_argparse_makes_of_it(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """argparse hands None to gettext for a group without description, and that has to come back as None."""
    with contextlib.suppress(SystemExit):
        main(arguments)
    found = capsys.readouterr().out
    assert "usage: perennial" in found
    assert "None\n" not in found


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"perennial {command}" in capsys.readouterr().out.partition("examples:")[2]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"perennial {perennial.__version__}\n"


def test_json_validates_and_has_the_published_keys(
    honest: Path, dishonest: Path, broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["show", "--json", str(honest), str(dishonest), str(broken)])
    found = document(capsys)
    schema = json.loads((Path(perennial.__file__).parent / "schema" / "report-1.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(found)
    assert found["schema"] == "perennial.report/1"
    first, second = found["wheels"]
    assert first["honest"] is True
    assert first["lowest_tag"] == "manylinux_2_14_x86_64"
    assert second["honest"] is False
    assert second["lowest_tag"] == "manylinux_2_34_x86_64"
    assert second["requirements"] == [
        {
            "member": "liar/x.so",
            "library": "libc.so.6",
            "version": "GLIBC_2.34",
            "symbols": ["f"],
            "weak": False,
            "provided_by": "platform",
            "bundled_as": None,
        }
    ]
    assert [error["input"] for error in found["errors"]] == [str(broken)]


def test_every_key_that_is_printed_is_in_the_schema(dishonest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "--json", str(dishonest)])
    schema = json.loads((Path(perennial.__file__).parent / "schema" / "report-1.json").read_text(encoding="utf-8"))
    described = schema["properties"]["wheels"]["items"]["properties"]
    assert set(document(capsys)["wheels"][0]) == set(described)


def test_quiet_is_one_line_a_wheel(honest: Path, dishonest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "-q", str(honest), str(dishonest)])
    assert capsys.readouterr().out.splitlines() == [
        f"{honest.name}: manylinux_2_14_x86_64, honest",
        f"{dishonest.name}: manylinux_2_34_x86_64, not honest; 1 error: too-new-symbol-version",
    ]


def test_verbose_shows_every_requirement(dishonest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "-v", str(dishonest)])
    assert "libc.so.6 GLIBC_2.34: f" in capsys.readouterr().out


def test_a_folder_is_all_wheels_in_it(honest: Path, dishonest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "-q", str(honest.parent)])
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == sorted(
        [honest.name, dishonest.name]
    )


def test_an_empty_folder_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["show", str(tmp_path / "empty")]) == 3
    assert "no wheel" in capsys.readouterr().err


def test_check_by_another_tag(honest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--tag", "manylinux_2_12_x86_64", str(honest)]) == 1
    assert "manylinux_2_12_x86_64" in capsys.readouterr().out
    assert main(["check", "--tag", "manylinux_2_28_x86_64", str(honest)]) == 0
    for other in ("win_amd64", ""):  # as "$TAG" is where nobody has set it
        capsys.readouterr()
        assert main(["check", "--tag", other, str(honest)]) == 2
        assert f"--tag {other or repr(other)}: not one Linux platform tag" in capsys.readouterr().err
    assert main(["check", "--tag", "manylinux_2_28_aarch64", str(honest)]) == 1


def test_wheels_for_other_systems_are_not_called_pure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wheel(tmp_path, members={"demo/x.pyd": b"MZ"}, tags="cp311-cp311-win_amd64")
    for command in (["show", "-q"], ["check", "-q", "--tag", "manylinux_2_28_x86_64"]):
        assert main([*command, str(path)]) == 0
        assert capsys.readouterr().out == f"{path.name}: win_amd64, not for Linux\n"
    assert main(["check", "--json", "--tag", "manylinux_2_28_x86_64", str(path)]) == 0
    assert document(capsys)["wheels"][0]["honest"] is None
    assert main(["show", str(path)]) == 0
    assert "win_amd64  not for Linux: only its archive" in capsys.readouterr().out
    pure = wheel(tmp_path, members={"demo/x.py": b""}, tags="py3-none-any")
    assert main(["show", "-q", str(pure)]) == 0
    assert capsys.readouterr().out.endswith(": any, pure\n")


def test_unknown_names_say_where_they_stand(honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "pyproject.toml"
    for line, said in (
        ('tag = "manylinux_2_28"', "tool.perennial.tag manylinux_2_28: not one Linux platform tag"),
        ('ignore = ["dead-tags"]', "tool.perennial.ignore: there is no rule dead-tags: did you mean dead-tag?"),
        ('select = [""]', "tool.perennial.select: there is no rule '': perennial rules lists them"),
    ):
        project.write_text(f"[tool.perennial]\n{line}\n", encoding="utf-8")
        assert main(["check", str(honest)]) == 2
        assert capsys.readouterr().err.startswith(f"perennial: {project}: {said}")
    project.unlink()
    assert main(["check", "--select", "nonsense", str(honest)]) == 2
    assert capsys.readouterr().err.startswith("perennial: --select: there is no rule nonsense: ")


def test_ignore_and_select(dishonest: Path) -> None:
    assert main(["check", "--ignore", "too-new-symbol-version", str(dishonest)]) == 0
    assert main(["check", "--select", "dead-tag", str(dishonest)]) == 0
    assert main(["check", "--select", "too-new-symbol-version", str(dishonest)]) == 1


def test_hashes_can_be_skipped(tmp_path: Path) -> None:
    edit = alter_line("demo/x.so", digest="sha256=" + "A" * 43)
    path = wheel(tmp_path, members={"demo/x.so": extension()}, tags=TAG, edit_record=edit)
    assert main(["check", str(path)]) == 1
    assert main(["check", "--skip-hashes", str(path)]) == 0
    resized = wheel(
        tmp_path,
        name="short",
        members={"demo/x.so": extension()},
        tags=TAG,
        edit_record=alter_line("demo/x.so", size=1),
    )
    assert main(["check", "--skip-hashes", str(resized)]) == 1, "sizes cost nothing"


def test_configuration(tmp_path: Path, dishonest: Path, honest: Path) -> None:
    project = tmp_path / "project"
    (project / "deep").mkdir(parents=True)
    (project / "pyproject.toml").write_text('[tool.perennial]\nignore = ["too-new-symbol-version"]\n', encoding="utf-8")
    os.chdir(project / "deep")
    assert main(["check", str(dishonest)]) == 0
    (project / "pyproject.toml").write_text('[tool.perennial]\ntag = "manylinux_2_12_x86_64"\n', encoding="utf-8")
    assert main(["check", str(honest)]) == 1
    assert main(["check", "--tag", "manylinux_2_17_x86_64", str(honest)]) == 0, "the command line wins"


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("[tool.perennial\n", UnreadableError, "not valid TOML"),
        ('[tool.perennial]\nignroe = ["x"]\n', UsageError, "no key 'ignroe'"),
        ('[tool.perennial]\nignore = "x"\n', UsageError, "list of strings"),
        ("[tool.perennial]\ntag = 3\n", UsageError, "should be a string"),
        ("[tool]\nperennial = 3\n", UsageError, "not a table"),
    ],
)
def test_wrong_configuration(tmp_path: Path, text: str, error: type[Exception], says: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=says):
        load_config(None, tmp_path)


def test_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert load_config(None, tmp_path) == Config()
    with pytest.raises(UnreadableError):
        load_config(str(tmp_path / "missing.toml"), tmp_path)


def test_sarif(dishonest: Path, broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["show", "--format", "sarif", str(dishonest), str(broken)])
    run = document(capsys)["runs"][0]
    assert [result["ruleId"] for result in run["results"]] == ["too-new-symbol-version"]
    result = run["results"][0]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] == "error"
    assert result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "liar/x.so"
    assert run["invocations"][0]["executionSuccessful"] is False


HOSTILE = "x\n::error::boo%0A,:\x1b[31m\x07"


def hostile(folder: Path) -> Path:
    """A wheel with control characters wherever its ELF files let it put text into the report."""
    symbols = (Import(HOSTILE, f"GLIBC_2.34{HOSTILE}", "libc.so.6"), Import("f", "GLIBC_2.34", "libc.so.6"))
    data = elf(soname=HOSTILE, needed=("libc.so.6", HOSTILE), runpath=f"/{HOSTILE}", imports=symbols, relocations=True)
    return wheel(folder, members={"demo/x.so": data}, tags=TAG)


def test_github_annotations_cannot_be_forged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = hostile(tmp_path)
    main(["show", "--format", "github", str(path)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(audit_wheel(path).findings)
    for line in lines:
        assert line.startswith(("::error file=", "::warning file=", "::notice file="))
        assert line.count("::error::boo") <= line.count("x\\n::error::boo%250A"), "only in the message, escaped"


def test_control_characters_from_a_wheel_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["show", "-v", str(hostile(tmp_path))])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "x\\n::error::boo%0A,:\\x1b[31m\\x07" in out


def test_output_file_is_whole_or_not_there(honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "report.json"
    assert main(["show", "--json", "-o", str(target), str(honest)]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["wheels"]
    assert capsys.readouterr().out == ""
    assert main(["show", "--json", "-o", str(tmp_path / "missing" / "report.json"), str(honest)]) == 3
    assert "No such file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == ["report.json"]


def test_output_goes_where_a_link_leads_and_into_a_pipe(honest: Path, tmp_path: Path) -> None:
    elsewhere, link, pipe = tmp_path / "elsewhere.json", tmp_path / "link.json", tmp_path / "pipe"
    link.symlink_to(elsewhere)  # leads nowhere yet
    for _ in range(2):
        assert main(["show", "--json", "-o", str(link), str(honest)]) == 0
        assert link.is_symlink()
        assert json.loads(elsewhere.read_text(encoding="utf-8"))["wheels"]
        elsewhere.write_text("old", encoding="utf-8")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert main(["show", "-q", "-o", str(pipe), str(honest)]) == 0
        assert os.read(reader, 1 << 16).endswith(b", honest\n")
        assert pipe.is_fifo()  # and no file in its place, as /dev/null would have had one
    finally:
        os.close(reader)
    with elsewhere.open("a", encoding="utf-8") as log:
        command = [sys.executable, "-m", "perennial", "show", "-q", "-o", "/dev/stderr", str(honest)]
        subprocess.run(command, stderr=log, check=True)
    assert re.fullmatch(r"old.*, honest\n", elsewhere.read_text(encoding="utf-8"))


def test_output_that_names_no_file(honest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "-q", "-o", "-", str(honest)]) == 0
    assert capsys.readouterr().out.endswith(", honest\n")
    assert main(["show", "-q", "-o", "", str(honest)]) == 2
    assert capsys.readouterr().err == "perennial: --output names no file (is a variable of the shell unset?)\n"


def test_rules(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "executable-stack"]) == 0
    assert "2.41" in capsys.readouterr().out
    assert main(["rules", "--json"]) == 0
    assert {rule["id"] for rule in document(capsys)["rules"]} >= {"executable-stack", "dead-tag"}
    assert main(["rules", "nonsense"]) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_names_commands_and_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "show" in script
    assert "max-ratio" in script or shell == "tcsh"


def test_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = wheel(tmp_path, members={f"demo/{number}.txt": b"x" * 100 for number in range(20)}, tags="py3-none-any")
    assert main(["show", "--max-members", "10", str(path)]) == 3
    assert main(["show", "--max-inflated", "1000", str(path)]) == 3
    error = capsys.readouterr().err
    assert "the limit is 10" in error
    assert "the limit is 1000" in error


def test_names_that_no_encoding_prints(tmp_path: Path) -> None:
    path = tmp_path / "x-1-py3-none-any.whl"
    path.write_bytes(
        RawZip(
            entries=(
                RawEntry(name="x-1.dist-info/WHEEL", data=b"Tag: py3-none-any\n"),
                RawEntry(name="ü\u202e.py", data=b""),
            )
        ).build()
    )
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii:strict"}
    done = _run("show", "-v", str(path), env=environment)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr


def _run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "perennial", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


def test_a_closed_pipe_is_no_error_message(honest: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "perennial", "show", "-v", *[str(honest)] * 50],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_a_full_disk_is_one_line(honest: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "perennial", "show", str(honest)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert done.stderr == "perennial: output: No space left on device\n"


def test_interruption_is_one_line(tmp_path: Path) -> None:
    fifo = tmp_path / "pyproject.toml"
    os.mkfifo(fifo)
    process = subprocess.Popen(
        [sys.executable, "-m", "perennial", "show", "--config", str(fifo), "x.whl"],
        stderr=subprocess.PIPE,
        text=True,
        # a job in the background ignores it, and so would the child
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    with open(fifo, "w", encoding="utf-8"):  # perennial is now waiting for the configuration
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60)[1] == "perennial: interrupted\n"
    assert process.returncode == 130


def test_an_early_interruption_is_no_traceback() -> None:
    """While the command line is being imported, Ctrl-C ends the process as it ends any other."""
    code = (
        "import os, signal, sys, perennial.__main__;"
        "os.kill(os.getpid(), signal.SIGINT);"
        "sys.exit(perennial.__main__.run())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--version"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_closed_streams_do_not_change_the_exit_code(honest: Path, dishonest: Path, closed: str) -> None:
    for path, code in ((honest, 0), (dishonest, 1)):
        command = f'"$0" -m perennial check "$1" {closed}'
        assert subprocess.run(["sh", "-c", command, sys.executable, str(path)], check=False).returncode == code


def test_a_hostile_name_of_the_wheel_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "demo-1.0-py3-none-any\x1b[31m\n::error::x.whl"
    path.write_bytes(wheel(tmp_path, members={"demo/x.py": b""}, tags="py3-none-any").read_bytes())
    for options in ([], ["-q"]):
        main(["show", *options, str(path)])
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert not any(line.startswith("::error") for line in out.splitlines())


def test_no_import_at_start_that_a_local_audit_does_not_need(honest: Path) -> None:
    """Start-up is a third of a small audit; these cost up to 100 ms each."""
    loaded = _loaded_by("show", str(honest))
    heavy = {
        "dataclasses",
        "inspect",
        "json",
        "packaging",
        "httpx",
        "rich",
        "platformdirs",
        "logging",
        "subprocess",
        "zipfile",
        "tomllib",
        "shtab",
        "lzma",
    }
    assert not heavy & loaded
    assert not any(name.startswith("perennial.index") for name in loaded)
    assert "hashlib" in loaded
    assert not {"hashlib", "_hashlib"} & _loaded_by("show", "--skip-hashes", str(honest))


@pytest.mark.parametrize(("symbol", "table"), [("dladdr", None), ("crc32", "lzma")])
def test_no_import_for_names_that_most_platforms_have(tmp_path: Path, symbol: str, table: str | None) -> None:
    """References without version to what is in glibc and zlib are common; a user's own snapshots cost 10 ms to look
    for, and all that learns them 20 ms more.
    """
    extension = elf(needed=("libc.so.6",), imports=(Import(symbol),), exports=(Export("PyInit_x"),))
    name = "demo/x.cpython-311-x86_64-linux-gnu.so"
    path = wheel(tmp_path, members={name: extension}, tags="cp311-cp311-manylinux_2_17_x86_64")
    loaded = _loaded_by("show", str(path))
    assert not any(name.startswith("perennial.learn") for name in loaded)
    assert not {"platformdirs", "pathlib"} & loaded
    assert "perennial.elf.export_hashes" in loaded
    assert ("lzma" in loaded) is (table == "lzma")


def test_a_users_own_snapshots_are_looked_for_alone(tmp_path: Path) -> None:
    extension = elf(needed=("libc.so.6",), imports=(Import("nobody_has_this"),), exports=(Export("PyInit_x"),))
    path = wheel(tmp_path, members={"demo/x.so": extension}, tags="py3-none-manylinux_2_17_x86_64")
    loaded = _loaded_by("show", str(path))
    assert "perennial.learn.user_data" in loaded
    assert not {"perennial.learn.sources", "perennial.learn.image", "json", "httpx"} & loaded


def _loaded_by(*arguments: str) -> set[str]:
    code = "import sys; from perennial.cli.main import main; main(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_same_bytes_whatever_the_machine_says(dishonest: Path, seed: str) -> None:
    environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    assert (
        _run("show", "--json", str(dishonest)).stdout == _run("show", "--json", str(dishonest), env=environment).stdout
    )
