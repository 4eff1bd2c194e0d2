from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw.lines import Span, closing, cut, framed, heading, in_ascii, line_width, merged, plain, span

LINES = st.lists(st.builds(span, st.text(max_size=8), st.sampled_from(["", "muted"])), max_size=4).map(tuple)


def test_a_span_from_data_is_safe_and_on_one_line():
    assert span("a\x1b[2J\nb", "muted") == Span("a␛[2J⏎b", "muted")


def test_neighbours_of_one_role_become_one_span():
    assert merged([Span("a"), Span("b"), Span("", "muted"), Span("c", "muted")]) == (Span("ab"), Span("c", "muted"))


def test_a_cut_line_ends_with_an_ellipsis_in_the_role_that_was_cut():
    line = (Span("ab"), Span("한글", "muted"))
    assert cut(line, 6) == line
    assert cut(line, 5) == (Span("ab"), Span("한…", "muted"))
    assert plain(cut(line, 2)) == "a…"


@given(LINES, st.integers(1, 20))
def test_a_cut_line_is_never_wider(line, width):
    assert line_width(cut(line, width)) <= width


def test_a_heading_is_the_title_and_a_muted_unit():
    assert heading("loss", 40, "nats") == [(Span("loss", "title"), Span(", nats", "muted"))]
    assert heading("", 40, "nats") == [(Span("nats", "muted"),)]
    assert heading("", 40) == []


def test_a_caption_stands_at_the_right():
    assert plain(closing("한 줄", 8)[0]) == "   한 줄"
    assert closing("", 8) == []


def test_a_frame_is_title_body_caption():
    assert [plain(line) for line in framed([(Span("body"),)], "title", "end", 6)] == ["title", "body", "   end"]


def test_what_a_drawing_adds_has_an_ascii_form_of_the_same_width():
    assert plain(in_ascii([(Span("━━╸──…—"),)])[0]) == "===--~-"
