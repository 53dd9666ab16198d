import math

import pytest
import torch
from torch.nn import functional

from nnlint.errors import UsageError
from nnlint.train.data.model import Arrays, Data
from nnlint.train.objective import objective_for

SCORES = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0]])
CLASSES = torch.tensor([0, 2])


def data(task, outputs):
    arrays = Arrays(torch.zeros(2, 3), torch.zeros(2))
    return Data("t", "s", task, (3,), outputs, arrays, arrays)


@pytest.mark.parametrize(
    ("task", "head", "outputs", "name"),
    [
        ("classes", "scores", 3, "cross_entropy"),
        ("classes", "log-probabilities", 3, "nll_loss"),
        ("classes", "probabilities", 3, "nll_loss"),
        ("classes", "sigmoid", 3, "binary_cross_entropy"),
        ("binary", "scores", 1, "binary_cross_entropy_with_logits"),
        ("binary", "sigmoid", 1, "binary_cross_entropy"),
        ("binary", "scores", 2, "cross_entropy"),
        ("numbers", "scores", 1, "mse_loss"),
    ],
)
def test_the_loss_that_fits_the_head(task, head, outputs, name):
    assert objective_for(data(task, outputs), head, outputs).loss_name == name


def test_every_form_of_classes_gives_the_same_number():
    expected = functional.cross_entropy(SCORES, CLASSES)
    forms = {"scores": SCORES, "log-probabilities": SCORES.log_softmax(1), "probabilities": SCORES.softmax(1)}
    for head, outputs in forms.items():
        objective = objective_for(data("classes", 3), head, 3)
        assert torch.allclose(objective.loss(outputs, CLASSES), expected)
        assert objective.answers(outputs).tolist() == [0, 1]
        assert objective.expected_first_loss == pytest.approx(math.log(3))


def test_what_the_file_states_counts_where_it_fits():
    stated = objective_for(data("classes", 3), "probabilities", 3, stated="cross_entropy")
    assert stated.loss_name == "cross_entropy"
    assert torch.equal(stated.loss(SCORES.softmax(1), CLASSES), functional.cross_entropy(SCORES.softmax(1), CLASSES))
    unfit = objective_for(data("binary", 1), "scores", 1, stated="cross_entropy")
    assert unfit.loss_name == "binary_cross_entropy_with_logits"
    assert "cross_entropy, which its file states, does not fit yes or no told by 1 output" in unfit.why


def test_what_is_asked_for_counts_first():
    asked = objective_for(data("classes", 3), "scores", 3, stated="nll_loss", asked="mse-loss")
    assert asked.loss_name == "mse_loss"
    one_hot = torch.tensor([[1.0, 0, 0], [0, 0, 1]])
    assert torch.equal(asked.loss(SCORES, CLASSES), functional.mse_loss(SCORES, one_hot))


@pytest.mark.parametrize("asked", ["hinge", "nll-loss"])
def test_one_that_cannot_be_is_refused_with_those_that_can(asked):
    with pytest.raises(
        UsageError, match=r"--loss(.|\n)*binary_cross_entropy_with_logits, binary_cross_entropy, mse_loss"
    ):
        objective_for(data("binary", 1), "scores", 1, asked=asked)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_score_may_have_an_axis_of_its_own(shape):
    scores, yes = torch.tensor([1.0, -2.0, 0.3, -0.1]), torch.tensor([1, 0, 0, 1])
    objective = objective_for(data("binary", 1), "scores", 1)
    found = objective.loss(scores.reshape(shape), yes)
    assert torch.equal(found, functional.binary_cross_entropy_with_logits(scores, yes.float()))
    assert objective.answers(scores.reshape(shape)).tolist() == [1, 0, 1, 0]


def test_a_probability_of_a_half_divides_yes_from_no():
    objective = objective_for(data("binary", 1), "sigmoid", 1)
    assert objective.answers(torch.tensor([[0.51], [0.49]])).tolist() == [1, 0]


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "binary_cross_entropy", "mse_loss"])
@pytest.mark.parametrize("said", ["stated", "asked"])
def test_it_does_whatever_loss_the_probability_is_trained_with(name, said):
    objective = objective_for(data("binary", 1), "sigmoid", 1, **{said: name})
    assert objective.loss_name == name
    assert objective.answers(torch.tensor([0.51, 0.49])).tolist() == [1, 0]


def test_a_score_that_is_taken_for_a_probability_is_read_as_one():
    objective = objective_for(data("binary", 1), "scores", 1, asked="binary_cross_entropy")
    assert objective.answers(torch.tensor([0.51, 0.49])).tolist() == [1, 0]


def test_label_smoothing_reaches_cross_entropy():
    smooth = objective_for(data("classes", 3), "scores", 3, label_smoothing=0.1)
    assert torch.equal(smooth.loss(SCORES, CLASSES), functional.cross_entropy(SCORES, CLASSES, label_smoothing=0.1))


def test_other_losses_smooth_no_labels():
    with pytest.raises(UsageError, match="smoothed in cross-entropy, and the loss is binary_cross_entropy_with_logits"):
        objective_for(data("binary", 1), "scores", 1, label_smoothing=0.1)
