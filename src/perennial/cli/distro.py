"""perennial distro: what distribution releases provide, and learning it."""

from __future__ import annotations

import argparse
import os
import sys

from perennial.arch import Architecture
from perennial.cli.exit_codes import ExitCode
from perennial.errors import KnowledgeError, UsageError
from perennial.lean_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perennial.knowledge.snapshot import Snapshot
    from perennial.knowledge.symbol_store import SymbolStore

USAGE = "perennial distro ACTION ..."
SUMMARY = "what distribution releases provide, and learn it"
DESCRIPTION = """\
Lists the distribution releases that verdicts rest on, shows what is known of one, and learns
what a release provides, symbol by symbol: from an installed system, a container image,
packages or a mirror. What was learned here overlays the knowledge that ships with perennial.
"""
EPILOG = """\
examples:
  perennial distro list
  perennial distro show debian:12
  perennial distro learn image.tar --as rhel:9
  perennial distro learn --mirror https://mirror.example/debian --suite trixie --arch all --as debian:13
  perennial distro export rhel:9 --arch x86_64 > rhel_9-x86_64-updates.json
"""
LEARN_DESCRIPTION = """\
Reads what a release provides and keeps it. SOURCE is the root of a file system (a folder, or a
tar archive, plain or compressed), `/` for this system, a container image (an OCI layout, or what
`docker save` wrote), a package (.deb, .rpm, .apk), or a folder of packages. With --mirror, the
release is read from a Debian-style mirror instead, for any architecture.
"""
LEARN_EPILOG = """\
examples:
  perennial distro learn / --as debian:12
  perennial distro learn rootfs.tar.xz --as ubuntu:24.04
  perennial distro learn image/ --arch aarch64
  perennial distro learn packages/ --as fedora:43 --date 2025-10-28 --kind release
  perennial distro learn --mirror https://mirror.example/debian --suite sid --arch riscv64 --as debian:unstable
"""
SUBCOMMANDS = True  # its arguments cannot be parsed intermixed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True)
    raw = argparse.RawDescriptionHelpFormatter

    learn = actions.add_parser(
        "learn", help="read what a release provides", description=LEARN_DESCRIPTION, epilog=LEARN_EPILOG,
        formatter_class=raw,
    )  # fmt: skip
    _add_learn_arguments(learn)

    listing = actions.add_parser("list", help="list the releases", description="Lists the known releases.")
    listing.add_argument("--all", action="store_true", help="also those that count for no policy")
    listing.add_argument("--json", action="store_true", help="as JSON")

    show = actions.add_parser(
        "show", help="what is known of a release", description="Shows what is known of a release."
    )
    show.add_argument("release", metavar="RELEASE", help="such as debian:12; `perennial distro list` has them")
    show.add_argument("--arch", choices=[arch.value for arch in Architecture], help="its libraries on one architecture")
    show.add_argument("--json", action="store_true", help="as JSON")

    export = actions.add_parser(
        "export", help="write what was learned of a release as a file",
        description="Writes what was learned of a release on an architecture as JSON, to hand on.",
    )  # fmt: skip
    export.add_argument("release", metavar="RELEASE", help="such as debian:12")
    export.add_argument("--arch", choices=[arch.value for arch in Architecture], default=Architecture.X86_64.value)
    export.add_argument("--kind", choices=("release", "updates"), help="which, where there are both")
    export.add_argument("-o", "--output", metavar="FILE", help="write to a file instead of standard output")


def _add_learn_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", metavar="SOURCE", help="a root file system, an image, or packages")
    parser.add_argument(
        "--as", dest="release", metavar="RELEASE", help="which release it is: debian:13 (default: what it says itself)"
    )
    parser.add_argument("--arch", metavar="ARCH", help=f"architecture: {', '.join(Architecture)}; `all` with --mirror")
    parser.add_argument("--date", metavar="DATE", help="the day on which it was so (default: today, or the mirror's)")
    parser.add_argument(
        "--kind", choices=("release", "updates"), default="updates",
        help="as on the day of its release, or with updates since (default)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="write to this file instead of keeping it")
    group = parser.add_argument_group("from a mirror")
    group.add_argument("--mirror", metavar="URL", help="a Debian-style mirror")
    group.add_argument("--suite", metavar="SUITE", help="trixie, stable, …")
    group.add_argument("--keyring", metavar="FILE", help="the keys that must vouch for it; needs gpgv")
    group.add_argument("--allow-expired", action="store_true", help="also if its Release file is no longer valid")


def run(arguments: argparse.Namespace) -> int:
    action = {"learn": _learn, "list": _list, "show": _show, "export": _export}[arguments.action]
    return action(arguments)


def _learn(arguments: argparse.Namespace) -> int:
    from perennial.cli.output import write_output
    from perennial.knowledge.snapshot import ABSENT
    from perennial.knowledge.snapshot_json import check_date, check_release, snapshot_to_json
    from perennial.learn.user_data import data_folder, save_snapshot

    for problem in (
        None if arguments.release is None else check_release(arguments.release),
        None if arguments.date is None else check_date(arguments.date),
    ):
        if problem is not None:
            raise UsageError(problem)
    snapshots = _from_mirror(arguments) if arguments.mirror is not None else _from_source(arguments)
    if arguments.output is not None and len(snapshots) != 1:
        raise UsageError("--output takes one snapshot: name one architecture with --arch")
    for snapshot in snapshots:
        if arguments.output is not None:
            write_output(snapshot_to_json(snapshot), arguments.output)
            place = arguments.output
        else:
            place = str(save_snapshot(snapshot, data_folder(os.environ)))
        there = [library for library in snapshot.libraries if library.tier != ABSENT]
        symbols = sum(len(library.exports) for library in there)
        sys.stdout.write(
            f"{snapshot.release} {snapshot.architecture} {snapshot.date}: "
            f"{len(there)} libraries, {symbols} symbols -> {place}\n"
        )
    return ExitCode.OK


def _from_source(arguments: argparse.Namespace) -> list[Snapshot]:
    from datetime import UTC, datetime
    from pathlib import Path

    from perennial.learn.sources import Request, learn_path

    if arguments.source is None:
        raise UsageError("name a SOURCE or a --mirror; see perennial distro learn --help")
    date = arguments.date or datetime.now(UTC).date().isoformat()
    architecture = None if arguments.arch is None else _architecture(arguments.arch)
    request = Request(arguments.release, architecture, date, arguments.kind)
    return [learn_path(Path(arguments.source), request)]


def _from_mirror(arguments: argparse.Namespace) -> list[Snapshot]:
    from datetime import UTC, datetime
    from pathlib import Path

    from perennial.cli.progress import progress_on_stderr
    from perennial.index.cache import default_cache_dir
    from perennial.index.settings import settings_from_pip
    from perennial.learn.download import Downloader
    from perennial.learn.mirror import learn_suite, open_suite
    from perennial.platform_tag import Libc

    if arguments.source is not None:
        raise UsageError("a SOURCE and a --mirror are two sources: learn one after the other")
    if arguments.suite is None or arguments.release is None or arguments.arch is None:
        raise UsageError("--mirror needs --suite, --as and --arch (a name, or all)")
    settings = settings_from_pip(os.environ, index_url=arguments.mirror)
    keyring = None if arguments.keyring is None else Path(arguments.keyring)
    folder = default_cache_dir(os.environ) / "packages"
    with (
        progress_on_stderr() as progress,
        Downloader(folder, settings, plain_http=keyring is not None, progress=progress) as downloader,
    ):
        suite = open_suite(
            arguments.mirror, arguments.suite, downloader,
            keyring=keyring, now=datetime.now(UTC), allow_expired=arguments.allow_expired,
        )  # fmt: skip
        if not suite.is_verified:
            sys.stderr.write(f"perennial: no --keyring: nobody vouches for {arguments.suite} but the mirror itself\n")
        chosen = suite.release.architectures if arguments.arch == "all" else (_architecture(arguments.arch),)
        libc = Libc.MUSL if arguments.release.startswith("musl:") else Libc.GLIBC
        return [
            learn_suite(
                suite, each, downloader, release=arguments.release, kind=arguments.kind, date=arguments.date, libc=libc
            ).snapshot
            for each in chosen
        ]


def _architecture(name: str) -> Architecture:
    try:
        return Architecture(name)
    except ValueError:
        raise UsageError(f"no tag names the architecture {name!r}; there are {', '.join(Architecture)}") from None


def _stores() -> dict[str, SymbolStore]:
    """What was learned of each architecture, shipped and own."""
    from perennial.knowledge.symbol_store import load_symbols
    from perennial.learn.user_data import data_folder, own_snapshots

    own = list(own_snapshots(data_folder(os.environ)))
    return {arch.value: load_symbols(arch.value, own) for arch in Architecture}


def _list(arguments: argparse.Namespace) -> int:
    from perennial.cli.distro_sheets import list_json, list_sheet
    from perennial.cli.facts import own_releases
    from perennial.knowledge import load_knowledge
    from perennial.report.sheet import write_sheet

    releases = [each for each in load_knowledge().releases if arguments.all or each.counts]
    releases += own_releases()
    if arguments.json:
        return _write_json(list_json(releases, _stores()))
    write_sheet(list_sheet(releases, _stores()), sys.stdout)
    return ExitCode.OK


def _show(arguments: argparse.Namespace) -> int:
    from perennial.cli.distro_sheets import show_json, show_sheet
    from perennial.cli.facts import own_releases
    from perennial.knowledge import load_knowledge
    from perennial.report.sheet import write_sheet

    stores = _stores()
    known = (*load_knowledge().releases, *own_releases())
    release = next((each for each in known if each.id == arguments.release), None)
    learned = any(info.release == arguments.release for store in stores.values() for info in store.snapshots)
    if release is None and not learned:
        raise UsageError(f"there is no release {arguments.release}; perennial distro list --all has them")
    if arguments.json:
        return _write_json(show_json(arguments.release, release, stores, arguments.arch))
    write_sheet(show_sheet(arguments.release, release, stores, arguments.arch), sys.stdout)
    return ExitCode.OK


def _export(arguments: argparse.Namespace) -> int:
    from perennial.cli.output import write_output
    from perennial.knowledge.snapshot_json import snapshot_to_json

    store = _stores()[arguments.arch]
    found = [
        number
        for number, info in enumerate(store.snapshots)
        if info.release == arguments.release and arguments.kind in (None, info.kind)
    ]
    if not found:
        raise KnowledgeError(
            f"nothing was learned of {arguments.release} on {arguments.arch}; perennial distro learn does"
        )
    if len(found) > 1:
        raise UsageError(f"there are two of {arguments.release}: choose with --kind release or --kind updates")
    write_output(snapshot_to_json(store.snapshot(found[0])), arguments.output)
    return ExitCode.OK


def _write_json(document: object) -> int:
    import json

    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return ExitCode.OK
