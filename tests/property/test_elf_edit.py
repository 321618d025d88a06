"""Whatever file the builder makes and whatever is wanted of it: the edited file says what was wanted,
and all else as before; or the edit is refused with a typed error.

The oracle is again the builder's spec, changed by rules written anew here: perennial's own notion of
what an edit leads to (elf/edit/facts.py) is not asked.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from perennial.elf.dynamic_symbols import Binding, SymbolColumns
from perennial.elf.edit import ElfChanges, SearchPath, StripLevel, VersionRename, edit_elf
from perennial.elf.edit.skeleton import read_skeleton
from perennial.elf.edit.symbols import dynamic_symbols
from perennial.elf.model import ElfFile, StackPermission
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, PerennialError, UsageError
from tests.property.test_elf_roundtrip import damaged, expected, specs
from tests.support.elf_builder import ET_DYN, ET_EXEC, ElfSpec, Export, build_elf, build_elf_with_layout

# Some that files have already, some that end other names, some that are new and short or long.
NAMES = st.sampled_from(
    ["libc.so.6", "libm.so.6", "c.so.6", "libnew-0123abcd.so.1", "n", "libé.so", "memcpy", "lib" + "x" * 200 + ".so"]
)
PATHS = st.sampled_from(["", "$ORIGIN", "$ORIGIN/../some_package.libs:$ORIGIN/.", "/opt/" + "y" * 100])
VERSIONS = st.sampled_from(["GLIBC_2.2.5", "GLIBC_2.14", "V1", "PRIVATE_1"])


@st.composite
def changes_for(draw: st.DrawFn, spec: ElfSpec) -> ElfChanges:
    """Changes that make sense together, of what the file has and of what it lacks."""
    there = sorted({*spec.needed, *(need.library for need in spec.all_verneeds), "libabsent.so"})
    there = [name for name in there if name.isprintable()]
    pool = draw(st.permutations(there))
    renames = tuple((old, draw(NAMES)) for old in pool[: draw(st.integers(0, 2))])
    removed = tuple(pool[len(renames) : len(renames) + draw(st.integers(0, 1))])
    exports = sorted({export.name for export in spec.exports if export.name.isprintable()})
    versions = [*draw(st.lists(st.tuples(VERSIONS, VERSIONS, st.none() | st.sampled_from(there)), max_size=2))]
    return ElfChanges(
        soname=draw(st.none() | NAMES),
        rename_needed=renames,
        add_needed=tuple(draw(st.lists(NAMES, max_size=2))),
        remove_needed=removed,
        search_path=draw(st.none() | st.builds(SearchPath, PATHS, st.booleans())),
        rename_versions=tuple(VersionRename(*row) for row in versions),
        hide_symbols=tuple(draw(st.lists(st.sampled_from(exports), max_size=2))) if exports else (),
        blank_symbols=tuple(draw(st.lists(st.sampled_from([*exports, "absent"]), max_size=2))),
        clear_executable_stack=draw(st.booleans()),
        expand_relr=draw(st.booleans()),
        unique_to_global=draw(st.booleans()),
        clear_plt_marks=draw(st.booleans()),
        strip=draw(st.sampled_from(list(StripLevel))),
    )


@st.composite
def specs_and_changes(draw: st.DrawFn) -> tuple[ElfSpec, ElfChanges]:
    spec = draw(specs())
    return spec, draw(changes_for(spec))


def wanted(spec: ElfSpec, changes: ElfChanges) -> ElfFile:
    """The facts of the file that the builder would have made, had the changes been known."""
    facts = expected(spec)
    if changes.clear_executable_stack:
        facts = facts._replace(stack=StackPermission.NOT_EXECUTABLE)
    if not facts.is_dynamic:
        return facts
    library = dict(changes.rename_needed)
    version = {(rename.library, rename.old): rename.new for rename in changes.rename_versions}
    needed: list[str] = []
    for name in facts.needed:
        if name in changes.remove_needed:
            continue
        new = library.get(name, name)
        if new == name or new not in {*facts.needed, *needed}:
            needed.append(new)
    for name in changes.add_needed:
        if name not in needed:
            needed.append(name)
    used = {(symbol.library, symbol.version) for symbol in spec.imports}
    gone: set[tuple[str | None, str | None]] = {(None, "GLIBC_ABI_DT_RELR")} if changes.expand_relr else set()
    if changes.clear_plt_marks and spec.machine == 62:
        gone |= {(None, "GLIBC_ABI_DT_X86_64_PLT"), *({("libc.so.6", "GLIBC_2.36")} - used)}
    verneeds = []
    for need in facts.verneeds:
        versions = tuple(
            v._replace(name=version.get((need.file, v.name), v.name))
            for v in need.versions
            if (None, v.name) not in gone and (need.file, v.name) not in gone
        )
        if versions and need.file not in changes.remove_needed:
            verneeds.append(need._replace(file=library.get(need.file, need.file), versions=versions))
    imports = [
        symbol._replace(version=None, library=None)
        if symbol.library in changes.remove_needed
        else symbol._replace(
            version=symbol.version and version.get((symbol.library, symbol.version), symbol.version),
            library=symbol.library and library.get(symbol.library, symbol.library),
        )
        for symbol in facts.imports
    ]
    hidden = {*changes.hide_symbols, *changes.blank_symbols}
    exports = tuple(export for export in facts.exports or () if export.name not in hidden)
    if changes.unique_to_global:
        exports = tuple(
            export._replace(binding=Binding.GLOBAL) if export.binding is Binding.UNIQUE else export
            for export in exports
        )
    path = changes.search_path
    return facts._replace(
        soname=changes.soname or facts.soname,
        has_relr=facts.has_relr and not changes.expand_relr,
        needed=tuple(needed),
        rpath=facts.rpath if path is None else (path.text or None) if not path.runpath else None,
        runpath=facts.runpath if path is None else (path.text or None) if path.runpath else None,
        verneeds=tuple(verneeds),
        verdefs=tuple(
            verdef
            if verdef.is_base
            else verdef._replace(
                name=version.get((None, verdef.name), verdef.name),
                parents=tuple(version.get((None, name), name) for name in verdef.parents),
            )
            for verdef in facts.verdefs
        ),
        undefined=SymbolColumns.of(imports),
        exports=tuple(
            export._replace(version=export.version and version.get((None, export.version), export.version))
            for export in exports
        ),
    )


@settings(max_examples=300)
@given(specs_and_changes())
def test_an_edited_file_says_what_was_wanted(case: tuple[ElfSpec, ElfChanges]) -> None:
    spec, changes = case
    data, places = build_elf_with_layout(spec)
    try:
        edited = edit_elf(data, changes)
    except (ElfEditError, UsageError) as error:
        event(f"refused: {type(error).__name__}")
        assert str(error).isprintable()  # noqa: PT017 - being refused is no failure
        return
    event("unchanged" if edited is data else "edited")
    assert read_elf(edited, exports=True) == wanted(spec, changes)
    # code and data stand where they stood
    for section, content in ((".text", spec.text + bytes(spec.text_size)), (".rodata", spec.rodata)):
        if section in places:
            assert edited[places[section] : places[section] + len(content)] == content
    # the same once more changes nothing, to the byte
    assert edit_elf(edited, changes) is edited


@settings(max_examples=150)
@given(specs(), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 20)), min_size=1, max_size=8), st.randoms())
def test_definitions_that_are_taken_out_leave_zeros(spec: ElfSpec, rows: list[tuple[int, int]], random: Random) -> None:
    """Functions one behind the other, with gaps: those that are blanked are zeros, and all else is as before."""
    assume((spec.machine, spec.little_endian) != (21, False))  # where a function's symbol is no address of code
    spec = spec.but(
        type=ET_DYN, static=False, base=0, interpreter=None, hash_style=random.choice(["gnu", "sysv", "both"])
    )
    code, places = b"\xa5" * 400, []
    at = 0
    for gap, size in ((2 * gap, 2 * size) for gap, size in rows):  # even: bit 0 means Thumb to ARM
        places.append((at + gap, size))
        at += gap + size
    spec = spec.but(text=code, exports=tuple(Export(f"f{n}", value=1, size=1) for n in range(len(places))))
    first, offsets = build_elf_with_layout(spec)
    start = offsets[".text"]
    (load,) = [load for load in read_skeleton(first).loads if load.offset <= start < load.end]
    address = start - load.offset + load.vaddr
    exports = tuple(Export(f"f{n}", value=address + place, size=size) for n, (place, size) in enumerate(places))
    data = build_elf(spec.but(exports=exports))
    chosen = [n for n in range(len(places)) if random.random() < 0.5]
    for n in chosen:
        code = code[: places[n][0]] + bytes(places[n][1]) + code[sum(places[n]) :]
    edited = edit_elf(data, ElfChanges(blank_symbols=tuple(f"f{n}" for n in chosen)))
    wanted = bytearray(data)
    wanted[start : start + len(code)] = code
    elf = read_skeleton(data)
    fields, word, (table, symbols, strings) = elf.records.symbol, elf.records.pointer.size, dynamic_symbols(elf)
    for place in range(fields.size, len(table), fields.size):
        (name,) = elf.records.word.unpack_from(table, place)
        if strings[name : strings.index(0, name)] in [f"f{n}".encode() for n in chosen]:
            wanted[symbols + place + fields.other] |= 2
            for field in (symbols + place + fields.value, symbols + place + fields.extent):
                wanted[field : field + word] = bytes(word)
    assert edited == wanted
    facts, blanked = read_elf(data, exports=True), {f"f{n}" for n in chosen}
    left = tuple(export for export in facts.exports or () if export.name not in blanked)
    assert read_elf(edited, exports=True) == facts._replace(exports=left)


@settings(max_examples=100)
@given(specs_and_changes(), specs_and_changes())
def test_a_second_edit_finds_room_in_the_first(
    case: tuple[ElfSpec, ElfChanges], other: tuple[ElfSpec, ElfChanges]
) -> None:
    """Whatever a file became by an edit, names can be changed again; and the facts are those of both."""
    spec, first = case
    second = ElfChanges(soname=other[1].soname, search_path=other[1].search_path)
    try:
        once = edit_elf(build_elf(spec), first)
    except PerennialError:
        return
    try:
        twice = edit_elf(once, second)
    except ElfEditError as error:
        # what had no need to grow may have no room to
        assert "no room" in str(error) or "statically" in str(error)  # noqa: PT017
        return
    facts = wanted(spec, first)
    path = second.search_path
    if facts.is_dynamic:
        facts = facts._replace(soname=second.soname or facts.soname)
        if path is not None:
            text = path.text or None
            facts = facts._replace(rpath=None if path.runpath else text, runpath=text if path.runpath else None)
    assert read_elf(twice, exports=True) == facts


@settings(max_examples=300)
@given(damaged(), specs().flatmap(changes_for))
def test_damage_ends_in_a_typed_error_or_in_an_edit_that_holds(data: bytes, changes: ElfChanges) -> None:
    """Any other exception than perennial's own fails the test."""
    try:
        edited = edit_elf(data, changes)
    except PerennialError as error:
        assert str(error).isprintable()  # noqa: PT017
        return
    facts = read_elf(edited)
    assert changes.soname is None or facts.soname == changes.soname or not facts.is_dynamic
    assert edit_elf(edited, changes) == edited


@pytest.mark.parametrize("kind", [ET_DYN, ET_EXEC])
@pytest.mark.parametrize("page", [0x1000, 0x10000, 0x200000])
@settings(max_examples=25)
@given(spec=specs())
def test_files_that_linkers_write_always_have_room(spec: ElfSpec, kind: int, page: int) -> None:
    """With section headers, a build id and a hash table, as everything that a linker writes for loading."""
    spec = spec.but(
        type=kind, static=False, base=0 if kind == ET_DYN else 0x400000, page_size=page, section_headers=True,
        build_id=b"12345678901234567890", hash_style="both", stack="rw", layout="gnu-new",
    )  # fmt: skip
    changes = ElfChanges(
        soname="libnew-0123abcd.so.1",
        add_needed=("liba.so", "libb.so"),
        search_path=SearchPath("$ORIGIN", runpath=True),
    )
    data = build_elf(spec)
    edited = edit_elf(data, changes)
    assert len(edited) - len(data) < 8192, "a few names are not worth more"
