"""Texts that a terminal would obey, or that would be taken for markup, wherever they are printed as they are; and what
tells that one was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

HOSTILE = [
    "\x1b]52;c;cHduZWQ=\x07",  # OSC 52: the clipboard
    "\x1b]0;title\x07",
    "\x1b]2;title\x1b\\",
    "\x1b]8;;file:etc\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]9;note\x07",
    "\x1b]1337;File=inline=1:AA\x07",
    "\x1bPq#0\x1b\\",  # DCS
    "\x1b_Gi=1\x1b\\",  # APC
    "\x1b^pm\x1b\\",  # PM
    "\x1bXsos\x1b\\",  # SOS
    "\x1b[2J\x1b[9;9H",
    "\x1b[5;8m",
    "\x1b[6n",
    "\x1b[?1049h",
    "\x1bc",
    "\x9b2J\x9d52;c;AA\x9c\x90q\x9c",  # the same in C1
    "\x80\x85\x9f",
    "bell\x07back\x08\x08del\x7f",
    "\rover",
    "\x0e\x0f\x0b\x0c",
    "a\u202etxt.exe\u202c\u2066x\u2069\u200f\u061c",
    "\u2028\u2029\ufeff\U000e0041",
    "[/]",
    "[@click=app.quit]x[/]",
    "[link=file:]x",
    "[bold",
    "[red]x",
    '{"a":[true,false]}',
]
MARKUP = ["[/]", "[@click=app.quit]x", "[bold", "[red]x"]
ALL = "".join(HOSTILE)
COLOUR = r"\x1b\[(?:0|1|2|3|7|3[0-79]|4[0-79]|9[0-7]|38;5;\d+|48;5;\d+|38;2;\d+;\d+;\d+|48;2;\d+;\d+;\d+|;)*m"
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)


def names() -> Iterator[str]:
    """The hostile strings as names of files, each short enough for a file system."""
    name = ""
    for text in HOSTILE:
        if len((name + text).encode()) > 150:
            yield name
            name = ""
        name += text.replace("/", "∕") if text not in MARKUP else text.replace("/", "")
    yield name
