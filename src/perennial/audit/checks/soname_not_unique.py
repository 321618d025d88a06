"""Bundled libraries under names that other libraries in the process may have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from perennial.audit.context import Content
from perennial.finding import Finding, Rule, Severity
from perennial.lean_typing import Final

RULE = Rule(
    "soname-not-unique",
    "Bundles a library under a name that is not its own",
    "ld.so loads one object per soname: if the process already has one of that name, from the system or another "
    "wheel, this wheel gets that one, and the other way round.",
)

# name-1a2b3c4d.so.1, name-r0-1a2b3c4d.3.15.so: six hexadecimal digits or more, not all of one kind, or eight
_UNIQUE: Final = re.compile(r"[-._](?:(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6,}|[0-9a-f]{8,})(?=[-.])")

# What interpreters and their standard library's extension modules load on the distributions: a
# process has one of these before it imports any wheel (Debian's libpython3-stdlib, Fedora's python3-libs).
_IN_EVERY_PYTHON: Final = (
    "libbz2.so", "libcrypt.so", "libcrypto.so", "libexpat.so", "libffi.so", "libgdbm.so", "liblzma.so", "libmpdec.so",
    "libncurses.so", "libncursesw.so", "libpanelw.so", "libreadline.so", "libsqlite3.so", "libssl.so", "libtinfo.so",
    "libuuid.so", "libz.so", "libzstd.so",
)  # fmt: skip


def check(content: Content) -> Iterator[Finding]:
    paths = {member.path: elf for member, elf in content.files}
    for path, users in sorted(content.resolutions.bundled_users().items()):
        soname = paths[path].soname
        if soname is None or _UNIQUE.search(soname):
            continue
        common = soname in content.platform or f"{soname.partition('.so')[0]}.so" in _IN_EVERY_PYTHON
        yield Finding(
            RULE.id,
            Severity.WARNING if common else Severity.INFO,
            path,
            f"{path} has the soname {soname}, "
            + ("which systems use for a library of their own" if common else "which another wheel may use too")
            + f"; {users[0]} needs it by that name",
            requires=soname,
            remedy="Give it a soname with a hash of its content, and let what needs it follow.",
        )
