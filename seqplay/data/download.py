"""Fetching a corpus: bounded, compared with the table, and taken up again where it ended.

The order is the promise: what comes grows in a `.part` beside the file, its SHA-256 is compared, it is synced, renamed,
and the directory synced. A kill at any moment leaves nothing, a `.part`, or the whole file. Whatever a server says is a
stranger's text: none of it is longer than a line, and nothing that it declares is trusted over what came.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import stat
import string
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib import request
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin, urlsplit

from seqplay import __version__, files, paths
from seqplay.data.corpora import LARGEST, Content, Corpus, Remote
from seqplay.errors import BusyError, DataError, MissingError, RunError, WriteError, counted
from seqplay.safe_text import fit, safe_line

CHUNK = 1 << 16
PATIENCE = 30.0  # seconds to connect, and seconds without a byte
REDIRECTS = 5
SHORTENED = 200  # cells of anything that a server says
MOST_NOTE_BYTES = 1 << 14

# What may be sent back in If-Range (RFC 9110): a strong ETag, or else the date of the last change.
STRONG_ETAG = re.compile(r'"[!#-~]{1,200}"')
DATE = re.compile(r"[A-Za-z0-9,: +-]{1,64}")
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/(?:[0-9]{1,15}|\*)")
UNREADABLE_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class Watcher(Protocol):
    """Somebody who is told what happens, and shown how many bytes of a file are here; `total` may not be known."""

    def say(self, message: str) -> None: ...
    def show(self, file: str, received: int, total: int | None) -> None: ...


@dataclass(frozen=True)
class Fetched:
    """A file that is here and was compared. `url` is where it came from just now; None: it was here already."""

    path: Path
    size: int
    sha256: str
    url: str | None


def fetch(corpus: Corpus, watcher: Watcher) -> list[Fetched]:
    """Bring every file of a corpus here; what is here and whole is not fetched again.

    Raises MissingError where no server gives it, DataError where it is not what the table says, BusyError while another
    process fetches it, WriteError.
    """
    here = [_whole(corpus.folder / remote.kept.name, remote.kept) for remote in corpus.remotes]
    whole = [file for file in here if file is not None]
    if len(whole) == len(here):
        _remove_archives(corpus)
        return whole
    folder = paths.make_private(corpus.folder)
    with _alone(corpus):
        try:
            files.sweep(folder)
            whole = [_bring(corpus, remote, watcher) for remote in corpus.remotes]
        except OSError as error:
            raise files.cannot_write(folder, error) from error
        _remove_archives(corpus)
        return whole


def kept_bytes(corpus: Corpus) -> int:
    """The bytes of unfinished files, from which the next fetch goes on."""
    parts = [corpus.folder / f"{remote.sent.name}.part" for remote in corpus.remotes]
    return sum(part.stat().st_size for part in parts if part.is_file())


@contextmanager
def _alone(corpus: Corpus) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(corpus.folder / "lock", timeout=0, mode=0o600, thread_local=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock warns where it falls back to a lock by existence
            lock.acquire()
    except Timeout:
        raise BusyError(
            f"Another process is fetching {corpus.name}. Wait until it is done, then run the command again."
        ) from None
    except OSError as error:
        raise files.cannot_write(corpus.folder / "lock", error) from error
    try:
        yield
    finally:
        lock.release()


def _bring(corpus: Corpus, remote: Remote, watcher: Watcher) -> Fetched:
    path = corpus.folder / remote.kept.name
    sent = corpus.folder / remote.sent.name
    fetched = _whole(path, remote.kept)
    if fetched is None:
        if path.exists():
            watcher.say(f"{path.name} is here, but it is not what it should be, and takes another fetch.")
        fetched = _whole(sent, remote.sent) or _from_any_mirror(corpus, remote, sent, watcher)
        if remote.unpacked:
            watcher.say(f"Unpacking {sent.name}")
            fetched = Fetched(path, *_unpack(sent, path, remote), fetched.url)
    return fetched


def _remove_archives(corpus: Corpus) -> None:
    for remote in corpus.remotes:
        if remote.unpacked:
            files.remove_quietly(corpus.folder / remote.sent.name)


def _whole(path: Path, content: Content) -> Fetched | None:
    """The file, if it is here with the SHA-256 of the table, or with the one that it came with."""
    expected = content.sha256 or _noted(path)
    try:
        with open(os.open(path, files.READ), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if expected is None or size != (content.size or size):
                return None
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
    return Fetched(path, size, found, None) if found == expected else None


def _noted(path: Path) -> str | None:
    try:
        return files.read_bytes(_sum_of(path), MOST_NOTE_BYTES).decode("ascii", "replace").partition(" ")[0]
    except RunError:
        return None


def _sum_of(path: Path) -> Path:
    """Beside a file that is not pinned: the SHA-256 that it came with, as sha256sum --check reads it."""
    return path.with_name(f"{path.name}.sha256")


# -- one file, from one of its mirrors


def _from_any_mirror(corpus: Corpus, remote: Remote, path: Path, watcher: Watcher) -> Fetched:
    for number, url in enumerate(remote.urls, start=1):
        try:
            return _from(url, remote.sent, path, watcher)
        except (MissingError, DataError) as problem:
            if number == len(remote.urls):
                kept = kept_bytes(corpus)
                advice = f"{kept:,} bytes are kept: run the command again to go on there." if kept else ""
                advice = advice or f"Try again later, or look what became of it: {corpus.page}"
                raise type(problem)(f"{problem} {advice}") from None
            watcher.say(f"{problem} Trying the next server.")
    raise AssertionError("a file has a server")


def _from(url: str, content: Content, path: Path, watcher: Watcher) -> Fetched:
    with _Part(path, content) as part:
        try:
            if content.size is None or part.size != content.size:
                _receive(url, content, part, watcher)
            sha256 = part.sha256()
            if content.sha256 not in (sha256, None):
                raise DataError(
                    f"{path.name} came from {_shown(url)} with the SHA-256 {sha256} instead of {content.sha256}, and "
                    "was removed."
                )
        except DataError:
            part.remove()
            raise
        if content.sha256 is None:
            files.write_atomically(_sum_of(path), f"{sha256}  {path.name}\n".encode())
        part.finish(path)
        return Fetched(path, part.size, sha256, url)


def _receive(url: str, content: Content, part: _Part, watcher: Watcher) -> None:
    """Bring `part` to its whole size, from where it is."""
    size = "" if content.size is None else f" ({counted(content.size, 'byte')})"
    watcher.say(f"Fetching {content.name}{size} from {_shown(url)}")
    start, validator = part.resumable(url)
    response, start = _ask(url, start, validator, content, watcher)
    with response:
        total = None if response.length is None else start + response.length
        _check(url, response, total, content)
        part.begin(start, url, _validator(response) or (validator if start else None))
        if start:
            watcher.say(f"Going on after {counted(start, 'byte')}")
        elif content.size is None and total is not None:
            watcher.say(f"{content.name} has {counted(total, 'byte')}")
        limit = LARGEST if content.size is None else content.size
        watcher.show(content.name, part.size, total or content.size)
        while block := _read(url, response):
            if part.size + len(block) > limit:
                raise DataError(f"{_shown(url)} sends more than {limit:,} bytes: it is not {content.name}.")
            part.append(block)
            watcher.show(content.name, part.size, total or content.size)
    expected = content.size if total is None else total
    if expected is not None and part.size < expected:
        raise _unreachable(url, f"it ended after {part.size:,} of {expected:,} bytes")


def _check(url: str, response: http.client.HTTPResponse, total: int | None, content: Content) -> None:
    """Refuse what cannot be the file before any of it is read."""
    if content.size is not None and total not in (content.size, None):
        has = counted(total or 0, "byte")
        raise DataError(f"{_shown(url)} has {has} instead of {content.size:,}: it is not {content.name}.")
    if content.size is None and (total or 0) > LARGEST:
        raise DataError(f"{_shown(url)} has {total:,} bytes, and at most {LARGEST:,} are taken.")
    if content.sha256 is None:  # else that tells
        kind = response.headers.get_content_type()
        if kind == "text/html" or response.headers.get("Content-Encoding", "identity") != "identity":
            raise _unreachable(url, f"it sends a page of the type {_short(kind)} in place of the file")
        if not total and not response.chunked:
            raise _unreachable(url, "it does not say how large the file is, so that nobody knows when it is whole")


# -- speaking to a server


def _ask(
    url: str, start: int, validator: str | None, content: Content, watcher: Watcher
) -> tuple[http.client.HTTPResponse, int]:
    """A response, and the byte that it begins with: `start`, or 0 where the server does not go on there."""
    if start:
        headers = {"Range": f"bytes={start}-"} | ({"If-Range": validator} if validator else {})
        response = _open(url, headers, content, watcher)
        if response.status == http.HTTPStatus.OK:
            return response, 0
        found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status == http.HTTPStatus.PARTIAL_CONTENT and found and int(found[1]) == start:
            sent = _validator(response)
            if sent is None or validator is None or sent == validator:
                return response, start
        response.close()
    response = _open(url, {}, content, watcher)
    if response.status != http.HTTPStatus.OK:
        response.close()
        raise _unreachable(url, f"the server answers {response.status} {_short(response.reason)}")
    return response, 0


def _open(url: str, headers: dict[str, str], content: Content, watcher: Watcher) -> http.client.HTTPResponse:
    """The response, after a few redirects; also one that says 416, as `_ask` knows what to do about it."""
    asked = url
    for _ in range(REDIRECTS + 1):
        try:
            wanted = request.Request(asked, headers={"User-Agent": f"seqplay/{__version__}", **headers})
            response: http.client.HTTPResponse = _opener().open(wanted, timeout=PATIENCE)
            return response
        except HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and headers:
                    return _open(url, {}, content, watcher)
                location = error.headers.get("Location")
                if error.code not in (301, 302, 303, 307, 308) or not location:
                    raise _unreachable(url, f"the server answers {error.code} {_short(error.reason)}") from None
            asked = _redirected(url, asked, location, content)
            watcher.say(f"Redirected to {_shown(asked)}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(url, _why(error)) from None
    raise _unreachable(url, f"it was redirected more than {REDIRECTS} times")


def _opener() -> request.OpenerDirector:
    """http and https, through the proxies of the environment, and nothing else: no file, no ftp, no redirect of its
    own.
    """
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _redirected(url: str, asked: str, location: str, content: Content) -> str:
    """Where a redirect leads. What nothing pins does not leave https."""
    try:
        target = quote(urljoin(asked, location), encoding="iso-8859-1", errors="replace", safe=string.punctuation)
        scheme = urlsplit(target).scheme
    except ValueError:
        target, scheme = location, ""
    allowed = ("https",) if content.sha256 is None and urlsplit(asked).scheme == "https" else ("http", "https")
    if scheme not in allowed:
        where = _shown(target)
        raise _unreachable(url, f"it redirects to {where}, which is not {' or '.join(allowed)}")
    return target


def _read(url: str, response: http.client.HTTPResponse) -> bytes:
    """What is there, at most a chunk: `read` would wait for all of it, and lose what came when the rest does not."""
    try:
        return response.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, _why(error)) from None


def _validator(response: http.client.HTTPResponse) -> str | None:
    etag, date = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    if STRONG_ETAG.fullmatch(etag):
        return etag
    return date if DATE.fullmatch(date) else None


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"nothing came for {PATIENCE:g} s"
    if isinstance(reason, http.client.IncompleteRead):
        return "it ended early"
    if isinstance(reason, OSError) and reason.strerror:
        return _short(reason.strerror)
    return _short(str(reason) or type(reason).__name__)


def _unreachable(url: str, why: str) -> MissingError:
    return MissingError(f"Cannot fetch {_shown(url)}: {why}.")


def _shown(url: str) -> str:
    """An address on one line, without what may be a password in it."""
    return _short(re.sub(r"//[^/@]*@", "//", url))


def _short(text: str) -> str:
    return fit(safe_line(text), SHORTENED)


# -- what is here of a file


class _Part:
    """The beginning of a file, in `.part` beside it, and a note in `.part.json` of the server that it came from.

    The note's `bytes` are down on the disk. What is pinned goes on from all that is there, as its SHA-256 tells
    whether a power cut has spoilt it; what is not pinned goes on only from what the note says.
    """

    def __init__(self, path: Path, content: Content) -> None:
        self.is_pinned = content.sha256 is not None
        self.path = path.with_name(f"{path.name}.part")
        self._note_path = path.with_name(f"{path.name}.part.json")
        self._note: dict[str, Any] = {}

    def __enter__(self) -> _Part:
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | files.READ, 0o600)
        except OSError as error:
            raise files.cannot_write(self.path, error) from error
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._descriptor)
            raise DataError(f"{self.path} is no ordinary file: remove it.")
        self.size = status.st_size
        return self

    def __exit__(self, *problem: object) -> None:
        """Down to the disk with what came, whatever has ended it, if another fetch can go on there."""
        with suppress(OSError, WriteError), open(self._descriptor, "rb"):
            is_lost = self._note and not self.is_pinned and not self._note["validator"]
            if not self.size or is_lost:
                self.remove()
            elif self._note and self.path.exists():
                os.fsync(self._descriptor)
                self._write_note(self.size)

    def resumable(self, url: str) -> tuple[int, str | None]:
        """How much of what is there can stay, and what the server is to compare it by."""
        note = self._read_note()
        validator = note["validator"] if note.get("url") == url else None
        if self.is_pinned:
            return self.size, validator
        return (min(self.size, note["bytes"]) if validator else 0), validator

    def begin(self, start: int, url: str, validator: str | None) -> None:
        """Keep the first `start` bytes, and note where the rest comes from."""
        os.ftruncate(self._descriptor, start)
        os.lseek(self._descriptor, start, os.SEEK_SET)
        self.size = start
        self._note = {"url": url, "validator": validator}
        self._write_note(start)

    def append(self, block: bytes) -> None:
        try:
            files.write_all(self._descriptor, block)
        except OSError as error:
            raise files.cannot_write(self.path, error) from error
        finally:
            self.size = os.fstat(self._descriptor).st_size

    def sha256(self) -> str:
        """Of what lies on the disk, read again: what was here before counts as much as what came."""
        with open(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

    def finish(self, path: Path) -> None:
        """Give the whole file its name, for good."""
        try:
            os.fsync(self._descriptor)
            os.replace(self.path, path)
            files.sync_directory(path.parent)
        except OSError as error:
            raise files.cannot_write(path, error) from error
        files.remove_quietly(self._note_path)

    def remove(self) -> None:
        files.remove_quietly(self.path)
        files.remove_quietly(self._note_path)

    def _write_note(self, size: int) -> None:
        if self._note.get("validator"):
            files.write_atomically(self._note_path, json.dumps({**self._note, "bytes": size}).encode())
        else:
            files.remove_quietly(self._note_path)

    def _read_note(self) -> dict[str, Any]:
        with suppress(RunError, ValueError, RecursionError):
            note = json.loads(files.read_bytes(self._note_path, MOST_NOTE_BYTES))
            if isinstance(note, dict) and type(note.get("bytes")) is int and note["bytes"] >= 0:
                validator = note.get("validator")
                if isinstance(validator, str) and (STRONG_ETAG.fullmatch(validator) or DATE.fullmatch(validator)):
                    return note
        return {}


def _unpack(archive: Path, path: Path, remote: Remote) -> tuple[int, str]:
    """Write the one member of a zip file that the table names, in the size that it names; (size, SHA-256)."""
    content = remote.kept
    limit = LARGEST if content.size is None else content.size
    partial = files.temporary(path)
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(archive) as opened:
            if opened.namelist().count(remote.member) != 1 or opened.getinfo(remote.member).file_size != limit:
                raise DataError(f"{archive.name} does not hold one file '{remote.member}' of {limit:,} bytes.")
            with opened.open(remote.member) as stream, open(os.open(partial, files.NEW_FILE, 0o600), "wb") as out:
                while block := stream.read(min(CHUNK, limit + 1 - size)):
                    size += len(block)
                    digest.update(block)
                    out.write(block)
                out.flush()
                os.fsync(out.fileno())
        if size != limit or content.sha256 not in (digest.hexdigest(), None):
            raise DataError(f"{archive.name} holds another '{remote.member}' than it should.")
        os.replace(partial, path)
        files.sync_directory(path.parent)
    except UNREADABLE_ZIP as problem:
        files.remove_quietly(archive)
        raise DataError(f"{archive.name} cannot be unpacked, and was removed: {_short(str(problem))}.") from None
    except DataError as problem:
        files.remove_quietly(archive)
        raise DataError(f"{problem} It was removed.") from None
    except OSError as error:
        raise files.cannot_write(path, error) from error
    finally:
        files.remove_quietly(partial)
    return size, digest.hexdigest()
