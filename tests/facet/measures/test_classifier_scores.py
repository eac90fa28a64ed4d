"""Acc(E_y) on confusion tables counted by hand."""

import math

import pytest
import torch

from facet.measures.classifier import AttributeAccuracy, ClassifierScores
from facet.measures.intervals import wilson

NAN = float("nan")


def scores(predictions: list[list[float]], labels: list[list[float]]) -> list[ClassifierScores]:
    metric = AttributeAccuracy(len(labels[0]))
    metric.update(torch.tensor(predictions), torch.tensor(labels))
    return metric.compute()


def test_hand_counted() -> None:
    # First attribute: TP 2, FP 1, TN 3, FN 1; second: TP 1, TN 1, the rest unknown.
    predictions = [[0.9, 0.8], [0.51, 0.1], [0.5, 0.9], [0.7, 0.9], [0.2, 0.9], [0.0, 0.9], [0.49, 0.9]]
    labels = [[1.0, 1.0], [1.0, 0.0], [1.0, NAN], [0.0, NAN], [0.0, NAN], [0.0, NAN], [0.0, NAN]]
    first, second = scores(predictions, labels)
    assert first.accuracy == wilson(5, 7)
    assert first.balanced_accuracy == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert first.f1 == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert (first.on, first.off) == (wilson(2, 3), wilson(3, 4))
    assert second == ClassifierScores(wilson(2, 2), 1.0, 1.0, wilson(1, 1), wilson(1, 1))


def test_a_constant_prediction_is_accurate_on_a_rare_attribute_but_not_balanced() -> None:
    (score,) = scores([[0.01]] * 100, [[1.0]] * 5 + [[0.0]] * 95)
    assert score.accuracy.value == 0.95
    assert score.balanced_accuracy == 0.5
    assert score.f1 == 0.0
    assert (score.on, score.off) == (wilson(0, 5), wilson(95, 95))
    assert score.of_classes()["balanced"][:2] == (0.5, pytest.approx(0.5 - (1 - wilson(95, 95).low) / 2))


def test_a_diverged_model_is_wrong_everywhere() -> None:
    (score,) = scores([[NAN]] * 4, [[1.0], [0.0], [0.0], [NAN]])
    assert score.accuracy == wilson(0, 3)
    assert score.balanced_accuracy == 0.0


def test_undefined_scores_are_nan() -> None:
    (score,) = scores([[0.1], [0.2]], [[0.0], [0.0]])
    assert score.accuracy == wilson(2, 2)
    assert math.isnan(score.balanced_accuracy)
    assert math.isnan(score.f1)


def test_one_sample_and_values_beyond_the_scale() -> None:
    first, second = scores([[1.7, -0.4]], [[1.0, 1.0]])  # no sigmoid is taken of what leaves [0, 1]
    assert first.accuracy == wilson(1, 1)
    assert second.accuracy == wilson(0, 1)


def test_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"predictions has shape \(3,\), expected \(3, 1\)"):
        AttributeAccuracy(1).update(torch.rand(3), torch.ones(3, 1))
