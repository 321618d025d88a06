"""Libraries as plain data: what the shipped profiles and the cache of facts are written in.

A library's record is what JSON can say, and small: names apart from what is said about them, and of
that each combination once (there are a few dozen of version, kind and binding, and thousands of
names). Decoding checks types as far as a damaged file could lead somewhere, and raises `ValueError`.
"""

from __future__ import annotations

from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable

from perennial.arch import ElfAbi
from perennial.coload.library import Library
from perennial.elf.dynamic_symbols import NO_SYMBOLS, Binding
from perennial.elf.linkage import Definition, Linkage, Reference, SymbolKind
from perennial.elf.model import ElfFile, ElfType, StackPermission, TlsSegment
from perennial.lean_typing import Any, Final

_KINDS: Final = {kind.value: kind for kind in SymbolKind}
_BINDINGS: Final = {binding.value: binding for binding in Binding}
_STACKS: Final = {stack.value: stack for stack in StackPermission}


def encode_library(library: Library) -> dict[str, Any]:
    """A library's record, without the package that brings it."""
    elf, linkage = library.elf, library.linkage
    attributes: dict[tuple[object, ...], int] = {}
    definitions = [
        (name, one.size, attributes.setdefault(_about_definition(one), len(attributes)))
        for name, found in linkage.definitions.items()
        for one in found
    ]
    traits: dict[tuple[object, ...], int] = {}
    references = [
        (reference.name, traits.setdefault(_about_reference(reference), len(traits)))
        for reference in linkage.references
    ]
    return {
        "path": library.path,
        "soname": elf.soname,
        "needed": list(elf.needed),
        "rpath": elf.rpath,
        "runpath": elf.runpath,
        "abi": list(elf.abi),
        "type": elf.type.value,
        "interpreter": elf.interpreter,
        "flags": elf.flags,
        "flags_1": elf.flags_1,
        "build_id": elf.build_id,
        "tls": None if elf.tls is None else list(elf.tls),
        "stack": elf.stack.value,
        "versioned": linkage.is_versioned,
        "symbolic": linkage.is_symbolic,
        "left_out": b64encode(array("I", sorted(linkage.left_out)).tobytes()).decode(),
        "attributes": [list(each) for each in attributes],
        "defines": [name for name, _, _ in definitions],
        "sizes": [size for _, size, _ in definitions],
        "defined_as": [number for _, _, number in definitions],
        "traits": [list(each) for each in traits],
        "asks": [name for name, _ in references],
        "asked_as": [number for _, number in references],
    }


def _about_definition(one: Definition) -> tuple[object, ...]:
    return one.version, one.hidden, one.number, one.binding.value, one.kind.value, one.writable


def _about_reference(one: Reference) -> tuple[object, ...]:
    return one.version, one.library, one.weak, one.kind.value, one.own, one.binds_locally


def decode_library(record: Any, package: str | None) -> Library:
    """The library of a record; raises `ValueError` where it is none."""
    try:
        return _decode(record, package)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"not the record of a library: {error!r}") from error


def _decode(record: dict[str, Any], package: str | None) -> Library:
    attributes = [
        (version, hidden, number, _BINDINGS[binding], _KINDS[kind], writable)
        for version, hidden, number, binding, kind, writable in record["attributes"]
    ]
    definitions: dict[str, tuple[Definition, ...]] = {}
    for name, size, about in zip(record["defines"], record["sizes"], record["defined_as"], strict=True):
        version, hidden, number, binding, kind, writable = attributes[about]
        one = Definition(version, hidden, number, binding, kind, size, writable)
        definitions[name] = (*definitions[name], one) if name in definitions else (one,)
    traits = [
        (version, library, weak, _KINDS[kind], own, local)
        for version, library, weak, kind, own, local in record["traits"]
    ]
    references = tuple(
        Reference(name, *traits[number]) for name, number in zip(record["asks"], record["asked_as"], strict=True)
    )
    tls = record["tls"]
    elf = ElfFile(
        abi=ElfAbi(*record["abi"]), os_abi=0, type=ElfType(record["type"]), is_dynamic=True,
        interpreter=record["interpreter"], soname=record["soname"], needed=_texts(record["needed"]),
        rpath=record["rpath"], runpath=record["runpath"], verneeds=(), verdefs=(), undefined=NO_SYMBOLS, exports=None,
        export_hashes=None, flags=record["flags"], flags_1=record["flags_1"], has_text_relocations=False,
        has_relr=False,
        stack=_STACKS[record["stack"]], tls=None if tls is None else TlsSegment(*tls), build_id=record["build_id"],
        x86_isa_needed=0, x86_isa_used=0,
    )  # fmt: skip
    symbolic = bool(record["symbolic"])
    left_out = array("I", b64decode(record["left_out"], validate=True))
    linkage = Linkage(
        definitions,
        references,
        is_versioned=bool(record["versioned"]),
        is_symbolic=symbolic,
        left_out=frozenset(left_out),
    )
    return Library(str(record["path"]), package, elf, linkage, symbolic)


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
