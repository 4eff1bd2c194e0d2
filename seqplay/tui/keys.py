"""Keys: a letter also listens to the Hangul on the same key, as an input method may be on."""

from __future__ import annotations

from textual.binding import Binding

HANGUL = dict(zip("qwertyuiopasdfghjklzxcvbnm", "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡ", strict=True))
HANGUL |= dict(zip("QWERTOP", "ㅃㅉㄸㄲㅆㅒㅖ", strict=True))
NAMES = {
    "full_stop": ".", "slash": "/", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]",
    "left_curly_bracket": "{", "right_curly_bracket": "}", "minus": "-", "plus": "+", "equals_sign": "=",
    "left": "←", "right": "→", "up": "↑", "down": "↓", "escape": "esc",
}  # fmt: skip


def bind(keys: str, action: str, does: str, shown: str = "") -> Binding:
    """A binding of keys, separated by blanks, that does something; `shown` is how the footer writes them."""
    typed = keys.split()
    both = [key for one in typed for key in (one, HANGUL.get(one)) if key]
    name = shown or NAMES.get(typed[0], typed[0]).replace("ctrl+", "^")
    return Binding(",".join(both), action, does, key_display=name)
