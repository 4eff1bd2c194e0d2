"""What a run may be called: one directory inside the runs directory, on every system, and never a way out of it."""

from __future__ import annotations

import re
import unicodedata

from seqplay.errors import UsageError

LIMIT_BYTES = 200
STEM_LIMIT_BYTES = 180  # leaves room for -2, -3 ...
FORBIDDEN_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # control characters, lone surrogates, line and paragraph separators
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    port + digit for port in ("COM", "LPT") for digit in "0123456789¹²³"
}


def check_name(name: str) -> str:
    """The name as it is stored (NFC). Raises UsageError with the reason if no run may be called that."""
    reason = _problem(name)
    if reason:
        raise UsageError(f"A run cannot be named {_shown(name)}: {reason}. Try letters, digits, '-' and '_'.")
    return unicodedata.normalize("NFC", name)


def name_from(stem: str) -> str:
    """A legal name as near as possible to a file's stem, and still legal with -2 behind it."""
    text = unicodedata.normalize("NFC", stem)
    text = "".join("-" if _is_forbidden(letter) or letter.isspace() else letter for letter in text)
    text = re.sub("-{2,}", "-", text).lstrip(".-")
    text = text.encode()[:STEM_LIMIT_BYTES].decode(errors="ignore").rstrip(".-")
    if not text:
        return "run"
    return f"run-{text}" if _is_device(text) else text


def _problem(name: str) -> str | None:
    if not name:
        return "the name is empty"
    if name[0] in ".-":
        return f"it starts with '{name[0]}'"
    if name[-1] in ". ":
        return "it ends with a dot or a space"
    for letter in name:
        if _is_forbidden(letter):
            return f"it has {_shown(letter)} in it"
    if _is_device(name):
        return "Windows keeps that name for a device"
    if len(unicodedata.normalize("NFC", name).encode()) > LIMIT_BYTES:
        return f"it is longer than {LIMIT_BYTES} bytes"
    return None


def _is_forbidden(letter: str) -> bool:
    return letter in "/\\" or unicodedata.category(letter) in FORBIDDEN_CATEGORIES


def _is_device(name: str) -> bool:
    return name.split(".")[0].rstrip(" ").upper() in DEVICES


def _shown(text: str) -> str:
    return (
        ascii(text)
        if any(unicodedata.category(letter) in FORBIDDEN_CATEGORIES for letter in text)
        else f"'{text[:60]}'"
    )
