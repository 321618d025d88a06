"""Which tags a system accepts, and what an installer makes of them.

A `Target` is described by a text (`parse_target`), read from a root file system or from a Python on
disk (`inspect_root`, `inspect_interpreter`), or is the system that asks (`this_system`). From
there on everything is pure. Of this package, only `here` asks anything of the machine.
"""

from perennial.tags.compute import TagList, compatible, tag_list, tags
from perennial.tags.installers import Installer
from perennial.tags.platforms import platform_tags
from perennial.tags.select import best
from perennial.tags.target import Detail, Override, Python, Target

__all__ = [
    "Detail",
    "Installer",
    "Override",
    "Python",
    "TagList",
    "Target",
    "best",
    "compatible",
    "platform_tags",
    "tag_list",
    "tags",
]
