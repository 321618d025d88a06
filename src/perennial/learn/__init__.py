"""Learning what a distribution release provides, from what it is made of.

PEP 600 leaves open what a release's libraries export, and every new tag has made people look it up.
Here, looking it up is a function: a source goes in, a `Snapshot` comes out.

    streams, limits           bytes that come once, decompressed, counted
    tar, deb, rpm, apk        archives -> members
    tree, folder, image       members -> a root file system, as far as it matters here
    owners                    the package manager's records -> which package a library is from
    libraries                 a file -> what it exports, if it is one of those that matter
    packages, sources         packages, folders, images -> libraries
    debian_index, tiers       a mirror's indices; how deep in an installation a package comes
    download, mirror          the same from a mirror, for every architecture
    assemble                  libraries -> a Snapshot
    user_data                 a user's own snapshots

All of these come from anybody, and are read as such: within limits, forward only, and with
nothing written to disk but what is downloaded, and an image's archive where it is compressed.
"""

from __future__ import annotations

from perennial.lean_typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perennial.learn.sources import Request, learn_path
    from perennial.learn.user_data import data_folder, own_snapshots, read_snapshot, save_snapshot

__all__ = ["Request", "data_folder", "learn_path", "own_snapshots", "read_snapshot", "save_snapshot"]


def __getattr__(name: str) -> Any:
    """Imports what is asked for: audits look for a user's own snapshots, and learn nothing (20 ms)."""
    if name in __all__:
        from importlib import import_module

        of_sources = name in ("Request", "learn_path")
        return getattr(import_module(f"{__name__}.{'sources' if of_sources else 'user_data'}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
