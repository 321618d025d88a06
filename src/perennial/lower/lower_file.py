"""What becomes of one file's references, from its facts."""

from __future__ import annotations

from collections.abc import Collection

from perennial.audit.requirements import RELR_VERSION
from perennial.elf.dynamic_symbols import DynamicSymbol
from perennial.elf.edit import ElfChanges, VersionChange
from perennial.elf.model import ElfFile
from perennial.lean_typing import Final, NamedTuple
from perennial.lower.references import MARKS, PLT_MARKS, references
from perennial.policy.derive import Version
from perennial.policy.lowering import Binding, Lowering, Refusal

PTHREAD: Final = "libpthread.so.0"
_MERGED: Final = (2, 34)  # from here on, libc.so.6 has what libpthread had
_THREADS: Final = (
    *("_ZNSt6thread", "_ZNSt18condition_variable", "_ZSt11__once_call", "_ZSt15__once_callable", "__once_proxy"),
    *("_ZNSt13__future_base", "_ZNSt28__atomic_futex_unsigned_base"),
)


class FileLowering(NamedTuple):
    """What is done to one file. Nothing, where all of it is empty.

    `needs_threads`: libstdc++ wants libpthread.so.0 in the process for it, which none of `bindings` brings.
    """

    bindings: tuple[Binding, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    expand_relr: bool = False
    clear_plt_marks: bool = False
    needs_threads: bool = False

    @property
    def shims(self) -> frozenset[str]:
        """The kinds of shim that it comes to need."""
        return frozenset(each.treatment.shim for each in self.bindings if each.treatment.shim is not None)

    @property
    def libraries(self) -> tuple[str, ...]:
        """The libraries of the system that it comes to need."""
        found = {each.library for each in self.bindings if each.library is not None}
        return tuple(sorted({*found, *((PTHREAD,) if self.needs_threads else ())}))

    @property
    def changes(self) -> ElfChanges:
        """The changes of the file, but for what it is to need."""
        return ElfChanges(
            rebind=tuple(_version_change(binding) for binding in self.bindings),
            expand_relr=self.expand_relr,
            clear_plt_marks=self.clear_plt_marks,
        )


def _version_change(binding: Binding) -> VersionChange:
    library, symbol, version, _ = binding.reference
    return VersionChange(symbol, library, version, binding.symbol, binding.library, binding.version)


def lower_file(elf: ElfFile, platform: Collection[str], lowering: Lowering, version: Version) -> FileLowering:
    """Decides about all references to libraries that come from the system (`platform`, sonames)."""
    bindings: list[Binding] = []
    refusals: list[Refusal] = []
    markers: set[str] = set()
    for reference in references(elf, platform):
        if not reference.symbol:
            if not lowering.is_provided(reference, version):
                markers.add(reference.version)
                if reference.version not in MARKS:
                    refusals.append(Refusal(reference, "it stands for a property of the file, not for a symbol"))
            continue
        match lowering.choose(reference, version):
            case Binding() as binding:
                bindings.append(binding)
            case Refusal() as refusal:
                refusals.append(refusal)
            case None:
                pass
    return FileLowering(
        bindings=tuple(bindings),
        refusals=tuple(refusals),
        expand_relr=RELR_VERSION in markers,
        clear_plt_marks=not markers.isdisjoint(PLT_MARKS),
        needs_threads=version < _MERGED
        and PTHREAD not in {*elf.needed, *(binding.library for binding in bindings)}
        and any(map(_is_of_threads, elf.imports)),
    )


def _is_of_threads(symbol: DynamicSymbol) -> bool:
    """Whether a file has libstdc++ work with threads: before glibc 2.34 that calls pthread_create and others by weak
    references (gthr-posix.h), which are null where nobody has brought libpthread along. What was linked on newer
    systems does not.
    """
    return symbol.library is not None and symbol.library.startswith("libstdc++.") and symbol.name.startswith(_THREADS)
