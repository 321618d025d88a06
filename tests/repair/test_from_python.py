"""Repair, lowering and retagging as functions, on wheels from a compiler: they do what the commands do.

The command runs in a process of its own; what both have written is the same to the byte, and works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from perennial import (
    ArchiveError,
    CxxRoute,
    Host,
    LegacyAliases,
    Libc,
    LowerOptions,
    Patcher,
    Places,
    PlatformTag,
    RepairOptions,
    RetagOutcome,
    RetagRequest,
    RetagSettings,
    StripLevel,
    UnreadableError,
    UsageError,
    WheelFilenameError,
    audit_wheel,
    lower_wheel,
    places_here,
    read_elf,
    repair_wheel,
    retag_wheel,
)
from tests.support.compiled import (
    ARCH,
    LINUX_TAG,
    MODULE,
    ask,
    compile_c,
    extension,
    install,
    library,
    needs_compiler,
    pack,
)
from tests.support.elf_builder import Export, Import, elf
from tests.support.run_perennial import run_perennial

pytestmark = needs_compiler

# stat is a function of libc.so.6 since 2.33; before, headers make __xstat of it
STATS: Final = '#include <sys/stat.h>\nint stats(void) { struct stat s; return stat("/", &s) == 0 ? 7 : -1; }\n'
HAS_SHIM: Final = pytest.mark.skipif(ARCH not in {"x86_64", "aarch64"}, reason="names of this machine's glibc")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A wheel whose module needs a library that no system has, which needs another one."""
    outside = tmp_path / "outside"
    second = library(outside / "libsecond.so", 20)
    first = library(outside / "libfirst.so", 3, links=[second])
    return pack(tmp_path, {MODULE: extension(tmp_path / "_core.so", links=[first], value=100)})


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """One that needs the C library and nothing else."""
    return pack(tmp_path, {MODULE: extension(tmp_path / "_core.so", value=5, flags=["-Wl,--no-as-needed", "-lc"])})


def written_by(folder: Path, *command: str) -> Path:
    done = run_perennial(*command)
    assert done.code == 0, done.errors
    (path,) = folder.iterdir()
    return path


def answer(wheel: Path, folder: Path) -> tuple[int, set[str]]:
    return ask(install(wheel, folder), "demo._core")


# ----- repair


def test_repair_is_what_the_command_does(built: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    places = places_here()._replace(library_path=(str(outside),))
    done = repair_wheel(built, tmp_path / "new" / "folder", RepairOptions(places=places))
    assert done.path is not None
    assert not done.problems
    assert not done.warnings
    path = Path(done.path)
    words = ("-w", str(tmp_path / "out"), "--lib-path", str(outside), str(built))
    by_command = written_by(tmp_path / "out", "repair", *words)
    assert (path.name, path.read_bytes()) == (by_command.name, by_command.read_bytes())
    again = audit_wheel(path)
    assert done.report is not None
    assert (done.report.lowest, done.report.findings) == (again.lowest, again.findings)
    value, mapped = answer(path, tmp_path)
    assert value == 123
    assert not any(str(outside) in each for each in mapped)


def test_options_are_those_of_the_command(built: Path, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "out"
    options = RepairOptions(
        places=Places(replaced=(str(outside),)),
        only_plat=True,
        lib_sdir="_own",
        no_mangle=("libsecond*",),
        strip=StripLevel.ALL,
        patcher=Patcher.PERENNIAL,
    )
    done = repair_wheel(built, tmp_path / "new", options)
    words = ("--ldpaths", str(outside), "--only-plat", "-L", "_own", "--no-mangle", "libsecond*", "--strip=all")
    by_command = written_by(folder, "repair", "-w", str(folder), *words, str(built))
    assert Path(done.path or "").read_bytes() == by_command.read_bytes()


def test_a_dry_run_writes_nothing(built: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    options = RepairOptions(places=Places(replaced=(str(tmp_path / "outside"),)))
    done = repair_wheel(built, None, options)
    assert (done.path, done.problems) == (None, ())
    assert len(done.plan.grafts) == 2
    assert done.report is not None
    assert not done.report.has_errors
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_cannot_be_repaired_is_no_error(built: Path, tmp_path: Path) -> None:
    """By default, no folder of this machine is looked into."""
    done = repair_wheel(str(built), str(tmp_path / "out"))
    assert (done.path, done.report, done.lowering) == (None, None, None)
    assert "libfirst.so" in done.problems[0].message
    assert done.problems[0].remedy
    assert not (tmp_path / "out").exists()


def test_places_here_are_this_machines(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the kind that the compiler makes for this Python; and the environment has no part in them."""
    report = audit_wheel(plain)
    assert report.architecture is not None
    assert report.libc is not None
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")
    assert places_here() == Places(host=Host(report.architecture, report.libc))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (RepairOptions(lib_sdir="/../out"), "leads out of the wheel"),
        (RepairOptions(plat=PlatformTag.parse("win_amd64")), "win_amd64: not a manylinux or musllinux tag"),
        (RepairOptions(plat=PlatformTag.parse("manylinux_2_17_vax")), "manylinux_2_17_vax: not a manylinux"),
        (RepairOptions(places=Places(root="/nowhere/at/all")), "/nowhere/at/all: no such folder"),
        (RepairOptions(lower=LowerOptions(PlatformTag.parse("musllinux_1_2_x86_64"))), "nothing is lowered to others"),
        (
            RepairOptions(
                plat=PlatformTag.parse("manylinux_2_17_x86_64"),
                lower=LowerOptions(PlatformTag.parse("manylinux_2_17_x86_64")),
            ),
            "names the tag already",
        ),
    ],
)
def test_options_that_mean_nothing(options: RepairOptions, said: str, plain: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        repair_wheel(plain, tmp_path / "out", options)
    assert "\n" not in str(caught.value)


def test_errors_are_typed(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(plain.read_bytes())
    (tmp_path / "demo-1.0-py3-none-any.whl").write_bytes(b"no archive")
    with pytest.raises(WheelFilenameError):
        repair_wheel(tmp_path / "file", tmp_path / "out")
    with pytest.raises(ArchiveError):
        repair_wheel(tmp_path / "demo-1.0-py3-none-any.whl", tmp_path / "out")
    with pytest.raises(UnreadableError):
        lower_wheel(tmp_path / "no" / plain.name, tmp_path / "out", "manylinux_2_17")
    with pytest.raises(UnreadableError, match="cannot be made"):
        repair_wheel(plain, tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableError, match="there is no shared library in it"):
        repair_wheel(plain, tmp_path / "out", RepairOptions(provided_by=(str(tmp_path / "empty"),)))
    for to in ("musllinux_1_2", "win_amd64", "manylinux_2_17_vax"):
        with pytest.raises(UsageError, match=to):
            lower_wheel(plain, tmp_path / "out", to)
    assert not (tmp_path / "out").exists()


# ----- lower


@HAS_SHIM
def test_lower_is_what_the_command_does(tmp_path: Path) -> None:
    compile_c(STATS, tmp_path / "stats.o", "-c", "-fPIC")
    module = extension(tmp_path / "_core.so", functions=["stats"], flags=[str(tmp_path / "stats.o")])
    built = pack(tmp_path, {MODULE: module})
    done = lower_wheel(built, tmp_path / "new", "manylinux_2_17")
    assert done.path is not None, done.problems
    folder = tmp_path / "out"
    by_command = written_by(folder, "lower", "--to", "manylinux_2_17", "-w", str(folder), str(built))
    assert Path(done.path).read_bytes() == by_command.read_bytes()
    lowest = audit_wheel(done.path).lowest
    assert (lowest.libc, lowest.version) == (Libc.GLIBC, (2, 17))
    assert answer(Path(done.path), tmp_path)[0] == 7
    if any(symbol.name == "stat" for symbol in read_elf(module.read_bytes()).imports):
        assert done.lowering is not None
        assert [shim.functions for shim in done.lowering.shims] == [("perennial_stat",)]


def test_lowering_copies_no_library_and_repair_does(built: Path, tmp_path: Path) -> None:
    places = Places(replaced=(str(tmp_path / "outside"),))
    done = lower_wheel(built, tmp_path / "out", "manylinux_2_28", places=places, cxx=CxxRoute.REFUSE)
    assert done.path is None
    assert "neither in the wheel nor on every system" in done.problems[0].message
    both = RepairOptions(places=places, lower=LowerOptions(PlatformTag.manylinux((2, 28), ARCH)))
    assert repair_wheel(built, tmp_path / "out", both).path is not None


def test_traps_are_asked_for(tmp_path: Path) -> None:
    trapped = Import("logf128", "GLIBC_2.26", "libm.so.6")
    content = elf(imports=(trapped,), exports=(Export("PyInit__core"),), needed=("libm.so.6", "libc.so.6"))
    wheel = pack(tmp_path, {"demo/_core.so": content}, tags="cp312-cp312-linux_x86_64")
    refused = lower_wheel(wheel, tmp_path / "out", "manylinux_2_17")
    assert "logf128@GLIBC_2.26" in refused.problems[0].message
    assert refused.lowering is None
    done = lower_wheel(wheel, tmp_path / "out", "manylinux_2_17_x86_64", traps=True)
    assert done.lowering is not None
    assert done.lowering.traps == ("logf128",)


# ----- retag


def test_retag_is_what_the_command_does(plain: Path, tmp_path: Path) -> None:
    done = retag_wheel(plain, settings=RetagSettings(folder=str(tmp_path / "new")))
    folder = tmp_path / "out"
    by_command = written_by(folder, "retag", "-w", str(folder), str(plain))
    assert done.outcome is RetagOutcome.RETAGGED
    assert Path(done.output or "").read_bytes() == by_command.read_bytes()
    assert "-manylinux" in by_command.name
    assert answer(by_command, tmp_path)[0] == 5
    assert plain.is_file()
    again = retag_wheel(by_command)
    assert (again.outcome, again.output) == (RetagOutcome.UNCHANGED, None)
    legacy = retag_wheel(by_command, RetagRequest(legacy=LegacyAliases.DROP), RetagSettings(dry_run=True))
    assert not any(tag.canonical != tag for tag in legacy.plan.target.platforms)
    assert list(folder.iterdir()) == [by_command]


def test_tags_that_are_not_proven_are_no_error(built: Path) -> None:
    done = retag_wheel(built, RetagRequest((f"manylinux_2_17_{ARCH}",), only=True))
    assert (done.outcome, done.output) == (RetagOutcome.REFUSED, None)
    assert done.plan.objections
    with pytest.raises(UsageError, match="there is none"):
        retag_wheel(built, RetagRequest(only=True))
    assert [path.name for path in built.parent.glob("*.whl")] == [f"demo-1.0-{LINUX_TAG}.whl"]


def test_paths_may_be_strings(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = repair_wheel(plain, folder)
    assert Path(first.path or "").parent == folder
    assert repair_wheel(str(plain), str(folder)).path == first.path
    assert retag_wheel(str(plain)).output == retag_wheel(plain).output
