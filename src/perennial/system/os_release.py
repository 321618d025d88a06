"""os-release(5): which distribution a root file system is."""

from __future__ import annotations

from perennial.lean_typing import NamedTuple
from perennial.system.root import Files


class OsRelease(NamedTuple):
    """`debian`, `12`; "" for what it does not say. Rolling distributions have no VERSION_ID."""

    id: str
    version_id: str


def read_os_release(files: Files) -> OsRelease:
    """The file in /etc, and else the one in /usr/lib, which is what it is a link to where it is one."""
    for path in ("etc/os-release", "usr/lib/os-release"):
        fields = {}
        for line in (files.read(path) or b"").decode("utf-8", "replace").split("\n"):
            key, equals, value = line.partition("=")
            if equals:
                fields[key] = value.strip("\"'")
        if fields.get("ID"):
            return OsRelease(fields["ID"], fields.get("VERSION_ID", ""))
    return OsRelease("", "")
