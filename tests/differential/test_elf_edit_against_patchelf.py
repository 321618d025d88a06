"""Edited files, judged by ld.so, readelf, eu-elflint and GNU strip, with patchelf as the rival.

Samples are this system's libraries, what a compiler makes here, and real wheels.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from perennial.elf.edit import ElfChanges, SearchPath, StripLevel, VersionRename, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, UsageError
from perennial.repair.patchelf import edit_with_patchelf
from tests.support.loading import load_each
from tests.wheels.download import UnavailableError, locked_wheel, obtain

GRAFT: Final = ElfChanges(
    soname="libgraft-0123abcd.so.1", search_path=SearchPath("$ORIGIN/../some_package.libs", runpath=True)
)
GLIBC: Final = (
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
    "libresolv.so.2",
    "libanl.so.1",
)
_LARGEST: Final = 4 << 20  # larger ones only take longer


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def system_libraries() -> list[Path]:
    """Each library of this system once."""
    found = {path.resolve() for folder in ("/usr/lib", "/lib") for path in Path(folder).glob("*-linux-gnu/*.so*")}
    return [
        path for path in sorted(found)
        if path.is_file() and path.stat().st_size < _LARGEST and is_elf(path)
    ]  # fmt: skip


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env={"LC_ALL": "C"})


def _messages(text: str) -> Counter[str]:
    """What a tool says, without addresses."""
    return Counter(re.sub(r"0x[0-9a-f]+|\d+", "N", line) for line in text.splitlines() if line != "No errors")


def complaints(path: Path) -> Counter[str]:
    """What readelf warns of and eu-elflint finds."""
    readelf = run("/usr/bin/readelf", "-aW", path).stderr.replace(str(path), "FILE")
    return _messages(readelf) + _messages(run("/usr/bin/eu-elflint", "--gnu-ld", path).stdout)


# ----- this system's libraries


def test_libraries_of_this_system_load_as_before(tmp_path: Path) -> None:
    libraries = system_libraries()
    if len(libraries) < 50:
        pytest.skip("no Debian-like folder of libraries")
    edited, stripped = tmp_path / "edited", tmp_path / "stripped"
    edited.mkdir()
    stripped.mkdir()
    growth = moved = 0
    for path in libraries:
        data = path.read_bytes()
        soname = read_elf(data).soname or path.name
        changes = ElfChanges(
            soname=f"libgraft-{soname}",
            search_path=SearchPath("$ORIGIN/../some_package.libs", runpath=True),
            add_needed=GLIBC,
        )
        result = edit_elf(data, changes)
        moved += read_skeleton(result).dynamic.address != read_skeleton(data).dynamic.address
        growth += len(result) - len(data)
        (edited / path.name).write_bytes(result)
        all_in_one = edit_elf(data, changes._replace(strip=StripLevel.ALL, add_needed=()))
        (stripped / path.name).write_bytes(all_in_one)
    before = load_each(libraries)
    loading = [path for path in libraries if before[path] == "ok"]
    assert len(loading) > len(libraries) * 0.9
    for folder in (edited, stripped):
        after = load_each(folder / path.name for path in loading)
        assert {path.name: said for path, said in after.items() if said != "ok"} == {}
    assert growth < 5120 * len(libraries)
    assert moved > len(libraries) * 0.9, "more entries than linkers leave room for: PT_DYNAMIC moves"
    needs("strip")
    for path in loading:
        done = run("/usr/bin/strip", edited / path.name)
        assert (done.returncode, done.stderr) == (0, ""), path
    after = load_each(edited / path.name for path in loading)
    assert {path.name: said for path, said in after.items() if said != "ok"} == {}


def test_no_tool_has_more_to_say_than_before(tmp_path: Path) -> None:
    needs("readelf", "eu-elflint")
    libraries = system_libraries()[::12]
    path = tmp_path / "edited"
    for library in libraries:
        path.write_bytes(edit_elf(library.read_bytes(), GRAFT))
        assert not complaints(path) - complaints(library), library
        path.write_bytes(edit_elf(library.read_bytes(), GRAFT._replace(strip=StripLevel.DEBUG)))
        assert not complaints(path) - complaints(library), library


def test_growth_against_patchelf() -> None:
    needs("patchelf")
    ours = theirs = 0
    for library in system_libraries()[::12]:
        data = library.read_bytes()
        edited, rival = edit_elf(data, GRAFT), edit_with_patchelf(data, GRAFT)
        facts, rivals = read_elf(edited, exports=True), read_elf(rival, exports=True)
        assert facts._replace(build_id=None) == rivals._replace(build_id=None), library
        ours += len(edited) - len(data)
        theirs += len(rival) - len(data)
    assert ours < theirs / 10


# ----- what a compiler makes


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """A folder with two libraries, one of which needs a version of the other, and a program."""
    needs("gcc")
    sources = {
        "far.c": "int far_away(void) { return 42; }\n",
        "far.map": "FAR_1 { global: far_away; local: *; };\n",
        "near.c": "int far_away(void); static int hidden(void) { return 1; }\n"
        "int near(void) { return far_away() + hidden() - 1; } int other(void) { return 7; }\n",
        "weak.c": "#include <stdio.h>\nextern int far_away(void) __attribute__((weak));\n"
        "int answer(void) { return far_away ? far_away() : -1; }\n",
        "main.c": '#include <stdio.h>\nint near(void);\nint main(void) { printf("%d\\n", near()); return 0; }\n',
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    for arguments in (
        "-shared -fPIC -g far.c -o libfar.so.1 -Wl,-soname,libfar.so.1 -Wl,--version-script=far.map",
        "-shared -fPIC -g near.c -o libnear.so.1 -Wl,-soname,libnear.so.1 libfar.so.1",
        "-shared -fPIC -g weak.c -o libweak.so.1 -Wl,-soname,libweak.so.1 -Wl,--no-as-needed libfar.so.1",
        "main.c -o main libnear.so.1 -Wl,-rpath-link,.",
    ):
        done = subprocess.run(["gcc", *arguments.split()], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return tmp_path


def change(path: Path, changes: ElfChanges, *, name: str | None = None) -> Path:
    """Edits a file, and gives it another name where one is given."""
    edited = edit_elf(path.read_bytes(), changes)
    target = path if name is None else path.with_name(name)
    target.write_bytes(edited)
    target.chmod(path.stat().st_mode)
    if target != path:
        path.unlink()
    return target


def test_a_program_finds_renamed_libraries_and_versions(compiled: Path) -> None:
    path = SearchPath("$ORIGIN", runpath=True)
    versions = (VersionRename("FAR_1", "PRIVATE_FAR_1"),)
    change(
        compiled / "libfar.so.1", ElfChanges(soname="libfar-1234.so", rename_versions=versions), name="libfar-1234.so"
    )
    change(
        compiled / "libnear.so.1",
        ElfChanges(
            soname="libnear-1234.so",
            search_path=path,
            rename_needed=(("libfar.so.1", "libfar-1234.so"),),
            rename_versions=(VersionRename("FAR_1", "PRIVATE_FAR_1", "libfar.so.1"),),
            strip=StripLevel.ALL,
        ),
        name="libnear-1234.so",
    )
    program = change(
        compiled / "main", ElfChanges(search_path=path, rename_needed=(("libnear.so.1", "libnear-1234.so"),))
    )
    assert run(program).stdout == "42\n"
    # each is checked against the other: with only one of the names changed it does not run
    change(
        compiled / "libnear-1234.so",
        ElfChanges(rename_versions=(VersionRename("PRIVATE_FAR_1", "FAR_1", "libfar-1234.so"),)),
    )
    assert "version `FAR_1' not found" in run(program).stderr


def test_a_removed_library_takes_its_versions_along(compiled: Path) -> None:
    """ld.so asserts that a library with needed versions is loaded. patchelf leaves them, so the engine refuses."""
    changes = ElfChanges(remove_needed=("libfar.so.1",))
    library = compiled / "libweak.so.1"
    with pytest.raises(ElfEditError, match="would leave the versions"):
        edit_with_patchelf(library.read_bytes(), changes)
    change(library, changes)
    script = f"import ctypes; print(ctypes.CDLL({str(library)!r}).answer())"
    assert run(sys.executable, "-c", script).stdout == "-1\n"


def test_hidden_symbols_are_not_found(compiled: Path) -> None:
    library = change(
        compiled / "libnear.so.1", ElfChanges(hide_symbols=("other",), search_path=SearchPath("$ORIGIN", runpath=True))
    )
    script = f"import ctypes; near = ctypes.CDLL({str(library)!r}); print(near.near(), hasattr(near, 'other'))"
    assert run(sys.executable, "-c", script).stdout == "42 False\n"


def test_the_symbol_of_pt_dynamic_follows_it(compiled: Path) -> None:
    needs("readelf")
    library = compiled / "libnear.so.1"
    names = tuple(f"libextra{number}.so" for number in range(12))
    change(library, ElfChanges(add_needed=names))
    elf = read_skeleton(library.read_bytes())
    symbols = run("/usr/bin/readelf", "-sW", library).stdout
    (value,) = {int(value, 16) for value in re.findall(r"([0-9a-f]+) +\d+ OBJECT .* _DYNAMIC$", symbols, re.MULTILINE)}
    assert value == elf.dynamic.address == max(elf.loads).vaddr + elf.dynamic.offset - max(elf.loads).offset
    assert run("/usr/bin/readelf", "-aW", library).stderr == ""


@pytest.mark.parametrize(("level", "option"), [(StripLevel.DEBUG, "--strip-debug"), (StripLevel.ALL, "--strip-all")])
@pytest.mark.parametrize("name", ["libnear.so.1", "main"])
def test_strip_leaves_what_gnu_strip_leaves(compiled: Path, name: str, level: StripLevel, option: str) -> None:
    needs("strip", "readelf")
    ours, theirs = compiled / "ours", compiled / "theirs"
    ours.write_bytes(edit_elf((compiled / name).read_bytes(), ElfChanges(strip=level)))
    run("/usr/bin/strip", option, compiled / name, "-o", theirs)

    def sections(path: Path) -> list[bytes]:
        return [section for section in read_skeleton(path.read_bytes()).names if section]

    def symbols(path: Path) -> list[str]:
        lines = run("/usr/bin/readelf", "-sW", path).stdout.splitlines()
        return [" ".join(line.split()[1:]) for line in lines if re.match(r" *\d+: ", line)]

    assert sections(ours) == sections(theirs)
    assert sorted(symbols(ours)) == sorted(symbols(theirs))
    assert run("/usr/bin/readelf", "-aW", ours).stderr == ""
    assert ours.stat().st_size <= theirs.stat().st_size + 200, "names of files may stay in .strtab"


def test_patchelf_as_engine(compiled: Path) -> None:
    needs("patchelf")
    data = (compiled / "libnear.so.1").read_bytes()
    changes = ElfChanges(
        soname="libnear-1234.so",
        rename_needed=(("libfar.so.1", "libfar-1234.so"),),
        add_needed=("libm.so.6",),
        search_path=SearchPath("$ORIGIN", runpath=False),
    )
    edited = edit_with_patchelf(data, changes)
    facts, ours = read_elf(edited), read_elf(edit_elf(data, changes))
    assert facts._replace(needed=tuple(sorted(facts.needed))) == ours._replace(needed=tuple(sorted(ours.needed)))
    assert edit_with_patchelf(data, ElfChanges(soname="libnear.so.1")) is data
    for refused in (ElfChanges(strip=StripLevel.ALL), ElfChanges(hide_symbols=("near",))):
        with pytest.raises(ElfEditError, match="patchelf cannot"):
            edit_with_patchelf(data, refused)
    with pytest.raises(UsageError, match="cannot be run"):
        edit_with_patchelf(data, changes, program=str(compiled / "absent"))
    with pytest.raises(ElfEditError, match="patchelf failed"):
        edit_with_patchelf(data, changes, program="false")
    with pytest.raises(ElfEditError, match="wrote a file with another"):
        edit_with_patchelf(data, changes, program="true")


# ----- real wheels

WHEELS: Final = (
    "cffi-2.1.1-cp312-cp312-manylinux1_i686.manylinux2014_i686.manylinux_2_17_i686.manylinux_2_5_i686.whl",
    "greenlet-3.5.6-cp312-cp312-manylinux_2_24_s390x.manylinux_2_28_s390x.whl",
    "kiwisolver-1.4.7-cp38-cp38-manylinux_2_5_x86_64.manylinux1_x86_64.whl",
    "markupsafe-3.0.4-cp313-cp313-manylinux2014_ppc64le.manylinux_2_17_ppc64le.manylinux_2_28_ppc64le.whl",
    "markupsafe-3.0.4-cp313-cp313-manylinux_2_31_riscv64.manylinux_2_39_riscv64.whl",
    "markupsafe-3.0.4-cp313-cp313-musllinux_1_2_armv7l.whl",
    "cryptography-50.0.2-cp39-abi3-musllinux_1_2_aarch64.whl",
    "pillow-13.0.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "shapely-2.2.0-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
)


@pytest.mark.wheels
@pytest.mark.parametrize("filename", WHEELS)
def test_wheels_grafted_anew(filename: str, tmp_path: Path) -> None:
    """All libraries of a repaired wheel get other names once more, and what loaded loads."""
    needs("readelf", "eu-elflint")
    try:
        wheel = obtain(locked_wheel(filename))
    except UnavailableError as error:
        pytest.skip(str(error))
    before, after = tmp_path / "before", tmp_path / "after"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(before)
        archive.extractall(after)
    elfs = [path for path in sorted(after.rglob("*.so*")) if is_elf(path)]
    names = {path.name: f"g-{path.name}" for path in elfs if path.parent.name.endswith(".libs")}
    for path in elfs:
        data = path.read_bytes()
        facts = read_elf(data)
        place = facts.runpath or facts.rpath
        changes = ElfChanges(
            soname=names.get(path.name, facts.soname),
            rename_needed=tuple(names.items()),
            search_path=SearchPath(f"{place}:$ORIGIN/../some_package.libs", runpath=facts.rpath is None)
            if place
            else None,
        )
        edited = edit_elf(data, changes)
        assert len(edited) - len(data) < 0x4000
        path.write_bytes(edited)
        assert not complaints(path) - complaints(before / path.relative_to(after)), path.name
    loaded = load_each(before / path.relative_to(after) for path in elfs)
    renamed = {path: path.rename(path.with_name(names.get(path.name, path.name))) for path in elfs}
    now = load_each(renamed.values())
    for path in elfs:
        if loaded[before / path.relative_to(after)] == "ok":
            assert now[renamed[path]] == "ok", path.name
