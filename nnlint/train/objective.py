"""`Objective`: the loss that fits a network's head and the targets, and the number that judges it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from nnlint.errors import UsageError
from nnlint.train.data.model import Data, Task

if TYPE_CHECKING:
    from torch import Tensor

#: the losses the trainer knows, by the names nnlint's graphs use
LossName = Literal["cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "binary_cross_entropy", "mse_loss"]
#: why a loss is taken: because the network's own file does
STATED = "as its file states"
#: what the numbers a network returns are
Head = Literal["scores", "log-probabilities", "probabilities", "sigmoid"]


@dataclass(frozen=True, slots=True)
class Objective:
    """What is minimised, and what it is judged by.

    Attributes:
        loss_name: the loss.
        why: why this one, in one sentence.
        metric: the number that judges, higher is better: ``accuracy`` or ``r2``.
        loss: ``loss(outputs, targets)``: the mean over a batch; outputs are (N, K), or (N,) and (N, 1) for one number.
        answers: ``answers(outputs)``: class numbers (N,), or the numbers themselves.
        expected_first_loss: of a network whose answers say nothing: log K for K classes; None: not known.
    """

    loss_name: LossName
    why: str
    metric: str
    loss: Callable[[Tensor, Tensor], Tensor]
    answers: Callable[[Tensor], Tensor]
    expected_first_loss: float | None


def objective_for(
    data: Data,
    head: Head,
    outputs: int,
    *,
    stated: LossName | None = None,
    asked: str | None = None,
    label_smoothing: float = 0.0,
) -> Objective:
    """The objective for a network on these data.

    What the user asks for counts first, then what the network's own file states, then what fits its head: the scores of
    K classes are judged by cross-entropy, log-probabilities by the negative log-likelihood, one score by binary
    cross-entropy, numbers by the squared error.

    Args:
        head: what the network returns; ``outputs`` how many numbers of it for a sample.
        stated: the loss that the network's file states.
        asked: the one the user asks for.
        label_smoothing: of cross-entropy.

    Raises:
        UsageError: if the loss asked for is none of `LossName`, or does not fit; if the labels of another loss than
            cross-entropy are to be smoothed.
    """
    if asked is not None:
        name, why = _asked(asked, data.task, outputs), "as asked for"
    elif stated is not None and _fits(stated, data.task, outputs):
        name, why = stated, STATED
    else:
        name, why = _of_head(data.task, head, outputs)
        if stated is not None:
            why += f" ({stated}, which its file states, does not fit {_what(data.task, outputs)})"
    if label_smoothing and name != "cross_entropy":
        raise UsageError(
            f"labels are smoothed in cross-entropy, and the loss is {name}, {why}",
            where="--label-smoothing",
            help="leave it out" if outputs == 1 else "leave it out, or give a network that returns scores",
        )
    one = data.task == "binary" and outputs == 1
    return Objective(
        name,
        why,
        "r2" if data.task == "numbers" else "accuracy",
        _loss(name, data.task, head, outputs, label_smoothing),
        _answers(name, data.task, head, one=one),
        _expected(name, data.task, outputs),
    )


def _asked(asked: str, task: Task, outputs: int) -> LossName:
    name = asked.replace("-", "_")
    known = [loss for loss in get_args(LossName) if _fits(loss, task, outputs)]
    if name not in known:
        what = _what(task, outputs)
        message = f"{asked!r} does not fit {what}" if name in get_args(LossName) else f"there is no loss {asked!r} here"
        raise UsageError(message, where="--loss", help=f"for {what} there are {', '.join(known)}")
    return name  # type: ignore[return-value]  # it is in the list of its values


def _what(task: Task, outputs: int) -> str:
    kind = {"classes": "classes", "binary": "yes or no", "numbers": "numbers"}[task]
    return f"{kind} told by {outputs} {'output' if outputs == 1 else 'outputs'}"


def _fits(name: LossName, task: Task, outputs: int) -> bool:
    """Whether a loss can judge so many outputs at all. (Whether it is a wise choice is the linter's business.)"""
    if task == "numbers":
        return name == "mse_loss"
    return name not in ("cross_entropy", "nll_loss") or outputs > 1


def _of_head(task: Task, head: Head, outputs: int) -> tuple[LossName, str]:
    if task == "numbers":
        return "mse_loss", "it predicts numbers"
    if head == "sigmoid":
        return "binary_cross_entropy", "its last layer is a sigmoid"
    if outputs == 1:
        return "binary_cross_entropy_with_logits", "it gives one score for yes or no"
    if head == "log-probabilities":
        return "nll_loss", "its last layer is a log-softmax"
    if head == "probabilities":
        return "nll_loss", "its last layer is a softmax, of which the logarithm is taken"
    return "cross_entropy", f"it gives a score for each of {outputs} classes"


def _loss(
    name: LossName, task: Task, head: Head, outputs: int, label_smoothing: float
) -> Callable[[Tensor, Tensor], Tensor]:
    import torch.nn.functional as F  # noqa: N812

    if name == "cross_entropy":
        return lambda scores, targets: F.cross_entropy(scores, targets, label_smoothing=label_smoothing)
    if name == "nll_loss":
        if head == "probabilities":
            return lambda scores, targets: F.nll_loss(scores.clamp_min(1e-12).log(), targets)
        return F.nll_loss
    judge = getattr(F, name)
    if task == "numbers":
        return lambda answers, targets: judge(answers.reshape(targets.shape), targets)
    if outputs == 1:
        return lambda scores, targets: judge(scores.reshape(len(targets)), targets.to(scores.dtype))
    # one yes or no for each class
    return lambda scores, targets: judge(scores, F.one_hot(targets, outputs).to(scores.dtype))


def _answers(name: LossName, task: Task, head: Head, *, one: bool) -> Callable[[Tensor], Tensor]:
    if task == "numbers":
        return lambda answers: answers
    if not one:
        return lambda scores: scores.argmax(1)
    # a probability is one whatever loss it is trained with; a score is taken for one where the loss takes it for one
    score = head != "sigmoid" and name == "binary_cross_entropy_with_logits"
    threshold = 0.0 if score else 0.5
    return lambda scores: (scores.reshape(len(scores)) > threshold).long()


def _expected(name: LossName, task: Task, outputs: int) -> float | None:
    if task == "numbers":
        return 1.0  # the targets are standardised, and the answers near zero
    if name in ("cross_entropy", "nll_loss"):
        return math.log(outputs)
    return None if name == "mse_loss" else math.log(2)
