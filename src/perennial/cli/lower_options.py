"""The options of lowering, which `perennial lower` and `perennial repair` share."""

from __future__ import annotations

import argparse

from perennial.arch import architecture_of_tag
from perennial.errors import UsageError, printable
from perennial.lower.options import CxxRoute, LowerOptions
from perennial.platform_tag import Libc, PlatformTag


def add_lower_arguments(parser: argparse.ArgumentParser, option: str, metavar: str) -> None:
    """`option` is what the command calls the tag to lower to."""
    lowering = parser.add_argument_group("lowering: references to newer symbols get substitutes")
    lowering.add_argument(
        option, metavar=metavar, dest="lower_to",
        help="the tag that the result keeps, such as manylinux_2_17 or manylinux_2_28_x86_64",
    )  # fmt: skip
    lowering.add_argument(
        "--cxx", choices=[route.value for route in CxxRoute],
        help="what to do about a libstdc++ newer than the tag's: substitutes over the system's (shim, the default), "
        "a copy under names of its own (private), or nothing (refuse)",
    )  # fmt: skip
    lowering.add_argument(
        "--allow-trap", action="store_true",
        help="put functions that say so and end the process where there is no substitute, if we have one",
    )  # fmt: skip


def read_lower_options(arguments: argparse.Namespace, *, copies_libraries: bool) -> LowerOptions | None:
    """What was asked for; None where nothing was. Raises `UsageError`."""
    if arguments.lower_to is None:
        if arguments.cxx is not None or arguments.allow_trap:
            raise UsageError(f"{'--cxx' if arguments.cxx else '--allow-trap'} says how to lower: add --lower-to TAG")
        return None
    return LowerOptions(
        to=_target(arguments.lower_to),
        cxx=CxxRoute(arguments.cxx or CxxRoute.SHIM.value),
        traps=arguments.allow_trap,
        copies_libraries=copies_libraries,
    )


def _target(text: str) -> PlatformTag:
    """`manylinux_2_17_x86_64`, or `manylinux_2_17`, then with `arch` "", for whatever the wheel is for."""
    tag = PlatformTag.parse(text.lower())
    if tag.libc is None:
        bare = PlatformTag.parse(f"{text.lower()}_x86_64")
        if bare.arch == "x86_64":
            tag = PlatformTag(f"{text.lower()}_", "", bare.libc, bare.version)
    if tag.libc is Libc.MUSL:
        raise UsageError(f"{printable(text)}: musl has no symbol versions, and nothing is lowered to its tags")
    if tag.libc is None or (tag.arch and architecture_of_tag(tag.arch) is None):
        raise UsageError(f"{printable(text)}: not a manylinux tag such as manylinux_2_17 or manylinux_2_28_x86_64")
    return tag
