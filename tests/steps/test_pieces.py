"""A text is cut into the pieces in which it can be shown, and no token is lost or counted twice."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqplay.data import tokens
from seqplay.data.tokens import Codec
from seqplay.steps.pieces import cut, shown

THOROUGH = settings(derandomize=True, deadline=None, max_examples=100)
KINDS = ("char", "word", "bpe", "byte", "jamo")
TEXT = "나는 오늘, the 값 of \u1100\u1161 and ㅎ.\n한글 \u115f가각"
CODECS = {kind: tokens.learn(kind, [TEXT]) for kind in KINDS}


def pieces(kind: str, text: str) -> list[str]:
    return [piece for piece, _ in cut(CODECS[kind], CODECS[kind].encode(text).tolist())]


def test_a_syllable_of_several_jamo_is_one_piece() -> None:
    codec = CODECS["jamo"]
    ids = codec.encode("나는 값").tolist()
    assert list(cut(codec, ids)) == [("나", ids[:2]), ("는", ids[2:5]), (" ", ids[5:6]), ("값", ids[6:])]


def test_a_character_of_several_bytes_is_one_piece() -> None:
    assert list(cut(CODECS["byte"], CODECS["byte"].encode("a한\n").tolist())) == [
        ("a", [98]),
        ("한", [238, 150, 157]),
        ("\n", [11]),
    ]


def test_words_and_characters_are_pieces() -> None:
    assert pieces("word", "나는 오늘, the") == ["나는", " 오늘", ",", " the"]
    assert pieces("char", "오늘 the") == list("오늘 the")


def test_an_unfinished_end_comes_as_it_is() -> None:
    ids = CODECS["jamo"].encode("한가").tolist()
    assert list(cut(CODECS["jamo"], ids[:4])) == [("한", ids[:3]), ("ㄱ", ids[3:4])]
    assert list(cut(CODECS["byte"], [98, 238, 150])) == [("a", [98]), ("\ufffd", [238, 150])]


def test_a_piece_comes_as_soon_as_no_later_token_can_change_it() -> None:
    codec = CODECS["jamo"]
    read: list[int] = []

    def writing() -> Iterator[int]:
        for token in codec.encode("나는 ").tolist():
            read.append(token)
            yield token

    came = [(text, len(read)) for text, _ in cut(codec, writing())]
    assert came == [("나", 3), ("는", 5), (" ", 6)]


@THOROUGH
@given(st.sampled_from(KINDS), st.data())
def test_every_token_is_in_one_piece_and_the_pieces_are_the_text(kind: str, data: st.DataObject) -> None:
    codec: Codec = CODECS[kind]
    ids = data.draw(st.lists(st.integers(0, len(codec) - 1), max_size=30))
    found = list(cut(codec, iter(ids)))
    assert [i for _, taken in found for i in taken] == ids
    assert all(taken for _, taken in found)
    assert "".join(text for text, _ in found) == codec.decode(ids)


@pytest.mark.parametrize(
    ("kind", "text"), [("char", "오"), ("word", " the"), ("jamo", "k"), ("byte", "\n"), ("bpe", "a")]
)
def test_a_token_that_is_text_is_shown_as_text(kind: str, text: str) -> None:
    (token,) = tokens.learn(kind, [f"{TEXT} k"]).encode(text).tolist()
    assert shown(tokens.learn(kind, [f"{TEXT} k"]), token) == text


def test_a_token_that_is_part_of_a_character_is_shown_as_its_bytes() -> None:
    assert shown(CODECS["byte"], 238) == r"\xed"
    assert shown(CODECS["bpe"], CODECS["bpe"].symbols.index("í")) == r"\xed"


def test_a_jamo_is_shown_as_the_letter() -> None:
    assert [shown(CODECS["jamo"], i) for i in CODECS["jamo"].encode("한").tolist()] == ["ㅎ", "ㅏ", "ㄴ"]
