"""The network of expressions answers as Keras does, with made-up weights and with its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from made_up_networks import keras_layers, package_of_smiles, waves

from facet.errors import UserError
from facet.measures.opinions.packages import file_of
from facet.measures.opinions.smile_network import (
    EXPRESSIONS,
    ExpressionNetwork,
    _pool,
    _state,
    as_faces,
    expression_network,
)

# Keras 3.15.1 with jax 0.10.2: the model of emotion_model.hdf5 with ``keras_layers()``, its output before the softmax
OF_KERAS = [
    [-0.87534714, 0.48269576, 0.43471467, -0.70859969, 0.13277110, 0.40105438, -0.27041170],
    [-0.87671077, 0.48381686, 0.43478453, -0.70980144, 0.13408801, 0.40073580, -0.27136135],
    [-0.87864649, 0.49023628, 0.42931128, -0.70990425, 0.13967972, 0.39438504, -0.26962358],
]
# The same with the file's own weights, its output: probabilities of the seven expressions
OF_FER = [
    [0.155196, 0.000149, 0.189011, 0.122303, 0.043606, 0.142751, 0.346985],
    [0.079413, 0.009645, 0.080376, 0.024646, 0.044096, 0.017535, 0.744289],
    [0.012951, 0.000084, 0.017312, 0.037206, 0.028969, 0.020068, 0.883410],
]


def made_up() -> ExpressionNetwork:
    network = ExpressionNetwork()
    network.load_state_dict(_state(keras_layers()))
    return network.eval()


def test_it_answers_as_keras_does() -> None:
    assert made_up()(waves()).tolist() == [pytest.approx(row, abs=1e-5) for row in OF_KERAS]


def test_a_file_of_keras_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py", reason="it comes with the extra opinions")
    package_of_smiles(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    network = expression_network(file_of("smiles"))
    assert torch.equal(network(waves()), made_up()(waves()))
    assert not network.training
    assert not any(weights.requires_grad for weights in network.parameters())


def test_with_the_weights_of_others_it_answers_as_theirs_does() -> None:
    try:
        path = file_of("smiles")
    except UserError as error:
        pytest.skip(str(error))
    assert expression_network(path)(waves()).softmax(1).tolist() == [pytest.approx(row, abs=2e-6) for row in OF_FER]


@pytest.mark.parametrize(("side", "expected"), [(4, [[2, 3], [3, 3]]), (5, [[1, 3, 4], [3, 3, 4], [4, 4, 4]])])
def test_an_even_picture_is_padded_at_the_bottom_and_at_the_right(side: int, expected: list[list[int]]) -> None:
    """Of the larger of row and column. In Keras windows begin at 0 where the side is even, at -1 where it is odd."""
    index = torch.arange(side).float()
    picture = torch.maximum(index[:, None], index)[None, None]
    assert _pool(picture)[0, 0].tolist() == expected


def test_faces_are_grey_cut_and_scaled() -> None:
    images = torch.zeros(1, 3, 80, 80)
    images[:, 0] = 1.0  # red
    images[:, :, :8] = 1.0  # the border is white
    faces = as_faces(images)
    assert faces.shape == (1, 1, 64, 64)
    assert faces == pytest.approx(torch.full_like(faces, 2 * 0.299 - 1), abs=1e-6)
    assert as_faces(torch.ones(2, 1, 32, 32)).unique().tolist() == pytest.approx([1.0], abs=1e-6)


def test_a_face_smiles_if_happy_is_the_likeliest() -> None:
    network = made_up()
    happy = EXPRESSIONS.index("happy")
    for logit, smiles in ((-5.0, False), (5.0, True)):
        network.head.weight.data.zero_()
        network.head.bias.data.zero_()
        network.head.bias.data[happy] = logit
        odds, seen = network.look(torch.rand(2, 3, 20, 20))
        assert seen.tolist() == [smiles, smiles]
        probability = torch.zeros(7).index_fill(0, torch.tensor(happy), logit).softmax(0)[happy]
        assert odds.sigmoid().tolist() == pytest.approx([float(probability)] * 2, abs=1e-6)
