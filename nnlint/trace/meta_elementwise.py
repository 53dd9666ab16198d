"""Shapes of elementwise operations, reductions and factories on the meta device."""

# The rules have the parameters of torch's functions, those included that no shape depends on.
# ruff: noqa: ARG001

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from nnlint.trace.meta_rule import (
    RULES,
    alike,
    axis_of,
    broadcast_shapes,
    check,
    empty,
    functions,
    integer,
    meta,
    overwritten,
    rule,
)

_NUMBERS = (int, float, bool)


def _as_float(dtype: torch.dtype) -> torch.dtype:
    return torch.get_default_dtype() if integer(dtype) else dtype


# -- one tensor --------------------------------------------------------------------------------------------------------


def _float(x: Any) -> torch.Tensor:
    return alike(meta(x), _as_float(x.dtype))


def _same(x: Any) -> torch.Tensor:
    check(meta(x).dtype is not torch.bool and not x.dtype.is_complex)
    return alike(x)


def _truth(x: Any) -> torch.Tensor:
    return alike(meta(x), dtype=torch.bool)


def _invert(x: Any) -> torch.Tensor:
    check(integer(meta(x).dtype))
    return alike(x)


def _in_place(out: Callable[[Any], torch.Tensor]) -> Callable[[Any], torch.Tensor]:
    def run(x: Any) -> torch.Tensor:
        check(out(x).dtype == x.dtype)
        return overwritten(x)

    return run


_ONE = {
    _float: "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos tan asin acos atan sinh cosh asinh acosh atanh "
    "sigmoid tanh erf erfc erfinv lgamma digamma sinc reciprocal deg2rad rad2deg i0",
    _same: "neg abs sign floor ceil round trunc fix square frac sgn positive negative relu",
    _truth: "isnan isinf isfinite logical_not isposinf isneginf",
    _invert: "bitwise_not __invert__",
}
for _rule, _names in _ONE.items():
    for _name in _names.split():
        RULES.update(dict.fromkeys(functions(_name, torch, torch.Tensor), _rule))
        RULES.update(dict.fromkeys(functions(f"{_name}_", torch, torch.Tensor), _in_place(_rule)))
for _function in (F.sigmoid, F.tanh):
    RULES[_function] = _float


def _activation(name: str, *parameters: str) -> None:
    """A function of `torch.nn.functional` that maps floats one by one and has these further parameters."""

    def run(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        check(meta(x).is_floating_point() and len(args) <= len(parameters))
        given = dict(zip(parameters, args, strict=False)) | kwargs
        check(given.keys() <= set(parameters) and len(given) == len(args) + len(kwargs))
        check(all(isinstance(value, int | float | str) for value in given.values()))
        return overwritten(x) if given.get("inplace") else alike(x)

    def run_in_place(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        run(x, *args, **kwargs)
        return overwritten(x)

    homes = (F,) if name == "dropout" else (F, torch, torch._C._nn)
    RULES.update(dict.fromkeys(functions(name, *homes), run))
    RULES.update(dict.fromkeys(functions(f"{name}_", *homes), run_in_place))


for _name, _parameters in {
    "relu": "inplace", "relu6": "inplace", "elu": "alpha inplace", "selu": "inplace", "celu": "alpha inplace",
    "gelu": "approximate", "silu": "inplace", "mish": "inplace", "hardtanh": "min_val max_val inplace",
    "hardswish": "inplace", "hardsigmoid": "inplace", "softplus": "beta threshold", "softsign": "",
    "tanhshrink": "", "logsigmoid": "", "leaky_relu": "negative_slope inplace", "hardshrink": "lambd",
    "softshrink": "lambd", "threshold": "threshold value inplace", "rrelu": "lower upper training inplace",
}.items():  # fmt: skip
    _activation(_name, *_parameters.split())


@rule("dropout", "alpha_dropout", "feature_alpha_dropout", "dropout1d", "dropout2d", "dropout3d", homes=(F,))
def _dropout(input: Any, p: float = 0.5, training: bool | None = None, inplace: bool = False) -> torch.Tensor:
    check(meta(input).is_floating_point() and 0 <= p <= 1 and training is True and not inplace)
    return alike(input)


@rule("prelu")
def _prelu(x: Any, weight: Any) -> torch.Tensor:
    channels = meta(weight).numel()
    check(meta(x).dtype == weight.dtype and (channels == 1 or (x.dim() > 1 and x.shape[1] == channels)))
    return alike(x)


@rule("softmax", "log_softmax", "softmin", homes=(F, torch, torch.Tensor))
def _softmax(x: Any, dim: Any = None, *rest: Any, dtype: Any = None, _stacklevel: int = 3) -> torch.Tensor:
    if rest and not isinstance(rest[0], int):
        dtype = rest[0]
    check(dim is not None and (dtype is not None or meta(x).is_floating_point()))
    axis_of(dim, meta(x).dim())
    return empty(x.shape, dtype or x.dtype)


@rule("cumsum", "cumprod", homes=(torch, torch.Tensor))
def _cumulative(x: Any, dim: int, *, dtype: Any = None) -> torch.Tensor:
    axis_of(dim, meta(x).dim())
    return alike(x, dtype=dtype or (torch.int64 if integer(x.dtype) else x.dtype))


@rule("clamp", "clip", homes=(torch, torch.Tensor))
def _clamp(x: Any, min: Any = None, max: Any = None) -> torch.Tensor:
    check((min, max) != (None, None) and all(bound is None or type(bound) in _NUMBERS for bound in (min, max)))
    dtype = meta(x).dtype
    for bound in (min, max):
        dtype = dtype if bound is None else torch.result_type(torch.empty(1, dtype=dtype, device="meta"), bound)
    check(x.dtype is not torch.bool)
    return alike(x, dtype=dtype)


@rule("clamp_", "clip_", homes=(torch, torch.Tensor))
def _clamp_in_place(x: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    check(_clamp(x, *args, **kwargs).dtype == x.dtype)
    return overwritten(x)


@rule("fill_", "zero_", "normal_", "uniform_", "bernoulli_", homes=(torch.Tensor,))
def _filled(x: Any, *args: Any, generator: None = None, **kwargs: float) -> torch.Tensor:
    check(all(type(value) in _NUMBERS for value in (*args, *kwargs.values())) and len(args) < 3)
    check(meta(x).is_floating_point())
    return overwritten(x)


# -- two tensors -------------------------------------------------------------------------------------------------------


def broadcast(*tensors: Any, dtype: torch.dtype) -> torch.Tensor:
    """What an elementwise operation on these makes: its axes lie in memory in the order those of the operands do."""
    given = [tensor for tensor in tensors if isinstance(tensor, torch.Tensor)]
    shape = broadcast_shapes(*[tensor.shape for tensor in given]) if len(given) > 1 else given[0].shape
    if all(map(_in_order, given)):
        return empty(shape, dtype)
    first = given[0]
    if all(tensor.shape == shape and tensor.stride() == first.stride() for tensor in given):
        return alike(first, dtype=dtype)
    strides = [tensor.expand(shape).stride() for tensor in given]
    order = _memory_order(shape, strides)
    made = empty([shape[axis] for axis in order], dtype)
    return made.permute([order.index(axis) for axis in range(len(shape))])


def _in_order(tensor: torch.Tensor) -> bool:
    """Whether a tensor is contiguous, and the strides of its axes with one element say so too."""
    if not tensor.is_contiguous() or 1 not in tensor.shape:
        return tensor.is_contiguous()
    strides = tensor.stride()
    return all(before >= after for before, after in itertools.pairwise(strides))


def _memory_order(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """The axes from the slowest to the fastest, where the first operand that tells two apart decides.

    An insertion sort from the last axis on, as torch's: an axis that no operand tells from another stays put.
    """
    order = list(reversed(range(len(shape))))
    for end in range(1, len(order)):
        at = end
        for before in reversed(range(end)):
            told = _slower(order[before], order[at], shape, strides)
            if told > 0:
                order[before], order[at] = order[at], order[before]
                at = before
            elif told < 0:
                break
    return order[::-1]


def _slower(a: int, b: int, shape: Sequence[int], strides: Sequence[Sequence[int]]) -> int:
    """1 if axis ``a`` lies outside ``b`` in memory, -1 if inside, 0 if no operand tells."""
    for stride in strides:
        if not stride[a] or not stride[b]:
            continue
        if stride[a] != stride[b]:
            return 1 if stride[a] > stride[b] else -1
        if shape[a] > shape[b]:
            return 1
    return 0


def _operands(x: Any, y: Any) -> None:
    check(isinstance(x, torch.Tensor) or isinstance(y, torch.Tensor))
    for value in (x, y):
        if not (isinstance(value, torch.Tensor) and value.device.type == "cpu" and value.dim() == 0):
            check(type(value) in _NUMBERS or meta(value) is value)
    check(any(isinstance(value, torch.Tensor) and value.device.type == "meta" for value in (x, y)))


def _arithmetic(x: Any, y: Any, *, alpha: Any = 1) -> torch.Tensor:
    _operands(x, y)
    check(type(alpha) in _NUMBERS)
    return broadcast(x, y, dtype=torch.result_type(x, y))


def _difference(x: Any, y: Any, *, alpha: Any = 1) -> torch.Tensor:
    check(not any(value.dtype is torch.bool for value in (x, y) if isinstance(value, torch.Tensor)))
    check(type(x) is not bool and type(y) is not bool)
    return _arithmetic(x, y, alpha=alpha)


def _quotient(x: Any, y: Any, *, rounding_mode: str | None = None) -> torch.Tensor:
    _operands(x, y)
    check(rounding_mode is None)
    return broadcast(x, y, dtype=_as_float(torch.result_type(x, y)))


def _power(x: Any, y: Any) -> torch.Tensor:
    _operands(x, y)
    dtype = torch.result_type(x, y)
    check(dtype.is_floating_point)
    return broadcast(x, y, dtype=dtype)


def _remainder(x: Any, y: Any) -> torch.Tensor:
    _operands(x, y)
    dtype = torch.result_type(x, y)
    check(dtype is not torch.bool and not dtype.is_complex)
    return broadcast(x, y, dtype=dtype)


def _extreme(x: Any, y: Any) -> torch.Tensor:
    check(isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor))
    return _arithmetic(x, y)


def _logic(x: Any, y: Any) -> torch.Tensor:
    check(all(value.is_contiguous() for value in (x, y) if isinstance(value, torch.Tensor)))
    return _comparison(x, y)


def _comparison(x: Any, y: Any) -> torch.Tensor:
    _operands(x, y)
    return broadcast(x, y, dtype=torch.bool)


def _bits(x: Any, y: Any) -> torch.Tensor:
    _operands(x, y)
    dtype = torch.result_type(x, y)
    check(integer(dtype))
    return broadcast(x, y, dtype=dtype)


def _reflected(out: Callable[[Any, Any], torch.Tensor]) -> Callable[[Any, Any], torch.Tensor]:
    return lambda x, y: out(y, x)


def _two_in_place(out: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def run(x: Any, y: Any, **kwargs: Any) -> torch.Tensor:
        made = out(x, y, **kwargs)
        check(made.shape == meta(x).shape and torch.can_cast(made.dtype, x.dtype))
        return overwritten(x)

    return run


_TWO: dict[Callable[..., torch.Tensor], str] = {
    _arithmetic: "add mul multiply",
    _difference: "sub subtract",
    _quotient: "div divide true_divide",
    _power: "pow __pow__",
    _remainder: "remainder fmod floor_divide __floordiv__",
    _extreme: "maximum minimum",
    _comparison: "eq ne lt le gt ge less greater not_equal greater_equal less_equal __eq__ __ne__",
    _logic: "logical_and logical_or logical_xor",
    _bits: "bitwise_and bitwise_or bitwise_xor __and__ __or__ __xor__",
}
for _pair, _names in _TWO.items():
    for _name in _names.split():
        RULES.update(dict.fromkeys(functions(_name, torch, torch.Tensor), _pair))
        RULES.update(dict.fromkeys(functions(f"{_name}_", torch.Tensor), _two_in_place(_pair)))
for _name, _pair in {
    "__rsub__": _difference, "__rdiv__": _quotient, "__rtruediv__": _quotient, "__rpow__": _power,
    "__rfloordiv__": _remainder, "__rmod__": _remainder, "rsub": _difference,
}.items():  # fmt: skip
    RULES.update(dict.fromkeys(functions(_name, torch, torch.Tensor), _reflected(_pair)))


@rule("where", homes=(torch,))
def _where(condition: Any, x: Any, y: Any) -> torch.Tensor:
    _operands(x, y)
    check(meta(condition).dtype is torch.bool)
    return broadcast(condition, x, y, dtype=torch.result_type(x, y))


@rule("masked_fill", homes=(torch, torch.Tensor))
def _masked_fill(x: Any, mask: Any, value: Any) -> torch.Tensor:
    check(meta(mask).dtype is torch.bool and (type(value) in _NUMBERS or value.dim() == 0))
    check(broadcast_shapes(meta(x).shape, mask.shape) == x.shape)
    return alike(x)


@rule("masked_fill_", homes=(torch.Tensor,))
def _masked_fill_in_place(x: Any, mask: Any, value: Any) -> torch.Tensor:
    _masked_fill(x, mask, value)
    return overwritten(x)


@rule("lerp", homes=(torch, torch.Tensor))
def _lerp(x: Any, end: Any, weight: Any) -> torch.Tensor:
    check(meta(x).dtype == meta(end).dtype and x.is_floating_point())
    others = (weight,) if isinstance(weight, torch.Tensor) else ()
    check(all(meta(other).dtype == x.dtype for other in others))
    return broadcast(x, end, *others, dtype=x.dtype)


@rule("addcmul", "addcdiv", homes=(torch, torch.Tensor))
def _add_product(x: Any, first: Any, second: Any, *, value: Any = 1) -> torch.Tensor:
    check(meta(x).dtype == meta(first).dtype == meta(second).dtype and x.is_floating_point())
    return broadcast(x, first, second, dtype=x.dtype)
