"""Compiles the files of tests/sources, packs them into wheels, and holds the audit against what they expect.

A file begins with directives, one a line, in comments that start with `//!`:

    //! try: COMMAND                 skipped where this fails: an option that not every toolchain has
    //! stub: SONAME VERSION: SYMBOL...  a library stubs/SONAME that defines these at this version (`-`: at none)
    //! build: COMMAND               run in an empty folder; {src} is the file itself
    //! version: FILE NAME weak|strong  sets the flag of a version need, for which GNU ld has no option
    //! tags: PYTHON-ABI-PLATFORM    of the wheel (cp312-cp312-manylinux_2_28_x86_64)
    //! member: PATH = FILE          a member of the wheel; {module} is the usual extension module
    //! expect: KEY = VALUE          lowest, tags, isa_level, need (LIBRARY VERSION [weak|wheel|missing]),
                                     library (SONAME PATH|missing|platform), finding (RULE SEVERITY)
    //! loader: loads | refuses: WORDS | runs     and `from X.Y` after the verb: from that glibc on, and the
                                     opposite below it

Findings are complete: a rule that is not expected must not fire. Where a file has a `loader` line,
this machine's own ld.so judges, too: the wheel is unpacked as installers would, the first member is
opened in a process of its own, and what the audit says is held against what happens. A stub makes a
need of a glibc of any age with the ordinary linker.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from perennial.audit.report import AuditReport
from perennial.finding import Severity
from tests.support.audits import LIBC, MODULE, audit_members, audit_of, rules
from tests.support.elf_builder import ElfSpec, Export, Need, NeedVersion, build_elf
from tests.support.wheel_builder import wheel

SOURCES: Final = sorted((Path(__file__).parents[1] / "sources").glob("*.*"))
_DIRECTIVE: Final = re.compile(r"//! (\w+): (.+)")
_KEYS: Final = frozenset({"try", "stub", "build", "version", "tags", "member", "expect", "loader"})
_EXPECTED: Final = frozenset({"lowest", "tags", "isa_level", "need", "library", "finding"})

pytestmark = pytest.mark.skipif(
    platform.system() != "Linux" or platform.machine() != "x86_64" or shutil.which("cc") is None,
    reason="the sources are for a C compiler of x86_64 Linux",
)


class Case(NamedTuple):
    """The directives of one file, in their order."""

    path: Path
    directives: tuple[tuple[str, str], ...]

    def all(self, key: str) -> list[str]:
        return [value for name, value in self.directives if name == key]

    def expected(self, key: str) -> list[str]:
        pairs = (value.split(" = ", 1) for value in self.all("expect"))
        return [value for name, value in pairs if name == key]

    def members(self) -> dict[str, str]:
        """Member path -> file in the build folder."""
        lines = (line.replace("{module}", MODULE).replace("{src}", str(self.path)) for line in self.all("member"))
        return dict(line.split(" = ", 1) for line in lines)


def read_case(path: Path) -> Case:
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("//!"):
            directive = _DIRECTIVE.fullmatch(line)
            assert directive is not None, f"{path.name}: {line}"
            assert directive[1] in _KEYS, f"{path.name}: {line}"
            found.append((directive[1], directive[2].strip()))
    return Case(path, tuple(found))


def run(command: str, case: Case, folder: Path) -> subprocess.CompletedProcess[str]:
    words = [word.replace("{src}", str(case.path)) for word in shlex.split(command)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


# ----- building


def make_stubs(case: Case, folder: Path) -> None:
    """Shared libraries that define what they are asked to, at the versions that they are asked to."""
    libraries: dict[str, dict[str, list[str]]] = {}
    for line in case.all("stub"):
        head, _, symbols = line.partition(": ")
        soname, version = head.split()
        libraries.setdefault(soname, {}).setdefault(version, []).extend(symbols.split())
    (folder / "stubs").mkdir()
    for soname, versions in libraries.items():
        names = [symbol for symbols in versions.values() for symbol in symbols]
        source, script = folder / "stubs" / f"{soname}.c", folder / "stubs" / f"{soname}.map"
        source.write_text("".join(f"int {name}(void) {{ return 0; }}\n" for name in names), encoding="utf-8")
        nodes = [f"{node} {{ global: {'; '.join(symbols)}; }};\n" for node, symbols in versions.items() if node != "-"]
        script.write_text("".join(nodes), encoding="utf-8")
        command = ["cc", "-shared", "-fPIC", "-nostdlib", "-fno-builtin", "-w", f"-Wl,-soname,{soname}"]
        command += [f"-Wl,--version-script,{script}"] if nodes else []
        subprocess.run([*command, "-o", str(folder / "stubs" / soname), str(source)], check=True, capture_output=True)


def set_flag(path: Path, name: str, *, weak: bool) -> None:
    """VER_FLG_WEAK of a vernaux, which readelf finds for us: vna_flags follows the 4-byte vna_hash."""
    command = ["readelf", "-VW", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"})
    section = said.stdout.partition("Version needs section")[2]
    start = re.search(r"Offset: 0x([0-9a-f]+)", section)
    entry = re.search(rf"0x([0-9a-f]+):\s+Name: {re.escape(name)}\s+Flags:", section)
    assert start is not None
    assert entry is not None
    content = bytearray(path.read_bytes())
    at = int(start[1], 16) + int(entry[1], 16) + 4
    content[at] = content[at] | 2 if weak else content[at] & ~2
    path.write_bytes(content)


def build(case: Case, folder: Path) -> Path:
    """The wheel of a case; skips where the toolchain lacks something."""
    (folder / "sub").mkdir()
    for command in case.all("try"):
        if run(command, case, folder).returncode != 0:
            pytest.skip(f"this toolchain does not do: {command}")
    make_stubs(case, folder)
    for command in case.all("build"):
        done = run(command, case, folder)
        assert done.returncode == 0, done.stderr
    for line in case.all("version"):
        file, version, strength = line.split()
        set_flag(folder / file, version, weak=strength == "weak")
    (tags,) = case.all("tags") or ["cp312-cp312-manylinux_2_28_x86_64"]
    contents = {path: (folder / file).read_bytes() for path, file in case.members().items()}
    return wheel(folder, tags=tags, members=contents)


# ----- expectations


def check(case: Case, report: AuditReport) -> None:
    assert [report.lowest.text] == case.expected("lowest")
    for tags in case.expected("tags"):
        assert [tag.text for tag in report.tags] == tags.split()
    for level in case.expected("isa_level"):
        assert report.isa_level == int(level)
    found = {f"{finding.rule} {finding.severity}" for finding in report.findings}
    assert found == set(case.expected("finding"))
    needs = {
        f"{need.library} {need.version}"
        + (" weak" if need.weak else "")
        + ("" if need.provider.value == "platform" else f" {need.provider}")
        for need in report.requirements
    }
    assert needs >= set(case.expected("need"))
    assert libraries_of(report) >= set(case.expected("library"))


def libraries_of(report: AuditReport) -> set[str]:
    """`SONAME PATH` for bundled libraries, `SONAME missing` and `SONAME platform` for others."""
    outside = {f"{each.soname} {'platform' if each.provided else 'missing'}" for each in report.external}
    unreachable = {
        f"{finding.requires} missing"
        for finding in report.findings
        if finding.rule in ("unresolvable-bundled-library", "links-libpython")
    }
    return outside | unreachable | {f"{each.soname} {each.path}" for each in report.bundled}


@pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
def test_source(path: Path, tmp_path: Path) -> None:
    case = read_case(path)
    report = audit_of(build(case, tmp_path))
    check(case, report)
    for line in case.all("loader"):
        ask_loader(line, case, report, tmp_path)


# ----- the loader is the judge


class Verdict(NamedTuple):
    """A `loader` line: what happens from a glibc on, and the words of the refusal."""

    verb: str
    since: tuple[int, int] | None
    words: str

    @classmethod
    def parse(cls, line: str) -> Verdict:
        parsed = re.fullmatch(r"(loads|refuses|runs)(?: from (\d+)\.(\d+))?(?:: (.+))?", line)
        assert parsed is not None, line
        since = (int(parsed[2]), int(parsed[3])) if parsed[2] else None
        return cls(parsed[1], since, parsed[4] or "")

    def refusal(self, glibc: tuple[int, int]) -> str | None:
        """The words with which that glibc refuses; None where it accepts."""
        applies = self.since is None or glibc >= self.since
        return self.words if (self.verb == "refuses") is applies else None


_LOAD: Final = """\
import ctypes, os, sys
try:
    ctypes.CDLL(sys.argv[1], os.RTLD_NOW)
except OSError as error:
    sys.exit(str(error))
print(open("/proc/self/maps").read())
"""


def glibc_version() -> tuple[int, int] | None:
    """This process's glibc; None where it runs under another C library."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except ValueError:
        return None
    found = re.fullmatch(r"glibc (\d+)\.(\d+).*", name)
    return (int(found[1]), int(found[2])) if found is not None else None


def unpack(path: Path, root: Path) -> None:
    """Puts members where an installer would, for the interpreter that RUNPATHs in the sources name."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            place = root / "lib" / "python3.12" / "site-packages" / name
            if ".data/scripts/" in name:
                place = root / "bin" / name.rpartition("/")[2]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(archive.read(name))
            place.chmod(0o755)


def ask_loader(line: str, case: Case, report: AuditReport, folder: Path) -> None:
    """Opens the wheel's first member, installed, and compares: loaded or refused, and with which libraries."""
    glibc = glibc_version()
    if glibc is None:
        return
    verdict = Verdict.parse(line)
    root = folder / "environment"
    unpack(Path(report.wheel.path), root)
    first = next(iter(case.members()))
    site = root / "lib" / "python3.12" / "site-packages"
    command = [sys.executable, "-c", _LOAD, str(site / first)]
    if verdict.verb == "runs":
        command = [str(root / "bin" / first.rpartition("/")[2])]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LD_")} | {"LC_ALL": "C"}
    done = subprocess.run(command, cwd=root, env=clean, capture_output=True, text=True, check=False)
    refusal = verdict.refusal(glibc)
    if refusal is not None:
        assert done.returncode != 0
        assert refusal in done.stderr
        return
    assert done.returncode == 0, done.stderr
    if verdict.verb == "loads":
        mapped = {text.split()[-1] for text in done.stdout.splitlines() if text}
        for library in report.bundled:
            assert str((site / library.path).resolve()) in mapped
        # Nothing that came with the process is meant: only what bears the wheel's own names.
        in_wheel = {Path(text).relative_to(root.resolve()) for text in mapped if text.startswith(str(root.resolve()))}
        bundled = {(site / library.path).relative_to(root) for library in report.bundled}
        assert in_wheel == bundled | {(site / first).relative_to(root)}


# ----- what linkers do not make, and tools that edit files do


BUILT: Final = {
    "nothing special": ElfSpec(needed=(LIBC,), exports=(Export("x"),)),
    "a weak need that nobody meets": ElfSpec(verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.99", weak=True),)),)),
    "a need that nobody meets": ElfSpec(verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.99"),)),)),
    "DT_RELR and other needs of libc": ElfSpec(relr=True, verneeds=(Need(LIBC, (NeedVersion("GLIBC_2.2.5"),)),)),
    # As patchelf --remove-needed leaves it: ld.so fails an assertion, and ends the process.
    "a need of a library that is not needed": ElfSpec(verneeds=(Need("libgone.so.9", (NeedVersion("GONE_1"),)),)),
    # glibc looks for GLIBC_ABI_DT_RELR only among needs of libc that are there (`_dl_check_map_versions`).
    "DT_RELR and no need of any version": ElfSpec(relr=True),
}


@pytest.mark.parametrize("name", BUILT)
def test_loader_refuses_what_has_an_error(name: str, tmp_path: Path) -> None:
    """A file of the builder, loaded: refused exactly where the audit finds an error."""
    glibc = glibc_version()
    if glibc is None or glibc < (2, 36):
        pytest.skip("this machine's loader is not of glibc 2.36 or later")
    spec = BUILT[name].but(needed=(LIBC,), exports=(Export("x"),))
    (tmp_path / "x.so").write_bytes(build_elf(spec))
    command = [sys.executable, "-c", _LOAD, str(tmp_path / "x.so")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = rules(audit_members({MODULE: build_elf(spec)}, tags="cp312-cp312-manylinux_2_36_x86_64"), Severity.ERROR)
    assert (done.returncode != 0) is bool(found), (done.stderr, found)


def test_relr_without_libc_is_of_no_old_glibc() -> None:
    """Loaders before glibc 2.36 do not know DT_RELR, and leave its relocations undone: it crashes there.

    GLIBC_ABI_DT_RELR keeps other files away from them; a file that needs no libc has no such guard.
    """
    report = audit_members({MODULE: build_elf(ElfSpec(relr=True, exports=(Export("x"),)))})
    assert report.lowest.version is None or report.lowest.version >= (2, 36)


# ----- the directives themselves


@pytest.mark.parametrize("path", SOURCES, ids=[path.stem for path in SOURCES])
def test_directives_are_known(path: Path) -> None:
    case = read_case(path)
    assert case.all("build")
    assert case.all("member")
    assert len(case.expected("lowest")) == 1
    assert {value.split(" = ", 1)[0] for value in case.all("expect")} <= _EXPECTED
    for line in case.all("loader"):
        Verdict.parse(line)


def test_there_are_enough() -> None:
    assert len(SOURCES) >= 30
    assert sum(bool(read_case(path).all("loader")) for path in SOURCES) >= 24
