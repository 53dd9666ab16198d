"""Multiply-accumulates of one op, from its shapes: of the recorded pass, so the batch is in them.

Counted are products of weights or matrices with data, as `torch.utils.flop_counter` does (its FLOPs are twice this).
Whatever works element by element, sums up or moves values counts 0. None says that an op needs some and that their
number is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from nnlint.graph import Hyper, Shape, Value
from nnlint.kinds import ALL, Kind, convolution, fourier, linear_algebra, transposed_convolution

#: ops of known names that multiply matrices inside, in a way their shapes do not tell
_UNKNOWN = linear_algebra | fourier | Kind.of(
    "flex_attention", "chain_matmul", "multi_dot", "matrix_power", "cdist", "pdist", "corrcoef", "cov",
    "linear_cross_entropy", "adaptive_log_softmax_with_loss",
)  # fmt: skip
_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class _Shapes:
    """What the count of one op needs: its name, its hyper-parameters and the shapes it reads and makes."""

    def __init__(self, name: str, hyper: Hyper, reads: tuple[Value, ...], values: tuple[Value, ...]) -> None:
        self.name = name
        self.hyper = hyper
        self.reads = [value.shape for value in reads]
        self.out = values[0].shape
        self.made = math.prod(self.out)


def macs(name: str, hyper: Hyper, reads: tuple[Value, ...], values: tuple[Value, ...]) -> int | None:
    """The multiply-accumulates of one run of an op.

    Args:
        name: its op name; a dotted one (no known op) gives None.
        hyper: its hyper-parameters.
        reads, values: the tensors it read (weights given as arguments included) and made, batch axis included.
    """
    if name in _COUNTERS:
        try:
            return _COUNTERS[name](_Shapes(name, hyper, reads, values))
        except (IndexError, TypeError):  # a hyper-parameter or a shape that is not known
            return None
    return None if name in _UNKNOWN or name not in ALL else 0


def _convolution(op: _Shapes) -> int:
    hyper = op.hyper
    groups = hyper.groups or 1
    if op.name in transposed_convolution:  # every element read goes into a kernel's worth of outputs
        return math.prod(op.reads[0]) * math.prod(_known(hyper.kernel)) * (_number(hyper.out_channels) // groups)
    return op.made * math.prod(_known(hyper.kernel)) * (_number(hyper.in_channels) // groups)


def _linear(op: _Shapes) -> int:
    return op.made * _number(op.hyper.in_channels)


def _bilinear(op: _Shapes) -> int:
    return op.made * op.reads[0][-1] * op.reads[1][-1]


def _product(op: _Shapes) -> int:
    return op.made * op.reads[0][-1]


def _added_product(op: _Shapes) -> int:
    return op.made * op.reads[1][-1]


def _batched_sum(op: _Shapes) -> int:
    return op.made * op.reads[1][0] * op.reads[1][-1]


def _outer(op: _Shapes) -> int:
    return op.made


def _tensordot(op: _Shapes) -> int:
    one, two = (math.prod(shape) for shape in op.reads[:2])
    return op.made * math.isqrt(one * two // op.made) if op.made else 0


def _grouped(op: _Shapes) -> int:
    one, two = op.reads[:2]
    whole = op.made * one[-1]
    return whole // op.out[0] if len(one) == len(two) == 2 else whole  # the groups share the inner axis


def _affine_grid(op: _Shapes) -> int:
    return op.made * (op.out[-1] + 1)


def _einsum(op: _Shapes) -> int:
    equation = op.hyper.extra["equation"].replace(" ", "") if "equation" in op.hyper.extra else None
    if equation is None:
        raise TypeError("no equation")
    left, _, right = equation.partition("->")
    terms = [_letters(term, shape) for term, shape in zip(left.split(","), op.reads, strict=False)]
    if "->" not in equation:
        every = "".join(term for term in left.split(","))
        right = "".join(sorted(letter for letter in set(every) - {"."} if every.count(letter) == 1)) + "..."
    kept = set(_letters(right, op.out)) | {letter for term in terms for letter in term if letter.isdigit()}
    return _contracted(terms, kept)


def _letters(term: str, shape: Shape) -> dict[str, int]:
    """The axes of one term; those of an ellipsis are numbered from the last."""
    before, dots, after = term.partition("...")
    spare = len(shape) - len(before) - len(after)
    names = [*before, *(str(spare - i) for i in range(spare)), *after] if dots else list(term)
    return dict(zip(names, shape, strict=False))


def _contracted(terms: list[dict[str, int]], kept: set[str]) -> int:
    """The products of contracting the terms from left to right; a letter goes as soon as nobody needs it any more."""
    total = 0
    done = terms[0]
    for index, term in enumerate(terms[1:], start=1):
        needed = kept.union(*terms[index + 1 :])
        one = {letter: size for letter, size in done.items() if letter in needed or letter in term}
        two = {letter: size for letter, size in term.items() if letter in needed or letter in one}
        both = {letter: max(one.get(letter, 1), two.get(letter, 1)) for letter in one | two}
        done = {letter: size for letter, size in both.items() if letter in needed}
        summed = [size for letter, size in both.items() if letter not in done and min(one[letter], two[letter]) > 1]
        if summed:  # else elements are multiplied and nothing is accumulated
            total += math.prod(done.values()) * math.prod(summed)
    return total


def _attention(op: _Shapes) -> int:
    query, key, value = op.reads[:3]
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _multi_head_attention(op: _Shapes) -> int:
    query, key, value = op.reads[:3]
    width = _number(op.hyper.in_channels)
    queries = math.prod(query[:-1])
    length = key[1] if op.hyper.batch_first and len(key) == 3 else key[0]
    length += bool(op.hyper.extra.get("add_zero_attn")) + bool(op.hyper.extra.get("add_bias_kv"))
    projections = 2 * queries * width * width + (math.prod(key) + math.prod(value)) * width
    return projections + 2 * queries * length * width


def _recurrent(op: _Shapes) -> int:
    hyper = op.hyper
    hidden = _number(hyper.out_channels)
    projected = hyper.extra.get("proj_size") or hidden
    directions = 2 if hyper.bidirectional else 1
    width = _number(hyper.in_channels)
    step = 0
    for _ in range(hyper.layers or 1):
        step += directions * _GATES[op.name.removesuffix("_cell")] * hidden * (width + projected)
        if projected != hidden:
            step += directions * hidden * projected
        width = directions * projected
    return math.prod(op.reads[0]) // _number(hyper.in_channels) * step


def _known(sizes: Shape | None) -> Shape:
    if sizes is None:
        raise TypeError("not known")
    return sizes


def _number(number: int | None) -> int:
    if number is None:
        raise TypeError("not known")
    return number


_COUNTERS: Mapping[str, Callable[[_Shapes], int]] = (
    dict.fromkeys(convolution, _convolution)
    | dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner", "vecdot", "scaled_mm"), _product)
    | dict.fromkeys(("addmm", "baddbmm", "addmv"), _added_product)
    | dict.fromkeys(("outer", "addr", "kron"), _outer)
    | dict.fromkeys(("grouped_mm", "scaled_grouped_mm"), _grouped)
    | dict.fromkeys(("lstm", "gru", "rnn", "lstm_cell", "gru_cell", "rnn_cell"), _recurrent)
    | {
        "linear": _linear,
        "bilinear": _bilinear,
        "addbmm": _batched_sum,
        "tensordot": _tensordot,
        "einsum": _einsum,
        "affine_grid": _affine_grid,
        "scaled_dot_product_attention": _attention,
        "multi_head_attention": _multi_head_attention,
    }
)
