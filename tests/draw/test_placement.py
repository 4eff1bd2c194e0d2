from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from seqplay.draw.placement import place


def test_labels_that_do_not_meet_stay_where_they_want_to_be():
    assert place([0, 4, 9], [1, 1, 1], 10) == [0, 4, 9]


def test_labels_that_meet_move_apart_around_their_middle():
    assert place([5, 5, 5], [1, 1, 1], 10) == [4, 5, 6]


def test_a_heavy_label_stays_and_its_neighbour_moves():
    assert place([5, 5], [8, 1], 10) == [5, 6]
    assert place([5, 5], [1, 8], 10) == [4, 5]


def test_labels_stay_on_the_page():
    assert place([0, 0], [1, 8], 10) == [0, 1]
    assert place([9, 9, 9], [1, 1, 1], 10) == [7, 8, 9]


@given(
    st.integers(1, 30).flatmap(
        lambda rows: st.tuples(
            st.just(rows), st.lists(st.tuples(st.integers(0, rows - 1), st.sampled_from([1, 8])), max_size=rows)
        )
    )
)
def test_rows_are_distinct_ascending_and_on_the_page(page):
    rows, labels = page
    wanted = sorted(row for row, _ in labels)
    placed = place(wanted, [weight for _, weight in labels], rows)
    assert all(0 <= row < rows for row in placed)
    assert all(before < after for before, after in pairwise(placed))
