"""file:// indexes and find-links folders.

A folder is read as a server would show it: its index.html where it has one, and else the
files in it. An index's project folder may be spelled as the project likes (PEP 503 wants the
normalized name; people copy folders). What is not there is not an error: pip, too, takes
every index as one place to look among several.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from perennial.errors import FetchError
from perennial.index.links import ProjectPage
from perennial.index.simple_page import link_of_file, parse_page, source_of_file


def path_of(file_url: str) -> Path:
    """The path that a file:// URL means on this system."""
    return Path(url2pathname(urlsplit(file_url).path))


def read_local_project(index_url: str, project: str) -> ProjectPage:
    """What a file:// index has of a project (normalized name); an empty page where nothing."""
    from packaging.utils import canonicalize_name

    root = path_of(index_url)
    folder = root / project
    if not folder.is_dir():
        names = sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []
        spelled = next((name for name in names if canonicalize_name(name) == project), None)
        if spelled is None:
            return ProjectPage()
        folder = root / spelled
    return read_local_links(folder.absolute().as_uri())


def read_local_links(url: str) -> ProjectPage:
    """What a folder, a page in a file, or a file itself offers; an empty page where it is not there."""
    path = path_of(url)
    try:
        if path.is_dir():
            page = path / "index.html"
            return _read_html(page) if page.is_file() else _list_folder(path)
        if not path.is_file():
            return ProjectPage()
        if path.suffix.lower() in (".html", ".htm"):
            return _read_html(path)
    except OSError as error:
        raise FetchError(f"{path} cannot be read: {error.strerror}") from error
    link = link_of_file(path.absolute().as_uri())
    return ProjectPage() if link is None else ProjectPage((link,))


def _read_html(path: Path) -> ProjectPage:
    return parse_page(path.read_bytes(), content_type="text/html", url=path.absolute().as_uri())


def _list_folder(path: Path) -> ProjectPage:
    files = sorted(entry for entry in path.iterdir() if entry.is_file())
    links = [link_of_file(file.absolute().as_uri()) for file in files]
    wheels = tuple(link for link in links if link is not None)
    sources = tuple(source for file in files if (source := source_of_file(file.absolute().as_uri())) is not None)
    return ProjectPage(wheels, sum(file.name.endswith((".tar.gz", ".zip")) for file in files), sources)
