"""perennial policy: what tags let a wheel assume, why, and which one to build for."""

from __future__ import annotations

import argparse

from perennial.arch import Architecture
from perennial.cli.facts import add_fact_arguments
from perennial.lean_typing import Final
from perennial.platform_tag import Libc

USAGE = "perennial policy ACTION ..."
SUMMARY = "what a tag lets a wheel assume, why, and which one to build for"
DESCRIPTION = """\
A policy is what a tag lets a wheel assume. There is no list of policies: each is derived from what
distribution releases provide, and every limit has the releases that are its reason.
"""
EPILOG = """\
examples:
  perennial policy show manylinux_2_28_x86_64
  perennial policy diff manylinux_2_28 manylinux_2_34 --arch aarch64
  perennial policy why manylinux_2_28_x86_64 GLIBCXX_3.4.26
  perennial policy recommend --arch aarch64
  perennial policy coverage dist/*.whl
  perennial policy chart -o releases.svg dist/*.whl
  perennial policy export --format auditwheel -o manylinux-policy.json
"""
SUBCOMMANDS = True

_EXAMPLES: Final = {
    "show": """\
  perennial policy show manylinux_2_28_x86_64
  perennial policy show manylinux2014 --arch aarch64 -v
  perennial policy show musllinux_1_2_x86_64 --json
""",
    "diff": """\
  perennial policy diff manylinux_2_28 manylinux_2_34 --arch x86_64
  perennial policy diff manylinux2014_aarch64 manylinux_2_28_aarch64 --json
""",
    "why": """\
  perennial policy why manylinux_2_28_x86_64 GLIBCXX_3.4.26
  perennial policy why manylinux_2_28 libexpat.so.1 --arch aarch64
  perennial policy why manylinux_2_28_x86_64 memcpy@GLIBC_2.14
  perennial policy why manylinux_2_28_x86_64 arc4random
  perennial policy why musllinux_1_2_x86_64 statx
""",
    "recommend": """\
  perennial policy recommend
  perennial policy recommend --arch aarch64 --as-of 2030-01-01
  perennial policy recommend --support extended
  perennial policy recommend --mainstream fleet.txt --json
""",
    "coverage": """\
  perennial policy coverage dist/demo-1.0-cp312-cp312-manylinux_2_28_x86_64.whl
  perennial policy coverage dist/ --as-of 2028-01-01
  perennial policy coverage numpy --mainstream fleet.txt --json
""",
    "chart": """\
  perennial policy chart -o releases.svg
  perennial policy chart -o releases.svg dist/*.whl
  perennial policy chart --arch aarch64 --from 2.26 -o aarch64.svg
""",
    "export": """\
  perennial policy export > policies.json
  perennial policy export --arch x86_64 --libc glibc
  perennial policy export --format auditwheel -o manylinux-policy.json
""",
}
_ARCHES: Final = ", ".join(Architecture)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", dest="action", required=True, prog=parser.prog)

    def action(name: str, summary: str, description: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name,
            help=summary,
            description=description,
            epilog=f"examples:\n{_EXAMPLES[name]}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    show = action("show", "what one tag lets a wheel assume", "Libraries, highest nodes, limits and floor of one tag.")
    show.add_argument("tag", metavar="TAG", help="manylinux_2_28_x86_64; without architecture, --arch counts")
    _add_arch(show)
    show.add_argument("-v", "--verbose", action="store_true", help="every node, and every release with its dates")
    _add_json(show)
    add_fact_arguments(show)

    diff = action("diff", "what a later tag adds, and which releases it loses", "Compares two tags.")
    diff.add_argument("one", metavar="TAG", help="manylinux_2_28_x86_64; without architecture, --arch counts")
    diff.add_argument("other", metavar="TAG", help="another tag of the same C library and architecture")
    _add_arch(diff)
    _add_json(diff)
    add_fact_arguments(diff)

    why = action("why", "who has a version, library or symbol, and who lacks it", (
        "Says which releases have a version node, a library or a symbol and which lack it, from\n"
        "which tag on a wheel may rely on it, and what keeps it out of lower ones."
    ))  # fmt: skip
    why.add_argument("tag", metavar="TAG", help="manylinux_2_28_x86_64; without architecture, --arch counts")
    why.add_argument("name", metavar="NAME", help="GLIBCXX_3.4.26, libexpat.so.1, memcpy@GLIBC_2.14, arc4random")
    _add_arch(why)
    _add_json(why)
    add_fact_arguments(why)

    recommend = action("recommend", "which tag to build for now, and when that changes", (
        "Weighs the tags that could be built for: which releases in support each reaches and\n"
        "loses, which pip reads it, which toolchain it allows. The rule: the highest X.Y that\n"
        "loses no release of tier 1 in support. The answer depends on the date, not on the day\n"
        "on which it is asked: --as-of is the knowledge's own date unless given."
    ))  # fmt: skip
    _add_arch(recommend)
    _add_libc(recommend, "C library (default: glibc)", default=Libc.GLIBC.value)
    recommend.add_argument(
        "--support", choices=("general", "extended"), default="general",
        help="the end of which support counts: everybody's (default), or also long-term and paid support",
    )  # fmt: skip
    _add_json(recommend)
    add_fact_arguments(recommend)

    coverage = action("coverage", "a table of releases in support, and which of them wheels reach", (
        "Holds wheels against each release that counts and is in support."
    ))  # fmt: skip
    _add_wheels(coverage, optional=False)
    _add_json(coverage)
    add_fact_arguments(coverage)

    chart = action("chart", "draw the releases along the glibc clock, with wheels on it", (
        "Draws an SVG: releases that count by glibc and family, whether they are in support, and\n"
        "where the floor of each wheel is."
    ))  # fmt: skip
    chart.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the SVG file to write; - for standard output"
    )
    chart.add_argument("--from", dest="start", metavar="X.Y", default="2.17", help="the first glibc (default: 2.17)")
    _add_wheels(chart, optional=True)
    add_fact_arguments(chart)

    export = action("export", "write all policies as JSON", (
        "Writes all policies, for other tools: in perennial's own shape (perennial.policies/1),\n"
        "or in that of auditwheel's manylinux-policy.json."
    ))  # fmt: skip
    export.add_argument("--format", choices=("perennial", "auditwheel"), default="perennial", help="default: perennial")
    export.add_argument(
        "--arch", metavar="ARCH", action="append", help=f"only this architecture; may be repeated: {_ARCHES}"
    )
    _add_libc(export, "only this C library", default=None)
    export.add_argument("-o", "--output", metavar="FILE", help="write to FILE, whole or not at all")
    add_fact_arguments(export)


def run(arguments: argparse.Namespace) -> int:
    from perennial.cli.policy_actions import ACTIONS

    return ACTIONS[arguments.action](arguments)


def _add_arch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--arch", metavar="ARCH", help=f"architecture: {_ARCHES} (default: x86_64)")


def _add_libc(parser: argparse.ArgumentParser, text: str, *, default: str | None) -> None:
    parser.add_argument("--libc", choices=[libc.value for libc in Libc], default=default, help=text)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON")


def _add_wheels(parser: argparse.ArgumentParser, *, optional: bool) -> None:
    from perennial.cli.inputs import add_input_arguments

    add_input_arguments(parser, nargs="*" if optional else "+")
