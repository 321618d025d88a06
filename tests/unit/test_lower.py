"""What a lowering does with a wheel, what it writes down, and what it refuses."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection
from jsonschema import Draft202012Validator

import perennial
from perennial.elf.model import ElfFile
from perennial.knowledge import load_knowledge
from perennial.lower.reach import reach
from perennial.lower.shims import load_shim
from perennial.platform_tag import PlatformTag
from tests.support.audits import LIBC, MODULE, audit_of
from tests.support.elf_builder import ElfSpec, Export, Import, Need, NeedVersion, Verdef, build_elf
from tests.support.repairs import facts, lower, members, repair
from tests.support.run_perennial import run_perennial
from tests.support.wheel_builder import wheel

LINUX: Final = "cp312-cp312-linux_x86_64"
LIBM, PTHREAD, CXX = "libm.so.6", "libpthread.so.0", "libstdc++.so.6"
CREATE: Final = Import("pthread_create", "GLIBC_2.34", LIBC)
POW: Final = Import("pow", "GLIBC_2.29", LIBM)
STAT: Final = Import("stat", "GLIBC_2.33", LIBC)
STATX: Final = Import("statx", "GLIBC_2.28", LIBC, weak=True)
FLOAT128: Final = Import("strtof128", "GLIBC_2.26", LIBC)
FMEMOPEN: Final = Import("fmemopen", "GLIBC_2.22", LIBC)
THREAD: Final = Import(
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE", "GLIBCXX_3.4.22", CXX
)
SCHEMAS: Final = Path(perennial.__file__).parent / "schema"
RECORD: Final = "demo-1.0.dist-info/perennial-lowered.json"


def module(*imports: Import, arch: str = "x86_64", needed: tuple[str, ...] = (LIBC,), **fields: Any) -> bytes:
    fields.setdefault("exports", (Export("PyInit__core"),))
    libraries = dict.fromkeys([*needed, *(each.library for each in imports if each.library is not None)])
    return build_elf(ElfSpec.for_arch(arch, needed=tuple(libraries), imports=imports, **fields))


def demo(folder: Path, content: bytes, *, tags: str = LINUX, **options: Any) -> Path:
    more = options.pop("members", {})
    folder.mkdir(parents=True, exist_ok=True)
    return wheel(folder, tags=tags, members={"demo/__init__.py": b"", MODULE: content, **more}, **options)


def bound(elf: ElfFile) -> dict[str, tuple[str | None, str | None]]:
    return {symbol.name: (symbol.version, symbol.library) for symbol in elf.imports}


def shim_of(path: Path) -> ElfFile:
    (found,) = [elf for name, elf in facts(path).items() if "perennial-shim" in name]
    return found


# ----- what is written


def test_each_kind_of_treatment(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE, POW, STAT, STATX)))
    assert run.path.name == "demo-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    elf = facts(run.path)[MODULE]
    assert bound(elf) == {
        "pthread_create": ("GLIBC_2.2.5", PTHREAD),
        "pow": ("GLIBC_2.2.5", LIBM),
        "perennial_stat": (None, None),
        "statx": (None, None),
    }
    shim = shim_of(run.path).soname
    assert elf.needed == (LIBC, LIBM, PTHREAD, shim) or set(elf.needed) == {LIBC, LIBM, PTHREAD, shim}
    assert elf.rpath == "$ORIGIN/../demo.libs"
    assert audit_of(run.path).lowest.text == "manylinux_2_17_x86_64"


def test_the_record_says_all_of_it(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE, STAT)))
    record = json.loads(members(run.path)[RECORD])
    schema = json.loads((SCHEMAS / "lowered-1.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(record)
    assert record["built"] == f"demo-1.0-{LINUX}.whl"
    assert record["to"] == "manylinux_2_17_x86_64"
    (file,) = record["files"]
    assert [(r["symbol"], r["treatment"], r["now"]["version"]) for r in file["references"]] == [
        ("pthread_create", "moved", "GLIBC_2.2.5"),
        ("stat", "shim", None),
    ]
    assert [shim["functions"] for shim in record["shims"]] == [["perennial_stat"]]
    assert {key: record[key] for key in run.wheel["lowering"]} == run.wheel["lowering"]
    sbom = json.loads(members(run.path)["demo-1.0.dist-info/sboms/perennial.cdx.json"])
    properties = {each["name"]: each["value"] for each in sbom["metadata"]["component"]["properties"]}
    assert properties["perennial:lowered-to"] == "manylinux_2_17_x86_64"
    assert properties["perennial:lowering-record"] == RECORD
    assert [each["name"] for each in sbom["components"]] == ["libperennial-shim-x86_64.so"]


def test_the_json_is_as_the_schema_says(tmp_path: Path) -> None:
    schema = json.loads((SCHEMAS / "repair-1.json").read_text(encoding="utf-8"))
    for number, imports in enumerate(((CREATE, STAT), (FMEMOPEN,), ())):
        run = lower(demo(tmp_path / str(number), module(*imports)))
        Draft202012Validator(schema).validate(run.outcome.document)


def test_a_wheel_gets_the_functions_that_it_needs_and_no_others(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(STAT, Import("reallocarray", "GLIBC_2.26", LIBC))))
    (data,) = [data for name, data in members(run.path).items() if "perennial-shim" in name]
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".dynsym")
    assert isinstance(section, SymbolTableSection)
    visible = [each for each in section.iter_symbols() if each.entry.st_shndx != "SHN_UNDEF"]
    visible = [each for each in visible if each.entry.st_other.visibility == "STV_DEFAULT"]
    assert {each.name for each in visible} == {"perennial_stat", "perennial_reallocarray"}
    whole = load_shim("c", "x86_64")
    assert data.count(0) > whole.content.count(0) + 5000  # the code of the others
    other = lower(demo(tmp_path / "other", module(STAT)))
    assert shim_of(other.path).soname != shim_of(run.path).soname


def test_what_needs_no_substitute_gets_no_library(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE, POW)))
    assert sorted(facts(run.path)) == [MODULE]
    assert facts(run.path)[MODULE].rpath is None
    assert RECORD in members(run.path)


def test_what_is_honest_already_is_renamed_only(tmp_path: Path) -> None:
    content = module(Import("malloc", "GLIBC_2.2.5", LIBC))
    run = lower(demo(tmp_path, content))
    assert members(run.path)[MODULE] == content
    assert RECORD not in members(run.path)
    assert "manylinux_2_17_x86_64" in run.path.name


def test_the_tag_decides(tmp_path: Path) -> None:
    """What systems of the tag have stays as it is: stat@GLIBC_2.33 on 2.33, pthread_create@GLIBC_2.34 on 2.34."""
    source = demo(tmp_path, module(CREATE, POW, STAT))
    versions = {}
    for tag in ("manylinux_2_28", "manylinux_2_29", "manylinux_2_33", "manylinux_2_34"):
        run = lower(source, tag=tag, to=tmp_path / tag)
        versions[tag] = bound(facts(run.path)[MODULE])
        assert f"{tag}_x86_64" in run.path.name
    assert versions["manylinux_2_28"]["pow"] == ("GLIBC_2.2.5", LIBM)
    assert versions["manylinux_2_29"]["pow"] == ("GLIBC_2.29", LIBM)
    assert "perennial_stat" in versions["manylinux_2_29"]
    assert versions["manylinux_2_33"]["stat"] == ("GLIBC_2.33", LIBC)
    assert versions["manylinux_2_33"]["pthread_create"] == ("GLIBC_2.2.5", PTHREAD)
    assert versions["manylinux_2_34"]["pthread_create"] == ("GLIBC_2.34", LIBC)


def test_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, POW, STAT, STATX))
    first = lower(source, to=tmp_path / "first").path
    assert first.read_bytes() == lower(source, to=tmp_path / "second").path.read_bytes()
    again = lower(first, to=tmp_path / "again")
    assert again.wheel["status"] == "copied"
    assert again.path.read_bytes() == first.read_bytes()
    higher = lower(first, tag="manylinux_2_28", to=tmp_path / "higher")
    assert higher.path.name.startswith("demo-1.0-cp312-cp312-")


@pytest.mark.parametrize("arch", ["aarch64", "i686", "armv7l", "ppc64le", "s390x"])
def test_every_architecture_with_a_shim(arch: str, tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE, STAT, arch=arch), tags=f"cp312-cp312-linux_{arch}"))
    elf = facts(run.path)[MODULE]
    assert "perennial_stat" in bound(elf)
    assert bound(elf)["pthread_create"][1] == PTHREAD
    assert shim_of(run.path).architecture is elf.architecture
    assert f"manylinux_2_17_{arch}" in run.path.name


def test_riscv64_begins_at_its_first_glibc(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, arch="riscv64"), tags="cp312-cp312-linux_riscv64")
    assert lower(source).problems == [
        "manylinux_2_17_riscv64 is below manylinux_2_27_riscv64, the lowest tag that anything is lowered to"
    ]
    assert "manylinux_2_27_riscv64" in lower(source, tag="manylinux_2_27").path.name


def test_relative_relocations_are_written_out(tmp_path: Path) -> None:
    spec = ElfSpec.for_arch(
        "x86_64",
        needed=(LIBC,),
        verneeds=(Need(LIBC, (NeedVersion("GLIBC_ABI_DT_RELR"), NeedVersion("GLIBC_2.2.5"))),),
        imports=(Import("malloc", "GLIBC_2.2.5", LIBC),),
        exports=(Export("PyInit__core"),),
        relr=True,
    )
    run = lower(demo(tmp_path, build_elf(spec)))
    elf = facts(run.path)[MODULE]
    assert not elf.has_relr
    assert "GLIBC_ABI_DT_RELR" not in {version.name for need in elf.verneeds for version in need.versions}
    assert json.loads(members(run.path)[RECORD])["files"][0]["expanded_relr"] is True


def test_what_a_library_of_the_wheel_provides_is_left_alone(tmp_path: Path) -> None:
    """A bundled libfoo may define GLIBC_2.34, if it likes."""
    own = build_elf(
        ElfSpec.for_arch(
            "x86_64", soname="libfoo.so.1", exports=(Export("f", "GLIBC_2.34"),), verdefs=(Verdef("GLIBC_2.34"),)
        )
    )
    content = module(Import("f", "GLIBC_2.34", "libfoo.so.1"), CREATE, runpath="$ORIGIN")
    run = lower(demo(tmp_path, content, members={"demo/libfoo.so.1": own}))
    assert bound(facts(run.path)[MODULE])["f"] == ("GLIBC_2.34", "libfoo.so.1")


def test_what_is_only_given_libpthread_says_why(tmp_path: Path) -> None:
    """libstdc++ calls pthread_create by a weak reference, and the file itself refers to nothing of libpthread."""
    source = demo(tmp_path, module(THREAD, needed=(CXX, LIBC)))
    run = lower(source, tag="manylinux_2_28")
    assert facts(run.path)[MODULE].needed == (CXX, LIBC, PTHREAD)
    (file,) = json.loads(members(run.path)[RECORD])["files"]
    assert (file["references"], file["added_libpthread"]) == ([], True)
    text = run_perennial("lower", "--to", "manylinux_2_28", "--dry-run", str(source)).output
    assert f"to lower      {MODULE}  also needs libpthread.so.0, for threads of libstdc++\n" in text
    for tag, more in (("manylinux_2_28", CREATE), ("manylinux_2_34", None)):
        case = demo(tmp_path / tag, module(THREAD, *((more,) if more else ()), needed=(CXX, LIBC)))
        document = json.loads(members(lower(case, tag=tag).path).get(RECORD, b'{"files": []}'))
        assert not any(file["added_libpthread"] for file in document["files"])
    has_it = demo(tmp_path / "has", module(THREAD, needed=(CXX, PTHREAD, LIBC)))
    assert RECORD not in members(lower(has_it, tag="manylinux_2_28").path)


def test_a_graft_that_was_lowered_says_so_in_the_bill_of_materials(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libone.so").write_bytes(module(THREAD, soname="libone.so", exports=(Export("one"),), needed=(CXX, LIBC)))
    (folder / "libtwo.so").write_bytes(module(soname="libtwo.so", exports=(Export("two"),)))
    source = demo(tmp_path, module(needed=("libone.so", "libtwo.so", LIBC)))
    run = repair(source, options=("--lower-to", "manylinux_2_28", "--ldpaths", str(folder)))
    sbom = json.loads(members(run.path)["demo-1.0.dist-info/sboms/perennial.cdx.json"])
    notes = {each["name"]: each["pedigree"]["notes"] for each in sbom["components"]}
    assert "lowered for older systems" in notes["libone.so"]
    assert "lowered" not in notes["libtwo.so"]


# ----- what is refused


def test_all_that_stands_in_the_way_is_named(tmp_path: Path) -> None:
    run = lower(demo(tmp_path, module(CREATE, FMEMOPEN, FLOAT128)))
    text = " ".join(run.problems)
    assert "fmemopen@GLIBC_2.22" in text
    assert "strtof128@GLIBC_2.26" in text
    assert "pthread_create" not in text
    assert "means something else or was never compared" in text
    assert "--allow-trap" in text


def test_traps_only_if_allowed(tmp_path: Path) -> None:
    source = demo(tmp_path, module(FLOAT128))
    assert lower(source).problems
    run = lower(source, options=("--allow-trap",))
    assert run.wheel["lowering"]["traps"] == ["strtof128"]
    assert json.loads(members(run.path)[RECORD])["traps"] == ["strtof128"]
    text = run_perennial("lower", "--to", "manylinux_2_17", "--allow-trap", "--dry-run", str(source)).output
    assert "strtof128: on systems that lack it, a call says so and ends the process" in text


def test_what_is_signed_is_not_lowered(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE), members={"demo-1.0.dist-info/RECORD.jws": b"{}"})
    (problem,) = lower(source).problems
    assert "signs the wheel as it is" in problem


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"schema": "perennial.lowered/2"}', "does not have the schema perennial.lowered/1"),
        (b'{"schema": "perennial.lowered/1", "to": 7}', "does not say what the wheel was lowered to"),
        (b'{"schema": "perennial.lowered/1", "to": "any"}', "does not say what the wheel was lowered to"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    (problem,) = lower(demo(tmp_path, module(CREATE), members={RECORD: content})).problems
    assert why in problem


def test_what_was_lowered_is_not_lowered_further(tmp_path: Path) -> None:
    first = lower(demo(tmp_path, module(CREATE, STAT)), tag="manylinux_2_28").path
    (problem,) = lower(first, to=tmp_path / "second").problems
    assert problem == "it was lowered to manylinux_2_28_x86_64 before, and substitutes are not lowered again"


def test_libraries_from_outside_are_repairs_business(tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libone.so").write_bytes(module(CREATE, soname="libone.so", exports=(Export("one"),)))
    source = demo(tmp_path, module(STAT, needed=("libone.so", LIBC)))
    (problem,) = lower(source, options=("--ldpaths", str(folder))).problems
    assert "libone.so, which is neither in the wheel nor on every system" in problem
    run = repair(source, options=("--lower-to", "manylinux_2_17", "--ldpaths", str(folder)))
    (graft,) = [elf for name, elf in facts(run.path).items() if "libone" in name]
    assert bound(graft)["pthread_create"] == ("GLIBC_2.2.5", PTHREAD)
    assert "perennial_stat" in bound(facts(run.path)[MODULE])


def test_grafts_of_different_lowerings_have_different_names(tmp_path: Path) -> None:
    """The name is a hash of what is written: ld.so takes the first library of a soname for all."""
    folder = tmp_path / "lib"
    folder.mkdir()
    (folder / "libone.so").write_bytes(module(CREATE, STAT, soname="libone.so", exports=(Export("one"),)))
    source = demo(tmp_path, module(needed=("libone.so", LIBC)))
    names = set()
    for tag in ("manylinux_2_17", "manylinux_2_33", "manylinux_2_34"):
        run = repair(source, to=tmp_path / tag, options=("--lower-to", tag, "--ldpaths", str(folder)))
        names |= {name for name in facts(run.path) if "libone" in name}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lower", "x.whl"), "lower to which tag?"),
        (("lower", "--to", "manylinux_2_17"), "which wheel?"),
        (("lower", "--to", "musllinux_1_2", "x.whl"), "musl has no symbol versions"),
        (("lower", "--to", "win_amd64", "x.whl"), "not a manylinux tag"),
        (("lower", "--to", "manylinux_2_17_sparc", "x.whl"), "not a manylinux tag"),
        (("repair", "--cxx", "private", "x.whl"), "add --lower-to TAG"),
        (("repair", "--plat", "manylinux_2_17", "--lower-to", "manylinux_2_17", "x.whl"), "leave --plat out"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], said: str) -> None:
    outcome = run_perennial(*arguments)
    assert outcome.code == 2
    assert said in outcome.errors
    assert outcome.errors.count("\n") == 1


def test_the_image_that_it_was_built_in_does_not_decide(tmp_path: Path) -> None:
    """manylinux images set AUDITWHEEL_PLAT to their own tag."""
    run = repair(
        demo(tmp_path, module(CREATE)),
        options=("--lower-to", "manylinux_2_17"),
        env={"AUDITWHEEL_PLAT": "manylinux_2_34_x86_64"},
    )
    assert "manylinux_2_17_x86_64" in run.path.name


def test_musl_and_other_architectures(tmp_path: Path) -> None:
    musl = module(needed=("libc.musl-x86_64.so.1",))
    (problem,) = lower(demo(tmp_path, musl)).problems
    assert "musl" in problem
    (problem,) = lower(demo(tmp_path / "b", module(CREATE)), tag="manylinux_2_17_aarch64").problems
    assert "aarch64" in problem


# ----- libstdc++


def test_cxx_refuse_and_shim(tmp_path: Path) -> None:
    late = Import("_ZSt28__throw_bad_array_new_lengthv", "GLIBCXX_3.4.29", CXX)
    source = demo(tmp_path, module(late, needed=(CXX, LIBC)))
    assert any(
        "--cxx" in problem for problem in lower(source, tag="manylinux_2_28", options=("--cxx", "refuse")).problems
    )
    run = lower(source, tag="manylinux_2_28")
    assert "perennial__ZSt28__throw_bad_array_new_lengthv" in bound(facts(run.path)[MODULE])


def test_private_copy(tmp_path: Path) -> None:
    """Its version nodes, its soname and its unique symbols are nobody else's."""
    folder = tmp_path / "lib"
    folder.mkdir()
    exports = (
        Export("_Zf", "GLIBCXX_3.4.32"),
        Export("_Zu", "GLIBCXX_3.4.32", unique=True, kind="object", data=b"12345678"),
    )
    runtime = module(CREATE, soname=CXX, exports=exports, verdefs=(Verdef("GLIBCXX_3.4.32"),))
    (folder / CXX).write_bytes(runtime)
    source = demo(tmp_path, module(Import("_Zf", "GLIBCXX_3.4.32", CXX), needed=(CXX, LIBC)))
    assert any("--cxx private copies" in (p["remedy"] or "") for p in lower(source).wheel["problems"])
    run = lower(source, options=("--cxx", "private", "--ldpaths", str(folder)))
    elf = facts(run.path)[MODULE]
    (copy,) = [elf for name, elf in facts(run.path).items() if "stdc++" in name]
    assert copy.soname is not None
    assert copy.soname != CXX
    version, library = bound(elf)["_Zf"]
    assert library == copy.soname
    assert re.fullmatch(r"PERENNIAL_[0-9a-f]{8}_GLIBCXX_3\.4\.32", version or "")
    assert [each.name for each in copy.verdefs if not each.is_base] == [version]
    assert bound(copy)["pthread_create"] == ("GLIBC_2.2.5", PTHREAD)
    record = json.loads(members(run.path)[RECORD])
    assert record["private_libraries"] == [name for name in facts(run.path) if "stdc++" in name]
    assert any("libstdc++" in warning for warning in run.warnings)


def test_private_copies_of_different_lowerings_have_different_versions(tmp_path: Path) -> None:
    """glibc compares the names of versions, not libraries: under RTLD_GLOBAL one copy would serve the other's users."""
    folder = tmp_path / "lib"
    folder.mkdir()
    exports = (Export("_Zf", "GLIBCXX_3.4.32"),)
    runtime = module(CREATE, STAT, soname=CXX, exports=exports, verdefs=(Verdef("GLIBCXX_3.4.32"),))
    (folder / CXX).write_bytes(runtime)
    source = demo(tmp_path, module(Import("_Zf", "GLIBCXX_3.4.32", CXX), needed=(CXX, LIBC)))
    versions = set()
    for tag in ("manylinux_2_17", "manylinux_2_33"):
        run = lower(source, tag=tag, to=tmp_path / tag, options=("--cxx", "private", "--ldpaths", str(folder)))
        versions.add(bound(facts(run.path)[MODULE])["_Zf"][0])
    assert len(versions) == 2


def test_the_mark_of_a_rewritable_plt_goes(tmp_path: Path) -> None:
    """binutils 2.41 to 2.44 need GLIBC_2.36 for -z mark-plt, with no symbol; later ones a version of its own."""
    for number, mark in enumerate(("GLIBC_2.36", "GLIBC_ABI_DT_X86_64_PLT")):
        spec = ElfSpec.for_arch(
            "x86_64",
            needed=(LIBC,),
            verneeds=(Need(LIBC, (NeedVersion(mark), NeedVersion("GLIBC_2.2.5"))),),
            imports=(Import("malloc", "GLIBC_2.2.5", LIBC),),
            exports=(Export("PyInit__core"),),
            relocations=True,
            extra_dynamic=((0x70000000, 0x1000), (0x70000001, 16), (0x70000003, 16)),
        )
        run = lower(demo(tmp_path / str(number), build_elf(spec)))
        versions = {version.name for need in facts(run.path)[MODULE].verneeds for version in need.versions}
        assert versions == {"GLIBC_2.2.5"}


def test_no_private_copy_where_none_is_needed(tmp_path: Path) -> None:
    content = module(Import("_Zf", "GLIBCXX_3.4", CXX), CREATE, needed=(CXX, LIBC))
    run = lower(demo(tmp_path, content), options=("--cxx", "private"))
    assert sorted(facts(run.path)) == [MODULE]


# ----- what show says


def test_show_says_how_low_it_could_go(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, POW, STAT))
    found = reach(audit_of(source), load_knowledge())
    assert found is not None
    assert found.tag == PlatformTag.manylinux((2, 17), "x86_64")
    assert len(found.bindings) == 3
    assert found.limits == ()
    output = run_perennial("show", str(source)).output
    assert "manylinux_2_17_x86_64, binding 2 references to older versions, 1 to substitutes" in output
    assert "perennial lower --to manylinux_2_17\n" in output


def test_show_names_what_limits_it(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, FMEMOPEN))
    found = reach(audit_of(source), load_knowledge())
    assert found is not None
    assert found.tag == PlatformTag.manylinux((2, 22), "x86_64")
    assert [str(each) for each in found.limits] == ["fmemopen@GLIBC_2.22"]


def test_what_show_says_is_what_lower_does(tmp_path: Path) -> None:
    cases = ((CREATE,), (POW, STAT), (FMEMOPEN, CREATE), (STATX,), (FLOAT128, STAT))
    for number, imports in enumerate(cases):
        source = demo(tmp_path / str(number), module(*imports))
        found = reach(audit_of(source), load_knowledge())
        assert found is not None
        assert found.tag is not None
        run = lower(source, tag=found.tag.text)
        assert found.tag.text in run.path.name
        below = f"manylinux_2_{(found.tag.version or (2, 0))[1] - 1}"
        if found.limits:
            assert lower(source, tag=below, to=tmp_path / f"below-{number}").problems


def test_nothing_is_said_where_nothing_can_be_done(tmp_path: Path) -> None:
    for number, imports in enumerate(((FMEMOPEN,), (Import("malloc", "GLIBC_2.2.5", LIBC),))):
        assert reach(audit_of(demo(tmp_path / str(number), module(*imports))), load_knowledge()) is None


# ----- the shims that are shipped


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "i686", "armv7l", "ppc64le", "s390x", "riscv64"])
def test_shims_need_nothing_new(arch: str) -> None:
    shim = load_shim("c", arch)
    assert shim.exports
    assert all(name.startswith("perennial_") for name in shim.exports)
    first = (2, 27) if arch == "riscv64" else (2, 17)
    for need in shim.elf.verneeds:
        for version in need.versions:
            numbers = tuple(int(part) for part in version.name.removeprefix("GLIBC_").split("."))
            assert numbers[:2] <= first, (need.file, version.name)


def test_show_names_what_has_to_come_in_first(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, needed=("libone.so", LIBC)))
    found = reach(audit_of(source), load_knowledge())
    assert found is not None
    assert (found.tag, found.outside) == (PlatformTag.manylinux((2, 17), "x86_64"), ("libone.so",))
    assert "perennial repair --lower-to manylinux_2_17\n" in run_perennial("show", str(source)).output


def test_show_knows_what_a_private_libstdcxx_would_do(tmp_path: Path) -> None:
    source = demo(tmp_path, module(CREATE, Import("_Zf", "GLIBCXX_3.4.21", CXX), needed=(CXX, LIBC)))
    found = reach(audit_of(source), load_knowledge())
    assert found is not None
    assert found.private_tag == PlatformTag.manylinux((2, 17), "x86_64")
    assert [str(each) for each in found.limits] == ["_Zf@GLIBCXX_3.4.21"]
    assert "perennial lower --to manylinux_2_17 --cxx private\n" in run_perennial("show", str(source)).output
    only = reach(audit_of(demo(tmp_path / "b", module(Import("_Zf", "GLIBCXX_3.4.21", CXX)))), load_knowledge())
    assert only is not None
    assert (only.tag, only.private_tag) == (None, PlatformTag.manylinux((2, 17), "x86_64"))


def test_perennial_itself_is_for_every_system() -> None:
    """Its wheel is py3-none-any, and what it would say of ELF files in such a wheel is an error."""
    package = Path(perennial.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path for path in files if path.read_bytes()[:4] == b"\x7fELF"] == []
