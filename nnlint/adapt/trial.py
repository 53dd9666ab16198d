"""A network run on a small random batch, in training and in evaluation, to see whether it takes and gives what it must.

Nothing is concluded from names or shapes alone: what `Adapted` promises has been run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from nnlint.load.files import raised_at

#: samples of the batch in training and in evaluation: two sizes, so that a network that mixes samples is found out
TRAINED, EVALUATED = 4, 3

#: how a run ended: it gave a matrix of numbers, something of another form, or an error
Ending = Literal["numbers", "form", "error", "backward"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        outputs: numbers a sample, where it gave such.
        said: the form that the result has (``(N, 21, 32, 32)``, ``a tuple of 3``), or the error.
        shape: of one sample's result.
        trained: the result in training, for a look at its numbers.
        tensor: whether it gave one.
        built: whether it could be built.
    """

    ending: Ending
    outputs: int = 0
    said: str = ""
    shape: tuple[int, ...] = ()
    trained: Tensor | None = None
    tensor: bool = True
    built: bool = True

    @property
    def final(self) -> bool:
        """Whether it would be the same with samples of other sizes: no tensor, or nothing to be trained."""
        return self.ending == "backward" or (self.ending == "form" and not self.tensor)


def run(net: nn.Module, shape: tuple[int, ...], device: str = "cpu") -> Outcome:
    """Run a network forwards and backwards on noise of this shape of a sample; torch's generator is left as it was.

    Layers that are made in the first pass (`torch.nn.LazyLinear`) are made by it.
    """
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        try:
            net.eval()
            with torch.no_grad():
                evaluated = _judged(net(torch.randn(EVALUATED, *shape, device=device)), EVALUATED)
            net.train()
            result = net(torch.randn(TRAINED, *shape, device=device))
            trained = _judged(result, TRAINED)
        except (Exception, SystemExit) as error:
            return Outcome("error", said=_text(error))
        for outcome, mode in ((evaluated, "evaluation"), (trained, "training")):
            if outcome.ending != "numbers":
                return replace(outcome, said=f"{outcome.said} in {mode}")
        if evaluated.shape != trained.shape:
            return Outcome("form", said=f"{trained.said} in training and {evaluated.said} in evaluation")
        try:
            result.float().sum().backward()
        except RuntimeError as error:
            return Outcome("backward", said=_text(error))
        finally:
            net.zero_grad(set_to_none=True)
    return trained


def _judged(result: Any, samples: int) -> Outcome:
    if not isinstance(result, Tensor):
        return Outcome("form", said=described(result), tensor=False)
    shape = tuple(result.shape)
    rest = ", ".join(["N", *map(str, shape[1:])]) if shape else ""
    said = f"({rest})" if len(shape) > 1 else f"({rest},)"
    if not result.dtype.is_floating_point:
        return Outcome("form", said=f"{said} of {str(result.dtype).removeprefix('torch.')}")
    if not shape or shape[0] != samples:
        return Outcome("form", said=f"{tuple(shape)} for {samples} samples")
    row = tuple(size for size in shape[1:] if size != 1) or ((1,) if len(shape) > 1 else ())
    if len(row) > 1:
        return Outcome("form", said=said, shape=shape[1:])
    outputs = row[0] if row else 1
    return Outcome("numbers", outputs, said, shape[1:], result.detach())


def described(result: Any) -> str:
    """What a network gives that is no tensor."""
    kind = type(result).__name__.removeprefix("immutable_")
    if isinstance(result, dict):
        return f"{_a(kind)} of {', '.join(map(repr, result))}"
    if isinstance(result, tuple | list):
        return f"{_a(kind)} of {len(result)}"
    return "nothing" if result is None else _a(kind)


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _text(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    where = raised_at(error)
    return f"{type(error).__name__}: {lines[0] if lines else ''}".removesuffix(": ") + (f" ({where})" if where else "")
