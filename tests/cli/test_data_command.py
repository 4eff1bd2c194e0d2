"""`seqplay data` in real processes: its words, its exit codes, and a file that no kill can spoil."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pexpect
import pytest
from corpus_server import BODY, HALF, Site, answer, corpus, part, serving, sha256, whole

from seqplay.cli.data import Watching
from seqplay.data.corpora import Corpus

from .conftest import GUARD, Result, as_shells_say, code_of, ended, environment, seqplay, until
from .test_terminal_safety import ALL, obeyed

RUN = """
import resource, sys
from seqplay.data import corpora, download
from seqplay.data.corpora import Content, Corpus, Remote
corpora.TABLE = {{{corpus.name!r}: {corpus!r}}}
corpora.GUTENBERG = {corpus!r}
{more}
from seqplay.cli import main
try:
    main()
finally:
    print("modules:", *sys.modules, file=open({modules!r}, "w"))
"""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "*")
    with serving() as site:
        yield site


@pytest.fixture
def stopped() -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Commands that a failing test would leave running."""
    commands: list[subprocess.Popen[bytes]] = []
    yield commands
    for command in commands:
        if command.poll() is None:
            command.kill()
            command.communicate(timeout=GUARD)


def command(home: Path, wanted: Corpus, *argv: str, more: str = "") -> list[str]:
    """The command line, with a table of this one corpus."""
    script = RUN.format(corpus=wanted, more=more, modules=str(home.with_name("modules")))
    return [sys.executable, "-P", "-c", script, "data", *argv]


def data(home: Path, wanted: Corpus, *argv: str, more: str = "") -> Result:
    done = subprocess.run(
        command(home, wanted, *argv, more=more), capture_output=True, env=environment(home), timeout=GUARD
    )
    return Result(as_shells_say(done.returncode), done.stdout, done.stderr)


def begun(home: Path, wanted: Corpus, stopped: list["subprocess.Popen[bytes]"]) -> "subprocess.Popen[bytes]":
    """A command that has received half of a corpus from a server that is silent now."""
    pipe = subprocess.PIPE
    child = subprocess.Popen(command(home, wanted, "get", "novel"), stdout=pipe, stderr=pipe, env=environment(home))
    stopped.append(child)
    until(lambda: size_of(home / "data/novel/novel.txt.part") == HALF, "half of the file")
    return child


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1


def file_in(home: Path) -> Path:
    return home / "data" / "novel" / "novel.txt"


def test_get_prints_where_the_text_lies_and_tells_the_rest_on_stderr(home: Path, site: Site) -> None:
    result = data(home, corpus(site.at("/novel", whole())), "get", "novel")
    assert (result.code, result.out) == (0, f"{file_in(home)}\n".encode())
    assert result.lines == [
        f"Fetching novel.txt (256,000 bytes) from {site.root}/novel",
        "novel is here.",
        f"SHA-256 {sha256(BODY)} of novel.txt, as it should be.",
        "Learn it: seqplay train novel",
    ]
    assert file_in(home).read_bytes() == BODY
    assert {stat.S_IMODE(place.stat().st_mode) for place in (home, home / "data", file_in(home).parent)} == {0o700}
    assert stat.S_IMODE(file_in(home).stat().st_mode) == 0o600
    loaded = set(home.with_name("modules").read_text().split())
    assert "urllib.request" in loaded
    assert not {"numpy", "torch"} & loaded


def test_get_a_second_time_asks_nobody(home: Path, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    data(home, wanted, "get", "novel")
    result = data(home, wanted, "get", "novel")
    assert (result.code, len(site.asked)) == (0, 1)
    assert result.lines[0] == "novel is here already: nothing was fetched."


def test_json_has_a_row_for_each_file_and_for_each_corpus(home: Path, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    kept = {"kind": "corpus", "name": "novel", "bytes": len(BODY), "what": "a novel", "licence": "none"}
    kept |= {"page": "https://example.org/novel", "pinned": True}
    assert data(home, wanted, "--json").rows[0] == {**kept, "here": False, "path": None}
    assert not home.exists()
    for argv in (("get", "novel", "--json"), ("--json", "get", "novel")):
        (row,) = data(home, wanted, *argv).rows
        url = f"{site.root}/novel" if argv[0] == "get" else None
        file = {"kind": "file", "corpus": "novel", "path": str(file_in(home)), "bytes": len(BODY)}
        assert row == {**file, "sha256": sha256(BODY), "pinned": True, "url": url}
    for argv in (("list", "--json"), ("--json", "list")):
        assert data(home, wanted, *argv).rows[0] == {**kept, "here": True, "path": str(file_in(home))}


def test_the_list_names_size_licence_and_where_it_lies(home: Path, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    line = data(home, wanted).out.decode().splitlines()[1]
    assert line.split() == ["novel", "0.3", "MB", "no", "a", "novel", "none"]
    data(home, wanted, "get", "novel")
    result = data(home, wanted, "list")
    assert "  yes  " in result.out.decode().splitlines()[1]
    assert f"novel lies at {file_in(home)}" in result.lines


def test_what_is_not_pinned_says_so(home: Path, site: Site) -> None:
    result = data(home, corpus(site.at("/novel", whole()), pinned=False), "get", "novel")
    assert f"SHA-256 {sha256(BODY)} of novel.txt, as it came: there is nothing to compare it with." in result.lines


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("get", "text9"), "No corpus named 'text9'. Did you mean 'text8'?"),
        (("get", "gutenberg"), "Which book? Give its number: seqplay data get gutenberg-1342"),
        (("get", "gutenberg", "x"), "No corpus named 'gutenberg-x'. Did you mean 'gutenberg-NUMBER'?"),
        (("get", "text8", "mnist"), "Fetch one corpus at a time"),
        (("get",), "NAME"),
        (("text8",), "'text8' is a corpus. Fetch it: seqplay data get text8"),
        (("gett",), "No command of data named 'gett'. Did you mean 'get'?"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_line_and_2(argv: tuple[str, ...], words: str, home: Path) -> None:
    result = seqplay(home, "data", *argv)
    (line,) = result.lines
    assert (result.code, result.out) == (2, b"")
    assert words in line
    assert not home.exists()


def test_a_book_can_be_named_by_two_words(home: Path) -> None:
    """Where nothing can be fetched from: the proxy is a port at which nobody listens."""
    with serving() as gone:
        nowhere = gone.root
    env = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere)
    result = seqplay(home, "data", "get", "gutenberg", "1342", env={**env, "NO_PROXY": "", "no_proxy": ""})
    assert result.code == 69
    assert "https://www.gutenberg.org/cache/epub/1342/pg1342.txt: Connection refused" in result.lines[-1]
    assert len([line for line in result.lines if line.startswith("Fetching gutenberg-1342.txt from https://")]) == 2


def test_exit_codes_of_servers(home: Path, site: Site) -> None:
    for act, code, words in (
        (answer(404), 69, "the server answers 404 Not Found. Try again later"),
        (part(), 69, "128,000 bytes are kept: run the command again to go on there."),
        (whole(BODY[::-1]), 65, "and was removed"),
    ):
        result = data(home, corpus(site.at("/novel", act)), "get", "novel")
        assert (result.code, result.out) == (code, b"")
        assert result.lines[-1].startswith("seqplay: ")
        assert words in result.lines[-1]
    assert not file_in(home).exists()


def test_after_kill_9_the_rest_is_fetched(home: Path, site: Site, stopped: list["subprocess.Popen[bytes]"]) -> None:
    wanted = corpus(site.at("/novel", site.half_then_silence()))
    child = begun(home, wanted, stopped)
    child.kill()
    ended(child)
    site.at("/novel", whole())
    result = data(home, wanted, "get", "novel")
    assert result.code == 0
    assert (site.asked[-1].headers["Range"], site.asked[-1].headers["If-Range"]) == (f"bytes={HALF}-", '"1"')
    assert site.asked[-1].sent == [HALF]
    assert file_in(home).read_bytes() == BODY
    assert sorted(os.listdir(file_in(home).parent)) == ["lock", "novel.txt"]


def test_ctrl_c_keeps_what_came_and_says_so(home: Path, site: Site, stopped: list["subprocess.Popen[bytes]"]) -> None:
    wanted = corpus(site.at("/novel", site.half_then_silence()))
    child = begun(home, wanted, stopped)
    child.send_signal(signal.SIGINT)
    result = ended(child)
    assert (result.code, result.out) == (130, b"")
    assert "Interrupted. 128,000 bytes are kept; go on with: seqplay data get novel" in result.lines
    assert b"Traceback" not in result.err
    site.at("/novel", whole())
    assert data(home, wanted, "get", "novel").code == 0
    assert site.asked[-1].sent == [HALF]


def test_a_second_fetch_at_the_same_time_is_75(
    home: Path, site: Site, stopped: list["subprocess.Popen[bytes]"]
) -> None:
    wanted = corpus(site.at("/novel", site.half_then_silence()))
    begun(home, wanted, stopped)
    result = data(home, wanted, "get", "novel")
    assert (result.code, len(site.asked)) == (75, 1)
    assert "Another process is fetching novel." in result.lines[-1]
    assert size_of(home / "data/novel/novel.txt.part") == HALF


def test_a_full_disk_is_74_and_the_rest_is_fetched_when_there_is_room(home: Path, site: Site) -> None:
    wanted = corpus(site.at("/novel", whole()))
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({HALF}, {HALF}))"
    result = data(home, wanted, "get", "novel", more=limit)
    assert (result.code, result.out) == (74, b"")
    assert "novel.txt.part: File too large" in result.lines[-1]
    assert data(home, wanted, "get", "novel").code == 0
    assert site.asked[-1].sent == [HALF]


def test_a_silent_server_is_69(home: Path, site: Site) -> None:
    wanted = corpus(site.at("/novel", site.half_then_silence()))
    result = data(home, wanted, "get", "novel", more="download.PATIENCE = 0.2")
    assert result.code == 69
    assert "nothing came for 0.2 s. 128,000 bytes are kept" in result.lines[-1]


# -- on a terminal


def on_terminal(home: Path, wanted: Corpus, *argv: str, more: str = "") -> tuple[int, bytes]:
    program, *rest = command(home, wanted, *argv, more=more)
    child = pexpect.spawn(program, rest, env=environment(home), dimensions=(30, 100), timeout=GUARD)
    raw = child.read()
    return code_of(child), raw


def test_a_terminal_obeys_nothing_that_a_server_says(home: Path, site: Site) -> None:
    host = site.root.removeprefix("http://")
    for act in (
        answer(404, reason=ALL.encode("ascii", "ignore").decode().replace("\r", "").replace("\n", "")),
        answer(302, ("Location", f"http://\x1b[2J\x9d52;c;AA\x9c@{host}/\x1b]0;t\x07")),
        answer(302, ("Location", "file:\x1b[2J\x9d52;c;AA\x9c\x07")),
    ):
        code, raw = on_terminal(home, corpus(site.at("/novel", act)), "get", "novel")
        assert code == 69
        assert obeyed(raw) == []
        assert b"Cannot fetch" in raw


def test_a_terminal_sees_a_line_that_is_redrawn_and_taken_away(home: Path, site: Site) -> None:
    """Without waiting between two drawings, so that whatever comes is drawn."""
    at_once = "import seqplay.cli.data\nseqplay.cli.data.REDRAW_SECONDS = 0.0"
    code, raw = on_terminal(home, corpus(site.at("/novel", whole())), "get", "novel", more=at_once)
    assert code == 0
    assert obeyed(raw) == []
    assert b"0.3 MB of 0.3 MB" in raw
    assert raw.count(b"\x1b[2K") > 2
    last_line_drawn = raw.rindex(b"0.3 MB of 0.3 MB")
    assert b"\r\x1b[2K" in raw[last_line_drawn : raw.index(b"novel is here.")]
    assert b"\x1b[?25l" not in raw  # a cursor that is never hidden needs nobody to bring it back after a kill


# -- how a fetch is shown, by a clock that the test holds


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def said(watching: Watching, clock: Clock, every: float, sizes: list[int], total: int | None) -> None:
    for size in sizes:
        watching.show("novel.txt", size, total)
        clock.time += every


def test_a_pipe_gets_a_line_every_tenth_or_five_seconds(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    clock = Clock()
    said(Watching(clock), clock, 1.0, list(range(0, 10_000_001, 100_000)), 10_000_000)
    lines = capsysbinary.readouterr().err.decode().splitlines()
    assert len(lines) == 20
    assert lines[0] == "novel.txt   5%   0.5 MB of 10.0 MB   0.1 MB/s   left 1:35"
    assert lines[-1].startswith("novel.txt   100%   10.0 MB of 10.0 MB")
    said(Watching(clock), clock, 1.0, list(range(0, 10_000_001, 1_000_000)), 10_000_000)
    assert len(capsysbinary.readouterr().err.splitlines()) == 10


def test_a_fast_fetch_is_no_burst_of_lines(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    clock = Clock()
    said(Watching(clock), clock, 0.001, list(range(0, 900_001, 1000)), 900_000)
    assert capsysbinary.readouterr().err == b""


def test_a_terminal_is_redrawn_ten_times_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, drawn = Clock(), []
    watching = Watching(clock)
    watching.is_live = True
    monkeypatch.setattr(watching, "_draw", lambda received, total: drawn.append(clock.time))
    said(watching, clock, 1 / 128, list(range(1280)), 1280)
    assert 90 <= len(drawn) <= 100
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(drawn))


def test_without_a_known_size_there_is_no_share(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    clock = Clock()
    said(Watching(clock), clock, 5.0, [0, 1_000_000, 2_000_000], None)
    assert capsysbinary.readouterr().err.decode().splitlines() == [
        "novel.txt   1.0 MB   0.2 MB/s",
        "novel.txt   2.0 MB   0.2 MB/s",
    ]


def test_a_closed_stderr_does_not_end_a_fetch(home: Path, site: Site) -> None:
    child = subprocess.Popen(
        command(home, corpus(site.at("/novel", whole())), "get", "novel"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
    )
    assert child.stderr is not None
    child.stderr.close()
    assert child.wait(GUARD) == 0
    child.communicate()
    assert file_in(home).read_bytes() == BODY
