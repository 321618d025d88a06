"""Libraries with initial-exec thread-local storage for which no room is left when they are loaded.

Such a library (DF_STATIC_TLS) needs a fixed offset from the thread pointer, in a block that every thread
got when it was made. What a process sets aside in it for libraries that come by dlopen is 1664 bytes in
all versions of glibc: `TLS_STATIC_SURPLUS` was 64 + 100 * DL_NNS with DL_NNS 16 up to 2.31, and since
2.32 `_dl_tls_static_surplus_init` has `LEGACY_TLS`, which keeps the sum at that value. Libraries that the
interpreter itself needs do not count.
"""

from __future__ import annotations

from collections.abc import Iterator

from perennial.coload.conflict import BindingLink, Conflict, name_of
from perennial.coload.imports import Import, Pair
from perennial.coload.library import DF_STATIC_TLS
from perennial.coload.loader import LoadedObject, Process
from perennial.coload.profile import is_c_library
from perennial.finding import Rule, Severity
from perennial.lean_typing import Final

RULE: Final = Rule(
    "static-tls-exhausted",
    "Needs more static thread-local storage than is left",
    "The import fails with 'cannot allocate memory in static TLS block', depending on what was imported before.",
)

SURPLUS: Final = 1664
# Of that, TLSDESC and powerpc's optimization may have taken up to 512 bytes for libraries that could do
# without (`rtld.optional_static_tls`, since 2.32; before, there was no limit).
OPTIONAL: Final = 512


def find_alone(imported: Import) -> Iterator[Conflict]:
    users = _users(imported.process)
    if users and _size(users) > SURPLUS - OPTIONAL:
        yield _conflict((imported.package.name,), users)


def find(pair: Pair) -> Iterator[Conflict]:
    users = _users(pair.process)
    alone = max(_size(_users(imported.process)) for imported in (pair.first, pair.second))
    if _size(users) > SURPLUS - OPTIONAL and alone <= SURPLUS - OPTIONAL:
        yield _conflict((pair.first.package.name, pair.second.package.name), users)


def _conflict(order: tuple[str, ...], users: list[LoadedObject]) -> Conflict:
    size = _size(users)
    largest = sorted(users, key=lambda loaded: (-_block(loaded), name_of(loaded)))
    fails = size > SURPLUS
    what = ", ".join(f"{name_of(loaded)} ({_block(loaded)})" for loaded in largest[:4])
    if fails:
        outcome = f"which is more than the {SURPLUS} that glibc has for libraries that are loaded later"
    else:
        outcome = f"of {SURPLUS}, up to {OPTIONAL} of which other libraries may have taken by then"
    return Conflict(
        rule=RULE.id,
        severity=Severity.ERROR if fails else Severity.WARNING,
        order=order,
        symbol=None,
        bindings=tuple(
            BindingLink(name_of(loaded), "PT_TLS", None, None, None, f"{_block(loaded)} bytes, with DF_STATIC_TLS")
            for loaded in largest[:8]
        ),
        message=f"libraries with static thread-local storage need {size} bytes: {what}; {outcome}",
        remedy=(
            f"{name_of(largest[0])}: compile without -ftls-model=initial-exec. Until then: import it first, or set "
            f"GLIBC_TUNABLES=glibc.rtld.optional_static_tls={OPTIONAL + size} (glibc 2.32 and later)"
        ),
    )


def _users(process: Process) -> list[LoadedObject]:
    at_start = {loaded.library.path for loaded in process.at_start}
    return [
        loaded
        for loaded in process.objects
        if loaded.library.path not in at_start
        and loaded.library.elf.tls is not None
        and loaded.library.elf.flags & DF_STATIC_TLS
        and not is_c_library(loaded.library.name)
    ]


def _block(loaded: LoadedObject) -> int:
    """What one takes: `_dl_try_allocate_static_tls` rounds up to the alignment of each."""
    tls = loaded.library.elf.tls
    if tls is None:
        return 0
    alignment = max(tls.alignment, 1)
    return -(-tls.size // alignment) * alignment


def _size(users: list[LoadedObject]) -> int:
    return sum(map(_block, users))
