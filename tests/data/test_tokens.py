"""Text to ids and back: exactly, and with the same ids as the `tokenizers` library gives from the written file."""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from seqplay.data import tokens
from seqplay.data.tokens import UNKNOWN, Characters, Codec, Ids, Words, from_json, id_type, learn
from seqplay.errors import RunError, UsageError

THOROUGH = settings(derandomize=True, deadline=None, max_examples=200)
KINDS = ("char", "word")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Where tokens could go wrong: spaces of every kind, marks, joiners, particles, apostrophes.
PROSE = st.text(st.sampled_from(list("abZ가나\u1100\u1161é\u0301_09 \t\n\r\xa0\u3000\u2028'’-.,!“”😀\u200d\ufffd\0<>")))

TEXTS = {
    "english": "Don't stop: the well-known sailor's boat (No. 7) isn't here.\nIt’s “gone”!\n",
    "korean": "나는 오늘 기분이 좋아.\n나는 내일도 기분이 좋을거야.\n",
    "korean taken apart": "나는 학교에 갔다.",
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
    "accents": "é e\u0301 " + "a" + "\u0301" * 200 + " नमस्ते العربية",
    "replacement": "a\ufffdb",
    "empty": "",
    "one": "x",
}


def pieces(codec: Codec, text: str) -> list[str]:
    """The text of each token of a text whose symbols are all known."""
    return [codec.symbols[i] for i in codec.encode(text)]


def in_library(codec: Codec, text: str) -> list[int]:
    """The ids that the `tokenizers` library gives from the written file."""
    ids: list[int] = Tokenizer.from_str(codec.tokenizer_json()).encode(text, add_special_tokens=False).ids
    return ids


# -- one text, one sequence of ids


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ids_are_those_of_the_tokenizers_library(kind: str, text: str) -> None:
    codec = learn(kind, text, 50_000)
    assert codec.encode(text).tolist() == in_library(codec, text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ids_of_another_text_are_those_of_the_tokenizers_library(kind: str, text: str) -> None:
    codec = learn(kind, TEXTS["english"] + TEXTS["korean"], 50_000)
    assert codec.encode(text).tolist() == in_library(codec, text)


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=PROSE | ANY_TEXT, text=PROSE | ANY_TEXT)
def test_ids_of_any_text_are_those_of_the_tokenizers_library(kind: str, learned: str, text: str) -> None:
    codec = learn(kind, learned, 50_000)
    assert codec.encode(text).tolist() == in_library(codec, text)


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=ANY_TEXT | PROSE)
def test_what_was_encoded_decodes_to_itself_where_all_symbols_are_known(kind: str, text: str) -> None:
    codec = learn(kind, text, 1 << 20)
    ids = codec.encode(text)
    assert codec.decode(ids) == text
    assert 0 not in ids
    assert codec.unknown(text) == []
    assert codec.hidden_characters(text) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_kind_of_text_decodes_to_itself(kind: str, text: str) -> None:
    codec = learn(kind, text, 50_000)
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(text=PROSE.filter(len))
def test_a_codec_that_was_written_and_read_is_the_same_codec(kind: str, text: str) -> None:
    codec = learn(kind, text, 50_000)
    again = from_json(kind, codec.tokenizer_json())
    assert tuple(again.symbols) == tuple(codec.symbols)
    assert again.encode(text).tolist() == codec.encode(text).tolist()
    assert again.tokenizer_json() == codec.tokenizer_json()


@pytest.mark.parametrize("kind", KINDS)
def test_learning_twice_gives_the_same_codec(kind: str) -> None:
    text = "".join(TEXTS.values())
    assert learn(kind, text, 100).tokenizer_json() == learn(kind, text, 100).tokenizer_json()


def test_composed_and_decomposed_korean_stay_apart() -> None:
    composed, apart = "한", "\u1112\u1161\u11ab"
    assert len(Characters.learn(composed).encode(composed)) == 1
    assert len(Characters.learn(apart).encode(apart)) == 3
    assert Characters.learn(composed).unknown(apart) == list(apart)


# -- what a token is


def test_a_character_codec_orders_its_symbols_by_code_point() -> None:
    assert Characters.learn("hello 가\n").symbols == (UNKNOWN, "\n", " ", "e", "h", "l", "o", "가")


def test_a_word_carries_the_space_before_it_and_marks_stand_alone() -> None:
    text = "Don't go, well-known friend!  Two\n\n (ok) it’s 1,000 x_y"
    expected = ["Don't", " go", ",", " well-known", " friend", "!", " ", " Two", "\n", "\n", " (", "ok", ")", " it’s"]
    assert pieces(Words.learn(text), text) == [*expected, " 1", ",", "000", " x_y"]


def test_a_korean_word_keeps_its_particle() -> None:
    text = "나는 학교에 갔다.\n"
    assert pieces(Words.learn(text), text) == ["나는", " 학교에", " 갔다", ".", "\n"]


def test_a_decomposed_korean_word_is_one_word_as_well() -> None:
    text = "\u1102\u1161\u1102\u1173\u11ab \u110b\u1169\u11ab\u1103\u1161"
    assert len(Words.learn(text).encode(text)) == 2


def test_each_line_break_and_tab_is_a_token_of_its_own() -> None:
    text = "a\r\n\tb"
    assert pieces(Words.learn(text), text) == ["a", "\r", "\n", "\t", "b"]


def test_an_apostrophe_or_hyphen_at_the_edge_is_no_part_of_a_word() -> None:
    text = "'tis dogs' a--b -c"
    assert pieces(Words.learn(text), text) == ["'", "tis", " dogs", "'", " a", "-", "-", "b", " -", "c"]


def test_words_are_ordered_by_how_often_they_occur_then_by_their_letters() -> None:
    assert Words.learn("x b a a c c").symbols == (UNKNOWN, " a", " c", " b", "x")


# -- the vocabulary


def test_the_vocabulary_is_capped_at_the_most_frequent_words() -> None:
    codec = Words.learn("a a a b b c d", most=3)
    assert codec.symbols == (UNKNOWN, " a", " b")
    assert len(codec) == 3
    assert codec.encode(" a b c").tolist() == [1, 2, 0]


def test_in_a_long_text_a_word_seen_once_is_unknown() -> None:
    codec = Words.learn("yes\n" * 10_001 + "once")
    assert codec.encode("yes\nonce").tolist() == [codec.symbols.index("yes"), codec.symbols.index("\n"), 0]


def test_in_a_short_text_a_word_seen_once_is_known() -> None:
    text = "yes\n" * 9_999 + "once\n"  # 20,000 tokens
    assert Words.learn(text).unknown(text) == []


def test_a_long_text_of_words_that_all_occur_once_is_not_unknown_as_a_whole() -> None:
    text = "".join(f" {number}" for number in range(20_001))
    codec = Words.learn(text)
    assert len(codec) == 20_002
    assert codec.decode(codec.encode(text)) == text


@pytest.mark.parametrize("most", [2, 3, 4, 5, 100])
def test_the_words_that_a_cap_leaves_out_are_counted(most: int) -> None:
    codec = Words.learn("a a a b b c d", most)
    assert codec.left_out == max(0, 6 - most)  # "a" at the beginning and " a" are two
    assert from_json("word", codec.tokenizer_json()).left_out == 0


def test_the_words_left_out_because_they_were_seen_once_are_counted() -> None:
    assert Words.learn("yes\n" * 10_001 + "once twice").left_out == 2


def test_no_character_is_left_out() -> None:
    assert Characters.learn("abc" * 10_000 + "d", 2).left_out == 0


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_never_more_different_words_are_counted_than_the_limit(repeats: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often each of them comes, also where none is seen only once."""
    sizes = []
    real = tokens._more_frequent_half

    def watched(counts: dict[str, int]) -> dict[str, int]:
        sizes.append(len(counts))
        return real(counts)

    monkeypatch.setattr(tokens, "MOST_COUNTED", 100)
    monkeypatch.setattr(tokens, "_more_frequent_half", watched)
    text = "".join(f" {number}" * repeats for number in range(5_000))
    codec = Words.learn(text)
    assert 40 < len(sizes) <= 5_000 // 50
    assert set(sizes) == {100}
    assert len(codec) <= 101
    assert codec.left_out == 5_000 - (len(codec) - 1)


def test_words_that_come_often_are_not_forgotten_among_many_that_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_COUNTED", 100)
    text = "".join(f" often seen {number}" for number in range(10_000))
    codec = Words.learn(text)
    assert codec.symbols == (UNKNOWN, " often", " seen")
    assert codec.left_out == 10_000


def test_a_kind_of_token_is_one_class_and_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    class Vowels(Codec):
        kind, unit, embedding = "vowel", "vowel", 2

        @classmethod
        def learn(cls, text: str, most: int = 3) -> "Vowels":
            codec = cls((UNKNOWN, *sorted(set(text) & set("aeiou"))[: most - 1]))
            codec.left_out = 1
            return codec

        @classmethod
        def check(cls, symbols: Sequence[str]) -> None:
            if not set(symbols) <= set("aeiou"):
                raise ValueError("a symbol is no vowel")

        def encode(self, text: str) -> Ids:
            return np.array([self.symbols.index(c) if c in self.symbols else 0 for c in text])

        def unknown(self, text: str) -> list[str]:
            return [c for c in dict.fromkeys(text) if c not in self.symbols]

        def hidden_characters(self, text: str) -> int:
            return int((self.encode(text) == 0).sum())

        def beginning(self, text: str, count: int) -> str:
            return text[:count]

        def tokenizer_json(self) -> str:
            return json.dumps({"model": {"vocab": {symbol: i for i, symbol in enumerate(self.symbols)}}})

    monkeypatch.setitem(tokens.CODECS, "vowel", Vowels)
    codec = learn("vowel", "banana is one", 3)
    assert (codec.symbols, codec.unit, codec.embedding, codec.left_out) == ((UNKNOWN, "a", "e"), "vowel", 2, 1)
    assert from_json("vowel", codec.tokenizer_json()).encode("bea").tolist() == [0, 2, 1]
    with pytest.raises(RunError, match=r"as a vowel vocabulary: a symbol is no vowel\.$"):
        from_json("vowel", codec.tokenizer_json().replace('"e"', '"x"'))


def test_a_token_has_its_name_and_the_length_of_its_vector() -> None:
    assert {kind: (c.kind, c.unit, c.embedding) for kind, c in tokens.CODECS.items()} == {
        "char": ("char", "character", 64),
        "word": ("word", "word", 256),
    }


def test_an_unknown_kind_of_token_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        UsageError, match=r"^No kind of token named 'words'. Did you mean 'word'\? Known: char, word\.$"
    ):
        learn("words", "text", 100)


@pytest.mark.parametrize(
    ("size", "kind"),
    [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.int32), (1 << 20, np.int32)],
)
def test_ids_take_the_smallest_type_that_holds_them(size: int, kind: type) -> None:
    assert id_type(size) is kind
    assert np.iinfo(kind).max >= size - 1


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_arrays_of_the_smallest_type(kind: str) -> None:
    small, large = "a b\n", "".join(f"{chr(0xAC00 + i)} " for i in range(300))
    for text, expected in ((small, np.uint8), (large, np.uint16), (small + "", np.uint8)):
        codec = learn(kind, text, 50_000)
        for encoded in (codec.encode(text), codec.encode("zz 힣"), codec.encode("")):
            assert isinstance(encoded, np.ndarray)
            assert (encoded.dtype, encoded.ndim) == (np.dtype(expected), 1)


# -- what was never learned


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_symbol_is_id_0_and_decodes_to_the_replacement_character(kind: str) -> None:
    codec = learn(kind, "a b", 100)
    ids = codec.encode("a쀍")
    assert ids.tolist()[-1] == 0
    assert codec.decode([0, *codec.encode("a").tolist(), 0]) == "\ufffda\ufffd"


def test_unknown_characters_are_named_once_each_in_order() -> None:
    codec = Characters.learn("abc")
    assert codec.unknown("zab\nzé") == ["z", "\n", "é"]
    assert codec.hidden_characters("zab\nzé") == 4


def test_unknown_words_are_named_without_their_space_and_hide_all_their_characters() -> None:
    codec = Words.learn("on the cat sat")
    assert codec.unknown("dog the dog cat  bird") == ["dog", " ", "bird"]
    assert codec.hidden_characters("dog the dog cat  bird") == len("dog") + len(" dog") + len(" ") + len(" bird")


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=PROSE, text=PROSE)
def test_the_unknown_hides_exactly_what_decoding_does_not_give_back(kind: str, learned: str, text: str) -> None:
    codec = learn(kind, learned, 50_000)
    ids = codec.encode(text)
    kept = codec.decode(ids[ids > 0])
    assert codec.hidden_characters(text) == len(text) - len(kept)
    assert bool(codec.unknown(text)) == bool((ids == 0).any())


@pytest.mark.parametrize("kind", KINDS)
@THOROUGH
@given(learned=PROSE, text=PROSE, count=st.integers(0, 30))
def test_the_beginning_is_what_the_first_tokens_stand_for(kind: str, learned: str, text: str, count: int) -> None:
    codec = learn(kind, learned, 50_000)
    beginning = codec.beginning(text, count)
    assert text.startswith(beginning)
    assert codec.encode(beginning).tolist() == codec.encode(text)[:count].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_without_prompt_starts_after_a_line_break_where_there_is_one(kind: str) -> None:
    codec = learn(kind, "a\nb", 100)
    assert codec.decode(codec.start()) == "\n"
    assert learn(kind, "ab", 100).start().tolist() == [0]


def test_a_lone_surrogate_is_an_unknown_character() -> None:
    codec = Characters.learn("ab")
    assert codec.encode("a\ud800b").tolist() == [1, 0, 2]
    assert codec.unknown("a\ud800b") == ["\ud800"]


# -- blocks


def in_blocks(block: int, do: Callable[[], Any]) -> Any:
    """What `do` gives when texts are encoded `block` characters at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "BLOCK", block)
        return do()


SHORT_WORDS = st.lists(
    st.text("ab가é\u0301'’-", min_size=1, max_size=5).map(lambda word: word + " ")
    | st.sampled_from([" ", "\n", "\r\n", "\t ", "\n\n", ", ", "  ", "   ", ". "])
).map("".join)


@THOROUGH
@given(text=SHORT_WORDS, block=st.integers(9, 20))
def test_a_text_longer_than_a_block_encodes_as_in_one_piece(text: str, block: int) -> None:
    codec = Words.learn(text)
    whole = codec.encode(text).tolist()
    assert in_blocks(block, lambda: codec.encode(text).tolist()) == whole
    assert in_blocks(block, lambda: codec.beginning(text, 5)) == codec.beginning(text, 5)
    assert in_blocks(block, lambda: Words.learn(text).symbols) == codec.symbols


@THOROUGH
@given(text=PROSE | ANY_TEXT, block=st.integers(1, 12))
def test_a_text_cut_inside_its_words_still_decodes_to_itself(text: str, block: int) -> None:
    def there_and_back() -> str:
        codec = Words.learn(text)
        return codec.decode(codec.encode(text))

    assert in_blocks(block, there_and_back) == text


@THOROUGH
@given(text=PROSE, block=st.integers(1, 12))
def test_blocks_are_the_text_and_none_is_empty_or_too_long(text: str, block: int) -> None:
    cut = in_blocks(block, lambda: list(tokens._blocks(text)))
    assert "".join(cut) == text
    assert all(0 < len(part) <= block for part in cut)


def test_a_long_line_is_cut_before_a_space_also_where_spaces_come_in_pairs() -> None:
    assert in_blocks(6, lambda: list(tokens._blocks("abc  def  ghi"))) == ["abc ", " def ", " ghi"]


# -- a tokenizer.json from somebody else


def written(kind: str, vocabulary: Any) -> str:
    """A tokenizer.json with this in the place of its vocabulary."""
    content = json.loads(learn(kind, "ab cd\n", 100).tokenizer_json())
    content["model"]["vocab"] = vocabulary
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
        from_json(kind, written(kind, value))


@pytest.mark.parametrize("symbol", ["", "ab", "e\u0301"])
def test_a_character_vocabulary_holds_single_characters(symbol: str) -> None:
    with pytest.raises(RunError, match="a symbol is not one character"):
        from_json("char", written("char", {"<unk>": 0, symbol: 1}))


def test_a_word_vocabulary_holds_no_empty_word() -> None:
    with pytest.raises(RunError, match="a symbol is empty"):
        from_json("word", written("word", {"<unk>": 0, "": 1}))


def test_a_vocabulary_of_more_than_a_million_entries_is_refused() -> None:
    many = {"<unk>": 0} | {f"w{i}": i for i in range(1, (1 << 20) + 1)}
    with pytest.raises(RunError, match="vocabulary"):
        from_json("word", json.dumps({"model": {"vocab": many}}))


def test_a_kind_that_this_version_does_not_know_is_a_run_error() -> None:
    with pytest.raises(RunError, match="as a bpe vocabulary"):
        from_json("bpe", written("char", {"<unk>": 0, "a": 1}))


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_changed_anywhere_give_a_codec_or_one_run_error(kind: str) -> None:
    chance = random.Random(0)
    content = learn(kind, "ab cd\n가", 100).tokenizer_json()
    refused = 0
    for _ in range(400):
        place, length = chance.randrange(len(content)), chance.randrange(4)
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
    content = learn(kind, "ab cd\n가", 100).tokenizer_json()
    for end in range(len(content)):
        with pytest.raises(RunError):
            from_json(kind, content[:end])
