"""pip's settings: the same files, variables and precedence as pip itself reports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.errors import FetchError, UnreadableError, UsageError
from perennial.index import IndexSettings, settings_from_pip
from perennial.index.default_index import default_index_url
from perennial.index.pip_config import pip_options

Environ = dict[str, str]


@pytest.fixture
def home(tmp_path: Path) -> Environ:
    """An environment whose home and configuration folders are empty ones of its own."""
    return {"HOME": str(tmp_path), "XDG_CONFIG_DIRS": str(tmp_path / "xdg"), "PATH": os.environ["PATH"]}


def write(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def pip_uses_index(environ: Environ) -> str:
    """The index that `pip download` would use: its help shows the default with all settings in."""
    shown = pip("download", "--help", environ=environ | {"COLUMNS": "1000"})
    found = re.search(r"--index-url.*?\(default (\S+?)\)", shown, re.DOTALL)
    assert found is not None
    return found[1]


def pip_lists(environ: Environ) -> dict[str, str]:
    """What `pip config list` prints of `[global]`, but for what stands in two files: it prints both."""
    lines = [line.partition("=") for line in pip("config", "list", environ=environ).splitlines()]
    keys = [key for key, _, _ in lines]
    return {k.removeprefix("global."): value.strip("'\"") for k, _, value in lines if keys.count(k) == 1}


def pip(*arguments: str, environ: Environ) -> str:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout


CONFIGS = {
    "user": {".config/pip/pip.conf": "[global]\nindex-url = http://127.0.0.1/a\ntimeout = 7\n"},
    "legacy user": {".pip/pip.conf": "[global]\nindex_url: http://127.0.0.1/b\n"},
    "new user file over the legacy one": {
        ".pip/pip.conf": "[global]\nindex-url = http://127.0.0.1/old\nretries = 1\n",
        ".config/pip/pip.conf": "[global]\nindex-url = http://127.0.0.1/new\n",
    },
    "global under user": {
        "xdg/pip/pip.conf": "[global]\nindex-url = http://127.0.0.1/g\ncert = /g.pem\n",
        ".config/pip/pip.conf": "[global]\nindex-url = http://127.0.0.1/u\n",
    },
    "a command's section over global": {
        ".config/pip/pip.conf": "[download]\nindex-url = http://127.0.0.1/d\n[global]\nindex-url = http://127.0.0.1/g\n",
    },
    "lists": {".config/pip/pip.conf": "[global]\nextra-index-url =\n    http://127.0.0.1/x\n    http://127.0.0.1/y\n"},
}


@pytest.mark.parametrize("files", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("own", [None, "[global]\nindex-url = http://127.0.0.1/own\n"], ids=["", "PIP_CONFIG_FILE"])
@pytest.mark.skipif(sys.platform != "linux", reason="the files' places differ")
def test_files_as_pip_lists_them(home: Environ, tmp_path: Path, files: dict[str, str], own: str | None) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    if own is not None:
        home["PIP_CONFIG_FILE"] = write(tmp_path / "own.conf", own)
    ours, listed = pip_options(home), pip_lists(home)
    for option in {"extra-index-url", "cert", "timeout", "retries"} & listed.keys():
        assert ours[option].split() == listed[option].replace("\\n", " ").split(), option
    if "index-url" in ours:
        assert ours["index-url"] == pip_uses_index(home)


def test_variables_override_files(home: Environ, tmp_path: Path) -> None:
    home["PIP_CONFIG_FILE"] = write(
        tmp_path / "c",
        "[global]\nindex-url = http://127.0.0.1/file\nextra-index-url = http://127.0.0.1/file2\n",
    )
    home |= {
        "PIP_INDEX_URL": "http://127.0.0.1/env/",
        "PIP_EXTRA_INDEX_URL": "http://127.0.0.1/e1  http://127.0.0.1/e2",
    }
    assert settings_from_pip(home).index_urls == (
        "http://127.0.0.1/env",
        "http://127.0.0.1/e1",
        "http://127.0.0.1/e2",
    )


def test_empty_variables_count_as_unset(home: Environ, tmp_path: Path) -> None:
    home["PIP_CONFIG_FILE"] = write(tmp_path / "c", "[global]\nindex-url = http://127.0.0.1/file\n")
    home["PIP_INDEX_URL"] = ""
    assert settings_from_pip(home).index_urls[0] == "http://127.0.0.1/file"


def test_null_device_reads_no_file(home: Environ, tmp_path: Path) -> None:
    write(tmp_path / ".config/pip/pip.conf", "[global]\nindex-url = http://127.0.0.1/a\n")
    home["PIP_CONFIG_FILE"] = os.devnull
    assert pip_options(home) == {"config-file": os.devnull}


def test_the_environment_has_a_file_of_its_own(home: Environ, tmp_path: Path) -> None:
    write(tmp_path / "venv/pip.conf", "[global]\nretries = 9\n")
    assert pip_options(home, prefix=tmp_path / "venv")["retries"] == "9"


def test_explicit_index_wins_also_over_no_index(home: Environ) -> None:
    home |= {"PIP_INDEX_URL": "http://127.0.0.1/env", "PIP_EXTRA_INDEX_URL": "http://127.0.0.1/extra"}
    home["PIP_CONFIG_FILE"] = os.devnull
    explicit = "http://127.0.0.1/mine"
    assert settings_from_pip(home, index_url=explicit).index_urls == (explicit, "http://127.0.0.1/extra")
    home["PIP_NO_INDEX"] = "true"
    assert settings_from_pip(home, index_url=explicit).index_urls == (explicit,)
    assert settings_from_pip(home).index_urls == ()


def test_everything_else(home: Environ, tmp_path: Path) -> None:
    home |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": f"{tmp_path}/wheels file:///else ~/mine",
        "PIP_CLIENT_CERT": "/client.pem",
        "PIP_TRUSTED_HOST": "a.invalid b.invalid:8080",
        "PIP_DEFAULT_TIMEOUT": "180",
        "PIP_RETRIES": "2",
        "PIP_PROXY": "http://proxy.invalid:3128",
        "SSL_CERT_FILE": "/standard.pem",
        "NETRC": write(tmp_path / "logins", ""),
    }
    settings = settings_from_pip(home)
    assert settings == IndexSettings(
        find_links=((tmp_path / "wheels").as_uri(), "file:///else", (tmp_path / "mine").as_uri()),
        certificates="/standard.pem",
        client_cert="/client.pem",
        trusted_hosts=("a.invalid", "b.invalid:8080"),
        timeout=180.0,
        retries=2,
        proxy="http://proxy.invalid:3128",
        netrc=str(tmp_path / "logins"),
    )
    home |= {"PIP_CERT": "/pip.pem", "PIP_TIMEOUT": "3"}
    assert settings_from_pip(home).certificates == "/pip.pem"
    assert settings_from_pip(home).timeout == 3.0


def test_no_password_is_shown(home: Environ) -> None:
    home["PIP_INDEX_URL"] = "https://user:p@ss@host.invalid/simple?token=secret"
    shown = repr(settings_from_pip(home))
    assert "host.invalid/simple" in shown
    assert "p@ss" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "text",
    ["index-url = http://u:secret@h/\n", "[global]\na = 1\na = secret\n", "[global]\nsecret\n", "[secret\n"],
)
def test_malformed_files_are_one_line_without_their_contents(home: Environ, tmp_path: Path, text: str) -> None:
    home["PIP_CONFIG_FILE"] = write(tmp_path / "broken.conf", text)
    with pytest.raises(UnreadableError, match=r"broken\.conf is malformed at line \d") as caught:
        pip_options(home)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIP_TIMEOUT", "soon"),
        ("PIP_RETRIES", "-1"),
        ("PIP_NO_INDEX", "perhaps"),
        ("PIP_INDEX_URL", "ftp://user:secret@host.invalid/"),
    ],
)
def test_nonsense_is_a_usage_error(home: Environ, name: str, value: str) -> None:
    home |= {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": "http://127.0.0.1/"} | {name: value}
    with pytest.raises(UsageError) as caught:
        settings_from_pip(home)
    assert "secret" not in str(caught.value)


def test_an_empty_address_is_no_index(home: Environ) -> None:
    """As `--index-url "$INDEX"` gives it, where nobody has set INDEX: the public index is not what was meant."""
    home |= {"PIP_INDEX_URL": "http://127.0.0.1/"}
    for given in ({"index_url": ""}, {"extra_index_urls": (" ",)}):
        with pytest.raises(UsageError, match="an empty address names no package index"):
            settings_from_pip(home, **given)


@pytest.mark.parametrize("text", ["not a url", "nowhere/simple", "~/nowhere", "file:///nowhere/simple"])
def test_a_typed_index_that_is_not_there(home: Environ, text: str) -> None:
    """Another index may have the project, and nobody would see that the one that was meant was not asked."""
    home |= {"PIP_INDEX_URL": "http://127.0.0.1/", "PIP_EXTRA_INDEX_URL": "http://127.0.0.1/more"}
    for given in ({"index_url": text}, {"extra_index_urls": (text,)}):
        with pytest.raises(UsageError, match=f"package index {re.escape(text)}: neither a URL nor a folder"):
            settings_from_pip(home, **given)


def test_a_configured_index_may_be_missing(home: Environ, tmp_path: Path) -> None:
    """As with pip, which says "is ignored: it is neither a file nor a directory"."""
    home |= {"PIP_INDEX_URL": str(tmp_path / "nowhere")}
    assert settings_from_pip(home).index_urls == ((tmp_path / "nowhere").as_uri(),)
    assert settings_from_pip(home, extra_index_urls=[str(tmp_path)]).index_urls[1:] == (tmp_path.as_uri(),)


def test_the_default_index_is_what_pip_says(home: Environ) -> None:
    home["PIP_CONFIG_FILE"] = os.devnull
    url = default_index_url(home)
    assert url.startswith("https://")
    # ... and not what is configured:
    assert default_index_url(home | {"PIP_INDEX_URL": "http://127.0.0.1/mine"}) == url
    assert settings_from_pip(home).index_urls[0] == url


def test_without_pip_the_remedy_is_named(home: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(FetchError, match="--index-url"):
        default_index_url(home | {"PATH": str(tmp_path)})
