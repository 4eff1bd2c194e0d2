"""Text to ids and back: exactly, and with the same ids as the `tokenizers` library gives from the written file."""

import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqplay.data import tokens
from seqplay.data.built_in import built_in_text
from seqplay.data.tokens import CODECS, UNKNOWN, Codec, Ids, bpe, from_json, id_type, learn, library, words
from seqplay.data.tokens.bpe import Bpe
from seqplay.data.tokens.bytes import Bytes
from seqplay.data.tokens.characters import Characters
from seqplay.data.tokens.jamo import Jamo
from seqplay.data.tokens.words import Words
from seqplay.errors import RunError, UsageError
from seqplay.options import options_of
from seqplay.recipe import Recipe

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
KINDS = ("char", "word", "bpe", "byte", "jamo")
CLOSED = ("char", "word", "jamo")  # they know only the symbols that they learned
OPEN = ("bpe", "byte")  # they can write any text
BY_CHARACTER = ("char", "byte", "jamo")  # every character begins a token
ESCAPE = "\u115f"

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Where tokens could go wrong: spaces of every kind, marks, joiners, particles, apostrophes.
PROSE = st.text(st.sampled_from(list("abZ가나\u1100\u1161é\u0301_09 \t\n\r\xa0\u3000\u2028'’-.,!“”😀\u200d\ufffd\0<>")))
SYLLABLES = st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
STRANGERS = "👩‍👩‍👧 👋🏽 🇰🇷 ❤️ abc e\u0301 שלום العربية \r\n \r \0 \ufffd <unk> <|endoftext|>".split(" ")
KOREAN = st.lists(
    st.one_of(
        SYLLABLES,
        SYLLABLES.map(lambda syllable: unicodedata.normalize("NFD", syllable)),
        st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),  # conjoining, of today and of old
        st.characters(min_codepoint=0xA960, max_codepoint=0xA97C),
        st.characters(min_codepoint=0xD7B0, max_codepoint=0xD7FB),
        st.characters(min_codepoint=0x3131, max_codepoint=0x318E),  # standing alone: ㅋㅋㅋ
        st.characters(min_codepoint=0xFFA0, max_codepoint=0xFFDC),  # half as wide
        st.sampled_from(["\u1100", "\u1161", "\u11a7", "\u11a8", ESCAPE, "\u1160", "각", "가", "ㅋㅋㅋ", " ", "\n"]),
        st.sampled_from(STRANGERS),
    )
).map("".join)
TEXT = PROSE | ANY_TEXT | KOREAN

TEXTS = {
    "english": "Don't stop: the well-known sailor's boat (No. 7) isn't here.\nIt’s “gone”!\n",
    "korean": "나는 오늘 기분이 좋아.\n나는 내일도 기분이 좋을거야.\n",
    "korean taken apart": unicodedata.normalize("NFD", "나는 학교에 갔다."),
    "korean letters": "ㅋㅋㅋ ㅠㅠ ㄱㄴㄷ ㄳ ﾡￂￜ",
    "korean of old": "\u1113\u1161\u11c3 \ua960\u1161 \u1112\u119e\u11ab \u1100\ud7b0\ud7cb \u302e나랏〯말\u110a\u119e미",
    "jamo in no order": "\u1161\u11a8\u1100\u1100\u1161\u11a8\u11a8\u115f\u1160\u115f\u115f\u1100가\u11a8각\u11a8",
    "emoji": "hi 👋🏽 family 👩‍👩‍👧 flag 🇰🇷 heart ❤️!",
    "CRLF": "one\r\ntwo\r\n\r\nthree\rfour\r\n",
    "other spaces": "a\xa0b\u3000c\u2028d\u2029e\x0cf\x0bg\x85h\u200bi\ufeffj",
    "blank lines": "\n\n\none\n\n\n\ntwo\n\n",
    "tabs": "\ta\t\tb \t c\t",
    "spaces": "  two  three   end    ",
    "digits": "1 22 3,000.5 ½ ٣٤ 2026-01-31 x86_64",
    "apostrophes": "'tis rock 'n' roll, o'clock, dogs' ''quoted'' it’s a-b--c -d e-",
    "controls": "\0a\x1bb\x7fc\x1cd",
    "unknown itself": "<unk> <unk><unk> unk",
    "end of text": "<|endoftext|>a<|endoftext|>",
    "accents": "é e\u0301 " + "a" + "\u0301" * 200 + " नमस्ते العربية",
    "replacement": "a\ufffdb",
    "GPT-2's letters for bytes": "Ġhello Ċ ł ĠĠ",
    "tags": "🏴\U000e0067\U000e0062\U000e007f \U0010ffff",
    "empty": "",
    "one": "x",
}


def pieces(codec: Codec, text: str) -> list[str]:
    """How tokenizer.json writes each token of a text."""
    return [codec.symbols[i] for i in codec.encode(text)]


def in_library(codec: Codec, text: str) -> list[int]:
    """The ids that the `tokenizers` library gives from the written file."""
    ids: list[int] = Tokenizer.from_str(codec.tokenizer_json()).encode(text, add_special_tokens=False).ids
    return ids


def arrivals(codec: Codec, ids: Iterable[int]) -> list[tuple[int, str]]:
    """Each piece, and after how many ids it came."""
    taken = 0

    def feed() -> Iterator[int]:
        nonlocal taken
        for i in ids:
            taken += 1
            yield i

    return [(taken, piece) for piece in codec.pieces(feed())]


def at_once(kind: str, text: str) -> list[str]:
    """A text cut wherever a word, or a character where the tokens are no larger, begins."""
    if kind in BY_CHARACTER:
        return list(text)
    return pieces(Words.learn([text], 1 << 20), text)


def in_parts(kind: str, text: str, cuts: Sequence[int]) -> list[str]:
    """A text in some parts that begin where a token begins."""
    smallest = at_once(kind, text)
    places = sorted({0, len(smallest), *(cut % (len(smallest) + 1) for cut in cuts)})
    return ["".join(smallest[start:end]) for start, end in pairwise(places)]


def test_a_short_text_is_read_once_to_learn_its_words_and_a_long_one_twice() -> None:
    class Counting(list[str]):
        read = 0

        def __iter__(self) -> Iterator[str]:
            self.read += 1
            return super().__iter__()

    for size, times in ((1, 1), (words.LONG // 8, 1), (words.LONG // 8 + 1, 2)):
        text = Counting(["one two\n"] * size)
        assert Words.learn(text).symbols == (UNKNOWN, "\n", " two", "one")
        assert text.read == times


# -- one text, one sequence of ids


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ids_are_those_of_the_tokenizers_library(kind: str, text: str) -> None:
    codec = learn(kind, [text])
    assert codec.encode(text).tolist() == in_library(codec, text)


@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_another_text_are_those_of_the_tokenizers_library(kind: str) -> None:
    codec = learn(kind, [TEXTS["english"] + TEXTS["korean"]])
    of_library = Tokenizer.from_str(codec.tokenizer_json())
    for text in TEXTS.values():
        assert codec.encode(text).tolist() == of_library.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=TEXT, text=TEXT)
def test_ids_of_any_text_are_those_of_the_tokenizers_library(kind: str, learned: str, text: str) -> None:
    codec = learn(kind, [learned])
    assert codec.encode(text).tolist() == in_library(codec, text)
    assert codec.encode(learned).tolist() == in_library(codec, learned)


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=TEXT)
def test_what_was_encoded_decodes_to_itself_where_all_symbols_are_known(kind: str, text: str) -> None:
    codec = learn(kind, [text])
    ids = codec.encode(text)
    assert codec.decode(ids) == text
    assert 0 not in ids
    assert codec.unknown(text) == []
    assert not codec.spelled(text)[1].any()


@pytest.mark.parametrize("kind", OPEN)
@THOROUGH
@given(text=TEXT)
def test_bytes_and_pieces_give_any_text_back_whatever_they_were_learned_from(kind: str, text: str) -> None:
    codec = learn(kind, ["the cat sat on the mat, the cat\n"])
    assert codec.decode(codec.encode(text)) == text
    assert 0 not in codec.encode(text)
    assert codec.unknown(text) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_kind_of_text_decodes_to_itself(kind: str, text: str) -> None:
    for form in (text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)):
        codec = learn(kind, [form])
        assert codec.decode(codec.encode(form)) == form


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=TEXT)
def test_a_codec_that_was_written_and_read_is_the_same_codec(kind: str, text: str) -> None:
    codec = learn(kind, ["a" + text])
    written = codec.tokenizer_json()
    again = from_json(kind, written)
    assert type(again) is type(codec)
    assert again.symbols == codec.symbols
    assert again.encode(text).tolist() == codec.encode(text).tolist()
    assert again.tokenizer_json() == written


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("most", [None, 300])
def test_learning_twice_gives_the_same_file(kind: str, most: int | None) -> None:
    text = "".join(TEXTS.values()) + built_in_text("korean").decode()[:20_000]
    assert learn(kind, [text], most).tokenizer_json() == learn(kind, [text], most).tokenizer_json()


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=TEXT, cuts=st.lists(st.integers(0, 1000), max_size=5))
def test_learning_from_blocks_is_learning_from_the_whole(kind: str, text: str, cuts: list[int]) -> None:
    parts = in_parts(kind, text, cuts)
    assert "".join(parts) == text
    in_blocks, whole = learn(kind, parts), learn(kind, [text])
    assert in_blocks.symbols == whole.symbols
    assert in_blocks.encode(text).tolist() == whole.encode(text).tolist()


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=TEXT, other=TEXT, cuts=st.lists(st.integers(0, 1000), max_size=5))
def test_a_text_in_parts_has_the_ids_of_the_whole(kind: str, text: str, other: str, cuts: list[int]) -> None:
    codec, parts = learn(kind, [other + text[:20]]), in_parts(kind, text, cuts)
    assert [i for part in parts for i in codec.encode(part)] == codec.encode(text).tolist()
    spelled = [codec.spelled(part) for part in parts] or [codec.spelled("")]
    whole = codec.spelled(text)
    assert np.concatenate([bytes_ for bytes_, _ in spelled]).tolist() == whole[0].tolist()
    assert np.concatenate([hidden for _, hidden in spelled]).tolist() == whole[1].tolist()


def test_composed_and_decomposed_korean_stay_apart() -> None:
    composed, apart = "한", "\u1112\u1161\u11ab"
    assert len(Characters.learn([composed]).encode(composed)) == 1
    assert len(Characters.learn([apart]).encode(apart)) == 3
    assert Characters.learn([composed]).unknown(apart) == list(apart)


# -- what the tokens of a text spell


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=TEXT, text=TEXT)
def test_tokens_spell_every_byte_once_and_the_first_tokens_the_first_bytes(kind: str, learned: str, text: str) -> None:
    """So that a score of the first tokens divides by what they stand for."""
    codec = learn(kind, [learned])
    bytes_, hidden = codec.spelled(text)
    assert len(bytes_) == len(hidden) == len(codec.encode(text))
    assert sum(bytes_) == len(text.encode())
    assert min(*bytes_, *hidden, 0, 0) == 0
    before_parts = [0, *accumulate(len(codec.encode(part)) for part in at_once(kind, text))]
    sizes = [len(part.encode()) for part in at_once(kind, text)]
    assert [sum(bytes_[start:end]) for start, end in pairwise(before_parts)] == sizes
    if kind in ("char", "jamo"):  # what is spelled by several counts at the first
        assert [bytes_[start] for start in before_parts[:-1]] == sizes
        assert [hidden[start] for start in before_parts[:-1]] == [int(c in codec.unknown(text)) for c in text]


@pytest.mark.parametrize("kind", ["char", "word"])
@THOROUGH
@given(learned=TEXT, text=TEXT)
def test_the_unknown_hides_exactly_what_decoding_does_not_give_back(kind: str, learned: str, text: str) -> None:
    codec = learn(kind, [learned])
    ids, (_, hidden) = codec.encode(text), codec.spelled(text)
    assert sum(hidden) == len(text) - len(codec.decode(ids[ids > 0]))
    assert (hidden > 0).tolist() == (ids == 0).tolist()
    assert bool(codec.unknown(text)) == bool((ids == 0).any())


@THOROUGH
@given(learned=TEXT, text=TEXT)
def test_a_character_with_a_jamo_that_was_never_seen_is_hidden_once(learned: str, text: str) -> None:
    codec = Jamo.learn([learned])
    _, hidden = codec.spelled(text)
    unknown = [c for c in text if 0 in codec.encode(c)]
    assert sum(hidden) == len(unknown)
    assert codec.unknown(text) == list(dict.fromkeys(unknown))


def test_the_tokens_of_a_few_characters_by_hand() -> None:
    text = "é각나"
    assert [column.tolist() for column in Characters.learn(["é각"]).spelled(text)] == [[2, 3, 3], [0, 0, 1]]
    assert [column.tolist() for column in Bytes().spelled(text)] == [[1] * 8, [0] * 8]
    codec = Jamo.learn(["é각"])
    assert [column.tolist() for column in codec.spelled(text)] == [[2, 3, 0, 0, 3, 0], [0, 0, 0, 0, 1, 0]]
    assert [column.tolist() for column in Words.learn(["é각 나"]).spelled("é각 나는")] == [[5, 7], [0, 3]]
    assert [column.tolist() for column in Bpe.learn(["나나나나"], 300).spelled("나가")] == [[3, 1, 1, 1], [0] * 4]


# -- text as soon as it is certain


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=TEXT, chance=st.randoms(use_true_random=False))
def test_no_piece_is_empty_and_no_later_id_changes_it(kind: str, text: str, chance: random.Random) -> None:
    codec = learn(kind, ["가각\u1100\n" + text])
    ids = [chance.randrange(len(codec)) if chance.random() < 0.2 else i for i in codec.encode(text).tolist()]
    found = arrivals(codec, ids)
    assert all(piece for _, piece in found)
    assert "".join(piece for _, piece in found) == codec.decode(ids)
    for taken in range(len(ids)):
        said = "".join(piece for came, piece in found if came <= taken)
        assert codec.decode(ids[:taken] + ids[:taken]).startswith(said)


@pytest.mark.parametrize("kind", ["char", "word"])
@THOROUGH
@given(text=TEXT)
def test_a_word_or_character_comes_with_its_token(kind: str, text: str) -> None:
    codec = learn(kind, [text[: len(text) // 2]])
    ids = codec.encode(text)
    assert arrivals(codec, ids) == [(n, codec.symbols[i] if i else "\ufffd") for n, i in enumerate(ids, 1)]


@pytest.mark.parametrize("kind", OPEN)
@THOROUGH
@given(text=TEXT)
def test_a_character_comes_with_its_last_byte(kind: str, text: str) -> None:
    codec = learn(kind, ["나나 the the the\n"])
    found, (lengths, _) = arrivals(codec, codec.encode(text)), codec.spelled(text)
    for taken, count in enumerate(accumulate(lengths), 1):
        whole = text.encode()[:count].decode(errors="ignore")
        assert "".join(piece for came, piece in found if came <= taken) == whole


def test_a_syllable_of_three_bytes_comes_with_the_third() -> None:
    assert arrivals(Bytes(), Bytes().encode("a가😀")) == [(1, "a"), (4, "가"), (8, "😀")]


def test_a_syllable_comes_with_its_final_or_with_what_follows_it() -> None:
    text = "한가!나\n다"
    codec = Jamo.learn([text])
    found = arrivals(codec, codec.encode(text))
    assert found == [(3, "한"), (6, "가"), (6, "!"), (9, "나"), (9, "\n"), (11, "다")]


@THOROUGH
@given(text=KOREAN)
def test_a_syllable_comes_at_latest_one_token_after_its_last_part(text: str) -> None:
    codec = Jamo.learn([text])
    found = arrivals(codec, codec.encode(text))
    for taken, known in enumerate(accumulate(text, initial="")):
        ids = codec.encode(known)
        said = "".join(piece for came, piece in found if came <= len(ids) + 1)
        assert said.startswith(known), taken


# -- ids as a model may write them


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(data=st.data())
def test_any_ids_decode_to_text_that_can_be_written(kind: str, data: st.DataObject) -> None:
    codec = learn(kind, ["가각\u1100 나 the the\n"])
    ids = data.draw(st.lists(st.integers(0, len(codec) - 1)))
    assert codec.decode(ids).encode().decode() == codec.decode(np.array(ids, np.int64))


@pytest.mark.parametrize("kind", OPEN)
@THOROUGH
@given(data=st.data())
def test_bytes_that_are_no_utf8_decode_as_in_the_library(kind: str, data: st.DataObject) -> None:
    codec = learn(kind, ["나나나 the the the 😀😀😀\n"])
    of_library = Tokenizer.from_str(codec.tokenizer_json())
    stretches = data.draw(st.lists(st.lists(st.integers(1, len(codec) - 1)), min_size=1, max_size=3))
    ids = [i for stretch in stretches for i in (0, *stretch)][1:]
    assert codec.decode(ids) == "\ufffd".join(of_library.decode(stretch) for stretch in stretches)


@THOROUGH
@given(content=st.binary())
def test_any_bytes_decode_as_python_decodes_them(content: bytes) -> None:
    assert Bytes().decode(byte + 1 for byte in content) == content.decode(errors="replace")


INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
ALONE = {
    chr(first + i): letter
    for first, letters in ((0x1100, INITIALS), (0x1161, VOWELS), (0x11A8, FINALS))
    for i, letter in enumerate(letters)
}
AS_JOINED = re.compile(
    rf"{ESCAPE}(?P<escaped>.|$)|(?P<syllable>[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?)|(?P<other>.)", re.DOTALL
)


def joined(symbols: str) -> str:
    """What some symbols mean, told by a pattern: another way than the codec's."""
    return AS_JOINED.sub(
        lambda found: (
            unicodedata.normalize("NFC", found["syllable"])
            if found["syllable"]
            else found["escaped"] or ALONE.get(found["other"], found["other"] or "")
        ),
        symbols,
    )


SPELLED = Jamo.learn(["".join(ALONE) + ESCAPE + "\u1160\u1113\u11c3\ua960\ud7b0\ud7cbㅋａb \n😀"])


@THOROUGH
@given(
    st.lists(
        st.integers(0, len(SPELLED) - 1)
        | st.sampled_from([SPELLED.symbols.index(s) for s in (ESCAPE, "\u1100", "\u1161", "\u11a8", "\u1112")])
    )
)
def test_jamo_in_any_order_join_where_they_form_a_syllable_and_stand_alone_elsewhere(ids: list[int]) -> None:
    symbols = "".join(SPELLED.symbols[i] if i else "\ufffd" for i in ids)
    text = SPELLED.decode(ids)
    assert text == joined(symbols)
    assert sum(c in ALONE or c == ESCAPE for c in text) <= symbols.count(ESCAPE)


def test_each_jamo_that_stands_alone_is_written_as_the_letter_that_it_is() -> None:
    codec = Jamo.learn(["".join(ALONE)])
    assert "".join(codec.decode([codec.symbols.index(jamo_), 0])[0] for jamo_ in ALONE) == INITIALS + VOWELS + FINALS


def test_every_syllable_is_spelled_with_its_letters_and_comes_back() -> None:
    text = "".join(map(chr, range(0xAC00, 0xD7A4)))
    codec = Jamo.learn([text])
    assert len(codec) == 1 + 19 + 21 + 27
    assert "".join(pieces(codec, text)) == unicodedata.normalize("NFD", text)
    assert codec.decode(codec.encode(text)) == text
    assert codec.encode(text).tolist() == in_library(codec, text)


def test_a_syllable_that_was_never_seen_is_known_by_its_letters() -> None:
    codec = Jamo.learn(["각나"])
    assert codec.unknown("낙간가강") == ["간", "강"]
    assert codec.decode(codec.encode("낙")) == "낙"
    assert codec.decode(codec.encode("각간")) == "각가\ufffd"


def test_a_jamo_that_stands_in_a_text_by_itself_has_the_escape_before_it() -> None:
    text = "\u1100\u1161가" + ESCAPE
    codec = Jamo.learn([text])
    assert pieces(codec, text) == [ESCAPE, "\u1100", ESCAPE, "\u1161", "\u1100", "\u1161", ESCAPE, ESCAPE]
    assert ESCAPE not in Jamo.learn(["가ㄱ\u1160\u1113"]).symbols


# -- what a token is


def test_a_character_codec_orders_its_symbols_by_code_point() -> None:
    assert Characters.learn(["hello 가\n"]).symbols == (UNKNOWN, "\n", " ", "e", "h", "l", "o", "가")


def test_a_word_carries_the_space_before_it_and_marks_stand_alone() -> None:
    text = "Don't go, well-known friend!  Two\n\n (ok) it’s 1,000 x_y"
    expected = ["Don't", " go", ",", " well-known", " friend", "!", " ", " Two", "\n", "\n", " (", "ok", ")", " it’s"]
    assert pieces(Words.learn([text]), text) == [*expected, " 1", ",", "000", " x_y"]


def test_a_korean_word_keeps_its_particle() -> None:
    text = "나는 학교에 갔다.\n"
    assert pieces(Words.learn([text]), text) == ["나는", " 학교에", " 갔다", ".", "\n"]


def test_a_decomposed_korean_word_is_one_word_as_well() -> None:
    text = "\u1102\u1161\u1102\u1173\u11ab \u110b\u1169\u11ab\u1103\u1161"
    assert len(Words.learn([text]).encode(text)) == 2


def test_each_line_break_and_tab_is_a_token_of_its_own() -> None:
    text = "a\r\n\tb"
    assert pieces(Words.learn([text]), text) == ["a", "\r", "\n", "\t", "b"]


def test_an_apostrophe_or_hyphen_at_the_edge_is_no_part_of_a_word() -> None:
    text = "'tis dogs' a--b -c"
    assert pieces(Words.learn([text]), text) == ["'", "tis", " dogs", "'", " a", "-", "-", "b", " -", "c"]


def test_words_are_ordered_by_how_often_they_occur_then_by_their_letters() -> None:
    assert Words.learn(["x b a a c c"]).symbols == (UNKNOWN, " a", " c", " b", "x")


def test_the_most_frequent_pairs_become_pieces_of_words() -> None:
    codec = Bpe.learn(["the then the then\n"])
    assert pieces(codec, "the then the then\n") == ["the", "Ġthen", "Ġthe", "Ġthen", "Ċ"]
    assert codec.symbols[257:] == ("he", "the", "Ġthe", "Ġthen")


def test_a_piece_is_never_of_two_words() -> None:
    codec = Bpe.learn([built_in_text("english").decode()])
    assert len(codec) == 512
    assert not [symbol for symbol in codec.symbols if "Ġ" in symbol[1:] or ("Ċ" in symbol and len(symbol) > 1)]


def test_the_first_pieces_are_the_bytes() -> None:
    for codec in (Bpe.learn([""]), Bpe.learn(["가나다 the the"])):
        assert sorted(codec.symbols[1:257]) == sorted(Bytes().symbols[1:])
    assert Bytes().symbols[1 + ord("A")] == "A"
    assert Bytes().encode("A\0").tolist() == [1 + ord("A"), 1]


# -- the vocabulary


def test_the_vocabulary_is_capped_at_the_most_frequent_words() -> None:
    codec = Words.learn(["a a a b b c d"], most=3)
    assert codec.symbols == (UNKNOWN, " a", " b")
    assert len(codec) == 3
    assert codec.encode(" a b c").tolist() == [1, 2, 0]


def test_in_a_long_text_a_word_seen_once_is_unknown() -> None:
    codec = Words.learn(["yes\n" * 25_000 + "once"])
    assert codec.encode("yes\nonce").tolist() == [codec.symbols.index("yes"), codec.symbols.index("\n"), 0]


def test_a_text_is_long_by_all_of_its_blocks() -> None:
    assert Words.learn(["yes\n" * 10_000] * 3 + ["once"]).unknown("once") == ["once"]


def test_in_a_short_text_a_word_seen_once_is_known() -> None:
    text = "yes\n" * 24_999 + "once"  # 100,000 characters
    assert Words.learn([text]).unknown(text) == []


def test_a_long_text_of_words_that_all_occur_once_is_not_unknown_as_a_whole() -> None:
    text = "".join(f" {number}" for number in range(20_001))
    assert len(text) > words.LONG
    codec = Words.learn([text])
    assert len(codec) == 20_002
    assert codec.decode(codec.encode(text)) == text


def test_words_have_a_cap_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words.MOST == 50_000
    monkeypatch.setattr(words, "MOST", 3)
    assert len(Words.learn(["a b c d"])) == 3
    assert len(Words.learn(["a b c d"], 4)) == 4


@pytest.mark.parametrize("most", [2, 3, 4, 5, 100])
def test_the_words_that_a_cap_leaves_out_are_counted(most: int) -> None:
    codec = Words.learn(["a a a b b c d"], most)
    assert codec.left_out == max(0, 6 - most)  # "a" at the beginning and " a" are two
    assert from_json("word", codec.tokenizer_json()).left_out == 0


def test_the_words_left_out_because_they_were_seen_once_are_counted() -> None:
    assert Words.learn(["yes\n" * 25_000 + "once twice"]).left_out == 2


def test_words_that_come_often_are_found_among_many_that_come_once() -> None:
    text = "".join(f" often seen {number}" for number in range(10_000))
    codec = Words.learn([text])
    assert codec.symbols == (UNKNOWN, " often", " seen")
    assert codec.left_out == 10_000


@pytest.mark.parametrize("kind", ["char", "jamo", "bpe", "byte"])
def test_no_character_is_left_out(kind: str) -> None:
    codec = learn(kind, ["abc" * 40_000 + "d"], 300)
    assert codec.left_out == 0
    assert codec.unknown("abcd") == []


@pytest.mark.parametrize("most", [257, 258, 300, 700])
def test_there_are_as_many_pieces_as_asked_for(most: int) -> None:
    assert len(Bpe.learn([built_in_text("english").decode()], most)) == most


@pytest.mark.parametrize("most", [2, 256])
def test_fewer_pieces_than_bytes_are_refused_with_the_least_number(most: int) -> None:
    with pytest.raises(UsageError, match="vocabulary=257 is the least"):
        Bpe.learn(["text"], most)


@pytest.mark.parametrize(("each", "size"), [(1000, 512), (76, 1000), (1, 2000)])
def test_a_long_text_has_more_pieces(each: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (bpe.LEAST, bpe.MOST, bpe.CHARACTERS_EACH) == (512, 4096, 400)
    monkeypatch.setattr(bpe, "CHARACTERS_EACH", each)
    monkeypatch.setattr(bpe, "MOST", 2000)
    text = built_in_text("english").decode()[:38_000]
    assert len(Bpe.learn([text, text])) == size


class Vowels(Codec):
    kind, unit, embedding = "vowel", "vowel", 2

    @classmethod
    def learn(cls, text: Iterable[str], most: int | None = None) -> "Vowels":
        codec = cls((UNKNOWN, *sorted(set("".join(text)) & set("aeiou"))[: (most or 3) - 1]))
        codec.left_out = 1
        return codec

    @classmethod
    def restore(cls, symbols: Sequence[str], model: Mapping[str, Any]) -> "Vowels":
        if not set(symbols[1:]) <= set("aeiou"):
            raise ValueError("a symbol is no vowel")
        return cls(symbols)

    def encode(self, text: str) -> Ids:
        return np.array([self.symbols.index(c) if c in self.symbols else 0 for c in text])

    def pieces(self, ids: Iterable[int]) -> Iterator[str]:
        return (self.symbols[i] for i in ids)

    def spelled(self, text: str) -> tuple[Ids, Ids]:
        return np.ones(len(text), int), np.array(self.encode(text) == 0, int)

    def unknown(self, text: str) -> list[str]:
        return [c for c in dict.fromkeys(text) if c not in self.symbols]

    def tokenizer(self) -> Any:
        return library.word_level(self.symbols, library.ANY_CHARACTER)


def test_a_kind_of_token_is_one_class_and_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tokens.CODECS, "vowel", Vowels)
    codec = learn("vowel", ["banana ", "is one"], 3)
    assert (codec.symbols, codec.unit, codec.embedding, codec.left_out) == ((UNKNOWN, "a", "e"), "vowel", 2, 1)
    assert from_json("vowel", codec.tokenizer_json()).encode("bea").tolist() == [0, 2, 1]
    assert codec.decode([1, 2]) == "ae"
    with pytest.raises(RunError, match=r"as a vowel vocabulary: a symbol is no vowel\.$"):
        from_json("vowel", codec.tokenizer_json().replace('"e"', '"x"'))


def test_a_token_has_its_name_and_the_length_of_its_vector() -> None:
    assert {kind: (c.kind, c.unit, c.embedding, c.spells) for kind, c in CODECS.items()} == {
        "char": ("char", "character", 64, True),
        "word": ("word", "word", 256, False),
        "bpe": ("bpe", "piece", 128, False),
        "byte": ("byte", "byte", 64, True),
        "jamo": ("jamo", "jamo", 64, True),
    }


def test_several_tokens_have_a_name_too() -> None:
    assert [learn(kind, ["ab"]).units for kind in KINDS] == ["characters", "words", "pieces", "bytes", "jamo"]


def test_a_recipe_may_ask_for_each_kind_of_token() -> None:
    asked = {option.name: option for option in options_of(Recipe)}["tokens"]
    assert asked.choices == tuple(CODECS) == KINDS
    assert asked.default in CODECS


def test_an_unknown_kind_of_token_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError,
        match=r"^No kind of token named 'words'. Did you mean 'word'\? Known: bpe, byte, char, jamo, word\.$",
    ):
        learn("words", ["text"])


@pytest.mark.parametrize(
    ("size", "kind"),
    [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.int32), (1 << 20, np.int32)],
)
def test_ids_take_the_smallest_type_that_holds_them(size: int, kind: type) -> None:
    assert id_type(size) is kind
    assert np.iinfo(kind).max >= size - 1


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_arrays_of_the_smallest_type(kind: str) -> None:
    small, large = "a b\n", "".join(f"{chr(0x4E00 + i)} " for i in range(300))
    for text in (small, large):
        codec = learn(kind, [text])
        for encoded in (codec.encode(text), codec.encode("zz 힣"), codec.encode("")):
            assert isinstance(encoded, np.ndarray)
            assert (encoded.dtype, encoded.ndim) == (np.dtype(id_type(len(codec))), 1)
        assert id_type(len(codec)) == (np.uint8 if text == small and kind in CLOSED else np.uint16)


# -- what was never learned


@pytest.mark.parametrize("kind", CLOSED)
def test_an_unknown_symbol_is_id_0_and_decodes_to_the_replacement_character(kind: str) -> None:
    codec = learn(kind, ["a b"])
    ids = codec.encode("a🜁")
    assert ids.tolist()[-1] == 0
    assert codec.decode([0, *codec.encode("a").tolist(), 0]) == "\ufffda\ufffd"


@pytest.mark.parametrize("kind", OPEN)
def test_id_0_is_never_given_by_bytes_and_still_decodes(kind: str) -> None:
    codec = learn(kind, ["a b"])
    assert codec.symbols[0] == UNKNOWN
    assert codec.decode([0, *codec.encode("a가").tolist(), 0]) == "\ufffda가\ufffd"
    cut = codec.encode("가").tolist()[:-1]
    assert codec.decode([*cut, 0, *codec.encode("a").tolist()]) == "\ufffd\ufffda"


def test_unknown_characters_are_named_once_each_in_order() -> None:
    codec = Characters.learn(["abc"])
    assert codec.unknown("zab\nzé") == ["z", "\n", "é"]
    assert codec.spelled("zab\nzé")[1].tolist() == [1, 0, 0, 1, 1, 1]


def test_unknown_words_are_named_without_their_space_and_hide_all_their_characters() -> None:
    codec = Words.learn(["on the cat sat"])
    assert codec.unknown("dog the dog cat  bird") == ["dog", " ", "bird"]
    assert codec.spelled("dog the dog cat  bird")[1].tolist() == [3, 0, 4, 0, 1, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_without_prompt_starts_after_a_line_break_where_there_is_one(kind: str) -> None:
    codec = learn(kind, ["a\nb"])
    assert codec.decode(codec.start()) == "\n"
    assert learn(kind, ["ab"]).decode(learn(kind, ["ab"]).start()) == ("\ufffd" if kind in CLOSED else "\n")


@pytest.mark.parametrize("kind", ["char", "jamo"])
def test_a_lone_surrogate_is_an_unknown_character(kind: str) -> None:
    codec = learn(kind, ["ab"])
    assert codec.encode("a\ud800b").tolist() == [1, 0, 2]
    assert codec.unknown("a\ud800b") == ["\ud800"]


# -- pieces in which the library is given a text


def in_small_pieces(piece: int, do: Callable[[], Any]) -> Any:
    """What `do` gives when the library is given `piece` characters at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "PIECE", piece)
        return do()


SHORT_WORDS = st.lists(
    st.text("ab가é\u0301'’-", min_size=1, max_size=5).map(lambda word: word + " ")
    | st.sampled_from([" ", "\n", "\r\n", "\t ", "\n\n", ", ", "  ", "   ", ". "])
).map("".join)


@pytest.mark.parametrize("kind", ["word", "bpe"])
@THOROUGH
@given(text=SHORT_WORDS, piece=st.integers(9, 20))
def test_a_text_longer_than_a_piece_encodes_as_a_whole(kind: str, text: str, piece: int) -> None:
    codec = learn(kind, [text])
    whole, spelled = codec.encode(text).tolist(), [column.tolist() for column in codec.spelled(text)]
    assert in_small_pieces(piece, lambda: codec.encode(text).tolist()) == whole
    assert in_small_pieces(piece, lambda: [column.tolist() for column in codec.spelled(text)]) == spelled
    assert in_small_pieces(piece, lambda: learn(kind, [text]).tokenizer_json()) == codec.tokenizer_json()


@pytest.mark.parametrize("kind", ["word", "bpe"])
@THOROUGH
@given(text=TEXT, piece=st.integers(1, 12))
def test_a_text_cut_inside_its_words_still_decodes_to_itself(kind: str, text: str, piece: int) -> None:
    def there_and_back() -> str:
        codec = learn(kind, [text])
        assert [len(column) for column in codec.spelled(text)] == [len(codec.encode(text))] * 2
        return codec.decode(codec.encode(text))

    assert in_small_pieces(piece, there_and_back) == text


@THOROUGH
@given(text=TEXT, piece=st.integers(1, 12))
def test_pieces_are_the_text_and_none_is_empty_or_too_long(text: str, piece: int) -> None:
    cut = in_small_pieces(piece, lambda: list(library.in_pieces(text)))
    assert "".join(cut) == text
    assert all(0 < len(part) <= piece for part in cut)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc  def  ghi", ["abc ", " def ", " ghi"]),
        ("a b\nc d\ne", ["a b\n", "c d\ne"]),
        ("ab cd ef", ["ab cd", " ef"]),
        ("abcdefgh ij", ["abcdef", "gh ij"]),
        ("abcdef", ["abcdef"]),
        ("", []),
    ],
)
def test_a_text_is_cut_after_a_line_break_else_before_a_space(text: str, expected: list[str]) -> None:
    assert in_small_pieces(6, lambda: list(library.in_pieces(text))) == expected


# -- a tokenizer.json from somebody else


def written(kind: str, **model: Any) -> str:
    """A tokenizer.json with this in its model."""
    content = json.loads(learn(kind, ["ab cd\n"]).tokenizer_json())
    content["model"] |= model
    return json.dumps(content)


DAMAGED = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "null": "null",
    "a number": "7",
    "nothing in it": "{}",
    "model is a list": '{"model": []}',
    "model is null": '{"model": null}',
    "deep": "[" * 100_000,
    "deep model": '{"model":' * 100_000,
    "a number without end": '{"model": {"vocab": {"<unk>": ' + "9" * 5000 + "}}}",
}
BAD_VOCABULARIES: dict[str, Any] = {
    "missing": None,
    "a list": ["<unk>", "a"],
    "a text": "<unk>",
    "empty": {},
    "no unknown": {"a": 0, "b": 1},
    "unknown is not 0": {"a": 0, "<unk>": 1},
    "begins at 1": {"<unk>": 1, "a": 2},
    "a gap": {"<unk>": 0, "a": 2},
    "an id twice": {"<unk>": 0, "a": 1, "b": 1},
    "negative": {"<unk>": 0, "a": -1},
    "ids as text": {"<unk>": "0", "a": "1"},
    "ids of two kinds": {"<unk>": 0, "a": "1"},
    "ids are lists": {"<unk>": [0], "a": [1]},
    "ids are null": {"<unk>": None, "a": None},
    "ids are true": {"<unk>": False, "a": True},
    "halves": {"<unk>": 0, "a": 0.5},
    "no finite number": {"<unk>": 0, "a": float("nan")},
    "huge": {"<unk>": 0, "a": 10**30},
    "a lone surrogate": {"<unk>": 0, "\ud800": 1},
    "only the unknown": {"<unk>": 0},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_one_run_error(kind: str, content: str) -> None:
    with pytest.raises(RunError, match=rf"^tokenizer\.json cannot be read as a {kind} vocabulary: .+\.$") as refused:
        from_json(kind, content)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", BAD_VOCABULARIES.values(), ids=BAD_VOCABULARIES)
def test_a_vocabulary_that_is_none_is_one_run_error(kind: str, value: Any) -> None:
    with pytest.raises(RunError, match=rf"^tokenizer\.json cannot be read as a {kind} vocabulary: .+\.$"):
        from_json(kind, written(kind, vocab=value))


@pytest.mark.parametrize("symbol", ["", "ab", "e\u0301"])
def test_a_character_vocabulary_holds_single_characters(symbol: str) -> None:
    with pytest.raises(RunError, match="a symbol is not one character"):
        from_json("char", written("char", vocab={"<unk>": 0, symbol: 1}))


def test_a_word_vocabulary_holds_no_empty_word() -> None:
    with pytest.raises(RunError, match="a symbol is empty"):
        from_json("word", written("word", vocab={"<unk>": 0, "": 1}))


@pytest.mark.parametrize("symbol", ["", "ab", "가", "힣", "\u1100\u1161"])
def test_a_vocabulary_of_jamo_holds_no_whole_syllable(symbol: str) -> None:
    with pytest.raises(RunError, match="a symbol is not one jamo or other character"):
        from_json("jamo", written("jamo", vocab={"<unk>": 0, symbol: 1}))


def test_a_vocabulary_of_bytes_is_the_256_bytes_in_order() -> None:
    symbols = list(Bytes().symbols)
    for wrong in (symbols[:-1], [*symbols, "ab"], [*symbols[:-2], symbols[-1], symbols[-2]], ["<unk>", "a"]):
        with pytest.raises(RunError, match="its symbols are not the 256 bytes"):
            from_json("byte", written("byte", vocab={symbol: i for i, symbol in enumerate(wrong)}))


BYTES = list(Bytes().symbols)
BAD_PIECES = {
    "a byte is missing": BYTES[:-1],
    "a byte is missing among others": [*BYTES[:-1], "ab", "abc"],
    "an empty piece": [*BYTES, ""],
    "a piece with a space": [*BYTES, "a b"],
    "a piece of other letters": [*BYTES, "가"],
    "a special symbol": [*BYTES, "a\u0144"],
}
BAD_MERGES: dict[str, Any] = {
    "missing": None,
    "a number": 7,
    "a text": "ab",
    "nothing as a text": "",
    "a mapping": {"a": "b"},
    "nothing as a mapping": {},
    "texts": ["a b"],
    "texts of two letters": ["ab"],
    "mappings": [{"a": 1, "b": 2}],
    "one symbol": [["ab"]],
    "three symbols": [["a", "b", "c"]],
    "numbers": [[1, 2]],
    "null": [["a", None]],
    "lists": [[["a"], ["b"]]],
    "no symbol is made": [["b", "a"]],
    "of no symbol": [["a", "bc"]],
    "of nothing": [["ab", ""]],
    "of the unknown": [["<unk>", "a"]],
    "that makes the unknown": [["<un", "k>"]],
    "of a lone surrogate": [["\ud800", "a"]],
    "one good, one bad": [["a", "b"], ["b", "a"]],
    "huge": [["a" * 1_000_000, "b" * 1_000_000]],
    "many": [["a", "b"]] * 100_000 + [["b", "a"]],
}


@pytest.mark.parametrize("symbols", BAD_PIECES.values(), ids=BAD_PIECES)
def test_pieces_that_are_not_made_of_all_bytes_are_one_run_error(symbols: list[str]) -> None:
    with pytest.raises(RunError, match="a symbol is not made of bytes, or a byte is missing"):
        from_json("bpe", written("bpe", vocab={symbol: i for i, symbol in enumerate(symbols)}, merges=[]))


@pytest.mark.parametrize("merges", BAD_MERGES.values(), ids=BAD_MERGES)
def test_merges_that_are_none_are_one_run_error(merges: Any) -> None:
    symbols = [*BYTES, "ab", "12", "<un", "k>", "<unk>a"]
    vocabulary = {symbol: i for i, symbol in enumerate(symbols)}
    with pytest.raises(RunError, match=r"^tokenizer\.json cannot be read as a bpe vocabulary: .+\.$") as refused:
        from_json("bpe", written("bpe", vocab=vocabulary, merges=merges))
    assert len(str(refused.value)) < 300


def test_a_file_without_merges_is_one_run_error() -> None:
    content = json.loads(written("bpe"))
    del content["model"]["merges"]
    with pytest.raises(RunError, match="merges"):
        from_json("bpe", json.dumps(content))


def test_a_merge_that_comes_again_and_a_piece_that_nothing_makes_change_no_text() -> None:
    vocabulary = {symbol: i for i, symbol in enumerate([*BYTES, "ab", "q" * 1000])}
    codec = from_json("bpe", written("bpe", vocab=vocabulary, merges=[["a", "b"]] * 1000))
    assert codec.decode(codec.encode("abab qqq 가")) == "abab qqq 가"
    assert codec.encode("ab").tolist() == [257]


@pytest.mark.parametrize("kind", KINDS)
def test_patterns_that_a_stranger_put_into_the_file_are_never_run(kind: str) -> None:
    content = json.loads(learn(kind, ["ab cd\n"]).tokenizer_json())
    replace = {"type": "Replace", "pattern": {"Regex": "."}, "content": "owned"}
    content |= {"normalizer": replace, "pre_tokenizer": replace, "decoder": replace, "post_processor": replace}
    content["added_tokens"] = [{"id": 1, "content": "ab", "special": True}]
    codec = from_json(kind, json.dumps(content))
    assert codec.decode(codec.encode("ab cd\n")) == "ab cd\n"
    assert "owned" not in codec.tokenizer_json()


def test_a_vocabulary_of_more_than_a_million_entries_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tokens.MOST == 1 << 20
    monkeypatch.setattr(tokens, "MOST", 1000)
    many = {"<unk>": 0} | {f"w{i}": i for i in range(1, 1000)}
    assert len(from_json("word", written("word", vocab=many))) == 1000
    with pytest.raises(RunError, match=r"it takes <unk> as id 0, and from 1 to 999 symbols after it\.$"):
        from_json("word", written("word", vocab=many | {"w1000": 1000}))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_another_kind_is_a_run_error_or_a_codec_of_this_kind(kind: str) -> None:
    content = learn(kind, ["각 the the\n"]).tokenizer_json()
    for other in KINDS:
        try:
            codec = from_json(other, content)
        except RunError:
            continue
        assert codec.kind == other
        codec.decode(codec.encode("각 the\n"))


def test_a_kind_that_this_version_does_not_know_is_a_run_error() -> None:
    with pytest.raises(RunError, match="as a morpheme vocabulary"):
        from_json("morpheme", written("char"))


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_changed_anywhere_give_a_codec_or_one_run_error(kind: str) -> None:
    chance = random.Random(0)
    content = learn(kind, ["ab cd\n가"], 262).tokenizer_json()
    begin = content.index('"model"')
    refused = 0
    for _ in range(400):
        place, length = chance.randrange(begin, len(content)), chance.randrange(4)
        mutant = content[:place] + "".join(chance.choices('"{}[]:,0129eE-a\\u', k=chance.randrange(4)))
        mutant += content[place + length :]
        try:
            codec = from_json(kind, mutant)
            codec.decode(codec.encode("ab xy\n가"))
        except RunError:
            refused += 1
    assert 100 < refused < 400


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_anywhere_is_one_run_error(kind: str) -> None:
    content = learn(kind, ["ab cd\n가"], 262).tokenizer_json()
    for end in {*range(0, len(content), len(content) // 400 + 1), *range(len(content) - 100, len(content))}:
        with pytest.raises(RunError):
            from_json(kind, content[:end])


# -- a prompt


def test_of_a_prompt_a_syllable_goes_as_a_whole_where_one_of_its_letters_was_never_learned() -> None:
    codec = learn("jamo", ["가나\n"], 100)
    assert codec.decode(codec.known("나각가")) == "나가"
    assert codec.unknown("나각가") == ["각"]


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=PROSE, text=PROSE)
def test_a_prompt_without_what_was_never_learned_holds_nothing_unknown(kind: str, learned: str, text: str) -> None:
    codec = learn(kind, [learned], 50_000)
    known = codec.decode(codec.known(text))
    assert codec.unknown(known) == [] or kind == "word"  # without a word between them, two others are one
    if codec.unknown(text) == []:
        assert known == text


# -- words without an end


def test_a_piece_is_never_longer_than_64_letters_so_that_a_text_without_spaces_is_learned_in_no_time() -> None:
    text = "ab" * 5000
    codec = Bpe.learn([text], 2000)
    assert max(map(len, codec.symbols)) == 64
    assert codec.encode(text).tolist() == in_library(codec, text)
    assert codec.decode(codec.encode(text)) == text
