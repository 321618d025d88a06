"""The options of lowering, which `perennial lower` and `perennial repair` share."""

from __future__ import annotations

import argparse

from perennial.errors import UsageError
from perennial.lower.options import CxxRoute, LowerOptions, lowering_target


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
        to=lowering_target(arguments.lower_to),
        cxx=CxxRoute(arguments.cxx or CxxRoute.SHIM.value),
        traps=arguments.allow_trap,
        copies_libraries=copies_libraries,
    )
