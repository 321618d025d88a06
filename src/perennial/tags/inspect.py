"""A Python, or a whole root file system, looked at from outside: nothing of it is imported or run.

Which Python it is follows from names: that of the program (python3.13t), of the libpython that it
needs, of the standard library's folder (lib/python3.13t), of the build data in there
(_sysconfigdata_t_linux_….py), or from a virtual environment's pyvenv.cfg. Its C library is the one
that its loader leads to (PT_INTERP), and says itself which version it is.
"""

from __future__ import annotations

import os
import re

from perennial.arch import EM_ARM
from perennial.errors import UnreadableError, printable
from perennial.lean_typing import Final, NamedTuple
from perennial.platform_tag import Libc
from perennial.tags.detect import describe_override
from perennial.tags.os_release import os_release, release_id
from perennial.tags.overrides import find_override
from perennial.tags.program import Program, read_needed, read_program
from perennial.tags.root import Root, find_libc, find_loader
from perennial.tags.spec import DEFAULT_PYTHON
from perennial.tags.target import Detail, Python, Target

# Where Pythons are in installed systems and in official images, the one that `python3` starts first.
_PYTHONS: Final = (
    *("usr/local/bin/python3", "usr/bin/python3", "bin/python3", "usr/libexec/platform-python"),
    *("usr/local/bin/pypy3", "usr/bin/pypy3"),
)
_PROGRAMS: Final = ("bin/sh", "usr/bin/env", "bin/ls", "bin/dash", "bin/busybox", "usr/bin/bash")
_NAME: Final = re.compile(r"(?:lib)?(python|pypy)(\d)\.(\d{1,3})(t?)(d?)m?(?:$|[-.])")
_CONFIG_VERSION: Final = re.compile(r"^\s*version(?:_info)?\s*=\s*(\d)\.(\d{1,3})(?:\.(\d{1,4}))?", re.MULTILINE)
_LARGEST_TEXT: Final = 1 << 16


def inspect_interpreter(path: str, root_folder: str = "/") -> Target:
    """The target of a Python at a path; where a root is given, the path is one inside of it.

    Raises `UnreadableError` where it is no ELF program, or where nothing says which Python it is.
    """
    root = Root(root_folder)
    if root_folder == "/":
        path = os.path.join(os.getcwd(), path)
    inside = root.real(path)
    if inside is None:
        raise UnreadableError(f"{printable(root.outside(path))}: no such file")
    target = _of_program(root, inside)
    python, text = _python(root, path, inside)
    override, override_text = find_override(root, _library_folders(path, inside, python))
    details = [*target.details, Detail("python", f"{python}: {text}")]
    if override is not None:
        details.append(Detail("override", describe_override(override)))
    elif override_text is not None:
        details.append(Detail("override", override_text))
    return target._replace(
        python=python, override=override, details=tuple(details), release=release_id(os_release(root))
    )


def inspect_root(folder: str) -> Target:
    """The target of a root file system: its C library and architecture, and the Python that it has.

    Raises `UnreadableError` where it holds no program to learn that from.
    """
    root = Root(folder)
    if root.real("/") is None:
        raise UnreadableError(f"{printable(folder)}: no such folder")
    name = _release_name(root) or printable(folder)
    for path in _PYTHONS:
        if root.real(path) is not None:
            return inspect_interpreter(f"/{path}", folder)._replace(name=name)
    target = _without_python(root)
    if target is None:
        raise UnreadableError(
            f"{printable(folder)}: neither a Python, nor a shell, nor a dynamic loader at the usual places; "
            "is it the root of a file system? --interpreter PATH names a Python in it"
        )
    python = Python.cpython(DEFAULT_PYTHON)
    detail = Detail("python", f"{python}: there is none at the usual places, and none was named")
    release = release_id(os_release(root))
    return target._replace(name=name, python=python, details=(*target.details, detail), release=release)


def _without_python(root: Root) -> Target | None:
    for path in _PROGRAMS:
        inside = root.real(path)
        if inside is not None:
            return _of_program(root, inside)
    loader = find_loader(root)
    if loader is None:
        return None
    program = read_program(root.outside(loader))._replace(loader=f"/{loader}")
    return _target(root, program, f"/{loader}")


def _of_program(root: Root, inside: str) -> Target:
    return _target(root, read_program(root.outside(inside)), f"/{inside}")


def _target(root: Root, program: Program, shown: str) -> Target:
    """The target with the C library and the architecture of a program, and a Python to be replaced."""
    own = program.abi.architecture
    loads_tagged = program.loads_tagged or shown == program.loader  # the flag for floats is in programs only
    if own is not None:
        arch, text = own.value, f"{own}: {shown} is a program for it"
        if not loads_tagged:
            text += ", but passes floats otherwise than what manylinux tags mean (soft-float)"
    elif program.abi.machine == EM_ARM:
        arch, text = "armv7l", f"armv7l: {shown} is a program for ARM, with another ABI than what manylinux tags mean"
    else:
        raise UnreadableError(
            f"{printable(root.outside(shown))}: a program for {program.abi.machine_name}, which no tag names"
        )
    libc, version, libc_text = _libc(root, program, shown)
    details = (Detail("libc", libc_text), Detail("architecture", text))
    return Target(libc, version, arch, Python.cpython(DEFAULT_PYTHON), loads_tagged, details=details)


def _libc(root: Root, program: Program, shown: str) -> tuple[Libc | None, tuple[int, int] | None, str]:
    if program.loader is None:
        return None, None, f"none: {shown} is a static program, which loads no extension modules"
    if program.libc is None:
        return None, None, f"none: {shown} asks for the loader {program.loader}, which is neither glibc's nor musl's"
    found = find_libc(root, program)
    if found is None:
        is_there = root.real(program.loader) is not None
        reason = f"no file of {program.libc} there says its version" if is_there else "that is not there"
        raise UnreadableError(
            f"{printable(root.outside(shown))}: asks for the loader {printable(program.loader)}, and {reason}"
        )
    version = found.version
    text = f"{program.libc} {version.version[0]}.{version.version[1]}: /{found.path}: {version.how}"
    return program.libc, version.version, f"{text}; {shown} asks for {program.loader}"


class _Clue(NamedTuple):
    implementation: str
    version: tuple[int, int]
    flags: str
    text: str


def _python(root: Root, path: str, inside: str) -> tuple[Python, str]:
    """Which Python it is, and what says so."""
    clues = [*_clues(root, path, inside)]
    if not clues:
        raise UnreadableError(
            f"{printable(root.outside(path))}: nothing says which Python this is: neither its name, nor a pyvenv.cfg, "
            "nor a folder lib/python3.*; --run asks it"
        )
    first = clues[0]
    # A name without flags says nothing of them: python3.13 may be a debug build.
    agreeing = [clue for clue in clues if clue.version == first.version]
    flags = next((clue.flags for clue in agreeing if clue.flags), "")
    text = first.text
    flagged = next((clue for clue in agreeing if clue.flags), None)
    if flagged is not None and flagged is not first:
        text += f"; {flagged.text}"
    micro = _config_micro(root, path)
    if first.implementation == "pypy":
        # PyPy 7.3 has been the version of the ABI since 2019.
        abi = f"pypy{first.version[0]}{first.version[1]}_pp73"
        return Python("pp", first.version, (abi,), micro), text
    python = Python.cpython(first.version, free_threaded="t" in flags, debug="d" in flags, micro=micro)
    return python, text


def _clues(root: Root, path: str, inside: str) -> list[_Clue]:
    """What names say, the most trustworthy first."""
    clues = []
    is_python = any(name.rpartition("/")[2].startswith(("python", "pypy")) for name in (path, inside))
    names = [
        (inside, f"the program is /{inside}"),
        *((name, f"it needs {name}") for name in read_needed(root.outside(inside))),
    ]
    for source, text in names:
        found = _NAME.match(source.rpartition("/")[2])
        if found is not None:
            clues.append(_clue(found, text))
    config = _config(root, path)
    if config is not None and is_python:
        found = _CONFIG_VERSION.search(config)
        if found is not None:
            implementation = "pypy" if re.search(r"^implementation\s*=\s*PyPy", config, re.MULTILINE) else "python"
            clues.append(_Clue(implementation, (int(found[1]), int(found[2])), "", "its pyvenv.cfg says so"))
    prefix = _prefix(inside)
    for name in root.list(f"{prefix}/lib") if is_python else ():
        found = _NAME.match(name)
        if found is not None and root.real(f"{prefix}/lib/{name}/os.py") is not None:
            clues.append(_clue(found, f"its library is /{prefix}/lib/{name}".replace("//", "/")))
    return clues + [_of_build_data(root, prefix, clue) for clue in clues]


def _clue(found: re.Match[str], text: str) -> _Clue:
    return _Clue(found[1], (int(found[2]), int(found[3])), found[4] + found[5], text)


def _of_build_data(root: Root, prefix: str, clue: _Clue) -> _Clue:
    """The flags that all build data of a version's library agree on; Debian keeps that of its debug build there too."""
    folder = f"{prefix}/lib/{clue.implementation}{clue.version[0]}.{clue.version[1]}"
    names = [name for each in (folder, f"{folder}t") for name in root.list(each) if name.startswith("_sysconfigdata_")]
    # _sysconfigdata_{abiflags}_{platform}_{multiarch}.py (CPython, Makefile.pre.in); older: without platform
    flags = {name.split("_")[2] for name in names if "linux" in name}
    common = flags.pop() if len(flags) == 1 else ""
    text = f"its build data is {names[0]}" if names else ""
    return clue._replace(flags="".join(flag for flag in common if flag in "td"), text=text)


def _prefix(inside: str) -> str:
    """usr of usr/bin/python3.11"""
    return inside.rpartition("/")[0].rpartition("/")[0]


def _config(root: Root, path: str) -> str | None:
    """pyvenv.cfg of the virtual environment that a path is in, if any: beside the program or one above (PEP 405)."""
    for folder in (path.rpartition("/")[0].rpartition("/")[0], path.rpartition("/")[0]):
        data = root.read(f"{folder}/pyvenv.cfg", _LARGEST_TEXT)
        if data is not None:
            return data.decode("utf-8", "replace")
    return None


def _config_micro(root: Root, path: str) -> int | None:
    found = _CONFIG_VERSION.search(_config(root, path) or "")
    return None if found is None or found[3] is None else int(found[3])


def _library_folders(path: str, inside: str, python: Python) -> list[str]:
    """Where a `_manylinux` module would be found: the standard library, and the site folders of both prefixes."""
    number = f"{python.version[0]}.{python.version[1]}"
    names = [f"python{number}", f"python{number}t"] if python.implementation == "cp" else [f"pypy{number}"]
    folders = []
    for prefix in dict.fromkeys((_prefix(inside), _prefix(path.lstrip("/")))):
        for name in names:
            folders += [f"{prefix}/lib/{name}", f"{prefix}/lib/{name}/site-packages"]
            folders += [f"{prefix}/local/lib/{name}/dist-packages", f"{prefix}/lib/{name}/dist-packages"]
        folders.append(f"{prefix}/lib/python3/dist-packages")
    return folders


def _release_name(root: Root) -> str | None:
    """PRETTY_NAME of os-release(5)."""
    fields = os_release(root)
    return printable(fields.get("PRETTY_NAME") or fields.get("ID") or "") or None
