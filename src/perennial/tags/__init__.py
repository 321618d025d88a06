"""Which tags a system accepts, and what an installer makes of them.

A `Target` is described by a text (`parse_target`), read from a root file system or from a Python on
disk (`inspect_root`, `inspect_interpreter`), or is the system that asks (`this_system`). From
there on everything is pure. Of this package, only `here` asks anything of the machine, and `ask`, which
runs another Python where somebody says so.
"""

from perennial.tags.compute import TagList, accepted_tags, compatible, tag_list
from perennial.tags.here import this_system
from perennial.tags.inspect import inspect_interpreter, inspect_root
from perennial.tags.installers import Installer
from perennial.tags.platforms import platform_tags
from perennial.tags.select import best
from perennial.tags.spec import parse_target
from perennial.tags.target import Detail, Override, Python, Target
from perennial.tags.why import Axis, Refusal, first_refusal

__all__ = [
    "Axis",
    "Detail",
    "Installer",
    "Override",
    "Python",
    "Refusal",
    "TagList",
    "Target",
    "accepted_tags",
    "best",
    "compatible",
    "first_refusal",
    "inspect_interpreter",
    "inspect_root",
    "parse_target",
    "platform_tags",
    "tag_list",
    "this_system",
]
