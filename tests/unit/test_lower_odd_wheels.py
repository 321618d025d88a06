"""Wheels that nobody builds on purpose: one of them stops no other, and says what is wrong with it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from perennial.arch import Architecture
from perennial.elf.read import read_elf
from perennial.knowledge import load_knowledge
from perennial.knowledge.treatments import SHIM_ARCHS, load_treatments
from perennial.lower.private import for_private_copy, private_copy
from perennial.lower.reach import reach
from perennial.lower.shims import ARCHIVE
from tests.support.audits import LIBC, audit_of
from tests.support.elf_builder import ElfSpec, Import, Need, NeedVersion, Verdef, build_elf
from tests.support.repairs import facts, lower, repair
from tests.support.run_perennial import run_perennial
from tests.unit.test_lower import CREATE, CXX, RECORD, STAT, bound, demo, module

_RECORD = {"schema": "perennial.lowered/1", "to": "manylinux_2_17_x86_64"}


@pytest.mark.parametrize(
    "needs",
    [
        (Need(LIBC, (NeedVersion("GLIBC_2.33"), NeedVersion("GLIBC_2.34"), NeedVersion("GLIBC_2.33"))),),
        (Need(LIBC, (NeedVersion("GLIBC_2.33"),)), Need(LIBC, (NeedVersion("GLIBC_2.34"), NeedVersion("GLIBC_2.33")))),
    ],
    ids=["version", "library"],
)
def test_what_is_needed_twice_is_bound_once(needs: tuple[Need, ...], tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(STAT, CREATE, verneeds=needs)))
    (elf,) = (elf for name, elf in facts(run.path).items() if name.startswith("demo/"))
    assert bound(elf)["perennial_stat"] == (None, None)
    assert bound(elf)["pthread_create"] == ("GLIBC_2.2.5", "libpthread.so.0")
    assert {version.name for need in elf.verneeds for version in need.versions} == {"GLIBC_2.2.5"}


def test_what_is_needed_or_defined_twice_is_made_private_once() -> None:
    twice = (NeedVersion("GLIBCXX_3.4.21"), NeedVersion("GLIBCXX_3.4.21"))
    user = read_elf(build_elf(ElfSpec.for_arch("x86_64", needed=(CXX,), verneeds=(Need(CXX, twice),))))
    assert [rename.old for rename in for_private_copy(user, "P_").rename_versions] == ["GLIBCXX_3.4.21"]
    library = read_elf(build_elf(ElfSpec.for_arch("x86_64", verdefs=(Verdef("A"), Verdef("A")))))
    assert [rename.old for rename in private_copy(library, "P_").rename_versions] == ["A"]


def test_a_name_that_is_not_utf8_stops_no_other_wheel(tmp_path: Path) -> None:
    good = demo(tmp_path / "wheels", module(STAT))
    shutil.copy(good, tmp_path / "wheels" / "de\udcffmo-1.0-cp312-cp312-linux_x86_64.whl")
    out = tmp_path / "out"
    done = run_perennial("lower", "--to", "manylinux_2_17", "--json", "-w", str(out), str(tmp_path / "wheels"))
    assert done.code == 1, done.errors
    first, second = done.document["wheels"]
    (problem,) = second["problems"]
    assert "is not UTF-8" in problem["message"]
    assert problem["remedy"] == "Rename the wheel."
    assert not first["problems"]
    assert [path.name for path in out.iterdir()] == [first["output"]["filename"]]


def test_a_name_that_is_not_utf8_does_no_harm_where_it_comes_into_no_file(tmp_path: Path) -> None:
    good = demo(tmp_path / "wheels", module())
    named = good.rename(tmp_path / "de\udcffmo-1.0-cp312-cp312-linux_x86_64.whl")
    assert lower(named).path.is_file()


def test_what_was_lowered_and_changed_since_is_not_lowered_again(tmp_path: Path) -> None:
    source = demo(tmp_path, module(STAT), members={RECORD: json.dumps(_RECORD).encode()})
    (problem,) = lower(source).problems
    assert problem == "it was lowered to manylinux_2_17_x86_64 before, and substitutes are not lowered again"


def test_a_program_for_both_c_libraries_stays_one(tmp_path: Path) -> None:
    """What is linked against no C library keeps the promises of both: a lower tag of one takes none of the other."""
    tags = "py3-none-manylinux_2_28_x86_64.musllinux_1_2_x86_64"
    program = build_elf(ElfSpec.for_arch("x86_64", static=True))
    source = demo(tmp_path, program, tags=tags)
    platforms = lower(source).path.stem.split("-")[-1].split(".")
    assert {"manylinux_2_17_x86_64", "musllinux_1_2_x86_64"} <= set(platforms)
    assert "manylinux_2_28_x86_64" not in platforms
    assert "musllinux_1_2_x86_64" in repair(source).path.stem


def test_where_there_is_no_shim_nothing_is_promised_of_one(tmp_path: Path) -> None:
    source = demo(tmp_path, module(STAT, arch="ppc64"), tags="cp312-cp312-linux_ppc64")
    (problem,) = lower(source).problems
    assert "needs stat@GLIBC_2.33 from libc.so.6" in problem
    assert "nothing that may take its place is known" in problem
    assert reach(audit_of(source), load_knowledge()) is None


def test_the_architectures_of_shims_are_those_of_the_archive() -> None:
    with zipfile.ZipFile(ARCHIVE) as archive:
        names = set(archive.namelist())
    assert names == {f"libperennial-{kind}-{arch}.so" for kind in ("shim", "shimxx") for arch in SHIM_ARCHS}


def test_no_treatment_asks_for_a_shim_that_is_not_there(tmp_path: Path) -> None:
    """loongarch64 has none; what there is one for elsewhere has no treatment there."""
    for arch in Architecture:
        treatments = load_treatments(arch)
        kinds = {treatment.shim for key in treatments.keys for treatment in treatments.find(*key)}
        assert kinds == ({None, "c", "cxx"} if arch in SHIM_ARCHS else {None}), arch
    copies = module(Import("strlcpy", "GLIBC_2.38", LIBC), arch="loongarch64")
    source = demo(tmp_path, copies, tags="cp312-cp312-linux_loongarch64")
    (problem,) = lower(source, tag="manylinux_2_36").problems
    assert problem.endswith("lacks: nothing that may take its place is known")


@pytest.mark.parametrize("text", ["manylinux_2_17_", "manylinux_2_17__x86_64", "manylinux_2_17_x86_64_"])
def test_a_tag_with_an_empty_part_is_none(text: str, tmp_path: Path) -> None:
    done = run_perennial("lower", "--to", text, str(demo(tmp_path, module(STAT))))
    assert done.code == 2
    assert f"{text}: not a manylinux tag" in done.errors


def test_a_copy_for_another_architecture_is_not_said_to_be_looked_for_here(tmp_path: Path) -> None:
    strings = module(STAT, arch="s390x", verneeds=(Need(CXX, (NeedVersion("GLIBCXX_3.4.30"),)),), needed=(CXX, LIBC))
    source = demo(tmp_path, strings, tags="cp312-cp312-linux_s390x")
    (problem,) = lower(source, options=("--cxx", "private")).problems
    assert problem.endswith("was not found; this machine's own folders hold none for its architecture")
