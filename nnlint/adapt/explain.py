"""Why a network cannot be trained on the data: what it takes and gives, what the data are, what was tried."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence

from torch import Tensor, fx

from nnlint.adapt.fitting import Fitting
from nnlint.adapt.model import View
from nnlint.adapt.trial import Outcome, described
from nnlint.adapt.views import shape_of
from nnlint.errors import MismatchError
from nnlint.examine.network import Traced
from nnlint.inputs.search import NoInputs, Proposal
from nnlint.inputs.template import leaves
from nnlint.load.candidate import Candidate
from nnlint.trace.run import META
from nnlint.train.data.model import Data


def mismatch(fitting: Fitting, proposals: list[Proposal], flat: Fitting | None = None) -> MismatchError:
    """The error for a network that fits the data in none of the views that were tried.

    Args:
        flat: the tries to show it images as vectors, if it takes these.
    """
    views = fitting.tried
    opening, data = fitting.opening, fitting.data
    name = opening.candidate.name
    found = fitting.traced(proposals)
    nature = _nature(found) if isinstance(found, Traced) else f"nnlint found no input that it accepts{_why(found)}"
    if flat is not None:
        wrong, advice = _failed(flat, found)
        wrong = f"shown as {view_text(flat.tried[-1])}, {wrong}"
    else:
        wrong, advice = _wrong(fitting, found)
    message = f"{name} cannot be trained on {data.name}: {nature}; {described_data(data)}; {wrong}"
    if wrong.startswith(_DEPENDS) and len(views) > 1:
        message += f" (tried: {_tried(views)})"
    return MismatchError(message, where=opening.candidate.target, help=advice)


def takes_something_else(fitting: Fitting, proposals: list[Proposal]) -> bool:
    """Whether a network takes no such samples whatever their size: token ids, sequences, two inputs."""
    found = fitting.traced(proposals)
    return isinstance(found, Traced) and _inputs_wrong(found, fitting.data) is not None


def no_common_view(fittings: Sequence[Fitting], accepted: Sequence[View]) -> MismatchError:
    """The error for networks that fit the data one by one, and not as they are shown to the others."""
    parts = [
        f"{one.opening.source.label or one.opening.candidate.name} takes {view_text(view)}"
        for one, view in zip(fittings, accepted, strict=True)
    ]
    return MismatchError(
        "there is no one way to show the data to all of the networks: " + ", ".join(parts),
        where=fittings[0].opening.candidate.target,
        help="a comparison shows the same data to both: give one of them a `channels` or `resolution` argument",
    )


def view_text(view: View) -> str:
    """A view in words: ``images of 3x32x32``, ``vectors of 64 numbers``."""
    if view.flat and view.channels and view.size:
        return f"vectors of {view.channels * view.size[0] * view.size[1]} numbers"
    return f"images of {view.channels}x{view.size[0]}x{view.size[1]}" if view.size else "vectors"


def described_data(data: Data) -> str:
    """What data ask of a network."""
    if len(data.shape) == 3:
        what = f"images of {data.shape[0]}x{data.shape[1]}x{data.shape[2]}"
    else:
        what = f"vectors of {data.shape[0]} numbers"
    outputs = "1 or 2 outputs" if data.task == "binary" else f"(N, {data.outputs})"
    return f"{data.name} has {what} and needs {outputs}"


def _nature(traced: Traced) -> str:
    """What a network takes and gives."""
    given = [leaf for leaf in leaves((traced.inputs.args, traced.inputs.kwargs)) if isinstance(leaf, Tensor)]
    taken = " and ".join(_shape(tensor) for tensor in given) or "nothing"
    result = next(node for node in traced.recorded.graph.nodes if node.op == "output").args[0]
    made = _made(result) if isinstance(result, fx.Node) else described(result)
    several = f"{len(given)} inputs, " if len(given) > 1 else ""
    return f"it takes {several}{taken}" + (f" and gives {made}" if made else "")


def _made(node: fx.Node) -> str:
    values = node.meta[META].values
    return _sizes(values[0].shape) if values else ""


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).removeprefix('torch.')}"
    return f"{_sizes(tuple(tensor.shape))}{kind}"


def _sizes(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, shape[1:]))})" if len(shape) > 1 else "(N,)"


def _why(found: NoInputs) -> str:
    best = found.best
    return f" ({best.fault.text})" if best is not None and best.fault.text else ""


def _tried(views: Sequence[View]) -> str:
    channels = list(dict.fromkeys(view.channels for view in views))
    sides = list(dict.fromkeys(view.size for view in views if view.size))
    shown = ", ".join(f"{height}x{width}" for height, width in sides)
    return f"{' and '.join(map(str, channels))} channels at {shown}"


#: what the trainer is not for
_NOT_TRAINED = "`nnlint train` trains networks that give classes, yes or no, or a few numbers a sample, and no others"
#: what may depend on the size of the images
_DEPENDS = ("it gives", "it fails")


def _wrong(fitting: Fitting, found: Traced | NoInputs) -> tuple[str, str]:
    """Which part does not fit, and what to do."""
    if isinstance(found, Traced) and all(outcome.ending != "backward" for _, outcome in fitting.failed):
        told = _inputs_wrong(found, fitting.data)
        if told is not None:
            return told
    return _failed(fitting, found)


def _failed(fitting: Fitting, found: Traced | NoInputs) -> tuple[str, str]:
    """What came of the tries, and what to do."""
    data = fitting.data
    of_kind = {outcome.ending: (view, outcome) for view, outcome in reversed(fitting.failed)}
    if "backward" in of_kind:
        _, outcome = of_kind["backward"]
        return f"no gradient reaches its weights ({outcome.said})", "train it without `torch.no_grad()`"
    if "numbers" in of_kind:
        view, outcome = of_kind["numbers"]
        argument = "give it an argument for the number of outputs (`num_classes`), or data with as many"
        if outcome.outputs == math.prod(shape_of(view, data.shape)):
            advice = f"{_NOT_TRAINED}; if it is no autoencoder, {argument}"
            return f"it gives {outcome.said}, as many numbers as it takes, as an autoencoder does", advice
        return (
            f"it gives {outcome.said}, and what makes its last numbers is no layer that could be replaced",
            argument,
        )
    if "form" in of_kind:
        return _form(*of_kind["form"], data)
    # what is too small for a layer fails for that reason: the largest says most
    errors = [(view.size or (0, 0), outcome.said) for view, outcome in fitting.failed if _of_size(outcome)]
    last = fitting.failed[-1] if fitting.failed else None
    size, said = max(errors, key=lambda one: one[0], default=((0, 0), last[1].said if last else ""))
    where = f"at {size[0]}x{size[1]} " if any(size) and last and not last[0].flat else "on them "
    return f"it fails {where}with {said}", _other_size(fitting, found) or _other_call(fitting.opening.candidate)


def _other_size(fitting: Fitting, found: Traced | NoInputs) -> str:
    """The option that shows it images as large as its file has them, where it was tried and does."""
    data = fitting.data
    if not isinstance(found, Traced) or len(data.shape) != 3:
        return ""
    given = [leaf for leaf in leaves((found.inputs.args, found.inputs.kwargs)) if isinstance(leaf, Tensor)]
    if len(given) != 1 or given[0].dim() != 4:
        return ""
    channels, height, width = given[0].shape[1:]
    if (height, width) in {view.size for view in fitting.tried}:
        return ""
    for count in dict.fromkeys((data.shape[0], channels)):
        usable = count == data.shape[0] or {count, data.shape[0]} == {1, 3}
        if usable and fitting.fit(View(count, (height, width))) is not None:
            return f"`--size {height if height == width else f'{height}x{width}'}` shows them as it takes them"
    return ""


def _other_call(candidate: Candidate) -> str:
    """How to name a call that builds the network otherwise; where its class takes no arguments, that it should."""
    target = candidate.target.partition("(")[0]
    file, _, name = target.rpartition(":")
    cls = type(candidate.module)
    made = candidate.namespace.get(name)
    if not inspect.isclass(made) and not inspect.isfunction(made):  # the file names a network that is built already
        name = cls.__name__
        made = cls if candidate.namespace.get(name) is cls and not cls.__module__.startswith("torch.") else None
    parameters = inspect.signature(made).parameters.values() if made is not None else ()
    named = [one.name for one in parameters if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)]
    if not named:
        return "it is built for other data: give it arguments for what these ask (`num_classes`, `in_channels`)"
    return f"name a call that builds it for these data: '{file}:{name}({', '.join(f'{one}=…' for one in named[:3])})'"


def _of_size(outcome: Outcome) -> bool:
    return outcome.ending == "error" and "channels" not in outcome.said and "channel dim" not in outcome.said


def _inputs_wrong(found: Traced, data: Data) -> tuple[str, str] | None:
    tensors = [leaf for leaf in leaves((found.inputs.args, found.inputs.kwargs)) if isinstance(leaf, Tensor)]
    if len(tensors) > 1:
        return (
            f"the data have one input, and it wants {len(tensors)}",
            "wrap it in a module whose forward takes one tensor and makes the others",
        )
    if not tensors:
        return "it takes no tensor", "give it a forward that takes one tensor"
    if not tensors[0].is_floating_point():
        kind = "token ids" if tensors[0].dtype.is_signed else "whole numbers"
        return (
            f"it takes {kind}, and the data are {'images' if len(data.shape) == 3 else 'measurements'}",
            "`nnlint train` trains networks on images and on tables; give such a network",
        )
    dims = tensors[0].dim() - 1
    if dims != len(data.shape):
        forms = {1: "vectors", 2: "sequences", 3: "images", 4: "volumes"}
        takes, are = forms.get(dims, f"samples of {dims} axes"), forms[len(data.shape)]
        help_ = "give a network that takes images, or `--data breast-cancer` or `diabetes` for one that takes vectors"
        if len(data.shape) == 1:
            help_ = "give a network that takes (N, F), or data that are images (`--data digits`)"
        return f"it takes {takes}, and the data are {are}", help_
    return None


def _form(view: View, outcome: Outcome, data: Data) -> tuple[str, str]:
    if len(outcome.shape) > 1:
        return f"it gives {outcome.said}: a map of numbers a sample, not {data.outputs}", _of_a_map(view, outcome, data)
    help_ = "let it return the scores alone: turn other results off (`aux_logits=False`, say), or wrap it in a module"
    return f"it gives {outcome.said}, where one tensor is needed", help_


def _of_a_map(view: View, outcome: Outcome, data: Data) -> str:
    """What to do about a map: one as large as the images has a value for every pixel, and is no classifier's."""
    channels, *sides = outcome.shape
    pooled = (
        "pool its result over the map (`x.mean((2, 3))`)" if len(sides) == 2 else "average its result over the rest"
    )
    if len(sides) != 2 or not view.size or any(side < own for side, own in zip(sides, view.size, strict=True)):
        return f"{pooled}, or give a network that classifies"
    scores = f"; if these are the scores of the {channels} classes, {pooled}" if channels == data.outputs else ""
    return f"it gives a value for every pixel: {_NOT_TRAINED}{scores}"
