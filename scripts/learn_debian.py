#!/usr/bin/env python3
"""Rebuilds `knowledge/data/symbols/` from a Debian mirror: `learn_debian.py --keyring FILE [--mirror URL]`.

Learns what each suite provides on each of its architectures that tags can name, and what its
musl exports (as `musl:VERSION`, without what Debian's patches change in it). Writes the store with
the hashes of the package indices that it was made from (`inputs.tsv`). The keyring is that of the
package debian-archive-keyring; the mirror is apt's where none is given. Downloads 450 MB, once: what
was downloaded is kept in perennial's cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from perennial.errors import PerennialError
from perennial.index.cache import default_cache_dir
from perennial.index.settings import settings_from_pip
from perennial.knowledge.snapshot import ABSENT, Snapshot
from perennial.knowledge.symbol_store_encode import encode
from perennial.knowledge.symbol_store_format import FOLDER, SUFFIX
from perennial.knowledge.tables import DATA
from perennial.learn.download import Downloader
from perennial.learn.mirror import MirrorSnapshot, learn_suite, open_suite
from perennial.platform_tag import Libc

# As releases.tsv names them; what is learned today of a stable release has had its updates.
RELEASES = {
    "bullseye": "debian:11",
    "bookworm": "debian:12",
    "trixie": "debian:13",
    "forky": "debian:testing",
    "sid": "debian:unstable",
}
KIND = "updates"

# Debian's patches of musl: the fts functions since 1.2.3, renameat2 before its time in 1.2.5, and
# no crypt functions in 1.2.3. Without them, 1.2.5 exports just what ziglang's list of it has.
MUSL_ADDED = frozenset({"fts_children", "fts_close", "fts_open", "fts_read", "fts_set"})
MUSL_EARLY = frozenset({"renameat2"})
MUSL_REMOVED = frozenset({"crypt", "crypt_r", "encrypt", "setkey"})

HEADER = """\
# The package indices that symbols/ was learned from; written by scripts/learn_debian.py, do not edit.
release\tsuite\tarchitecture\tpoint_release\tdate\tindex\tsha256
"""


def learn_all(mirror: str, keyring: Path, cache: Path) -> Iterator[MirrorSnapshot]:
    """Every suite on every architecture; prints a row of a table for each."""
    settings = settings_from_pip(os.environ, index_url=mirror)
    with Downloader(cache / "packages", settings, plain_http=True) as downloader:
        for name, release in RELEASES.items():
            # A mirror that was frozen on some day is as good as that day was.
            suite = open_suite(mirror, name, downloader, keyring=keyring, now=datetime.now(UTC), allow_expired=True)
            for architecture in suite.release.architectures:
                learned = learn_suite(suite, architecture, downloader, release=release, kind=KIND)
                print(row(name, learned.snapshot), file=sys.stderr)
                yield learned
                musl = learn_suite(suite, architecture, downloader, release="musl:0", kind=KIND, libc=Libc.MUSL)
                yield musl._replace(snapshot=as_upstream(musl.snapshot))


def as_upstream(musl: Snapshot) -> Snapshot:
    """Debian's build of musl as a snapshot of musl itself, without what Debian's patches change."""
    version = musl.packages["musl"].partition("-")[0]
    (library,) = musl.libraries
    symbols = {symbol for symbol, _ in library.exports}
    added = MUSL_ADDED | (MUSL_EARLY if version == "1.2.5" else frozenset())
    removed = MUSL_REMOVED if version == "1.2.3" else frozenset()
    exports = tuple((symbol, None) for symbol in sorted((symbols - added) | removed))
    return musl._replace(release=f"musl:{version}", libraries=(library._replace(exports=exports),))


def oldest(learned: Iterable[MirrorSnapshot]) -> list[MirrorSnapshot]:
    """The first of each release and architecture: suites may have one version of musl."""
    kept: dict[tuple[str, str, str], MirrorSnapshot] = {}
    for each in learned:
        kept.setdefault(each.snapshot.info.key, each)
    return list(kept.values())


def row(suite: str, snapshot: Snapshot) -> str:
    there = [library for library in snapshot.libraries if library.tier != ABSENT]
    symbols = sum(len(library.exports) for library in there)
    nodes = sum(len(library.nodes) for library in there)
    return f"{suite:10}{snapshot.architecture:13}{len(there):3} libraries {nodes:4} nodes {symbols:6} symbols"


def inputs(learned: list[MirrorSnapshot]) -> str:
    rows = [
        (
            each.snapshot.release, each.release.codename, each.snapshot.architecture, each.release.version or "-",
            each.release.date, each.packages.path, each.packages.sha256,
        )
        for each in learned
    ]  # fmt: skip
    return HEADER + "".join("\t".join(each) + "\n" for each in rows)


def apt_mirror() -> str | None:
    """The Debian mirror that apt is configured with."""
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)", "Created-By: Packages"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = [line.removeprefix("Debian ") for line in output.splitlines() if line.startswith("Debian ")]
    return found[0] if found else None


def write(folder: Path, files: dict[str, bytes], index: str) -> None:
    """Replaces the store."""
    folder.mkdir(exist_ok=True)
    for old in [*folder.glob(f"*{SUFFIX}"), *folder.glob("*.tsv")]:
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "inputs.tsv").write_text(index, encoding="utf-8", newline="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Rebuilds the shipped symbols from a Debian mirror.")
    parser.add_argument("--mirror", default=apt_mirror(), help="URL (default: apt's)")
    parser.add_argument("--keyring", required=True, type=Path, help="the keys that must vouch for it")
    arguments = parser.parse_args()
    if not arguments.mirror:
        parser.error("apt names no Debian mirror here: give --mirror")
    try:
        learned = oldest(learn_all(arguments.mirror, arguments.keyring, default_cache_dir(os.environ)))
        files = encode(each.snapshot for each in learned)
    except PerennialError as error:
        print(error, file=sys.stderr)
        return 3
    write(Path(DATA, FOLDER), files, inputs(learned))
    print(f"{len(learned)} snapshots, {len(files)} files, {sum(map(len, files.values()))} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
