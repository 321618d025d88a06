"""A package index on the loopback interface, for tests: real HTTP, and every way it goes wrong.

    with IndexServer() as index:
        index.add_wheel("demo-1.0-py3-none-any.whl", b"...")
        index.url                      # the root, to be given as an index URL
        index.requests                 # what was asked for, in order

A path answers with its list of replies, one after another; the last one stays.
"""

from __future__ import annotations

import hashlib
import html
import json
import ssl
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import NamedTuple, Self

JSON_TYPE = "application/vnd.pypi.simple.v1+json"


class Reply(NamedTuple):
    """One answer; `cut` ends the connection after that many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None


class Request(NamedTuple):
    """One question, as it arrived."""

    path: str
    accept: str
    authorization: str | None


class Offered(NamedTuple):
    """A file as a project's page lists it."""

    filename: str
    href: str
    hashes: tuple[tuple[str, str], ...] = ()
    requires_python: str | None = None
    yanked: str | None = None
    size: int | None = None


class IndexServer:
    """Serves until the `with` block ends.

    `password` makes it want Basic authentication as "user"; with a `certificate` (a PEM file
    with the key) it speaks HTTPS.
    """

    def __init__(
        self, *, speaks_json: bool = False, password: str | None = None, certificate: Path | None = None
    ) -> None:
        self.speaks_json = speaks_json
        self.password = password
        self.requests: list[Request] = []
        self.replies: dict[str, list[Reply]] = {}
        self._offered: dict[str, list[Offered]] = {}
        self._scheme = "http" if certificate is None else "https"
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake belongs to the connection's own thread, where it may fail.
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/simple"

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]

    def add_wheel(
        self,
        filename: str,
        content: bytes = b"wheel",
        *,
        hashes: Sequence[tuple[str, str]] | None = None,
        requires_python: str | None = None,
        yanked: str | None = None,
    ) -> None:
        """Offers a file under its project, with its SHA-256 unless `hashes` says otherwise."""
        project = filename.partition("-")[0].lower().replace("_", "-")
        given = (("sha256", hashlib.sha256(content).hexdigest()),) if hashes is None else tuple(hashes)
        offered = Offered(filename, f"/files/{filename}", given, requires_python, yanked, len(content))
        self._offered.setdefault(project, []).append(offered)
        self.replies[offered.href] = [Reply(body=content)]

    def answer(self, request: Request) -> Reply:
        """The reply to a request."""
        if self.password is not None and request.authorization != _basic("user", self.password):
            return Reply(401, headers=(("WWW-Authenticate", "Basic"),))
        known = self.replies.get(request.path)
        if known is not None:
            return known.pop(0) if len(known) > 1 else known[0]
        offered = self._offered.get(request.path.removeprefix("/simple/").strip("/"))
        if offered is None:
            return Reply(404)
        if self.speaks_json and JSON_TYPE in request.accept:
            return Reply(body=json_page(offered), headers=(("Content-Type", JSON_TYPE),))
        return Reply(body=html_page(offered), headers=(("Content-Type", "text/html; charset=utf-8"),))


def html_page(offered: Sequence[Offered]) -> bytes:
    """A project's page after PEP 503."""
    lines = ["<!DOCTYPE html><html><body>"]
    for file in offered:
        fragment = "".join(f"#{name}={digest}" for name, digest in file.hashes[:1])
        attributes = f'href="{html.escape(file.href + fragment)}"'
        if file.requires_python is not None:
            attributes += f' data-requires-python="{html.escape(file.requires_python)}"'
        if file.yanked is not None:
            attributes += f' data-yanked="{html.escape(file.yanked)}"'
        lines.append(f"<a {attributes}>{html.escape(file.filename)}</a><br/>")
    return "\n".join([*lines, "</body></html>"]).encode()


def json_page(offered: Sequence[Offered]) -> bytes:
    """A project's page after PEP 691 and 700."""
    files = [
        {
            "filename": file.filename,
            "url": file.href,
            "hashes": dict(file.hashes),
            "requires-python": file.requires_python,
            "yanked": file.yanked or file.yanked is not None,
            "size": file.size,
        }
        for file in offered
    ]
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "demo", "files": files}).encode()


class _QuietServer(ThreadingHTTPServer):
    """Clients that hang up, or do not like a certificate, are what some tests are about."""

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def _basic(name: str, password: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


def _handler(index: IndexServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            request = Request(self.path, self.headers.get("Accept", ""), self.headers.get("Authorization"))
            index.requests.append(request)
            reply = index.answer(request)
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut])
            if reply.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
