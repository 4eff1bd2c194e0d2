"""The display border: text from a user, a model, a file name or a plugin passes here before any terminal sees it.

A terminal obeys bytes: an escape sequence in a training text can overwrite the clipboard, a bidi override can make
a file name read as another. Nothing that leaves this module holds a control, a bidi override, a tag or a surrogate, and
passing twice changes nothing. What is written to a pipe or a file never comes here: that is byte exact.

Widths are terminal cells as rich and Textual count them, so that columns measured here line up there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

_KEEPABLE = "\n\t"

# Ranges never shown as they are. Joiners and variation selectors are left alone: emoji and several scripts need them.
_UNSAFE = (
    (0x00, 0x1F),
    (0x7F, 0x9F),  # DEL and C1: U+009B alone starts an escape sequence on some terminals
    (0x061C, 0x061C),
    (0x200E, 0x200F),
    (0x2028, 0x202E),  # line and paragraph separators, then the bidi embeddings
    (0x2066, 0x206F),
    (0xD800, 0xDFFF),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xE0000, 0xE007F),
)


def _picture(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@cache
def _patterns(keep: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(a run of safe characters, one unsafe character). Matching one long run is three times as fast as searching."""
    safe, start = keep, 0
    for low, high in _UNSAFE:
        safe += f"{chr(start)}-{chr(low - 1)}" if low > start else ""
        start = high + 1
    safe += f"{chr(start)}-{chr(0x10FFFF)}"
    return re.compile(f"[{safe}]*"), re.compile(f"[^{safe}]")


def safe_text(text: str, *, keep: str = _KEEPABLE) -> str:
    r"""`text` with what a terminal could obey made visible: ESC as ␛, U+202E as `\u202e`, a lone surrogate as U+FFFD.

    `keep` says which of newline and tab stay.
    """
    assert set(keep) <= set(_KEEPABLE), "only newline and tab may pass"
    clean, unsafe = _patterns(keep)
    if clean.fullmatch(text):
        return text
    return unsafe.sub(lambda match: _picture(match[0]), text)


def safe_line(text: str) -> str:
    """`safe_text` on one line: a newline is drawn ⏎ and a tab →."""
    return safe_text(text.replace("\n", "⏎").replace("\t", "→"), keep="")


# Format characters that are drawn: the soft hyphen, and number signs that enclose the digits after them.
_DRAWN_FORMATS = {0xAD, *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# Vowels and finals join the Hangul syllable before them, skin tones the emoji before them; fillers are blank.
_JOINING = (*range(0x1160, 0x1200), 0x3164, *range(0xD7B0, 0xD800), 0xFFA0, *range(0x1F3FB, 0x1F400))
# Unicode 16 made these wide; the tables of older Pythons do not know.
_NEWLY_WIDE = ((0x2630, 0x2637), (0x268A, 0x268F), (0x4DC0, 0x4DFF), (0x1D300, 0x1D356), (0x1D360, 0x1D376))


@cache
def _character_width(character: str) -> int:
    code, category = ord(character), unicodedata.category(character)
    if category == "Cn":
        return 2  # as most characters that are added to Unicode now; a line may end early, never too late
    if category[0] == "M" or category in ("Cc", "Zl", "Zp") or code in _JOINING:
        return 0
    if category == "Cf" and code not in _DRAWN_FORMATS:
        return 0
    wide = unicodedata.east_asian_width(character) in "WF" or any(low <= code <= high for low, high in _NEWLY_WIDE)
    return 2 if wide else 1


def _widened(character: str) -> bool:
    """Whether U+FE0F turns this narrow symbol into a wide emoji."""
    return _character_width(character) == 1 and (ord(character) >= 0x203C or character in "#*0123456789©®")


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """(piece, cells): a character with all that joins it. A line may be cut between pieces, never inside one."""
    piece, cells, base, joins = "", 0, "", False
    for character in text:
        width = _character_width(character)
        if piece and (joins or not width):
            piece += character
            if character == "\ufe0f" and base and not joins:
                cells, base = cells + _widened(base), ""
        else:
            if piece:
                yield piece, cells
            piece, cells, base = character, width, character if width else ""
        joins = character == "\u200d" and not joins
    if piece:
        yield piece, cells


def cell_width(text: str) -> int:
    """How many terminal cells `text` takes: 2 for a Hangul syllable or an emoji, 0 for a combining mark.

    Equal to `rich.cells.cell_len` for every character assigned in this Python's Unicode. It never
    counts less: a character not assigned yet counts 2, and U+FE0F after a symbol that is no emoji counts 1.
    """
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(cells for _, cells in clusters(text))


def fit(text: str, width: int, *, ellipsis: str = "…") -> str:
    """`text` if it fits into `width` cells, else its beginning and `ellipsis`. Never wider than `width`."""
    if cell_width(text) <= width:
        return text
    room = width - cell_width(ellipsis)
    if room < 0:
        return fit(ellipsis, width, ellipsis="") if ellipsis else ""
    kept: list[str] = []
    for piece, cells in clusters(text):
        room -= cells
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ellipsis


def pad(text: str, width: int, align: str = "left") -> str:
    """`text` cut or filled with spaces to exactly `width` cells; `align` is "left", "right" or "center"."""
    fitted = fit(text, width)
    space = max(0, width - cell_width(fitted))
    before = {"left": 0, "right": space, "center": space // 2}[align]
    return " " * before + fitted + " " * (space - before)
