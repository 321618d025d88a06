"""dpkg's records: `status`, `info/*.list`, `diversions` (dpkg(1), deb822(5)); `status.d` of images without dpkg.

A system has a thousand lists of files with a hundred thousand lines, of which a handful are asked for. They are
searched as bytes, beginning with the lists of packages that are called like the file: Debian Policy 8.1 has
libjpeg.so.62 in libjpeg62. A path is in one list only, except where two packages share an identical file or one diverts
another's, and diversions are written down, so that the search may end when it has found what it looks for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from perennial.lean_typing import Final
from perennial.system.os_release import OsRelease
from perennial.system.package import Claim, Manager, Package
from perennial.system.root import Files
from perennial.system.stanzas import read_stanzas

_FOLDER: Final = "var/lib/dpkg"
_LIST: Final = ".list"
_SUMS: Final = ".md5sums"
_SHORT_STEM: Final = 6  # libicu, of libicuuc.so.72 in libicu72


class Dpkg:
    """The records of one root file system; each file of them is read at most once."""

    def __init__(self, files: Files, distribution: OsRelease) -> None:
        self._files = files
        self._distribution = distribution
        self._lists: dict[str, bytes] = {}
        self._status: bytes | None = None
        self._diversions: dict[str, tuple[str, str]] | None = None  # path -> where it went, for which package

    def claims(self, names: Collection[str]) -> Iterator[Claim]:
        """See Database."""
        # what lies there under one of the names may be what another path was diverted to
        diverted = [path for path, (target, _) in self._diverted_paths().items() if _name(target) in names]
        wanted = {name.encode() for name in (*names, *map(_name, diverted))}
        endings = tuple(b"/%b\n" % name for name in wanted)
        for file in self._in_likely_order(names):
            data = self._list(file)
            if not any(ending in data for ending in endings):
                continue
            package = self._package(file)
            if package is None:
                continue
            for line in data.split(b"\n"):
                if line.rpartition(b"/")[2] in wanted:
                    yield Claim(package, self._diverted(_path(file, line), package))

    def licences(self, package: Package) -> tuple[str, ...]:
        """Debian Policy 12.5: every package has "a verbatim copy of its distribution license(s)" there."""
        return (f"usr/share/doc/{package.name}/copyright",)

    def _in_likely_order(self, names: Collection[str]) -> Iterator[str]:
        """All lists, lazily: those of packages called like the files, then libraries' (they have several
        architectures, as info/libz:amd64.list), then the others.
        """
        lists = [file for file in self._files.names(f"{_FOLDER}/info") if file[-5:] == _LIST]
        stems = tuple({_stem(name) for name in names})
        short = tuple({stem[:_SHORT_STEM] for stem in stems})
        for group in (stems, short):
            yield from (f"info/{file}" for file in lists if file.startswith(group))
            lists = [file for file in lists if not file.startswith(group)]
        yield from (f"info/{file}" for file in lists if ":" in file)
        yield from (f"info/{file}" for file in lists if ":" not in file)
        for file in self._files.names(f"{_FOLDER}/status.d"):
            if file.endswith(_SUMS):
                yield f"status.d/{file}"

    def _list(self, file: str) -> bytes:
        if file not in self._lists:
            self._lists[file] = self._files.read(f"{_FOLDER}/{file}") or b""
        return self._lists[file]

    def _package(self, file: str) -> Package | None:
        """The package of a list: info/NAME.list, info/NAME:ARCHITECTURE.list or status.d/NAME.md5sums."""
        folder, _, name = file.partition("/")
        if folder == "status.d":
            name = name.removesuffix(_SUMS)
            return next(self._stanzas(self._files.read(f"{_FOLDER}/status.d/{name}") or b"", None, ""), None)
        name, _, architecture = name.removesuffix(_LIST).partition(":")
        return next(self._stanzas(self._whole_status(), name, architecture), None)

    def _whole_status(self) -> bytes:
        if self._status is None:
            self._status = b"\n" + (self._files.read(f"{_FOLDER}/status") or b"")
        return self._status

    def _stanzas(self, status: bytes, name: str | None, architecture: str) -> Iterator[Package]:
        """The packages of a name in a status file; in one without others, whatever is there."""
        at = 0
        mark = b"" if name is None else f"\nPackage: {name}\n".encode()
        while (at := status.find(mark, at)) >= 0:
            # a stanza: from the empty line before to the one after the field
            start, end = status.rfind(b"\n\n", 0, at + 1) + 1, status.find(b"\n\n", at + 1)
            stanza = status[max(start, 0) : end if end >= 0 else len(status)]
            fields = next(read_stanzas(stanza.decode("utf-8", "replace").strip("\n")), {})
            if fields and architecture in ("", fields.get("Architecture", "")):
                yield self._from_fields(fields)
            if name is None:
                return
            at += len(mark)

    def _from_fields(self, fields: dict[str, str]) -> Package:
        name = fields.get("Package", "")
        # "Source: zlib (1:1.2.13)", or nothing where the names are the same (deb-control(5))
        source = fields.get("Source", name).partition(" ")[0]
        version, architecture = fields.get("Version", ""), fields.get("Architecture", "")
        return Package(name, version, architecture, Manager.DPKG, source, "", self._distribution)

    def _diverted(self, path: str, package: Package) -> str:
        """Where a package's file really is: dpkg-divert(1) moves those of all packages but one."""
        target, diverter = self._diverted_paths().get(path, (path, ""))
        return path if diverter == package.name else target

    def _diverted_paths(self) -> dict[str, tuple[str, str]]:
        if self._diversions is None:
            lines = (self._files.read(f"{_FOLDER}/diversions") or b"").decode("utf-8", "surrogateescape").split("\n")
            thirds = zip(lines[::3], lines[1::3], lines[2::3], strict=False)
            self._diversions = {one.lstrip("/"): (to.lstrip("/"), by) for one, to, by in thirds}
        return self._diversions


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _path(file: str, line: bytes) -> str:
    path = line if file.endswith(_LIST) else line.partition(b"  ")[2]  # md5sums: "HASH  PATH"
    return path.decode("utf-8", "surrogateescape").lstrip("/")


def _stem(name: str) -> str:
    """libgeos-c of libgeos_c.so.1: how the name of the package begins."""
    found = re.match(r"[a-z+-]*", name.lower().replace("_", "-"))
    return found[0] if found else ""
