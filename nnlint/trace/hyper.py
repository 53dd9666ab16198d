"""The hyper-parameters of an op, read alike from a layer's attributes and from a call's arguments.

Both become one dictionary under the names torch's functions use; the readers of `nnlint.trace.families` put it into the
terms of `Hyper`, taking what a functional call does not say (channels, kernel sizes) from the shapes of its weights.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import nn

from nnlint.graph import Hyper
from nnlint.kinds import Kind, dropout, rectifier
from nnlint.trace.arguments import bind
from nnlint.trace.families import READERS, Call, Stated
from nnlint.trace.run import Run

#: what an op states beside the fields of `Hyper`, where it has a layer and a function: kept with the default filled in
_EXTRAS = {
    "elu": "alpha",
    "celu": "alpha",
    "gelu": "approximate",
    "softplus": "beta threshold",
    "hardtanh": "min_val max_val",
    "threshold": "threshold value",
    "rrelu": "lower upper",
    "hardshrink": "lambd",
    "softshrink": "lambd",
    "flatten": "start_dim end_dim",
    "pixel_shuffle": "upscale_factor",
    "pixel_unshuffle": "downscale_factor",
    "interpolate": "align_corners",
    "local_response_norm": "size alpha beta k",
    "layer_norm": "normalized_shape",
    "rms_norm": "normalized_shape",
    "embedding": "padding_idx max_norm norm_type scale_grad_by_freq sparse",
    "embedding_bag": "padding_idx max_norm norm_type scale_grad_by_freq sparse",
    "lstm": "proj_size",
    "avg_pool1d": "count_include_pad",
    "avg_pool2d": "count_include_pad divisor_override",
    "avg_pool3d": "count_include_pad divisor_override",
    "lp_pool1d": "norm_type",
    "lp_pool2d": "norm_type",
    "lp_pool3d": "norm_type",
    "pad": "pad value",
    "einsum": "equation",
    "unflatten": "sizes",
    "scaled_dot_product_attention": "is_causal scale enable_gqa",
    "multi_head_attention": "kdim vdim add_zero_attn",
    "cross_entropy": "ignore_index label_smoothing",
    "nll_loss": "ignore_index",
    "kl_div": "log_target",
    "huber_loss": "delta",
    "smooth_l1_loss": "beta",
    "ctc_loss": "blank zero_infinity",
    "poisson_nll_loss": "log_input full",
    "gaussian_nll_loss": "full",
    "multi_margin_loss": "margin",
    "hinge_embedding_loss": "margin",
    "margin_ranking_loss": "margin",
    "cosine_embedding_loss": "margin",
    "triplet_margin_loss": "margin swap",
    "pairwise_distance": "keepdim",
}
#: ops with a layer and a function whose fields say it all
_PLAIN = (
    "relu relu6 leaky_relu prelu selu silu mish hardswish hardsigmoid glu sigmoid tanh softsign tanhshrink logsigmoid "
    "softmax softmin log_softmax dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout identity "
    "bilinear channel_shuffle cosine_similarity binary_cross_entropy binary_cross_entropy_with_logits mse_loss l1_loss "
    "soft_margin_loss multilabel_margin_loss multilabel_soft_margin_loss triplet_margin_with_distance_loss"
)
#: op → the names beside the fields that are kept; an op that is not here keeps whatever it was given
_KEPT = (
    {name: frozenset[str]() for name in READERS}
    | {name: frozenset[str]() for name in _PLAIN.split()}
    | {name: frozenset(extras.split()) for name, extras in _EXTRAS.items()}
)
_PLAIN_TYPES = (bool, int, float, complex, str)
_NOTHING = Hyper()
_FIELDS = frozenset(field.name for field in fields(Hyper)) - {"extra"}
#: words for a field that one layer or function has for itself
_RENAMED = {
    "num_layers": "layers",
    "num_heads": "heads",
    "dropout_p": "p",
    "use_input_stats": "training",
    "unflattened_size": "sizes",
}
#: arguments that are no property of the op
_NEVER = frozenset(
    {
        "input",
        "device",
        "layout",
        "memory_format",
        "pin_memory",
        "non_blocking",
        "copy",
        "out",
        "size_average",
        "reduce",
        "generator",
        "requires_grad",
        "antialias",
        "recompute_scale_factor",
    }
)
#: ops that can be asked to overwrite their input
_OVERWRITING = (rectifier | dropout | Kind.of("hardsigmoid", "hardtanh")) - Kind.of("prelu", "gelu", "softplus")
#: layers whose mode matters; what batch norm makes of it is said in its reader
_MODAL = dropout | Kind.of("rrelu")


def stated_arguments(name: str, run: Run, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Stated:
    """The arguments of a functional call by name; with their defaults where the op has a layer that knows them too."""
    return bind(run.function, args, kwargs, defaults=name in _KEPT) if run.function is not None else {}


def hyper(name: str, run: Run, arguments: Mapping[str, Any]) -> Hyper:
    """The hyper-parameters of an op.

    Args:
        name: its op name, as `nnlint.trace.names.op_name` gives it.
        run: what the recorder noted.
        arguments: of a functional call (`stated_arguments`), tensors as `torch.fx.Node`s or tensors; none for a layer.
    """
    kept = _KEPT.get(name)
    if run.module is not None:
        stated = _of_layer(run.module, kept or frozenset())
        if name in _MODAL:
            stated["training"] = run.training
    else:
        stated = dict(arguments)
    for word in _RENAMED.keys() & stated.keys():
        stated[_RENAMED[word]] = stated.pop(word)
    if name in READERS:
        READERS[name](Call(name, run, stated))
    if name in _OVERWRITING or run.inplace:
        stated["inplace"] = bool(stated.get("inplace")) or run.inplace
    return _hyper(stated, kept)


def _of_layer(module: nn.Module, extras: frozenset[str]) -> Stated:
    cls: Any = type(module)
    own, parameters = module.__dict__, module._parameters
    stated = {}
    for name in _settings(cls, extras):
        value = own.get(name)
        if value is None:
            value = parameters.get(name)
        if value is None and hasattr(cls, name):  # a property, or a bias that is parametrized
            value = getattr(module, name, None)
        if value is not None:
            stated[name] = value
    return stated


@functools.lru_cache(maxsize=1024)
def _settings(cls: type[Any], extras: frozenset[str]) -> frozenset[str]:
    """The attributes that hold a layer's settings: those torch declares, and what it forgot to."""
    declared = (name for base in cls.__mro__ for name in getattr(base, "__constants__", ()))
    return frozenset(declared) | extras | {"bias", "reduction"}


def _hyper(stated: Stated, kept: frozenset[str] | None) -> Hyper:
    known: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in stated.items():
        if value is None:
            continue
        if name in _FIELDS:
            into = known
        elif name in _NEVER or name[0] == "_" or (kept is not None and name not in kept):
            continue
        else:
            into = extra
        plain = _plain(value)
        if plain is not None:
            into[name] = plain
    return Hyper(**known, extra=extra) if known or extra else _NOTHING


def _plain(value: Any) -> Any:
    """The value if it is plain (sequences as tuples, a dtype by its name), else None."""
    if isinstance(value, _PLAIN_TYPES):
        return value
    if isinstance(value, (list, tuple)):
        items = tuple(item if item is None else _plain(item) for item in value)
        return (
            None if any(item is None and given is not None for item, given in zip(items, value, strict=True)) else items
        )
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    return None
