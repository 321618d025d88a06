"""pip's options, from its configuration files and its environment variables.

pip's documentation, "Configuration": the files are global, user, site (the environment's
own), and the one that PIP_CONFIG_FILE names, each overriding those before it; PIP_*
variables override all files. Where the file of PIP_CONFIG_FILE exists, the user's files are
not read; where it is os.devnull, no file is. Within the files a command's section overrides
`[global]`; an option whose value is empty counts as not given.

perennial fetches a wheel as `pip download` does, so `[download]` is its section. `[install]`
comes before it, because that is where people write where their packages come from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from perennial.errors import UnreadableError
from perennial.lean_typing import Final

_SECTIONS: Final = ("global", "install", "download")
# Two spellings of one option, as `pip install --help` lists them.
_SAME_OPTION: Final = {"default-timeout": "timeout", "pypi-url": "index-url"}


def pip_options(environ: Mapping[str, str], *, prefix: Path | None = None) -> dict[str, str]:
    """The options that pip would run with, by their long names without dashes ("index-url").

    `prefix` is that of the Python environment whose own file is read; None: this one's.
    """
    options: dict[str, str] = {}
    sections = [_read(path) for path in config_files(environ, prefix or Path(sys.prefix))]
    for section in _SECTIONS:
        # An empty value hides those of earlier files, and then counts as not given.
        merged = {key: value for file in sections for key, value in file.get(section, {}).items()}
        options.update({key: value for key, value in merged.items() if value})
    variables = {key[4:].lower().replace("_", "-"): value for key, value in environ.items() if key.startswith("PIP_")}
    # The second spellings first, so that PIP_TIMEOUT wins where PIP_DEFAULT_TIMEOUT is set as well.
    for name in sorted(variables, key=lambda name: (name not in _SAME_OPTION, name)):
        if variables[name]:
            options[_normalize(name)] = variables[name]
    return options


def config_files(environ: Mapping[str, str], prefix: Path) -> tuple[Path, ...]:
    """The files that pip reads, existing or not, the weakest first."""
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return ()
    system, user = _locations(environ)
    own = () if not chosen else (Path(chosen),)
    if own and own[0].exists():
        user = ()
    return (*system, *user, prefix / _basename(), *own)


def home_folder(environ: Mapping[str, str]) -> Path:
    """The user's home folder, as the given environment says."""
    home = environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    return Path(home) if home else Path.home()


def _basename() -> str:
    return "pip.ini" if sys.platform == "win32" else "pip.conf"


def _locations(environ: Mapping[str, str]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The global files and the user's."""
    home, name = home_folder(environ), _basename()
    if sys.platform == "win32":
        program_data = Path(environ.get("PROGRAMDATA") or r"C:\ProgramData")
        app_data = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        return (program_data / "pip" / name,), (home / "pip" / name, app_data / "pip" / name)
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / name
    if sys.platform == "darwin":
        support = Path("Library", "Application Support", "pip")
        mac = home / support if (home / support).is_dir() else home / ".config" / "pip"
        return (Path("/") / support / name,), (home / ".pip" / name, mac / name)
    system = [Path(p) / "pip" / name for p in (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":") if p]
    return (*system, Path("/etc") / name), (home / ".pip" / name, own)


def _normalize(name: str) -> str:
    name = name.lower().replace("_", "-").removeprefix("--")
    return _SAME_OPTION.get(name, name)


def _read(path: Path) -> dict[str, dict[str, str]]:
    """A configuration file's sections; {} where there is no such file."""
    import configparser

    class Parser(configparser.RawConfigParser):
        def optionxform(self, optionstr: str) -> str:
            return _normalize(optionstr)

    parser = Parser()
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UnreadableError(f"pip's configuration file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"pip's configuration file {path} is not UTF-8 at byte {error.start}") from error
    except configparser.Error as error:
        # Only the place: configparser quotes the line, which may hold a password.
        line = getattr(error, "lineno", None) or next((n for n, _ in getattr(error, "errors", ())), None)
        where = "" if line is None else f" at line {line}"
        raise UnreadableError(f"pip's configuration file {path} is malformed{where}: {type(error).__name__}") from error
    return {section: dict(parser.items(section)) for section in parser.sections()}
