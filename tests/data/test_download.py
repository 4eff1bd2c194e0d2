"""Fetching from a server that is good, bad or gone: what is kept is whole and compared, and nothing else is kept."""

import io
import itertools
import os
import shutil
import socket
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from corpus_server import (
    BODY,
    HALF,
    Act,
    Handler,
    Site,
    answer,
    corpus,
    endless,
    part,
    serving,
    sha256,
    unmeasured,
    whole,
    zipped,
)
from filelock import FileLock
from full_disk import largest_file

from seqplay.data import download
from seqplay.data.corpora import Content, Corpus
from seqplay.errors import BusyError, DataError, MissingError, SeqplayError, WriteError

OTHER = BODY[::-1]


@dataclass
class Told:
    """A watcher that remembers."""

    lines: list[str] = field(default_factory=list)
    shown: list[tuple[str, int, int | None]] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.lines.append(message)

    def show(self, file: str, received: int, total: int | None) -> None:
        self.shown.append((file, received, total))


REAL_LOOKUP = socket.getaddrinfo


def nobody_else(host: str, *more: Any, **options: Any) -> Any:
    """Looks no name up outside of this machine."""
    if host == "127.0.0.1":
        return REAL_LOOKUP(host, *more, **options)
    host.encode("idna")
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(socket, "getaddrinfo", nobody_else)
    with serving() as site:
        yield site


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PATIENCE", 0.2)


def fetched(wanted: Corpus, told: Told | None = None) -> download.Fetched:
    (file,) = download.fetch(wanted, told or Told())
    return file


def part_of(wanted: Corpus) -> Path:
    return wanted.folder / "novel.txt.part"


def left_in(wanted: Corpus) -> set[str]:
    """The files of a corpus, without the lock."""
    return {path.name for path in wanted.folder.iterdir()} - {"lock"}


def cut_at_half(wanted: Corpus, act: Act, site: Site) -> None:
    """Fetch the first half of a corpus from a server that then hangs up."""
    site.at("/novel", act)
    with pytest.raises(MissingError):
        download.fetch(wanted, Told())
    assert part_of(wanted).read_bytes() == BODY[:HALF]
    site.asked.clear()


# -- a good server


def test_a_corpus_comes_whole_and_private_and_leaves_nothing_beside_it(site: Site) -> None:
    wanted, told = corpus(site.at("/novel", whole())), Told()
    file = fetched(wanted, told)
    assert (file.path, file.size, file.sha256, file.url) == (wanted.path, len(BODY), sha256(BODY), site.root + "/novel")
    assert wanted.path.read_bytes() == BODY
    assert left_in(wanted) == {"novel.txt"}
    assert stat.S_IMODE(wanted.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in wanted.folder.iterdir()} == {0o600}
    assert told.lines == [f"Fetching novel.txt (256,000 bytes) from {site.root}/novel"]
    assert told.shown[0] == ("novel.txt", 0, len(BODY))
    assert told.shown[-1] == ("novel.txt", len(BODY), len(BODY))
    assert wanted.is_here()


def test_what_is_here_and_whole_asks_no_server(site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    fetched(wanted)
    site.asked.clear()
    assert fetched(wanted) == download.Fetched(wanted.path, len(BODY), sha256(BODY), None)
    assert site.asked == []


def test_what_is_here_and_damaged_is_fetched_again(site: Site) -> None:
    wanted, told = corpus(site.at("/novel", whole())), Told()
    wanted.folder.mkdir(parents=True)
    wanted.path.write_bytes(OTHER)
    fetched(wanted, told)
    assert wanted.path.read_bytes() == BODY
    assert "novel.txt is here, but it is not what it should be" in told.lines[0]


def test_what_is_not_pinned_keeps_the_sha256_that_it_came_with(site: Site) -> None:
    wanted, told = corpus(site.at("/novel", whole()), pinned=False), Told()
    assert fetched(wanted, told).sha256 == sha256(BODY)
    assert "novel.txt has 256,000 bytes" in told.lines
    assert (wanted.folder / "novel.txt.sha256").read_text() == f"{sha256(BODY)}  novel.txt\n"
    assert fetched(wanted).url is None
    wanted.path.write_bytes(OTHER)
    assert fetched(wanted).url is not None
    assert wanted.path.read_bytes() == BODY


def test_nothing_is_told_of_the_user_but_the_program(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "canary")
    fetched(corpus(site.at("/novel", whole())))
    (asked,) = site.asked
    assert set(asked.headers) == {"Host", "User-Agent", "Accept-Encoding", "Connection"}
    assert asked.headers["User-Agent"].startswith("seqplay/")


def test_the_order_is_sync_rename_sync_of_the_folder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = corpus(site.at("/novel", whole()))
    done: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        done.append("fsync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real_fsync(descriptor)

    def replace(source: Path, target: Path) -> None:
        done.append(f"rename {Path(target).name}")
        real_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    fetched(wanted)
    assert done[-3:] == ["fsync novel.txt.part", "rename novel.txt", "fsync novel"]


# -- going on where it ended


@pytest.mark.parametrize("pinned", [True, False])
def test_after_a_cut_only_the_rest_is_asked_for(pinned: bool, site: Site) -> None:
    wanted, told = corpus(site.root + "/novel", pinned=pinned), Told()
    cut_at_half(wanted, part(), site)
    site.at("/novel", whole())
    fetched(wanted, told)
    (asked,) = site.asked
    assert (asked.headers["Range"], asked.headers["If-Range"]) == (f"bytes={HALF}-", '"1"')
    assert asked.sent == [len(BODY) - HALF]
    assert wanted.path.read_bytes() == BODY
    assert "Going on after 128,000 bytes" in told.lines
    assert not list(wanted.folder.glob("*.part*"))


def test_a_cut_says_what_is_kept(site: Site) -> None:
    wanted = corpus(site.at("/novel", part()))
    words = r"it ended after 128,000 of 256,000 bytes\. 128,000 bytes are kept: run the command again to go on there\.$"
    with pytest.raises(MissingError, match=words):
        download.fetch(wanted, Told())
    assert not wanted.is_here()
    assert download.kept_bytes(wanted) == HALF


def test_without_a_strong_validator_only_what_is_pinned_goes_on(site: Site) -> None:
    for pinned, kept in ((True, HALF), (False, 0)):
        wanted = corpus(site.at("/novel", part(BODY, HALF, ("ETag", 'W/"1"'))), pinned=pinned)
        with pytest.raises(MissingError, match="bytes are kept" if kept else "Try again later"):
            download.fetch(wanted, Told())
        assert download.kept_bytes(wanted) == kept
        site.at("/novel", whole())
        fetched(wanted)
        assert "If-Range" not in site.asked[-1].headers
        assert site.asked[-1].sent == [len(BODY) - kept]
        assert wanted.path.read_bytes() == BODY
        shutil.rmtree(wanted.folder)


def test_a_server_that_is_gone_for_a_while_does_not_cost_what_came(site: Site) -> None:
    wanted = corpus(site.root + "/novel", pinned=False)
    cut_at_half(wanted, part(), site)
    site.at("/novel", answer(503))
    with pytest.raises(MissingError, match="128,000 bytes are kept"):
        download.fetch(wanted, Told())
    site.at("/novel", whole())
    fetched(wanted)
    assert site.asked[-1].sent == [HALF]


def test_the_date_of_the_last_change_is_a_validator_too(site: Site) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    wanted = corpus(site.root + "/novel", pinned=False)
    cut_at_half(wanted, part(BODY, HALF, ("Last-Modified", date)), site)
    site.at("/novel", whole(BODY, date))
    fetched(wanted)
    (asked,) = site.asked
    assert asked.headers["If-Range"] == date
    assert asked.sent == [HALF]


def test_a_validator_counts_only_where_it_came_from(site: Site) -> None:
    first, second = site.root + "/novel", site.at("/mirror", whole(BODY, '"2"'))
    wanted = corpus(first, second)
    site.at("/novel", part())
    fetched(wanted)
    _, asked = site.asked
    assert (asked.path, asked.headers["Range"]) == ("/mirror", f"bytes={HALF}-")
    assert "If-Range" not in asked.headers
    assert wanted.path.read_bytes() == BODY


def ignores_ranges(handler: Handler) -> None:
    handler.head(200, ("Content-Length", str(len(BODY))))
    handler.body(BODY)


def goes_on_elsewhere(handler: Handler) -> None:
    """206, from a byte that nobody asked for."""
    if "Range" not in handler.headers:
        return ignores_ranges(handler)
    handler.head(206, ("Content-Range", f"bytes 7-{len(BODY) - 1}/{len(BODY)}"), ("Content-Length", str(len(BODY) - 7)))
    return handler.body(BODY[7:])


def satisfies_no_range(handler: Handler) -> None:
    answer(416)(handler) if "Range" in handler.headers else ignores_ranges(handler)


@pytest.mark.parametrize("act", [ignores_ranges, goes_on_elsewhere, satisfies_no_range])
@pytest.mark.parametrize("pinned", [True, False])
def test_a_server_that_does_not_go_on_there_gives_it_from_the_start(pinned: bool, act: Act, site: Site) -> None:
    wanted = corpus(site.root + "/novel", pinned=pinned)
    cut_at_half(wanted, part(), site)
    site.at("/novel", act)
    fetched(wanted)
    assert wanted.path.read_bytes() == BODY


def ignores_if_range(data: bytes, etag: str) -> Act:
    """Goes on with another file, and says so in its ETag only."""

    def act(handler: Handler) -> None:
        del handler.headers["If-Range"]
        whole(data, etag)(handler)

    return act


@pytest.mark.parametrize("act", [whole(OTHER, '"2"'), ignores_if_range(OTHER, '"2"')])
def test_a_file_that_changed_in_between_is_not_joined_to_the_old_one(act: Act, site: Site) -> None:
    wanted = corpus(site.root + "/novel", pinned=False)
    cut_at_half(wanted, part(), site)
    site.at("/novel", act)
    fetched(wanted)
    assert wanted.path.read_bytes() == OTHER


def test_what_lay_here_spoilt_is_found_out_and_removed(site: Site) -> None:
    wanted = corpus(site.root + "/novel")
    cut_at_half(wanted, part(), site)
    part_of(wanted).write_bytes(OTHER[:HALF])
    site.at("/novel", whole())
    with pytest.raises(DataError, match=r"instead of [0-9a-f]{64}, and was removed"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == set()
    assert fetched(wanted).path.read_bytes() == BODY


def test_a_whole_part_that_a_kill_left_needs_no_server(site: Site) -> None:
    wanted = corpus(site.root + "/novel")
    wanted.folder.mkdir(parents=True)
    part_of(wanted).write_bytes(BODY)
    fetched(wanted)
    assert site.asked == []
    assert wanted.path.read_bytes() == BODY


@pytest.mark.parametrize("extra", [1, len(BODY)])
def test_a_part_that_is_too_long_is_begun_again(extra: int, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    wanted.folder.mkdir(parents=True)
    part_of(wanted).write_bytes(b"x" * (len(BODY) + extra))
    fetched(wanted)
    assert wanted.path.read_bytes() == BODY


NOTES = [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 9000, b'{"url": 1, "validator": 2, "bytes": 3}', b"x" * 100_000]
NOTES += [
    b'{"url": "URL", "validator": "\\"1\\"", "bytes": -1}',
    b'{"url": "URL", "validator": "a\\r\\nX: y", "bytes": 9}',
]


@pytest.mark.parametrize("note", NOTES, ids=lambda note: repr(note[:20]))
@pytest.mark.parametrize("pinned", [True, False])
def test_a_note_that_somebody_spoilt_is_no_note(pinned: bool, note: bytes, site: Site) -> None:
    wanted = corpus(site.root + "/novel", pinned=pinned)
    cut_at_half(wanted, part(), site)
    part_of(wanted).with_name("novel.txt.part.json").write_bytes(note.replace(b"URL", site.root.encode() + b"/novel"))
    site.at("/novel", whole())
    fetched(wanted)
    assert wanted.path.read_bytes() == BODY
    assert "If-Range" not in site.asked[0].headers


def test_what_is_not_pinned_goes_on_only_from_what_is_down_on_the_disk(site: Site) -> None:
    """After a power cut the file system may have filled what was not synced with zeros."""
    wanted = corpus(site.root + "/novel", pinned=False)
    cut_at_half(wanted, part(), site)
    with part_of(wanted).open("ab") as file:
        file.write(bytes(1000))
    site.at("/novel", whole())
    fetched(wanted)
    assert site.asked[0].headers["Range"] == f"bytes={HALF}-"
    assert wanted.path.read_bytes() == BODY


def test_a_symlink_in_the_place_of_the_part_is_not_written_through(site: Site, tmp_path: Path) -> None:
    wanted = corpus(site.at("/novel", whole()))
    wanted.folder.mkdir(parents=True)
    (tmp_path / "precious").write_text("mine")
    part_of(wanted).symlink_to(tmp_path / "precious")
    with pytest.raises(WriteError, match="symlink"):
        download.fetch(wanted, Told())
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_fifo_in_the_place_of_the_part_is_refused_at_once(site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    wanted.folder.mkdir(parents=True)
    os.mkfifo(part_of(wanted))
    with pytest.raises(DataError, match="is no ordinary file"):
        download.fetch(wanted, Told())


# -- what is not the file


def assert_refused_and_removed(wanted: Corpus, words: str) -> None:
    with pytest.raises(DataError, match=words) as raised:
        download.fetch(wanted, Told())
    assert raised.value.exit_code == 65
    assert left_in(wanted) == set()


def test_a_wrong_sha256_is_removed(site: Site) -> None:
    assert_refused_and_removed(corpus(site.at("/novel", whole(OTHER))), f"with the SHA-256 {sha256(OTHER)} instead of")


@pytest.mark.parametrize("act", [endless, unmeasured(BODY + b"x"), unmeasured(BODY * 3)])
def test_a_body_that_is_too_long_is_not_read_to_its_end(act: Act, site: Site) -> None:
    assert_refused_and_removed(corpus(site.at("/novel", act)), "sends more than 256,000 bytes")


@pytest.mark.parametrize("act", [whole(BODY + b"x"), whole(BODY[:-1]), part(length=10**15)])
def test_another_declared_size_is_refused_before_anything_is_read(act: Act, site: Site) -> None:
    wanted, told = corpus(site.at("/novel", act)), Told()
    with pytest.raises(DataError, match=r"has [0-9,]+ bytes instead of 256,000"):
        download.fetch(wanted, told)
    assert told.shown == []
    assert left_in(wanted) == set()


@pytest.mark.parametrize("act", [endless, whole()])
def test_what_is_not_pinned_has_a_largest_size(act: Act, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", len(BODY) - 1)
    words = "sends more than 255,999 bytes" if act is endless else "at most 255,999 are taken"
    assert_refused_and_removed(corpus(site.at("/novel", act), pinned=False), words)


def test_a_body_that_ends_early_without_having_said_its_size_can_go_on(site: Site) -> None:
    wanted = corpus(site.root + "/novel")
    cut_at_half(wanted, unmeasured(BODY[:HALF]), site)
    site.at("/novel", whole())
    assert fetched(wanted).sha256 == sha256(BODY)


@pytest.mark.parametrize("act", [unmeasured(), unmeasured(b""), whole(b"")])
def test_what_is_not_pinned_must_have_an_end_that_can_be_seen(act: Act, site: Site) -> None:
    wanted = corpus(site.at("/novel", act), pinned=False)
    with pytest.raises(MissingError, match="does not say how large"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == set()


def chunks(*sizes: int, end: bool) -> Act:
    def act(handler: Handler) -> None:
        handler.head(200, ("Transfer-Encoding", "chunked"))
        at = 0
        for size in sizes:
            handler.body(f"{size:x}\r\n".encode() + BODY[at : at + size] + b"\r\n")
            at += size
        handler.body(b"0\r\n\r\n" if end else b"")

    return act


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_in_chunks_is_whole_only_with_its_last_one(pinned: bool, site: Site) -> None:
    wanted = corpus(site.at("/novel", chunks(1, HALF - 1, end=False)), pinned=pinned)
    with pytest.raises(MissingError, match=rf"it ended early\.{' 128,000 bytes are kept' if pinned else ''}"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == ({"novel.txt.part"} if pinned else set())
    site.at("/novel", chunks(1, HALF, HALF - 1, end=True))
    assert fetched(wanted).sha256 == sha256(BODY)


@pytest.mark.parametrize("more", [("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip")])
def test_a_web_page_is_no_book(more: tuple[str, str], site: Site) -> None:
    wanted = corpus(site.at("/novel", whole(BODY, '"1"', more)), pinned=False)
    with pytest.raises(MissingError, match="in place of the file"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == set()


# -- servers that are gone, silent or hostile


def test_another_mirror_is_tried_and_it_is_said(site: Site) -> None:
    wanted = corpus(site.at("/first", answer(404)), site.at("/second", whole(OTHER)), site.at("/third", whole()))
    told = Told()
    assert fetched(wanted, told).url == site.root + "/third"
    assert "/first: the server answers 404 Not Found. Trying the next server." in told.lines[1]
    assert "/second with the SHA-256" in told.lines[3]


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503, 304, 204, 206])
def test_an_answer_that_is_no_file_says_its_number_and_where_to_read_more(status: int, site: Site) -> None:
    wanted = corpus(site.at("/novel", answer(status)))
    with pytest.raises(MissingError, match=rf"the server answers {status} .*: https://example\.org/novel$") as raised:
        download.fetch(wanted, Told())
    assert raised.value.exit_code == 69
    assert left_in(wanted) == set()


def test_a_server_that_is_not_there(site: Site) -> None:
    url = site.at("/novel", whole())
    with serving() as gone:
        nowhere = gone.root
    with pytest.raises(MissingError, match="Connection refused"):
        download.fetch(corpus(f"{nowhere}/novel"), Told())
    assert fetched(corpus(f"{nowhere}/novel", url)).sha256 == sha256(BODY)


@pytest.mark.usefixtures("short_patience")
def test_a_server_that_falls_silent_is_left_and_what_came_is_kept(site: Site) -> None:
    wanted = corpus(site.at("/novel", site.half_then_silence()))
    with pytest.raises(MissingError, match=r"nothing came for 0\.2 s\. 128,000 bytes are kept"):
        download.fetch(wanted, Told())
    site.at("/novel", whole())
    fetched(wanted)
    assert site.asked[-1].sent == [len(BODY) - HALF]
    assert wanted.path.read_bytes() == BODY


@pytest.mark.usefixtures("short_patience")
def test_a_server_that_never_answers_is_left(site: Site) -> None:
    wanted = corpus(site.at("/novel", lambda _: site.be_silent()))
    with pytest.raises(MissingError, match=r"nothing came for 0\.2 s\. Try again later"):
        download.fetch(wanted, Told())


def test_a_redirect_is_followed_and_said(site: Site) -> None:
    wanted = corpus(site.at("/old", answer(302, ("Location", "/new"))))
    site.at("/new", whole())
    told = Told()
    fetched(wanted, told)
    assert f"Redirected to {site.root}/new" in told.lines


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "gopher://x", "http://[", ""])
def test_a_redirect_to_anything_but_http_is_refused(target: str, site: Site) -> None:
    wanted = corpus(site.at("/novel", answer(301, ("Location", target))))
    with pytest.raises(MissingError, match=r"which is not http or https|the server answers 301"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == set()


def test_an_address_that_is_no_http_is_refused(tmp_path: Path) -> None:
    (tmp_path / "novel").write_bytes(BODY)
    for url in (f"file://{tmp_path}/novel", "ftp://127.0.0.1/novel", "data:,novel"):
        with pytest.raises(MissingError, match="unknown url type"):
            download.fetch(corpus(url), Told())


@pytest.mark.parametrize("target", ["/novel", "/other"])
def test_redirects_that_do_not_end_are_left(target: str, site: Site) -> None:
    wanted = corpus(site.at("/novel", answer(302, ("Location", target))))
    site.at("/other", answer(302, ("Location", "/novel")))
    with pytest.raises(MissingError, match="it was redirected more than 5 times"):
        download.fetch(wanted, Told())
    assert len(site.asked) == 6


@pytest.mark.parametrize(
    ("sha", "target"), [(None, "https://b/y"), ("0" * 64, "http://b/y"), ("0" * 64, "https://b/y")]
)
def test_only_what_is_pinned_leaves_https(sha: str | None, target: str) -> None:
    content = Content("novel.txt", 1, sha)
    assert download._redirected("https://a/x", "https://a/x", target, content) == target
    with pytest.raises(MissingError, match="which is not https"):
        download._redirected("https://a/x", "https://a/x", "http://b/y", Content("novel.txt"))


HOSTILE = "\x1b]52;c;cHduZWQ=\x07\x9b2J\x85 a\x7f " + "x" * 5000


def raw(data: bytes) -> Act:
    """Bytes in place of an answer."""

    def act(handler: Handler) -> None:
        handler.wfile.write(data)

    return act


HOSTILE_ANSWERS: dict[str, Act] = {
    "reason": answer(404, reason=HOSTILE),
    "status line": raw(f"HTTP/1.1 {HOSTILE}\r\n\r\n".encode("latin-1")),
    "no http": raw(b"SSH-2.0-\x1b[2J\x07\r\n"),
    "redirect": answer(302, ("Location", "file:" + HOSTILE)),
    "redirect to a host": answer(302, ("Location", "http://" + HOSTILE.replace("\x85", "") + "/")),
    "redirect to a long host": answer(302, ("Location", "http://" + "x" * 300 + "/")),
    "redirect to no port": answer(302, ("Location", "http://127.0.0.1:x/")),
    "redirect to a large port": answer(302, ("Location", "http://127.0.0.1:99999/")),
    "chunk size": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[2J" + b"x" * 5000 + b"\r\n"),
    "length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"),
    "endless header": raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000),
    "many headers": raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000),
    "range": raw(b"HTTP/1.1 206 OK\r\nContent-Range: bytes " + b"9" * 5000 + b"-1/1\r\nContent-Length: 0\r\n\r\n"),
}


@pytest.mark.parametrize("name", HOSTILE_ANSWERS)
@pytest.mark.parametrize("pinned", [True, False])
def test_what_a_server_says_is_made_safe_and_short(pinned: bool, name: str, site: Site) -> None:
    wanted, told = corpus(site.root + "/novel", pinned=pinned), Told()
    cut_at_half(wanted, part(), site)
    site.at("/novel", HOSTILE_ANSWERS[name])
    with pytest.raises(MissingError) as raised:
        download.fetch(wanted, told)
    for line in [*told.lines, str(raised.value)]:
        assert line.isprintable()
        assert len(line) < 3 * download.SHORTENED + 200
    assert not wanted.is_here()


NO_VALIDATORS = [("ETag", etag) for etag in ('"a\x1b[2Jb"', f'"{"x" * 5000}"', 'W/"1"', "no quotes", '"é"')]
NO_VALIDATORS += [("Last-Modified", date) for date in ("\x1b[2J", "1" * 65, "é")]


@pytest.mark.parametrize("header", NO_VALIDATORS, ids=lambda header: ascii(header[1][:9]))
def test_a_validator_that_is_none_is_never_sent_back(header: tuple[str, str], site: Site) -> None:
    wanted = corpus(site.root + "/novel")
    cut_at_half(wanted, part(BODY, HALF, header), site)
    site.at("/novel", whole())
    fetched(wanted)
    assert "If-Range" not in site.asked[0].headers


@pytest.mark.parametrize("size", [b"-1", b"-5", b"ffffffffffffffff", b"7fffffffffffffff0"])
def test_a_chunk_size_that_lies_reads_no_more_than_the_file(size: bytes, site: Site) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n"
    wanted = corpus(site.at("/novel", raw(head + BODY * 20)))
    with pytest.raises(SeqplayError) as raised:
        download.fetch(wanted, Told())
    assert raised.value.exit_code in (65, 69)
    assert download.kept_bytes(wanted) <= len(BODY)


def test_a_password_in_an_address_is_not_shown(site: Site) -> None:
    host = site.root.removeprefix("http://")
    wanted = corpus(site.at("/novel", answer(302, ("Location", f"http://user:canary@{host}/other"))))
    site.at("/other", answer(404))
    told = Told()
    with pytest.raises(MissingError) as raised:
        download.fetch(wanted, told)
    assert "canary" not in "".join([*told.lines, str(raised.value)])


# -- zip files


def archive(data: bytes = BODY, name: str = "inner", **more: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr(name, data)
        for other, content in more.items():
            opened.writestr(other, content)
    return packed.getvalue()


def test_of_a_zip_file_the_text_is_kept(site: Site) -> None:
    packed, told = archive(), Told()
    wanted = zipped(site.at("/novel", whole(packed)), packed)
    file = fetched(wanted, told)
    assert (file.path.name, file.size, file.sha256) == ("novel.txt", len(BODY), sha256(BODY))
    assert wanted.path.read_bytes() == BODY
    assert left_in(wanted) == {"novel.txt"}
    assert stat.S_IMODE(wanted.path.stat().st_mode) == 0o600
    assert "Unpacking novel.zip" in told.lines
    assert fetched(wanted).url is None


def test_a_zip_file_that_a_kill_left_is_unpacked_without_a_server(site: Site) -> None:
    packed = archive()
    wanted = zipped(site.root + "/novel", packed)
    wanted.folder.mkdir(parents=True)
    (wanted.folder / "novel.zip").write_bytes(packed)
    fetched(wanted)
    assert (wanted.path.read_bytes(), left_in(wanted), site.asked) == (BODY, {"novel.txt"}, [])


def test_a_zip_file_that_a_kill_left_beside_the_text_is_removed(site: Site) -> None:
    packed = archive()
    wanted = zipped(site.root + "/novel", packed)
    wanted.folder.mkdir(parents=True)
    (wanted.folder / "novel.zip").write_bytes(packed)
    wanted.path.write_bytes(BODY)
    fetched(wanted)
    assert left_in(wanted) == {"novel.txt"}


def lying(packed: bytes, size: int) -> bytes:
    """The zip file, with another size declared for what it holds."""
    old, new = len(BODY * 50).to_bytes(4, "little"), size.to_bytes(4, "little")
    assert packed.count(old) == 2
    return packed.replace(old, new)


def encrypted(packed: bytes) -> bytes:
    """The zip file, with its member marked as one that takes a password."""
    data = bytearray(packed)
    data[6] |= 1
    data[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


DECLARED = "does not hold one file 'inner' of 256,000 bytes. It was removed"
UNREADABLE = "cannot be unpacked, and was removed"
BAD_ARCHIVES = {
    "bomb": (archive(BODY * 50), DECLARED),
    "bomb that lies": (lying(archive(BODY * 50), len(BODY)), UNREADABLE),
    "other member": (archive(name="other"), DECLARED),
    "way out": (archive(name="../inner"), DECLARED),
    "absolute": (archive(name="/tmp/inner"), DECLARED),
    "other text": (archive(OTHER), "holds another 'inner' than it should. It was removed"),
    "no zip": (BODY, UNREADABLE),
    "cut": (archive()[:-30], UNREADABLE),
    "flipped": (archive().replace(archive()[60:70], bytes(10)), UNREADABLE),
    "encrypted": (encrypted(archive()), UNREADABLE),
    "empty": (archive(b""), DECLARED),
}


@pytest.mark.parametrize("name", BAD_ARCHIVES)
def test_a_zip_file_that_does_not_hold_the_text_is_refused_and_removed(name: str, site: Site) -> None:
    packed, words = BAD_ARCHIVES[name]
    assert_refused_and_removed(zipped(site.at("/novel", whole(packed)), packed), words)


def test_other_members_of_a_zip_file_are_left_in_it(site: Site, tmp_path: Path) -> None:
    packed = archive(**{"../../../../evil": b"x", "more": b"y"})
    wanted = zipped(site.at("/novel", whole(packed)), packed)
    fetched(wanted)
    assert left_in(wanted) == {"novel.txt"}
    assert not list(tmp_path.rglob("evil"))


# -- disks, kills, and two at once


@pytest.mark.parametrize("size", [0, 10, 1000, HALF])
def test_a_full_disk_is_one_line_and_the_fetch_goes_on_when_there_is_room(size: int, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    with largest_file(size), pytest.raises(WriteError, match="File too large") as raised:
        download.fetch(wanted, Told())
    assert "\n" not in str(raised.value)
    assert not wanted.is_here()
    fetched(wanted)
    assert wanted.path.read_bytes() == BODY
    if size >= 1000:
        assert site.asked[-1].sent == [len(BODY) - size]


def test_a_disk_that_is_full_while_unpacking_keeps_the_zip_file(site: Site) -> None:
    packed = archive()
    wanted = zipped(site.at("/novel", whole(packed)), packed)
    with largest_file(len(BODY) - 1), pytest.raises(WriteError, match="File too large"):
        download.fetch(wanted, Told())
    assert left_in(wanted) == {"novel.zip"}
    fetched(wanted)
    assert len(site.asked) == 1


def test_another_process_that_fetches_the_same_is_75_and_changes_nothing(site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    wanted.folder.mkdir(parents=True)
    with (
        FileLock(wanted.folder / "lock"),
        pytest.raises(BusyError, match="Another process is fetching novel") as raised,
    ):
        download.fetch(wanted, Told())
    assert raised.value.exit_code == 75
    assert (left_in(wanted), site.asked) == (set(), [])
    fetched(wanted)


CRASHED, FAILED = 42, 99


def crash_before_operation(at: int, act: Callable[[], object]) -> int:
    """Run `act` in a child that ends itself before its Nth operation on files; 0 when it comes to its end first."""
    child = os.fork()
    if child == 0:
        left = at

        def counted(real: Callable[..., object]) -> Callable[..., object]:
            def operation(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(CRASHED)
                return real(*arguments, **options)

            return operation

        with suppress(BaseException):
            for name in ("open", "write", "fsync", "replace", "unlink", "ftruncate", "mkdir"):
                setattr(os, name, counted(getattr(os, name)))
            act()
            os._exit(0)
        os._exit(FAILED)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("kind", ["pinned", "not pinned", "zip"])
def test_a_kill_at_any_moment_leaves_nothing_a_part_or_the_whole_file(
    kind: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # it only costs time where no power is cut
    packed = archive()
    if kind == "zip":
        wanted = zipped(site.at("/novel", whole(packed)), packed)
    else:
        wanted = corpus(site.at("/novel", whole()), pinned=kind == "pinned")
    for at in itertools.count(1):
        code = crash_before_operation(at, lambda: download.fetch(wanted, Told()))
        if code == 0:
            break
        assert code == CRASHED
        assert not wanted.path.exists() or wanted.path.read_bytes() == BODY
        fetched(wanted)
        assert wanted.path.read_bytes() == BODY
        assert not list(wanted.folder.glob("*.tmp")) + list(wanted.folder.glob("*.part"))
        shutil.rmtree(wanted.folder)
    assert 12 < at < 100
