"""What a network that reads pictures is shown by."""

import numpy as np
import pytest
import torch

from seqplay.architecture import PictureShape
from seqplay.data.pictures import Pictures
from seqplay.engine.models.cnn import CNN, CNNConfig
from seqplay.engine.tasks import recognise_figures as drawn

LABELS, READ = torch.tensor([0, 0, 1, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0, 1])
COUNTS = [[1, 1, 0], [1, 2, 0], [0, 1, 0]]
NAMES = ("cat", "dog", "owl", "elk")


def test_confusion_counts_what_is_read_as_what() -> None:
    assert drawn.confusion(LABELS, READ, 3).tolist() == COUNTS


def test_the_table_has_a_row_for_each_class_and_none_for_what_does_not_exist() -> None:
    table = drawn.confusion_table(drawn.confusion(LABELS, READ, 4), NAMES)
    assert [column.name for column in table.columns] == [
        "is", "% right", "cat", "dog", "owl", "elk",
    ]  # fmt: skip
    assert table.rows[1] == ("dog", 66.7, 1, 2, 0, 0)
    assert table.rows[3] == ("elk", None, 0, 0, 0, 0)
    assert table.caption == "3 of 6 read right"


def test_macro_f1_is_the_mean_over_the_classes_that_occur() -> None:
    """2·1/(2+2), 2·2/(3+4), 0."""
    assert drawn.macro_f1(drawn.confusion(LABELS, READ, 4)) == pytest.approx((1 / 2 + 4 / 7 + 0) / 3)
    assert drawn.macro_f1(torch.zeros(3, 3, dtype=torch.long)) is None


def test_odds_are_told_in_per_cent_in_the_order_of_the_labels() -> None:
    bars = drawn.odds_bars(torch.tensor([0.25, 0.5, 0.125, 0.125]), NAMES)
    assert bars.labels == NAMES
    assert bars.values == (25.0, 50.0, 12.5, 12.5)
    assert (bars.unit, bars.caption) == ("%", "read as dog")


def test_each_map_goes_from_black_to_white_and_an_empty_one_is_black() -> None:
    network = CNN(CNNConfig(width=3, features=4), PictureShape(1, 6, 5, 2))
    with torch.no_grad():
        network.convolution1.weight[1] = 0.0
    first, second = drawn.feature_maps(network, torch.rand(1, 1, 6, 5))
    assert (first.count, first.height, first.width, first.ink) == (3, 6, 5, False)
    assert (second.count, second.height, second.width) == (6, 3, 3)
    maps = np.frombuffer(first.values(), np.uint8).reshape(3, -1)
    assert maps.min(1).tolist() == [0, 0, 0]
    assert maps.max(1).tolist() in ([255, 0, 255], [255, 0, 0], [0, 0, 255])
    assert first.labels == ("1", "2", "3")
    assert not any(parameter.grad is not None for parameter in network.parameters())


def test_misread_pictures_say_what_they_are_and_what_they_were_read_as() -> None:
    pixels = np.arange(6 * 2 * 3 * 3, dtype=np.uint8).reshape(6, 2, 3, 3)
    pictures = Pictures(pixels, LABELS.numpy(), NAMES[:3], False)
    found = drawn.misread(pictures, READ, most=2)
    assert found.labels == ("cat→dog", "dog→cat")
    assert found.values() == pixels[[1, 4]].tobytes()
    assert (found.channels, found.ink, found.caption) == (3, False, "3 of 6 pictures")
    assert drawn.misread(pictures, LABELS).count == 0


def test_a_picture_that_is_read_right_has_its_name_alone() -> None:
    assert drawn.read_labels([0, 1], [0, 2], NAMES) == ("cat", "dog→owl")
