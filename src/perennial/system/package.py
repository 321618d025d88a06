"""An installed package, and its package URL (ECMA-427; types deb, rpm, apk and alpm of the purl registry)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from enum import StrEnum

from perennial.lean_typing import Final, NamedTuple, Protocol
from perennial.system.os_release import OsRelease

# "The following characters MUST NOT be percent-encoded": alphanumerics, punctuation (.-_~), and "the colon ':',
# whether used as a Separator Character or otherwise" (ECMA-427, Character encoding).
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~:")


class Manager(StrEnum):
    """A package manager, as the type of a package URL names it."""

    DPKG = "deb"
    RPM = "rpm"
    APK = "apk"
    PACMAN = "alpm"


class Package(NamedTuple):
    """An installed package, in the words of its manager's database; "" for what that does not say."""

    name: str
    version: str  # with epoch (1:2.1.5-2), where there is one
    architecture: str = ""
    manager: Manager = Manager.DPKG
    source: str = ""  # the name of the source package it was built from
    licence: str = ""  # as the manager's record states it: an SPDX expression, or something older
    distribution: OsRelease = OsRelease("", "")

    @property
    def purl(self) -> str | None:
        """pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64&distro=debian-12; None where the distribution is not known.

        All four types require a namespace, which is the distribution's ID in os-release(5).
        """
        vendor, release = self.distribution
        if not vendor or not self.name or not self.version:
            return None
        # of the four types, only rpm's names are case sensitive
        name = self.name if self.manager is Manager.RPM else self.name.lower()
        version, epoch = self.version, ""
        if self.manager is Manager.RPM and ":" in version:
            epoch, _, version = version.partition(":")  # "the epoch is a qualifier" (rpm-definition)
        qualifiers = {
            "arch": self.architecture,
            "distro": f"{vendor}-{release}" if release else vendor,
            "epoch": epoch,
        }
        said = "&".join(f"{key}={quoted(value)}" for key, value in sorted(qualifiers.items()) if value)
        where = f"{quoted(vendor.lower())}/{quoted(name)}@{quoted(version)}"
        return f"pkg:{self.manager}/{where}{'?' if said else ''}{said}"


class Claim(NamedTuple):
    """A package says that it has installed a path; without the leading slash, spelled as the package has it."""

    package: Package
    path: str


class Database(Protocol):
    """One package manager's records."""

    def claims(self, names: Collection[str]) -> Iterator[Claim]:
        """Every claim to a path whose last part is one of the names, those that are quickly found first."""

    def licences(self, package: Package) -> tuple[str, ...]:
        """Where the texts of its licence ought to be, as paths or folders."""


def quoted(text: str) -> str:
    """A part of a package URL, percent-encoded."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())
