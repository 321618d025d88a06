#!/usr/bin/env python3
"""Rebuilds `knowledge/data/linkage/` from a Debian mirror: `make_linkage.py [--mirror URL]`.

What `perennial coload` has to know of a system: the definitions and references of its C library, of the
libraries that wheels load from the system and that refer to their own symbols through the loader
(libstdc++, libgcc_s, libgomp, libatomic, zlib, expat), and of the distribution's Python, with what that
needs. One file an architecture, one line a release; beside them the packages that they were made from
(`inputs.tsv`).

They are the packages of the very indices that `symbols/` was learned from: `symbols/inputs.tsv` has the hash of
each, whose signature `learn_debian.py` has verified, so that both say the same of a release, and the mirror is
trusted with nothing. Mirrors keep indices by their hash for some months; where one is gone, learn first. What was
downloaded is kept in perennial's cache.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from perennial.arch import Architecture
from perennial.coload.conflict import holds_state, is_allocator
from perennial.coload.library import Library, read_library
from perennial.coload.library_format import decode_library, encode_library
from perennial.coload.profile import FOLDER, SUFFIX
from perennial.coload.rules.leaked_unwinder import is_unwinding
from perennial.elf.export_hashes import hash_word
from perennial.elf.linkage import Definition, SymbolKind
from perennial.errors import PerennialError
from perennial.index.cache import default_cache_dir
from perennial.index.settings import settings_from_pip
from perennial.knowledge.symbol_store_format import FOLDER as SYMBOLS
from perennial.knowledge.tables import DATA
from perennial.learn.deb import Deb
from perennial.learn.debian_index import BinaryPackage, IndexFile, Release
from perennial.learn.download import Downloader
from perennial.learn.limits import Budget
from perennial.learn.members import Kind
from perennial.learn.mirror import Suite, packages_of

# Name and title, as releases.tsv has them, oldest first
RELEASES = {
    "debian:11": "Debian 11",
    "debian:12": "Debian 12",
    "debian:13": "Debian 13",
    "debian:testing": "Debian testing",
    "debian:unstable": "Debian unstable",
}
LARGEST_INDEX = 64 << 20  # bytes; the inputs' table has no sizes
PACKAGES = ("libc6", "libstdc++6", "libgcc-s1", "libgomp1", "libatomic1", "zlib1g", "libexpat1")
SONAMES = re.compile(
    r"lib(c|m|pthread|dl|rt|util|resolv)\.so\.\d|ld(-linux|64)[^/]*|lib(stdc\+\+|gcc_s|gomp|atomic|z|expat)\.so\.\d"
)
HEADER = """\
# The packages that linkage/ was made from; written by scripts/make_linkage.py, do not edit.
release\tarchitecture\tpackage\tversion\tsha256
"""


class Made(NamedTuple):
    """A release on one architecture, and the rows about its inputs."""

    release: str
    architecture: Architecture
    record: dict[str, Any]
    inputs: tuple[tuple[str, ...], ...]


def make_all(mirror: str, cache: Path) -> Iterator[Made]:
    settings = settings_from_pip(os.environ, index_url=mirror)
    rows = {release: [row for row in learned_from() if row["release"] == release] for release in RELEASES}
    with Downloader(cache / "packages", settings, plain_http=True) as downloader:
        for release, title in RELEASES.items():
            for row in rows[release]:
                architecture = Architecture(row["architecture"])
                made = make(suite_of(row, mirror), architecture, downloader, release, title)
                counts = sum(len(each["defines"]) for each in made.record["libraries"])
                print(f"{release:16} {architecture:12} {counts} definitions", file=sys.stderr)
                yield made


def learned_from() -> Iterator[dict[str, str]]:
    """The rows of `symbols/inputs.tsv`."""
    lines = Path(DATA, SYMBOLS, "inputs.tsv").read_text(encoding="utf-8").splitlines()
    columns, *rows = (line.split("\t") for line in lines if not line.startswith("#"))
    for row in rows:
        yield dict(zip(columns, row, strict=True))


def suite_of(row: dict[str, str], mirror: str) -> Suite:
    """The suite as it was when that index was its own: with this one file."""
    index = IndexFile(row["index"], LARGEST_INDEX, row["sha256"])
    release = Release(
        suite=row["suite"], codename=row["suite"], version=row["point_release"], date=row["date"], valid_until=None,
        architectures=(Architecture(row["architecture"]),), by_hash=True, files={index.path: index},
    )  # fmt: skip
    return Suite(f"{mirror.rstrip('/')}/dists/{row['suite']}", mirror.rstrip("/"), release, is_verified=True)


def make(suite: Suite, architecture: Architecture, downloader: Downloader, release: str, title: str) -> Made:
    _, packages = packages_of(suite, architecture, downloader)
    python = python_package(packages)
    libraries: dict[str, Library] = {}
    program = None
    inputs = []
    for name in sorted({*PACKAGES, python}):
        package = packages[name]
        path = downloader.file(f"{suite.mirror}/{package.path}", size=package.size, sha256=package.sha256)
        inputs.append((release, architecture.value, name, package.version, package.sha256))
        for member, data in elf_files(path):
            library = read_library(data, f"/{member}", None)
            if name == python and re.fullmatch(r"usr/bin/python3\.\d+", member):
                program = library
            elif library.elf.soname and SONAMES.fullmatch(library.elf.soname):
                libraries.setdefault(library.elf.soname, library)
    if program is None:
        raise SystemExit(f"{release} on {architecture}: {python} has no interpreter")
    unknown = [name for name in program.elf.needed if name not in libraries]
    if unknown:
        raise SystemExit(f"{release} on {architecture}: the interpreter needs {', '.join(unknown)}")
    record = {
        "title": title,
        "glibc": packages["libc6"].version.partition("-")[0],
        "program": encode_library(by_name(program)),
        "libraries": [encode_library(by_name(libraries[soname])) for soname in sorted(libraries)],
    }
    return Made(release, architecture, record, tuple(inputs))


def by_name(library: Library) -> Library:
    """With its symbols in alphabetical order: symbol tables have that of a hash, which takes half as much again."""
    definitions, references = library.linkage.definitions, library.linkage.references
    ordered = {name: definitions[name] for name in sorted(definitions)}
    asked = tuple(sorted(references, key=lambda one: (one.name, one.version or "", one.library or "")))
    return library._replace(linkage=library.linkage._replace(definitions=ordered, references=asked))


def python_package(packages: dict[str, BinaryPackage]) -> str:
    """The package that has the interpreter of /usr/bin/python3."""
    for name, *_ in packages["python3-minimal"].depends:
        if re.fullmatch(r"python3\.\d+-minimal", name):
            return name
    raise SystemExit("python3-minimal depends on no interpreter")


def elf_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """The programs and libraries in a package: not those in folders of their own, which are for some processors."""
    with path.open("rb") as file:
        for member in Deb(file, Budget(str(path))).members():
            if member.kind is Kind.FILE and re.fullmatch(r"(usr/)?(lib/[^/]+|lib64|bin)/[^/]+", member.name):
                data = member.read()
                if data.startswith(b"\x7fELF"):
                    yield member.name, data


def apt_mirror() -> str | None:
    """The Debian mirror that apt is configured with."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = [line.removeprefix("Debian ") for line in output.splitlines() if line.startswith("Debian ")]
    return found[0] if found else None


# Libraries that others load from the system, and that reach their own symbols through the loader
RUNTIMES = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1")
RUNTIME_HEADER = """\
# Symbols that shared libraries of the system refer to through the loader, and that do harm where a wheel takes
# them: the union over the releases in linkage/; written by scripts/make_linkage.py, do not edit.
symbol\tlibrary\tkind\thash
"""


def runtime_symbols(made: list[Made]) -> str:
    """The table of variables, allocators and functions of exceptions that a wheel should not export."""
    rows = set()
    for each in made:
        found = {one["soname"]: decode_library(one, None).linkage for one in each.record["libraries"]}
        for soname in RUNTIMES:
            for reference in found[soname].references:
                owner = next((name for name in RUNTIMES if reference.name in found[name].definitions), None)
                if owner is None or reference.binds_locally:
                    continue
                kind = kind_of(reference.name, found[owner].definitions[reference.name][0])
                if kind is not None:
                    rows.add((reference.name, soname, kind, f"{hash_word(reference.name):08x}"))
    return RUNTIME_HEADER + "".join("\t".join(row) + "\n" for row in sorted(rows))


def kind_of(symbol: str, definition: Definition) -> str | None:
    if definition.kind is SymbolKind.TLS:
        return "thread-local variable"
    if is_allocator(symbol):
        return "allocator"
    if is_unwinding(symbol):
        return "exceptions"
    return "variable" if holds_state(symbol, definition) else None


def write(folder: Path, made: list[Made]) -> None:
    """Replaces what is there; the same packages give the same bytes."""
    folder.mkdir(exist_ok=True)
    for architecture in sorted({each.architecture for each in made}):
        lines = [
            f"{each.release}\t{json.dumps(each.record, separators=(',', ':'))}\n"
            for each in made
            if each.architecture is architecture
        ]
        data = lzma.compress("".join(lines).encode(), check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME)
        (folder / f"{architecture.value}{SUFFIX}").write_bytes(data)
        print(f"{architecture.value}{SUFFIX}: {len(data)} bytes", file=sys.stderr)
    rows = sorted(row for each in made for row in each.inputs)
    (folder.parent / "runtime_symbols.tsv").write_text(runtime_symbols(made), encoding="utf-8", newline="\n")
    table = HEADER + "".join("\t".join(row) + "\n" for row in rows)
    (folder / "inputs.tsv").write_text(table, encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Rebuilds the shipped linkage of system libraries.")
    parser.add_argument("--mirror", default=apt_mirror(), help="URL (default: apt's)")
    arguments = parser.parse_args()
    if not arguments.mirror:
        parser.error("apt names no Debian mirror here: give --mirror")
    try:
        made = list(make_all(arguments.mirror, default_cache_dir(os.environ)))
    except PerennialError as error:
        print(error, file=sys.stderr)
        return 3
    write(Path(DATA, FOLDER), made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
