"""Shapes of layers on the meta device: convolutions, matrix products, norms, pooling, attention, recurrence."""

# The rules have the parameters of torch's functions, those included that no shape depends on.
# ruff: noqa: ARG001

from __future__ import annotations

import math
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
    floating,
    functions,
    like,
    meta,
    rule,
    slid,
    spread,
)

# -- convolution -------------------------------------------------------------------------------------------------------


def _convolution(axes: int) -> Callable[..., torch.Tensor]:
    def run(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> torch.Tensor:
        floating(input, weight, bias)
        check(weight.dim() == axes + 2 and input.dim() in (axes + 1, axes + 2) and input.numel() > 0)
        channels = weight.shape[0]
        check(groups > 0 and input.shape[-axes - 1] == weight.shape[1] * groups and channels % groups == 0)
        check(bias is None or bias.shape == (channels,))
        sizes = [
            slid(size, kernel, *numbers)
            for size, kernel, *numbers in zip(
                input.shape[-axes:], weight.shape[2:], spread(stride, axes), _padding(padding, weight, dilation, axes),
                spread(dilation, axes), strict=True,
            )
        ]  # fmt: skip
        return empty((*input.shape[: -axes - 1], channels, *sizes), input.dtype)

    return run


def _padding(padding: Any, weight: torch.Tensor, dilation: Any, axes: int) -> Sequence[int]:
    """The zeros on both sides together, for every axis."""
    if padding == "valid":
        return (0,) * axes
    if padding == "same":
        return [d * (k - 1) for d, k in zip(spread(dilation, axes), weight.shape[2:], strict=True)]
    return [2 * number for number in spread(padding, axes)]


def _transposed(axes: int) -> Callable[..., torch.Tensor]:
    def run(
        input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, dilation: Any = 1,
    ) -> torch.Tensor:  # fmt: skip
        floating(input, weight, bias)
        check(weight.dim() == axes + 2 and input.dim() in (axes + 1, axes + 2) and input.numel() > 0)
        channels = weight.shape[1] * groups
        check(groups > 0 and input.shape[-axes - 1] == weight.shape[0] and weight.shape[0] % groups == 0)
        check(bias is None or bias.shape == (channels,))
        sizes = []
        for size, kernel, step, pad, extra, gap in zip(
            input.shape[-axes:], weight.shape[2:],
            *(spread(n, axes) for n in (stride, padding, output_padding, dilation)), strict=True,
        ):  # fmt: skip
            check(step > 0 and pad >= 0 and gap > 0 and 0 <= extra < max(step, gap))
            sizes.append((size - 1) * step - 2 * pad + gap * (kernel - 1) + extra + 1)
            check(sizes[-1] > 0)
        return empty((*input.shape[: -axes - 1], channels, *sizes), input.dtype)

    return run


for _axes in (1, 2, 3):
    RULES.update(dict.fromkeys(functions(f"conv{_axes}d", torch), _convolution(_axes)))
    RULES.update(dict.fromkeys(functions(f"conv_transpose{_axes}d", torch), _transposed(_axes)))


# -- matrix products ---------------------------------------------------------------------------------------------------


@rule("linear", homes=(torch._C._nn,))
def _linear(input: Any, weight: Any, bias: Any = None) -> torch.Tensor:
    check(meta(input).dtype == meta(weight).dtype and weight.dim() == 2 and input.dim() > 0)
    check(input.shape[-1] == weight.shape[1])
    check(bias is None or (meta(bias).dtype == input.dtype and bias.shape == weight.shape[:1]))
    return empty((*input.shape[:-1], weight.shape[0]), input.dtype)


@rule("matmul", "__matmul__", homes=(torch, torch.Tensor))
def _matmul(x: Any, y: Any) -> torch.Tensor:
    check(meta(x).dtype == meta(y).dtype and x.dtype is not torch.bool and min(x.dim(), y.dim()) > 0)
    rows = tuple(x.shape[-2:-1])
    columns = tuple(y.shape[-1:]) if y.dim() > 1 else ()
    check(x.shape[-1] == y.shape[-2 if y.dim() > 1 else -1])
    return empty((*broadcast_shapes(x.shape[:-2], y.shape[:-2]), *rows, *columns), x.dtype)


@rule("__rmatmul__", homes=(torch.Tensor,))
def _reflected_matmul(x: Any, y: Any) -> torch.Tensor:
    return _matmul(y, x)


@rule("bmm", homes=(torch, torch.Tensor))
def _bmm(x: Any, y: Any) -> torch.Tensor:
    check(meta(x).dim() == meta(y).dim() == 3 and x.shape[0] == y.shape[0])
    return _matmul(x, y)


@rule("mm", homes=(torch, torch.Tensor))
def _mm(x: Any, y: Any) -> torch.Tensor:
    check(meta(x).dim() == meta(y).dim() == 2)
    return _matmul(x, y)


@rule("addmm", "baddbmm", homes=(torch, torch.Tensor))
def _add_matmul(x: Any, y: Any, z: Any, *, beta: Any = 1, alpha: Any = 1) -> torch.Tensor:
    made = _matmul(y, z)
    check(meta(y).dim() == meta(z).dim() and meta(x).dtype == made.dtype)
    check(broadcast_shapes(x.shape, made.shape) == made.shape)
    return made


@rule("_grouped_mm", "grouped_mm")
def _grouped_matmul(x: Any, y: Any, offs: Any = None, bias: Any = None, out_dtype: Any = None) -> torch.Tensor:
    """A product for every group (expert); torch's own kernel asks for bfloat16 on meta, and only there."""
    floating(x, y)
    check(x.dim() in (2, 3) and y.dim() in (2, 3) and x.shape[-1] == y.shape[-2] and bias is None)
    check((offs is None) == (x.dim() == y.dim() == 3))
    groups = {3: x.shape[:1], 2: offs.shape if y.dim() == 2 else ()} if x.dim() == y.dim() else {2: (), 3: ()}
    return empty((*groups[x.dim()], x.shape[-2], y.shape[-1]), out_dtype or x.dtype)


@rule("outer", "ger", homes=(torch, torch.Tensor))
def _outer(x: Any, y: Any) -> torch.Tensor:
    check(meta(x).dim() == meta(y).dim() == 1)
    return empty((*x.shape, *y.shape), torch.result_type(x, y))


@rule("einsum", homes=(torch,))
def _einsum(equation: Any, *operands: Any) -> torch.Tensor:
    """The plain form: letters, an explicit result, no ellipsis."""
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = tuple(operands[0])
    check(isinstance(equation, str) and len({meta(operand).dtype for operand in operands}) == 1)
    given, arrow, wanted = equation.replace(" ", "").partition("->")
    terms = given.split(",")
    check(arrow == "->" and len(terms) == len(operands) and (given.replace(",", "") + wanted or "a").isalpha())
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        check(len(term) == operand.dim() and len(set(term)) == len(term))
        for letter, size in zip(term, operand.shape, strict=True):
            check(sizes.get(letter, size) == size)
            sizes[letter] = size
    check(len(set(wanted)) == len(wanted) and len(operands) > 1)
    return empty([sizes[letter] for letter in wanted], operands[0].dtype)


# -- normalisation -----------------------------------------------------------------------------------------------------


@rule("batch_norm", homes=(F,))
def _batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: Any = 0.1, eps: float = 1e-5,
) -> torch.Tensor:  # fmt: skip
    state = (running_mean, running_var, weight, bias)
    check(meta(input).is_floating_point() and input.dim() >= 2)
    check(all(tensor is None or meta(tensor).shape == input.shape[1:2] for tensor in state))
    if training:
        check(input.numel() > input.shape[1])
    else:
        check(running_mean is not None and running_var is not None)
    return like(input, input.shape)


@rule("instance_norm", homes=(F,))
def _instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> torch.Tensor:  # fmt: skip
    check(meta(input).is_floating_point() and input.dim() >= 3 and input.is_contiguous() and use_input_stats)
    check(math.prod(input.shape[2:]) > 1)
    check(all(t is None or meta(t).shape == input.shape[1:2] for t in (running_mean, running_var, weight, bias)))
    return empty(input.shape, input.dtype)


@rule("layer_norm", homes=(F,))
def _layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    shape = tuple(normalized_shape)
    floating(input, weight, bias)
    check(len(shape) > 0 and tuple(input.shape[-len(shape) :]) == shape)
    check(all(tensor is None or tuple(tensor.shape) == shape for tensor in (weight, bias)))
    return empty(input.shape, input.dtype)


@rule("rms_norm", homes=(F, torch))
def _rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> torch.Tensor:
    check(meta(input).is_contiguous())
    return _layer_norm(input, normalized_shape, weight)  # type: ignore[no-any-return]


@rule("group_norm", homes=(F,))
def _group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> torch.Tensor:
    floating(input, weight, bias)
    check(input.dim() > 1 and num_groups > 0 and input.shape[1] % num_groups == 0)
    check(input.numel() // input.shape[1] * (input.shape[1] // num_groups) > input.shape[0] or input.dim() > 2)
    check(math.prod(input.shape[2:]) * input.shape[1] // num_groups > 1)
    check(all(tensor is None or tensor.shape == input.shape[1:2] for tensor in (weight, bias)))
    return empty(input.shape, input.dtype)


@rule("local_response_norm", homes=(F,))
def _local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    check(meta(input).is_floating_point() and input.dim() >= 3 and input.numel() > 0)
    return alike(input)


# -- embedding, attention, recurrence, losses --------------------------------------------------------------------------


@rule("embedding", homes=(F,))
def _embedding(
    input: Any, weight: Any, padding_idx: Any = None, max_norm: Any = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> torch.Tensor:  # fmt: skip
    check(meta(input).dtype in (torch.int32, torch.int64) and meta(weight).dim() == 2 and max_norm is None)
    check(padding_idx is None or -weight.shape[0] <= padding_idx < weight.shape[0])
    return empty((*input.shape, weight.shape[1]), weight.dtype)


@rule("scaled_dot_product_attention", homes=(torch._C._nn,))
def _attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False, *,
    scale: Any = None, enable_gqa: bool = False,
) -> torch.Tensor:  # fmt: skip
    floating(query, key, value)
    check(query.dim() == key.dim() == value.dim() >= 3 and not (is_causal and attn_mask is not None))
    check(query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2])
    batch = query.shape[:-2]
    if enable_gqa:
        check(query.dim() == 4 and key.shape[1] == value.shape[1] and batch[1] % key.shape[1] == 0)
        check(key.shape[0] == value.shape[0] == batch[0])
    else:
        check(key.shape[:-2] == batch and value.shape[:-2] == batch)
    if attn_mask is not None:
        check(meta(attn_mask).dtype in (torch.bool, query.dtype))
        full = (*batch, query.shape[-2], key.shape[-2])
        check(broadcast_shapes(attn_mask.shape, full) == full)
    shape = (*batch, query.shape[-2], value.shape[-1])
    if query.dim() != 4 or not query.transpose(1, 2).is_contiguous():
        return empty(shape, query.dtype)
    # The fused kernels lay the result out as the query (torch's meta kernel does not), and networks rely on it: they
    # transpose back and view.
    return empty((shape[0], shape[2], shape[1], shape[3]), query.dtype).transpose(1, 2)


@rule("multi_head_attention_forward", homes=(F,))
def _multi_head_attention(
    query: Any, key: Any, value: Any, embed_dim_to_check: int, num_heads: int, in_proj_weight: Any, in_proj_bias: Any,
    bias_k: Any, bias_v: Any, add_zero_attn: bool, dropout_p: float, out_proj_weight: Any, out_proj_bias: Any,
    training: bool = True, key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Any = None, k_proj_weight: Any = None,
    v_proj_weight: Any = None, static_k: Any = None, static_v: Any = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
    floating(query, key, value, out_proj_weight)
    check(query.dim() == key.dim() == value.dim() == 3 and static_k is None and static_v is None and not is_causal)
    check(query.shape[-1] == embed_dim_to_check and embed_dim_to_check % num_heads == 0)
    check(key.shape[:2] == value.shape[:2] and key.shape[1] == query.shape[1])
    check(out_proj_weight.shape == (embed_dim_to_check, embed_dim_to_check))
    check(use_separate_proj_weight or key.shape[-1] == value.shape[-1] == embed_dim_to_check)
    length, batch, width = query.shape
    source = key.shape[0]
    if attn_mask is not None:
        check(tuple(meta(attn_mask).shape) in ((length, source), (batch * num_heads, length, source)))
        check(attn_mask.dtype in (torch.bool, query.dtype))
    if key_padding_mask is not None:
        check(tuple(meta(key_padding_mask).shape) == (batch, source))
        check(key_padding_mask.dtype in (torch.bool, query.dtype))
    source += (bias_k is not None) + bool(add_zero_attn)
    weights = (batch, length, source) if average_attn_weights else (batch, num_heads, length, source)
    return empty((length, batch, width), query.dtype), empty(weights, query.dtype) if need_weights else None


def _recurrent(states: int) -> Callable[..., Any]:
    def run(
        input: Any, state: Any, params: Any, has_biases: bool, num_layers: int, dropout: float, train: bool,
        bidirectional: bool, batch_first: bool,
    ) -> Any:  # fmt: skip
        hidden = tuple(state) if states == 2 else (state,)
        check(meta(input).dim() == 3 and len(hidden) == states and all(meta(h).dim() == 3 for h in hidden))
        batch, length = input.shape[:2] if batch_first else (input.shape[1], input.shape[0])
        directions = 2 if bidirectional else 1
        width = hidden[0].shape[-1]
        check(all(h.shape[:2] == (num_layers * directions, batch) for h in hidden) and length > 0)
        check(
            len({t.dtype for t in (input, *hidden, *map(meta, params))}) == 1 and input.shape[-1] == params[0].shape[1]
        )
        out = (batch, length, width * directions) if batch_first else (length, batch, width * directions)
        last = [empty(h.shape, input.dtype) for h in hidden]
        made = empty(out, input.dtype)
        if batch_first:  # the kernel works time first and gives back a transposed view
            made = empty((length, batch, width * directions), input.dtype).transpose(0, 1)
        return (made, *last)

    return run


for _name, _states in {"lstm": 2, "gru": 1, "rnn_tanh": 1, "rnn_relu": 1}.items():
    RULES.update(dict.fromkeys(functions(_name, torch), _recurrent(_states)))


def _cell(states: int) -> Callable[..., Any]:
    def run(input: Any, state: Any, w_ih: Any, w_hh: Any, b_ih: Any = None, b_hh: Any = None) -> Any:
        hidden = tuple(state) if states == 2 else (state,)
        check(meta(input).dim() == 2 and all(meta(h).dim() == 2 and h.shape[0] == input.shape[0] for h in hidden))
        check(meta(w_ih).shape[1] == input.shape[1] and meta(w_hh).shape[1] == hidden[0].shape[1])
        check(input.dtype == w_ih.dtype == hidden[0].dtype)
        made = tuple(empty(h.shape, input.dtype) for h in hidden)
        return made if states == 2 else made[0]

    return run


for _name, _states in {"lstm_cell": 2, "gru_cell": 1, "rnn_tanh_cell": 1, "rnn_relu_cell": 1}.items():
    RULES.update(dict.fromkeys(functions(_name, torch), _cell(_states)))


def _loss(shape: Sequence[int], dtype: torch.dtype, reduction: str) -> torch.Tensor:
    check(reduction in ("none", "mean", "sum"))
    return empty(shape if reduction == "none" else (), dtype)


@rule("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", homes=(F,))
def _distance(input: Any, target: Any, *, reduction: str = "mean", **options: Any) -> torch.Tensor:
    floating(input, target)
    check(input.shape == target.shape and all(type(v) in (int, float) or v is None for v in options.values()))
    return _loss(input.shape, input.dtype, reduction)


@rule("binary_cross_entropy", "binary_cross_entropy_with_logits", homes=(F,))
def _binary(
    input: Any, target: Any, weight: None = None, *, reduction: str = "mean", size_average: None = None,
    reduce: None = None, pos_weight: None = None,
) -> torch.Tensor:  # fmt: skip
    floating(input, target)
    check(weight is None and pos_weight is None)
    check(input.shape == target.shape and size_average is None and reduce is None)
    return _loss(input.shape, input.dtype, reduction)


@rule("cross_entropy", "nll_loss", homes=(F,))
def _cross_entropy(
    input: Any, target: Any, weight: Any = None, *, size_average: None = None, ignore_index: int = -100,
    reduce: None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> torch.Tensor:  # fmt: skip
    check(meta(input).is_floating_point() and input.dim() > 1 and meta(target).dtype is torch.int64)
    check(target.shape == input.shape[:1] + input.shape[2:] and size_average is None and reduce is None)
    check(weight is None or (meta(weight).shape == input.shape[1:2] and weight.dtype == input.dtype))
    return _loss(target.shape, input.dtype, reduction)


@rule("cosine_similarity", homes=(F, torch))
def _cosine(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> torch.Tensor:
    floating(x1, x2)
    check(x1.is_contiguous() and x2.is_contiguous())
    shape = list(broadcast_shapes(x1.shape, x2.shape))
    del shape[axis_of(dim, len(shape))]
    return empty(shape, x1.dtype)
