"""perennial coload from end to end: options, exit codes, JSON, kept facts, environments."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest

import perennial
from perennial.cli.main import main
from perennial.coload.facts_cache import FactsCache
from perennial.coload.rules import RULES
from tests.support.elf_builder import ARCHES, Export, Import, elf
from tests.support.example_wheels import CLOCK, LIBC, LIBSTDCXX, PYTHON, SETS
from tests.support.wheel_builder import wheel

SCHEMA: Final = json.loads((Path(perennial.__file__).parent / "schema" / "coload-1.json").read_text(encoding="utf-8"))
ONCE: Final = ("_ZSt11__once_call", "_ZSt15__once_callable")
TAGS: Final = "cp312-cp312-manylinux_2_17_x86_64"


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two wheels that are to each other what pyarrow 0.13 and tensorflow 1.13 were."""
    monkeypatch.setenv("PERENNIAL_CACHE_DIR", str(tmp_path / "cache"))
    SETS["crash"](tmp_path)
    first, second = sorted(str(path) for path in tmp_path.glob("*.whl"))
    return first, second


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["coload", "--json", *arguments])
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return code, document


def errors_of(document: dict[str, Any]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (conflict["rule"], conflict["symbol"], tuple(name.partition("-")[0] for name in conflict["order"]))
        for conflict in document["conflicts"]
        if conflict["severity"] == "error"
    ]


def test_the_guilty_symbols_in_one_order(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run_json(capsys, *pair)
    assert code == 1
    assert errors_of(document) == [("split-shared-state", symbol, ("arrows", "flows")) for symbol in ONCE]
    chain = document["conflicts"][0]["bindings"]
    module = "_core.cpython-312-x86_64-linux-gnu.so"
    assert [(link["asks"], link["got"], link["expected"]) for link in chain] == [
        (LIBSTDCXX, f"arrows/{module}", LIBSTDCXX),
        (f"flows/{module}", LIBSTDCXX, LIBSTDCXX),
    ]


def test_the_order_of_the_arguments_changes_nothing(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    _, one = run_json(capsys, *pair)
    _, other = run_json(capsys, *reversed(pair))
    assert one["conflicts"] == other["conflicts"]


@pytest.mark.parametrize("release", ["debian:11", "debian:12", "debian:13", "debian:testing", "debian:unstable"])
@pytest.mark.parametrize("more", [(), ("--standalone",)])
def test_every_shipped_system_has_it(
    release: str, more: tuple[str, ...], pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run_json(capsys, "--on", release, *more, *pair)
    assert (code, len(errors_of(document))) == (1, 2)


@pytest.mark.parametrize("architecture", sorted(set(ARCHES) - {"ppc64"}))
def test_every_architecture_has_it(architecture: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On what is shipped by default; the C library's names for these symbols are not needed for it."""

    def make(name: str, **fields: Any) -> str:
        content = elf(
            arch=architecture, needed=(LIBSTDCXX, "libc.so.6"), tls=(16, 8), relocations=True,
            **{"imports": (), "exports": (Export("PyInit__core"),), **fields},
        )  # fmt: skip
        tags = f"cp312-cp312-manylinux_2_38_{architecture}"
        return str(wheel(tmp_path, name=name, tags=tags, members={f"{name}/_core.abi3.so": content}))

    first = make("arrows", exports=(Export("PyInit__core"), *(Export(name, kind="tls", size=8) for name in ONCE)))
    second = make("flows", imports=tuple(Import(name, kind="tls") for name in ONCE))
    code, document = run_json(capsys, first, second)
    assert document["system"]["architecture"] == architecture
    assert (code, errors_of(document)) == (1, [("split-shared-state", name, ("arrows", "flows")) for name in ONCE])


def test_a_set_has_one_order(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run_json(capsys, "--set", pair[1], pair[0])
    assert (code, document["pairs"], errors_of(document)) == (0, 1, [])
    code, document = run_json(capsys, "--set", *pair)
    assert (code, document["pairs"], len(errors_of(document))) == (1, 1, 2)


def test_a_third_package_between_them_does_not_help(
    tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    content = elf(imports=(PYTHON, CLOCK), exports=(Export("PyInit__core"),), needed=(LIBC,))
    third = str(
        wheel(tmp_path, name="calm", tags=TAGS, members={"calm/_core.cpython-312-x86_64-linux-gnu.so": content})
    )
    _, document = run_json(capsys, "--set", pair[0], third, pair[1])
    assert [order for _, _, order in errors_of(document)] == [("arrows", "calm", "flows")] * 2


def test_who_loads_the_library_first_in_a_clean_scope_cures_it(
    tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    content = elf(imports=(PYTHON, CLOCK), exports=(Export("PyInit__core"),), needed=(LIBSTDCXX, LIBC))
    first = str(
        wheel(tmp_path, name="clean", tags=TAGS, members={"clean/_core.cpython-312-x86_64-linux-gnu.so": content})
    )
    code, document = run_json(capsys, "--set", first, *pair)
    assert (code, errors_of(document)) == (0, [])


def test_kept_facts_give_the_same_answer(
    tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cold = run_json(capsys, *pair)
    kept = list((tmp_path / "cache").rglob("*.z"))
    assert len(kept) == 2
    monkeypatch.setattr("perennial.coload.sources.read_package", None)  # what is kept is not read again
    _, warm = run_json(capsys, *pair)
    monkeypatch.undo()
    assert warm == cold
    for path in kept:
        path.write_bytes(path.read_bytes()[:100])
    monkeypatch.setenv("PERENNIAL_CACHE_DIR", str(tmp_path / "cache"))
    _, damaged = run_json(capsys, *pair)
    assert damaged == cold


def test_no_cache_leaves_nothing_behind(
    tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_json(capsys, "--no-cache", *pair)
    assert not (tmp_path / "cache").exists()


def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perennial.coload.facts_cache._MOST_BYTES", 100)
    cache = FactsCache(str(tmp_path))
    for number in range(9):
        cache.put(str(number), "", "", [str(number)])
        path = next(path for path in tmp_path.rglob("*.z") if path.stat().st_mtime > 1e9)
        os.utime(path, (number, number))
    cache.prune()
    assert cache.get("8", "", "") == ["8"]
    assert cache.get("0", "", "") is None


def test_rules_can_be_chosen(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = run_json(capsys, "--ignore", "split-shared-state", *pair)
    assert (code, errors_of(document)) == (0, [])
    code, document = run_json(capsys, "--select", "interpreter-shadows", *pair)
    assert (code, document["conflicts"]) == (0, [])


def test_quiet_is_one_line(pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coload", "-q", "--on", "debian:12", *pair]) == 1
    assert capsys.readouterr().out == "Debian 12, x86_64, glibc 2.36: 2 packages, 2 ordered pairs: 2 errors\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{0}"], "one package alone"),
        (["{0}", "{0}"], "is named twice"),
        (["--on", "debian:9", "{0}", "{1}"], "nothing is shipped about debian:9"),
        (["--on", "debian:12", "--interpreter", "/usr/bin/python3", "{0}", "{1}"], "shipped without its files"),
        (["--ignore", "no-such-rule", "{0}", "{1}"], "there is no rule no-such-rule"),
        (["--env", "python3", "--set", "{0}"], "takes no wheels"),
        (["--standalone", "--env"], "--standalone stands for an interpreter"),
        (["--with", ".", "{0}", "{1}"], "--with is for imports that are made for real: it goes with --run"),
        (["--smoke", "a=1", "{0}", "{1}"], "--smoke is for imports"),
        (["--import", "a=b", "{0}", "{1}"], "--import is for imports"),
        (["--timeout", "3", "{0}", "{1}"], "--timeout is for imports"),
        (["--no-minimise", "{0}", "{1}"], "--no-minimise is for imports"),
        (["--env", "--python", "3.12"], "--env names the interpreter"),
    ],
)
def test_what_makes_no_sense(
    arguments: list[str], message: str, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["coload", *(argument.format(*pair) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_other_architectures_and_musl(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def make(name: str, tags: str) -> str:
        return str(wheel(tmp_path, name=name, tags=f"cp312-cp312-{tags}", members={}))

    x86, arm, musl = (
        make("a", "manylinux_2_17_x86_64"),
        make("b", "manylinux_2_17_aarch64"),
        make("c", "musllinux_1_2_x86_64"),
    )
    assert main(["coload", x86, arm]) == 2
    assert "no process loads both" in capsys.readouterr().err
    assert main(["coload", x86, musl]) == 2
    assert "is for musl" in capsys.readouterr().err
    assert main(["coload", "-q", arm, make("d", "manylinux_2_17_aarch64")]) == 0
    assert "aarch64" in capsys.readouterr().out
    either = [str(wheel(tmp_path, name=name, tags="py3-none-any", members={})) for name in ("e", "f")]
    assert main(["coload", "-q", "--arch", "s390x", *either]) == 0
    assert "s390x" in capsys.readouterr().out


def test_what_cannot_be_read(tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / f"broken-1.0-{TAGS}.whl"
    broken.write_bytes(b"PK no")
    assert main(["coload", "-q", pair[0], pair[1], str(broken)]) == 3
    captured = capsys.readouterr()
    assert str(broken) in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out.endswith("2 packages, 2 ordered pairs: 2 errors; 1 input could not be read\n")
    code, document = run_json(capsys, str(broken), *pair)
    assert (code, document["pairs"], len(errors_of(document))) == (3, 2, 2)
    assert [error["input"] for error in document["errors"]] == [str(broken)]


def test_an_environment(tmp_path: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """What a venv has, with a module that no RECORD lists."""
    root = tmp_path / "venv"
    site = root / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    site.mkdir(parents=True)
    (root / "bin").mkdir()
    home = os.path.dirname(sys.executable)
    (root / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\n", encoding="utf-8")
    (root / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    with zipfile.ZipFile(pair[0]) as archive:
        archive.extractall(site)
    with zipfile.ZipFile(pair[1]) as archive:
        for name in archive.namelist():
            if ".dist-info/" not in name:
                archive.extract(name, site)
    code, document = run_json(capsys, "--env", str(root / "bin" / "python"))
    assert document["packages"] == ["arrows 1.0", "flows"]
    assert code == 1
    assert errors_of(document) == [("split-shared-state", symbol, ("arrows 1.0", "flows")) for symbol in ONCE]


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", *RULES]) == 0
    printed = capsys.readouterr().out
    assert all(rule.why in printed for rule in RULES.values())


def test_show_has_the_lint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SETS["captures-shared-library"](tmp_path)
    (path,) = tmp_path.glob("*.whl")
    assert main(["check", "--json", str(path)]) == 0
    (finding,) = json.loads(capsys.readouterr().out)["wheels"][0]["findings"]
    assert (finding["rule"], finding["severity"]) == ("captures-shared-library", "warning")
    assert all(symbol in finding["message"] for symbol in ONCE)


def test_the_lint_knows_the_names_of_32_bits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """operator new takes a size_t, which is `unsigned int` there."""
    content = elf(
        arch="i686", imports=(PYTHON,), needed=(LIBSTDCXX, LIBC), exports=(Export("PyInit__core"), Export("_Znwj"))
    )
    tags = "cp312-cp312-manylinux_2_17_i686"
    path = wheel(tmp_path, tags=tags, members={"demo/_core.cpython-312-i386-linux-gnu.so": content})
    main(["check", "--json", str(path)])
    findings = json.loads(capsys.readouterr().out)["wheels"][0]["findings"]
    assert ["_Znwj" in each["message"] for each in findings if each["rule"] == "captures-shared-library"] == [True]


@pytest.mark.parametrize(
    ("exports", "needed"),
    [
        (("_ZSt15__once_callable",), (LIBC,)),  # it does not come to the system's libstdc++
        (("malloc", "free"), (LIBSTDCXX, LIBC)),  # the C library's are found first
        (("_ZNSt6vectorIiSaIiEE9push_backERKi",), (LIBSTDCXX, LIBC)),
    ],
)
def test_the_lint_is_silent(
    exports: tuple[str, ...], needed: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = elf(imports=(PYTHON, CLOCK, Import("abort", "GLIBC_2.2.5", LIBC)), needed=needed,
                  exports=(Export("PyInit__core"), *map(Export, exports)))  # fmt: skip
    path = wheel(tmp_path, tags=TAGS, members={"demo/_core.cpython-312-x86_64-linux-gnu.so": content})
    main(["check", "--json", str(path)])
    findings = json.loads(capsys.readouterr().out)["wheels"][0]["findings"]
    assert not [finding for finding in findings if finding["rule"] == "captures-shared-library"]
