"""What an argument's name says it is: a mask, lengths, time steps, labels, a latent vector, edges of a graph."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from torch import nn

from nnlint.inputs.template import Template

_LENGTHS = re.compile(r"(^|_)(len|lens|length|lengths)$")
_MASK = re.compile(r"mask")
_TIME = re.compile(
    r"^(t|ts|time|times|timestep|timesteps|time_step|time_steps|noise_level|sigma|sigmas|log_snr|noise_labels|step_t)$"
)
_LABELS = re.compile(r"^(labels?|class_labels?|classes|cls|class_ids?|target|targets|category|domain_label|gt)$")
_SINGLE = re.compile(r"^(users?|items?|movies?|labels?|class_labels?|y|actions?|speakers?)(_?ids?|_?idx)?$")
_LATENT = re.compile(r"^(z|noise|latents?|latent_code|code|zs|eps|w_latent)$")
_TOKENS = re.compile(
    r"(^|_)(ids|tokens?|tok|idx|indices|captions?|text|texts|sentences?|words?|chars|src|trg|tgt|source|target_seq|sequences?"
    r"|question|query_ids|users?|items?|user_id|item_id|movies?)$"
)
_CONTEXT = re.compile(r"(context|memory|encoder_hidden_states|encoder_outputs?|enc_out(put)?|cond(ition(ing)?)?|kv)$")
_IMAGE = re.compile(
    r"(^|_)(imgs?|images?|pixel_values|frames?|pictures?|photo|lr|rgb|depth|noisy|clean)(_?\d|_[a-z])?$"
)
_VIDEO = re.compile(r"(video|videos|clip|clips|volume|volumes)$")
_AUDIO = re.compile(r"(wav|wave|waveform|audio|speech|raw_audio|signal)s?$")
_SPECTRUM = re.compile(r"(mel|mels|spec|spectrogram|fbank|mfcc)s?$")

_WIDTHS = ("context_dim", "cond_dim", "dim_context", "cross_attention_dim", "kv_dim", "embed_dim", "d_model", "dim")
_CLASSES = ("num_classes", "n_classes", "num_class", "nclass", "class_num", "n_class", "classes")
_LATENT_WIDTHS = ("latent_dim", "z_dim", "nz", "latent_size", "noise_dim", "dim_z", "zdim", "input_dim", "latent_dims")


def by_name(name: str, module: nn.Module) -> list[Any]:  # noqa: PLR0911 - a table of names
    """Templates for an argument called ``name``, the likeliest first; empty where the name says nothing."""
    plain = name.lower().strip("_")
    if _LENGTHS.search(plain):
        return [Template(("N",), "int64", fill="full", why="the name `{name}`")]
    if _MASK.search(plain):
        return list(_masks(plain))
    if plain.endswith("edge_index") or plain in ("edges", "edge_indices"):
        return [Template((2, "E"), "int64", 8, why="the name `{name}`")]
    if plain in ("edge_weight", "edge_weights"):
        return [Template(("E",), why="the name `{name}`")]
    if plain in ("edge_attr", "edge_attrs", "edge_feats", "edge_features"):
        return [Template(("E", _number(module, ("edge_dim", "edge_features")) or 4), why="the name `{name}`")]
    if plain in ("adj", "adj_t", "adjacency", "adj_matrix", "adjacency_matrix"):
        return [Template(("M", "M"), why="the name `{name}`"), Template(("N", "M", "M"), why="the name `{name}`")]
    if plain in ("batch", "batch_index", "batch_idx"):
        return [Template(("M",), "int64", 1, why="the name `{name}`")]
    if _TIME.search(plain):
        return [
            Template(("N",), "int64", 100, why="the name `{name}`"),
            Template(("N",), why="the name `{name}`"),
            Template(("N", 1), why="the name `{name}`"),
        ]
    if _LABELS.search(plain):
        classes = _number(module, _CLASSES) or 10
        return [
            Template(("N",), "int64", classes, why="the name `{name}`"),
            Template(("N", classes), why="the name `{name}`"),
        ]
    if _LATENT.search(plain):
        width = _number(module, _LATENT_WIDTHS)
        return [Template(("N", width), why="the name `{name}`")] if width else []
    return [template for pattern, template in _DATA if pattern.search(plain) and template] + _context(plain, module)


def is_single(name: str) -> bool:
    """Whether the name is of one number a sample (``user``, ``item_id``, ``labels``)."""
    return _SINGLE.search(name.lower().strip("_")) is not None


#: names of data; a layer that reads the argument says more, so these come after it
_DATA: tuple[tuple[re.Pattern[str], Template], ...] = (
    (_TOKENS, Template(("N", "T"), "int64", 100, why="the name `{name}`")),
    (_VIDEO, Template(("N", 3, "D", "H", "W"), why="the name `{name}`")),
    (_IMAGE, Template(("N", 3, "H", "W"), why="the name `{name}`")),
    (_AUDIO, Template(("N", 16000), why="the name `{name}`")),
    (_SPECTRUM, Template(("N", 80, "T"), why="the name `{name}`")),
)


def _masks(name: str) -> Iterator[Template]:
    why = "the name `{name}`"
    if name in ("tgt_mask", "causal_mask", "attn_mask", "trg_mask"):
        yield Template(("T", "T"), "bool", fill="ones", why=why)
    dtype = "int64" if name == "attention_mask" else "bool"
    yield Template(("N", "T"), dtype, fill="ones", why=why)
    yield Template(("N", 1, "T", "T"), "bool", fill="ones", why=why)
    yield Template(("N", 1, 1, "T"), "bool", fill="ones", why=why)
    yield Template(("T", "T"), "bool", fill="ones", why=why)
    yield Template(("N", "T"), "float32", fill="ones", why=why)
    yield Template(("N", 1, "H", "W"), "float32", fill="ones", why=why)


def _context(name: str, module: nn.Module) -> list[Template]:
    if not _CONTEXT.search(name):
        return []
    width = _number(module, _WIDTHS) or 64
    return [Template(("N", "U", width), why="the name `{name}`"), Template(("N", width), why="the name `{name}`")]


def _number(module: nn.Module, names: tuple[str, ...]) -> int | None:
    """The first of these attributes that the module (or its configuration) holds as a positive whole number."""
    for holder in (
        module,
        getattr(module, "config", None),
        getattr(module, "cfg", None),
        getattr(module, "args", None),
    ):
        for name in names:
            value = getattr(holder, name, None)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


_SCALARS: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"^(<class ')?bool\b"), False),
    (re.compile(r"^(<class ')?int\b"), 1),
    (re.compile(r"^(<class ')?float\b"), 1.0),
)


def scalar(annotation: str) -> Any:
    """A plain value for an argument annotated ``int``, ``float`` or ``bool``; None for any other annotation."""
    return next((value for pattern, value in _SCALARS if pattern.search(annotation)), None)
