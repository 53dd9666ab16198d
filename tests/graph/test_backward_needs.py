"""What the kinds say of backward, tried with autograd: a result or an input is overwritten, and backward run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from nnlint.kinds import (
    factors_kept,
    input_kept,
    input_kept_for_weight,
    result_free,
    result_kept,
    result_kept_in_place,
)


def _given(*shape: int) -> Tensor:
    """Positive numbers that were computed from parameters."""
    return (torch.rand(*shape) + 0.1).requires_grad_() * 1.0


def _weight(*shape: int) -> Tensor:
    return torch.rand(*shape, requires_grad=True)


def _call(home: object, name: str, *rest: object, **words: object) -> Callable[[Tensor], Tensor]:
    return lambda x: getattr(home, name)(x, *rest, **words)


def _norm(name: str, *shape: int) -> tuple[Callable[[Tensor], Tensor], tuple[int, ...]]:
    weight, bias = _weight(4), _weight(4)
    statistics = torch.zeros(4), torch.ones(4)
    return {
        "batch_norm": lambda x: F.batch_norm(x, *statistics, weight, bias, training=True),
        "instance_norm": lambda x: F.instance_norm(x, *statistics, weight, bias),
        "layer_norm": lambda x: F.layer_norm(x, (6,), _weight(6), _weight(6)),
        "group_norm": lambda x: F.group_norm(x, 2, weight, bias),
        "rms_norm": lambda x: F.rms_norm(x, (6,), _weight(6)),
        "local_response_norm": lambda x: F.local_response_norm(x, 2),
    }[name], shape


_MAP = (2, 4, 6, 6)
Forms = dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]]


def _weighted(frozen: bool) -> Forms:
    forms: Forms = {}
    for axes in (1, 2, 3):
        weight, shape = _weight(4, 4, *(3,) * axes), (2, 4, *(6,) * axes)
        weight = weight.detach() if frozen else weight
        for name in (f"conv{axes}d", f"conv_transpose{axes}d"):
            forms[name] = _call(F, name, weight, _weight(4)), shape
    matrix = _weight(5, 6).detach() if frozen else _weight(5, 6)
    forms["linear"] = (lambda x: F.linear(x, matrix, _weight(5))), (2, 6)
    return forms


def _forms() -> Forms:
    """An op by name, as a function of one tensor of the shape that is said."""
    forms = _weighted(frozen=False)
    for name in ("batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm", "local_response_norm"):
        forms[name] = _norm(name, *_MAP)
    for axes in (1, 2, 3):
        shape = (2, 4, *(6,) * axes)
        for name in (f"max_pool{axes}d", f"avg_pool{axes}d"):
            forms[name] = _call(F, name, 2), shape
        for name in (f"adaptive_max_pool{axes}d", f"adaptive_avg_pool{axes}d"):
            forms[name] = _call(F, name, 2), shape
        forms[f"dropout{axes}d"] = _call(F, f"dropout{axes}d", 0.5), shape
    for name in (
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
        "hardswish",
        "softplus",
        "hardsigmoid",
        "hardtanh",
    ):
        forms[name] = getattr(F, name), _MAP
    for name in ("logsigmoid", "softshrink", "hardshrink", "softsign"):
        forms[name] = getattr(F, name), _MAP
    for name in (
        "sigmoid",
        "tanh",
        "exp",
        "exp2",
        "expm1",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "tan",
        "log",
        "log2",
        "log10",
        "log1p",
        "square",
        "sin",
        "cos",
        "abs",
        "erf",
        "atan",
        "neg",
        "mean",
        "sum",
    ):
        forms[name] = getattr(torch, name), _MAP
    for name in ("logsumexp", "amax", "amin", "prod", "std", "norm"):
        forms[name] = _call(torch, name, dim=1), _MAP
    for name in ("softmax", "softmin", "log_softmax"):
        forms[name] = _call(F, name, dim=1), _MAP
    return forms | {
        "vector_norm": ((lambda x: torch.linalg.vector_norm(x, dim=1)), _MAP),
        "prelu": ((lambda x: F.prelu(x, _weight(1))), _MAP),
        "threshold": ((lambda x: F.threshold(x, 0.5, 0.0)), _MAP),
        "glu": ((lambda x: F.glu(x, 1)), _MAP),
        "clamp": ((lambda x: x.clamp(0.2, 0.9)), _MAP),
        "rrelu": ((lambda x: F.rrelu(x, training=True)), _MAP),
        "dropout": ((lambda x: F.dropout(x, 0.5)), _MAP),
        "alpha_dropout": ((lambda x: F.alpha_dropout(x, 0.5, True)), _MAP),
        "feature_alpha_dropout": ((lambda x: F.feature_alpha_dropout(x, 0.5, True)), _MAP),
        "embedding": ((lambda x: F.embedding(torch.arange(3), x)), (5, 4)),
        "pad": ((lambda x: F.pad(x, (1, 1, 1, 1))), _MAP),
        "interpolate": ((lambda x: F.interpolate(x, scale_factor=2, mode="bilinear")), _MAP),
        "pixel_shuffle": ((lambda x: F.pixel_shuffle(x, 2)), _MAP),
        "pixel_unshuffle": ((lambda x: F.pixel_unshuffle(x, 2)), _MAP),
        "cat": ((lambda x: torch.cat([x, x], 1)), _MAP),
        "stack": ((lambda x: torch.stack([x, x])), _MAP),
        "add": ((lambda x: x + _weight(*_MAP)), _MAP),
        "sub": ((lambda x: x - _weight(*_MAP)), _MAP),
        "mul": ((lambda x: x * _weight(*_MAP)), _MAP),
        "div": ((lambda x: x / _weight(*_MAP)), _MAP),
        "matmul": ((lambda x: x @ _weight(6, 6)), _MAP),
        "mm": ((lambda x: x.mm(_weight(6, 6))), (6, 6)),
        "bmm": ((lambda x: x.bmm(_weight(2, 6, 6))), (2, 6, 6)),
    }


FORMS = _forms()
IN_PLACE = {
    name: _call(F if hasattr(F, f"{name}_") else torch, f"{name}_")
    for name in (
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "sigmoid",
        "tanh",
        "exp",
        "exp2",
        "expm1",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "tan",
    )
} | {"rrelu": lambda x: F.rrelu(x, training=True, inplace=True)}


def _raises(result: Tensor, touched: Tensor) -> bool:
    """Whether backward notices that a tensor was overwritten (with what it was)."""
    with torch.no_grad():
        touched.mul_(1)
    try:
        result.sum().backward()
    except RuntimeError as error:
        assert "modified by an inplace operation" in str(error)
        return True
    return False


@pytest.mark.parametrize("name", result_kept)
def test_the_result_is_kept(name: str) -> None:
    function, shape = FORMS[name]
    result = function(_given(*shape))
    assert _raises(result, result)


@pytest.mark.parametrize("name", result_kept_in_place)
def test_the_result_is_kept_in_place(name: str) -> None:
    result = IN_PLACE[name](_given(*_MAP))
    assert _raises(result, result)


@pytest.mark.parametrize("name", result_free)
def test_the_result_is_not_kept(name: str) -> None:
    function, shape = FORMS[name]
    result = function(_given(*shape))
    assert not _raises(result, result)


@pytest.mark.parametrize("name", result_free)
def test_the_result_can_be_overwritten_with_gradients(name: str) -> None:
    function, shape = FORMS[name]
    result = function(_given(*shape))
    F.relu_(result).sum().backward()


@pytest.mark.parametrize("name", input_kept | input_kept_for_weight | factors_kept)
def test_the_input_is_kept(name: str) -> None:
    function, shape = FORMS[name]
    given = _given(*shape)
    assert _raises(function(given), given)


def test_a_linear_layer_whose_weight_is_frozen_keeps_nothing() -> None:
    function, shape = _weighted(frozen=True)["linear"]
    given = _given(*shape)
    assert not _raises(function(given), given)


@pytest.mark.parametrize("name", factors_kept)
def test_a_factor_is_not_kept_if_the_other_needs_no_gradient(name: str) -> None:
    given = _given(2, 6, 6) if name != "mm" else _given(6, 6)
    other = torch.rand(2, 6, 6) if name != "mm" else torch.rand(6, 6)
    assert not _raises(getattr(torch, name)(given, other), given)


def test_nothing_is_said_twice() -> None:
    assert not result_kept & result_free
    assert not result_kept & input_kept
