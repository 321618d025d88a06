"""Which release a system is, by its os-release file (os-release(5)): what it says it is, not what it has.

The ids there are the distributions' own; the knowledge has its own for some, and major versions for those
that number their point releases.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from perennial.lean_typing import Final
from perennial.tags.root import Root

_LARGEST: Final = 1 << 16
_FAMILIES: Final = {
    "amzn": "amazonlinux", "rocky": "rockylinux", "ol": "oraclelinux", "opensuse-leap": "opensuse", "arch": "archlinux"
}  # fmt: skip
_MAJOR_ONLY: Final = frozenset({"rhel", "almalinux", "rockylinux", "oraclelinux", "debian"})
_TWO_PARTS: Final = frozenset({"alpine"})


def os_release(root: Root) -> dict[str, str]:
    """The fields of a root's os-release file; {} where it has none."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        data = root.read(path, _LARGEST)
        if data is not None:
            return parse_os_release(data.decode("utf-8", "replace"))
    return {}


def release_id(said: Mapping[str, str]) -> str | None:
    """The id that the knowledge would have, known or not: `debian:12` of ID=debian and VERSION_ID="12".

    None where one of them is missing.
    """
    name, version = said.get("ID", "").lower(), said.get("VERSION_ID", "").lower()
    if not name or not version:
        return None
    family = _FAMILIES.get(name, name)
    if family in _MAJOR_ONLY:
        version = version.partition(".")[0]
    elif family in _TWO_PARTS:
        version = ".".join(version.split(".")[:2])
    if family == "centos" and "stream" in said.get("NAME", "").lower():
        version = f"stream{version}"
    return f"{family}:{version}"


def parse_os_release(text: str) -> dict[str, str]:
    """The variables that a file assigns; lines that a shell could not read are left out."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            try:
                words = shlex.split(value)
            except ValueError:  # a quote that does not end
                continue
            found[key] = words[0] if words else ""
    return found
