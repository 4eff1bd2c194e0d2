"""A web server on loopback that serves corpora well, badly, or not at all, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from seqplay.data.corpora import Content, Corpus, Remote

GUARD = 30.0  # seconds after which something hangs
BODY = bytes(range(256)) * 1000
HALF = len(BODY) // 2


@dataclass(frozen=True)
class Asked:
    """A request, and how many bytes of a body were sent for it."""

    path: str
    headers: dict[str, str]
    sent: list[int] = field(default_factory=lambda: [0])


class Handler(BaseHTTPRequestHandler):
    """Hands a request to the act that the test put at its path."""

    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.asked = Asked(self.path, dict(self.headers.items()))
        self.site.asked.append(self.asked)
        self.close_connection = True
        with suppress(ConnectionError):  # a client that has enough hangs up
            self.site.acts.get(self.path, answer(404))(self)

    def head(self, status: int, *headers: tuple[str, str], reason: str | None = None) -> None:
        self.send_response(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def body(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()
        self.asked.sent[0] += len(data)

    def log_message(self, *_: object) -> None:
        pass


Act = Callable[[Handler], None]


class Site:
    """What the server does at each path, and every request that came."""

    def __init__(self, port: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self.acts: dict[str, Act] = {}
        self.asked: list[Asked] = []
        self.waiting = threading.Event()  # a request has come to the point at which the server is silent
        self.released = threading.Event()  # silence ends

    def at(self, path: str, act: Act) -> str:
        self.acts[path] = act
        return self.root + path

    def be_silent(self) -> None:
        self.waiting.set()
        self.released.wait(GUARD)

    def half_then_silence(self, data: bytes = BODY, etag: str = '"1"') -> Act:
        def act(handler: Handler) -> None:
            handler.head(200, ("Content-Length", str(len(data))), ("ETag", etag))
            handler.body(data[: len(data) // 2])
            self.be_silent()

        return act


def whole(data: bytes = BODY, etag: str = '"1"', *more: tuple[str, str]) -> Act:
    """A good server: ranges, and If-Range."""

    def act(handler: Handler) -> None:
        wanted, validator = handler.headers.get("Range"), handler.headers.get("If-Range", etag)
        if wanted is None or validator != etag:
            handler.head(200, ("Content-Length", str(len(data))), ("ETag", etag), *more)
            handler.body(data)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(data):
            handler.head(416, ("Content-Range", f"bytes */{len(data)}"), ("Content-Length", "0"))
            return
        span = f"bytes {start}-{len(data) - 1}/{len(data)}"
        length = str(len(data) - start)
        handler.head(206, ("Content-Length", length), ("Content-Range", span), ("ETag", etag), *more)
        handler.body(data[start:])

    return act


def part(data: bytes = BODY, end: int = HALF, *headers: tuple[str, str], length: int | None = None) -> Act:
    """A server that promises all of it, or `length`, and hangs up after `end` bytes."""

    def act(handler: Handler) -> None:
        handler.head(200, ("Content-Length", str(length or len(data))), *(headers or [("ETag", '"1"')]))
        handler.body(data[:end])

    return act


def unmeasured(data: bytes = BODY) -> Act:
    """A server that does not say how long the body is: it ends with the connection."""

    def act(handler: Handler) -> None:
        handler.head(200, ("ETag", '"1"'))
        handler.body(data)

    return act


def endless(handler: Handler) -> None:
    """Chunks without end."""
    handler.head(200, ("Transfer-Encoding", "chunked"))
    while True:
        handler.body(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")


def answer(status: int, *headers: tuple[str, str], reason: str | None = None) -> Act:
    """An answer without a body."""
    return lambda handler: handler.head(status, ("Content-Length", "0"), *headers, reason=reason)


@contextmanager
def serving() -> Iterator[Site]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Site(server.server_address[1])
    server.RequestHandlerClass = type("SiteHandler", (Handler,), {"site": site})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.released.set()
        server.shutdown()
        server.server_close()
        thread.join(GUARD)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def corpus(*urls: str, data: bytes = BODY, pinned: bool = True) -> Corpus:
    """A corpus of one text that the table says is `data`."""
    content = Content("novel.txt", len(data), sha256(data)) if pinned else Content("novel.txt")
    return Corpus("novel", "a novel", "none", "https://example.org/novel", (Remote(urls, content),))


def zipped(url: str, archive: bytes, data: bytes = BODY) -> Corpus:
    """A corpus whose text is the member `inner` of a zip file."""
    sent = Content("novel.zip", len(archive), sha256(archive))
    kept = Content("novel.txt", len(data), sha256(data))
    remotes = (Remote((url,), sent, "inner", kept),)
    return Corpus("novel", "a novel", "none", "https://example.org/novel", remotes)
