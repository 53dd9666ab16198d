"""Turns the default configuration of a `transformers` architecture into a tiny one of the same structure.

Every width is divided by one factor, so that widths which must agree (hidden = heads x head width, a vision tower's
output and the text model's input) still agree; layers, vocabularies, experts and positions are cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

VOCABULARY = 256

#: what is divided by the factor
_WIDTH = re.compile(
    r"hidden|_dim$|^dim$|_dims$|^dims$|d_model|d_ff|d_kv|d_inner|d_embed|n_embd|n_inner|ffn|intermediate|embed|width|"
    r"channels|features|_rank$|head_size|d_key|d_value|mrope_section|_size$"
)
_NO_WIDTH = re.compile(
    r"layer|image_size|patch|vocab|num_channels|in_channels|in_chans|kernel|window|stride|token|position|num_|max_|"
    r"_length|pool|crop|factor|multiplier|frames?_|tubelet|grid|resolution|chunk|context_size|batch|ratio|block_size|"
    r"group_size|bins|box_size|sample|downs|conv_size|conv_dim_pos|mel|audio_channels|shrink|local_size|"
    r"image_channels|vq_|queue|temporal|spatial|merge|memory_size|beam|hop|fft|filter"
)
_LAYERS = re.compile(
    r"^(num_hidden_layers|num_layers|n_layers?|depths?|(num_)?(encoder|decoder)_(layers|depths)|num_hidden_groups|"
    r"num_block|[lxr]_layers|(encoder|decoder)_num_hidden_layers|speech_encoder_layers|t2u_(encoder|decoder)_layers|"
    r"num_cross_attention_layers|adapter_num_layers|fusion_layers|text_layers|perceiver_layers|resampler_n_layers|"
    r"resampler_depth|qformer_layers)$"
)
_POSITIONS = re.compile(
    r"^(max_position_embeddings|max_source_positions|max_target_positions|n_positions|n_ctx|max_seq_len)$"
)
_EXPERTS = {
    "num_experts": 4, "num_local_experts": 4, "n_routed_experts": 4, "moe_num_experts": 4, "num_experts_per_tok": 2,
    "moe_topk": 2, "moe_k": 2, "top_k_experts": 2, "n_group": 1, "topk_group": 1, "num_expert_groups": 1,
    "expert_group_size": 4,
}  # fmt: skip

#: which keys → how a value (of a list: each of its items) gets small, given the factor; the first that fits
_RULES: tuple[tuple[Callable[[str], Any], Callable[[int, int], int]], ...] = (
    (_LAYERS.match, lambda value, _: min(value, 2)),
    (re.compile("vocab_size|codebook_size|n_vocab").search, lambda value, _: min(value, VOCABULARY)),
    (_POSITIONS.match, lambda value, _: min(value, 128)),
    (re.compile("^(image|input)_size$").match, lambda value, _: _side(value)),
    (
        lambda key: _WIDTH.search(key) and not _NO_WIDTH.search(key),
        lambda value, factor: max(value // factor, 2) if value >= 2 * factor else value,
    ),
)


def shrink(values: dict[str, Any], factor: int | None = None) -> dict[str, Any]:
    """The tiny form of a configuration given as nested dictionaries."""
    factor = factor or (16 if _widest(values) >= 2048 else 8)
    return _consistent(values, {key: _small(key, value, factor) for key, value in values.items()})


def _widest(values: dict[str, Any]) -> int:
    widths = [0]
    for key, value in values.items():
        if isinstance(value, dict):
            widths.append(_widest(value))
        elif isinstance(value, int) and key in {"hidden_size", "d_model", "n_embd", "dim", "embed_dim"}:
            widths.append(value)
    return max(widths)


def _small(key: str, value: Any, factor: int) -> Any:
    if isinstance(value, dict):
        return shrink(value, factor) if all(isinstance(name, str) for name in value) else value
    if isinstance(value, list | tuple):
        return [_small(key, item, factor) for item in value]
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if key in _EXPERTS:
        return min(value, _EXPERTS[key])
    rule = next((small for fits, small in _RULES if fits(key)), None)
    return value if rule is None else rule(value, factor)


def _side(value: int) -> int:
    """The side of an image that the same patch sizes divide."""
    if value <= 128:
        return value
    return next((side for side in (128, 112, 96, 120) if all(value % p or not side % p for p in (14, 16, 32))), 224)


def _consistent(values: dict[str, Any], small: dict[str, Any]) -> dict[str, Any]:
    """Lists with an item a layer cut to the new number of layers, special tokens moved inside the new vocabulary."""
    layers, fewer = _layers(values), _layers(small)
    moved: dict[int, int] = {}

    def token(value: Any) -> Any:
        large = isinstance(value, int) and value >= 64
        return moved.setdefault(value, VOCABULARY - 1 - len(moved)) if large else value

    for key, value in small.items():
        if layers and fewer and isinstance(value, list) and len(value) == layers > fewer:
            kinds = list({str(item): item for item in value}.values())  # of every kind one, as far as there is room
            small[key] = ((kinds if len(kinds) > 1 else value)[:fewer] * fewer)[:fewer]
        elif key.endswith(("token_id", "token_index")):
            small[key] = [token(item) for item in value] if isinstance(value, list) else token(value)
    return small


def _layers(values: dict[str, Any]) -> int | None:
    names = ("num_hidden_layers", "num_layers", "n_layer")
    return next((values[name] for name in names if isinstance(values.get(name), int)), None)
