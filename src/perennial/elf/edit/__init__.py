"""Changes ELF files: soname, needed libraries, search path, versions, symbols, stack, strip.

Code and data never move. See docs/explanation/how-the-elf-editor-works.md.
"""

from perennial.elf.edit.changes import ElfChanges, SearchPath, StripLevel, VersionChange, VersionRename
from perennial.elf.edit.edit import edit_elf

__all__ = ["ElfChanges", "SearchPath", "StripLevel", "VersionChange", "VersionRename", "edit_elf"]
