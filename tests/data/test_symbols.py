"""Symbols are counted exactly, and each counts as the script that a reader would say."""

import unicodedata
from collections import Counter

import numpy as np
import pytest

from seqplay.data import symbols
from seqplay.data.tokens.jamo import Jamo


@pytest.mark.parametrize(
    ("script", "characters"),
    [
        ("Hangul", "가힣ㅋㅎᄀᆫ"),
        ("Latin", "aZéßŁÿªṿＡｚ"),
        ("Han", "漢字々〇一龥"),
        ("Kana", "あンーｱゝ"),
        ("digits", "09٣９"),
        ("space", " \n\t\r\u3000\u2028"),
        ("marks", ".,!?\"'-—«…。、·×÷$+^`"),
        ("other", "αЖא\u0301\u200d😀\ufffd\x1b½"),
    ],
)
def test_a_character_is_of_its_script(script: str, characters: str) -> None:
    assert {character: symbols.script(character) for character in characters} == dict.fromkeys(characters, script)


def test_scripts_are_in_order_and_hold_letters_of_their_own_name() -> None:
    ends = [place for _, *both in symbols.LETTERS for place in both]
    assert ends == sorted(ends)
    names = {"Hangul": "HANGUL", "Latin": "LATIN", "Kana": "KATAKANA HIRAGANA"}
    for point in range(0x250):
        if (symbols.script(chr(point)) == "Latin") != ("LATIN" in unicodedata.name(chr(point), "")):
            assert chr(point) in "ªº"
    for point in range(0x3040, 0xD7A4):
        name = unicodedata.name(chr(point), "")
        if name and (script := symbols.script(chr(point))) in ("Hangul", "Kana"):
            assert any(word in name for word in names[script].split()), name


def test_symbols_are_ranked_by_how_often_they_occur_then_by_code_point() -> None:
    blocks = ["ba", "가b", "가\U0001f600"]
    counts = None
    for block in blocks:
        counts = symbols.counted(symbols.code_points(block), counts)
    assert counts is not None
    assert symbols.by_rank(counts) == [("b", 2), ("가", 2), ("a", 1), ("\U0001f600", 1)]


def test_a_text_in_blocks_has_its_code_points() -> None:
    blocks = ["a가", "\U0001f600", "b"]
    points = symbols.all_code_points([block.encode() for block in blocks], 4)
    assert points.tolist() == [ord(character) for character in "".join(blocks)]
    assert points.dtype == np.uint32


def test_the_share_of_hangul_is_of_letters() -> None:
    assert symbols.hangul_share(symbols.scripts([("가", 3), ("a", 1), (" ", 90), ("!", 5), ("7", 1)])) == 0.75
    assert symbols.hangul_share(symbols.scripts([(" ", 2)])) == 0.0


def test_jamo_are_counted_as_the_codec_spells_them() -> None:
    text = "한국어 texts, 가나다라! 값 ㅋㅋ"
    assert symbols.jamo(list(Counter(text).items())) == len(Jamo.learn([text]).encode(text))
