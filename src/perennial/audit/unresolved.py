"""Undefined symbols that nothing in the process provides.

CPython loads extension modules with RTLD_NOW (`sys.getdlopenflags`), so that ld.so looks for
every symbol at once: in what was loaded globally before, that is the interpreter with its
libraries, and in the module with all that it loads. A strong reference that finds nothing ends
the import with "undefined symbol".

Of an extension module, and of the libraries in the wheel that it loads, a name is unresolved only
where all of this is certain:

- everything that the module loads is known: members of the wheel whose hash tables tell what they
  do not export, and platform libraries that load no others than those listed here;
- no release of glibc or musl exports it, nor any learned release's build of these libraries;
- no other member of the wheel does, which Python code may have loaded before, for all to see;
- it is no name of an interpreter, and of no library that some interpreters have built in. A name
  that CPython is known to export counts where the module is for one minor release that has it not.

What is asked first is what settles most names at the least cost: the wheel's own libraries, by
hash. The names that are left after that are few, and in most wheels none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from perennial.audit.requirements import Imports
from perennial.audit.resolve import EXTENSION_MODULE, Bundled, Missing, Resolutions
from perennial.audit.symbol_needs import Exporters
from perennial.elf.dynamic_symbols import Binding
from perennial.elf.export_hashes import has_word, hash_word, not_among
from perennial.elf.model import ElfFile
from perennial.knowledge.glibc_history import load_glibc_history
from perennial.knowledge.knowledge import MUSL_SONAME
from perennial.knowledge.musl_history import load_musl_history
from perennial.knowledge.python_names import is_of_interpreter, load_python_names
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.policy import Policies
from perennial.wheel.member import WheelMember
from perennial.wheel.wheel import Wheel

# Besides the C library's own: platform libraries that need nothing but each other and the C library (their DT_NEEDED
# on Debian 11 to sid). libX11 brings libxcb, and GLib libpcre, of which nothing is known here.
_SELF_CONTAINED: Final = frozenset(
    {"libgcc_s.so.1", "libstdc++.so.6", "libatomic.so.1", "libz.so.1", "libexpat.so.1", "libmvec.so.1", "libnsl.so.1"}
)
# Libraries that some builds of CPython have linked in and let everybody see: its own copies (Modules/expat,
# Modules/_decimal/libmpdec), and what a static build takes for its standard library.
_LINKED_IN: Final = ("libz.so.1", "libexpat.so.1")
_UNCERTAIN: Final = (
    *("mpd_", "ffi_", "XML_", "BZ2_", "lzma_", "sqlite3_", "SSL_", "CRYPTO_", "EVP_", "rl_", "uuid_", "Tcl_", "Tk_"),
    *("gdbm_", "ZSTD_"),
)
_BY_MINOR: Final = re.compile(r"\.cpython-([23])(\d+)m?-[^./]*\.so$")
_TAGGED: Final = r"cp([23])(\d+)-cp\1\2(?:m|mu)?"

_LARGE: Final = frozenset({"libc.so.6", "libm.so.6"})

Minor = tuple[int, int]
_Names = frozenset[str]


class Unresolved(NamedTuple):
    """Names that a member needs and nothing exports; `python` is set where they are CPython's, and that release
    of it lacks them.
    """

    member: str
    names: tuple[str, ...]
    python: Minor | None = None


def find_unresolved(
    wheel: Wheel,
    files: tuple[tuple[WheelMember, ElfFile], ...],
    policies: Policies,
    imports: Mapping[str, Imports],
    resolutions: Resolutions,
    *,
    exporters: Exporters | None,
) -> tuple[Unresolved, ...]:
    """Sorted by member. `files` are the wheel's of its own architecture. `exporters` as for `find_symbol_needs`; it is
    asked where hashes leave a name, and without it no member counts whose hashes are not known.
    """
    elves = {member.path: elf for member, elf in files}
    modules = [path for path, elf in elves.items() if _is_module(path, elf)]
    pending = _pending(modules, elves, imports, resolutions, _Known(policies))
    if pending and exporters is not None:
        exported = exporters(frozenset().union(*pending.values()))
        pending = {member: names.difference(exported) for member, names in pending.items()}
    found = [Unresolved(member, tuple(sorted(names))) for member, names in pending.items() if names]
    found += _of_python(wheel, modules, imports)
    return tuple(sorted(found, key=lambda each: (each.member, each.names)))


def _is_module(path: str, elf: ElfFile) -> bool:
    """Whether Python can import a file: it has the function that Python then calls."""
    if elf.export_hashes is None or not path.endswith(".so"):
        return False
    stem = path.rpartition("/")[2].partition(".")[0]
    return any(has_word(elf.export_hashes, hash_word(prefix + stem)) for prefix in ("PyInit_", "init"))


def _pending(
    modules: Iterable[str],
    elves: Mapping[str, ElfFile],
    imports: Mapping[str, Imports],
    resolutions: Resolutions,
    known: _Known,
) -> dict[str, _Names]:
    """What a module and the libraries with it need, and neither a member, by its hashes, nor the platform exports."""
    closures = [
        closure
        for module in modules
        if (closure := _closure(module, resolutions)) is not None and known.all_of(closure.platform)
    ]
    members = frozenset().union(*(closure.members for closure in closures))
    wanted = {member: _wanted(elves[member], imports[member], resolutions.of(member)) for member in members}
    names = frozenset().union(*wanted.values()) - known.of_musl
    asked = [name for name in names if not is_of_interpreter(name)]
    if not asked:
        return {}
    left = not_among(asked, (elf.export_hashes for elf in elves.values() if elf.export_hashes))
    pending: dict[str, _Names] = {}
    for closure in closures if left else ():
        for member in closure.members:
            missing = known.missing(wanted[member] & left, closure.platform)
            if missing:
                pending[member] = pending.get(member, frozenset()) | missing
    return pending


class _Closure(NamedTuple):
    """What is loaded with a module: members, itself among them, and libraries of the platform."""

    members: _Names
    platform: _Names


def _closure(module: str, resolutions: Resolutions) -> _Closure | None:
    """None where some library is from elsewhere."""
    loaded = {module}
    waiting = [module]
    platform: set[str] = set()
    for path in waiting:  # grows as it goes
        for resolution in resolutions.of(path).values():
            if isinstance(resolution, Bundled):
                if resolution.path not in loaded:
                    loaded.add(resolution.path)
                    waiting.append(resolution.path)
            elif isinstance(resolution, Missing):
                return None
            else:
                platform.add(resolution.soname)
    return _Closure(frozenset(loaded), frozenset(platform))


def _wanted(elf: ElfFile, imported: Imports, own: Mapping[str, object]) -> _Names:
    """Strong references without version, and those at a version of a library that the wheel brings. What has a
    version of the platform's is judged by that.
    """
    bundled = {library for library, _ in imported.versioned if isinstance(own.get(library), Bundled)}
    if not bundled:
        return imported.required
    return imported.required.union(
        symbol.name for symbol in elf.imports if symbol.library in bundled and symbol.binding is not Binding.WEAK
    )


class _Known:
    """What platforms and interpreters are known to export."""

    def __init__(self, policies: Policies) -> None:
        self._arch: Final = policies.arch.value
        self._knowledge: Final = policies.knowledge
        self._libc: Final = policies.libc
        # All references to musl have no version: most of what a module wants is this.
        self.of_musl: Final[_Names] = load_musl_history(self._arch).symbols if self._libc is Libc.MUSL else frozenset()

    def all_of(self, platform: _Names) -> bool:
        """Whether these platform libraries load no others than each other."""
        return platform <= (self._libc_sonames() | _SELF_CONTAINED)

    def missing(self, names: _Names, platform: _Names) -> _Names:
        """Those of `names` that neither these libraries of any release export, nor any interpreter may have.

        A name with an escape was not text in the file, and its hash is another's.
        """
        left = (name for name in names if "\\" not in name and not name.startswith(_UNCERTAIN))
        return frozenset(name for name in left if not self._may_be_there(name, platform))

    def _may_be_there(self, name: str, platform: _Names) -> bool:
        """What is asked first is read at the least cost, and settles most: libpthread, libdl and zlib."""
        if self._libc is Libc.GLIBC and self._was_in_glibc(name, large=False):
            return True
        shipped = self._knowledge.shipped_symbols(self._arch)
        if any(shipped.versions(soname, name) for soname in _LINKED_IN):
            return True
        if self._libc is Libc.GLIBC and self._was_in_glibc(name, large=True):
            return True
        store, libc = self._knowledge.symbols(self._arch), self._libc_sonames()
        if not platform <= libc.union(store.sonames):
            return True  # nobody has learned what such a library exports on this architecture
        # Every process has the C library, which exports GLIBC_PRIVATE names too; the histories leave these out.
        return (
            any(store.versions(soname, name) for soname in (*_LINKED_IN, *sorted(platform - libc), *sorted(libc)))
            or name in load_python_names().others
        )

    def _was_in_glibc(self, name: str, *, large: bool) -> bool:
        history = load_glibc_history(self._arch)
        libraries = (library for library in history.libraries if (library in _LARGE) is large)
        return any(history.exports(library, name) for library in libraries)

    def _libc_sonames(self) -> _Names:
        if self._libc is Libc.GLIBC:
            return frozenset(load_glibc_history(self._arch).libraries)
        return frozenset(
            soname
            for soname in self._knowledge.libraries(Libc.MUSL, self._arch)
            if soname == MUSL_SONAME or soname.startswith(("libc.musl-", "ld-musl-"))
        )


def _of_python(wheel: Wheel, modules: Iterable[str], imports: Mapping[str, Imports]) -> Iterator[Unresolved]:
    """Names of CPython that the one minor release for which a module is does not have."""
    for module in modules:
        version = _minor_of(module, wheel)
        if version is not None:
            gone = imports[module].required & load_python_names().gone_from(version)
            if gone:
                yield Unresolved(module, tuple(sorted(gone)), version)


def _minor_of(module: str, wheel: Wheel) -> Minor | None:
    """The minor release that a module is for, by its own name or, where that does not say, by the wheel's."""
    match = _BY_MINOR.search(module)
    if match is None and EXTENSION_MODULE.search(module) is None:
        match = re.fullmatch(_TAGGED, "-".join(wheel.filename.text.split("-")[-3:-1]))
    return None if match is None else (int(match[1]), int(match[2]))
