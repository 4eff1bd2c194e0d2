"""The convolutional network that reads pictures."""

import pytest
import torch
import torch.nn.functional as F

from seqplay.architecture import PictureShape
from seqplay.engine.models.cnn import CNN, CNNConfig, cnn
from seqplay.engine.tasks.layer_table import layer_rows
from seqplay.options import configure

SHAPES = [PictureShape(1, 8, 8, 3), PictureShape(3, 9, 7, 2), PictureShape(1, 1, 1, 2)]
CONFIG = CNNConfig(width=4, features=6)


def network(shape: PictureShape = SHAPES[0]) -> CNN:
    torch.manual_seed(0)
    made: CNN = cnn.module(CONFIG, shape).to(memory_format=torch.channels_last)
    torch.nn.init.normal_(made.head.weight)
    return made


def pictures(shape: PictureShape = SHAPES[0], count: int = 5) -> torch.Tensor:
    return torch.rand(count, shape.channels, shape.height, shape.width) * 2 - 1


@pytest.mark.parametrize("shape", SHAPES)
def test_pictures_of_any_shape_give_logits_of_their_classes(shape: PictureShape) -> None:
    made, seen = network(shape), pictures(shape)
    assert made(seen).shape == (5, shape.classes)
    assert made.features(seen).shape == (5, 6)
    torch.testing.assert_close(made.head(made.features(seen)), made(seen))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_layer_table_has_the_shapes_and_parameters_that_there_are(shape: PictureShape) -> None:
    made = network(shape)
    table = {name: (output, parameters) for name, output, parameters in layer_rows(made, pictures(shape, 1))}
    for name, maps in made.maps(pictures(shape)).items():
        assert table[name][0] == (*maps.shape[2:], maps.shape[1])
    assert table["dense"][0] == (6,)
    assert table["head"][0] == (shape.classes,)
    assert sum(parameters for _, parameters in table.values()) == sum(p.numel() for p in made.parameters())


def test_a_picture_of_28x28_becomes_ten_classes_as_the_textbook_has_it() -> None:
    assert layer_rows(CNN(CNNConfig(), PictureShape(1, 28, 28, 10)), torch.zeros(1, 1, 28, 28)) == [
        ("convolution 1", (28, 28, 32), 320),
        ("max-pool 1", (14, 14, 32), 0),
        ("convolution 2", (14, 14, 64), 18_496),
        ("max-pool 2", (7, 7, 64), 0),
        ("dense", (128,), 401_536),
        ("head", (10,), 1_290),
    ]


def test_a_new_network_has_no_opinion() -> None:
    assert CNN(CONFIG, SHAPES[0])(pictures()).tolist() == [[0.0, 0.0, 0.0]] * 5


def test_rows_do_not_see_each_other_while_it_learns_so_that_threads_can_share_them() -> None:
    made, seen = network().train(), pictures()
    assert not cnn.whole_batch
    torch.testing.assert_close(torch.cat([made(seen[:2]), made(seen[2:])]), made(seen))


def test_learning_draws_no_random_number() -> None:
    made, seen = network().train(), pictures()
    state = torch.get_rng_state()
    made(seen)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_weight_learns() -> None:
    made = network()
    loss = F.cross_entropy(made(pictures()), torch.tensor([0, 1, 2, 0, 1]))
    gradients = torch.autograd.grad(loss, list(made.parameters()))
    assert [g.shape for g in gradients if not bool(g.any())] == []


def test_its_last_row_and_column_are_seen_where_a_side_is_odd() -> None:
    made, seen = network(SHAPES[1]), pictures(SHAPES[1], 1)
    seen.requires_grad_()
    (seen_gradient,) = torch.autograd.grad(made(seen).sum(), seen)
    assert bool(seen_gradient[0, :, -1, -1].any())


def test_its_settings_are_checked() -> None:
    assert configure(cnn.config, {"width": "16"}, "the model 'cnn'") == CNNConfig(width=16)
    with pytest.raises(Exception, match="width takes a whole number from 1 to 256"):
        configure(cnn.config, {"width": "0"}, "the model 'cnn'")
