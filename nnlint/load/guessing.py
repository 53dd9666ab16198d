"""Values for arguments nobody states: from the names and annotations people give them, consistent with each other.

Widths are divisible by numbers of heads and images by patches. A guess is always said (`Candidate.found`), and what
fails with guesses is no fault of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: several sets of sizes to try: networks differ in what they want to be divisible by what
VARIANTS: tuple[Mapping[str, int], ...] = (
    {"dim": 64, "wide": 128, "image": 224, "patch": 16, "length": 128, "features": 64},
    {"dim": 96, "wide": 192, "image": 256, "patch": 32, "length": 256, "features": 32},
    {"dim": 384, "wide": 768, "image": 64, "patch": 8, "length": 64, "features": 16},
    {"dim": 256, "wide": 512, "image": 32, "patch": 4, "length": 512, "features": 8},
)

#: pattern of a whole argument name → a number, or the name of a size of the variant; the first that fits counts
_NAMES: tuple[tuple[str, Any], ...] = (
    (r"(num|n)?_?(of_)?(out(put)?_)?(class|classes|cls|labels?|categories)(_num|_count)?|nclass|ncls|nc|class_num", 10),
    (r"(.*_)?(vocab|vocabulary|num_tokens|n_tokens?|ntokens?|num_embeddings|dict|voc)(_size|_len)?(_.*)?", 1000),
    (r"(in|input|image|img|num|n|color|src)?_?(nc|ch|chans?|channels?)(_in|_num)?|c_in|in_c|cin|inp", 3),
    (r"(out|output|dst|target|tgt)_?(nc|ch|chans?|channels?)|c_out|out_c|cout|oup|channels?_out", 8),
    (r"(in|inter|out|mid|bottle)?_?planes|(base|init|mid|start|hidden|inner|stem)_?(c|ch|chans?|channels?|planes)", 64),
    (r"(num|n|base|init|start)_?(filters?|kernels|feats?|features_?maps?)|nf|ngf|ndf|filters", 32),
    (
        r"(max_?)?(seq(uence)?|context|position|pos|block|text|src|tgt|target|input|max)_?(len|length|size)|max_?len"
        r"|max_position_embeddings|n_?ctx|max_?(seq|sequence|position)_?(len|length|embeddings)?|length|num_patches|seq",
        "length",
    ),
    (
        r"(mlp|ff|ffn|d|dim)_?(dim|ff|ffn|inner|hid|hidden|feedforward)|intermediate_size|ffn?_(hidden|size)|d_inner"
        r"|(ffn?|mlp|feed_?forward)_.*(dim|size|channels)|nhid|inner_dim",
        "wide",
    ),
    (r"(dim|d|size)_?(per_)?(head|k|v|q|qk)s?|head_?(dim|size|width)|attn_head_dim|d_kv", 16),
    (r"(num_?|n_?)?(kv_|q_|attn_|attention_|self_|cross_|latent_|decoder_|encoder_)*heads?|nhead|n_head|h", 4),
    (
        r"(num_?|n_?)?(enc(oder)?_?|dec(oder)?_?|res(idual)?_?|hidden_?|transformer_?|self_?|.*_)?(depth|layers?|blocks?|stages)"
        r"|n_?layers?|N|repeats?|num_res.*",
        2,
    ),
    (
        r"(image|img|input|crop|spatial|frame|in)_?(img_|image_)?(size|height|width|res|resolution|h|w)_?|resolution|height"
        r"|width_px|img|image_hw|(image|img)_(h|w)",
        "image",
    ),
    (r"(.*_)?patch(_?size|_?height|_?width|es)?(_.*)?|ps", "patch"),
    (r"(num_|n_)?(frames?|time_?steps?|timesteps?|steps)(_num)?|t|T", 8),
    (r"frame_patch_size|tubelet_size|num_memory.*|top_?k|k", 2),
    (r"(kernel|filter|k)_?(size|s)?|ks|ksize", 3),
    (r"(window|win)_?size", 7),
    (r"strides?|s|dilations?|groups|num_groups|group", 1),
    (r"pad(ding)?", 1),
    (r"(up)?_?scale(_factor)?|r|upscale|upsample|factor|multiplier|(width|channel|depth)_mult(iplier)?", 2),
    (r"(.*_)?(expansion|expand|mult|ratio|reduction|rate_growth)(_ratio|_factor|_rate)?", 4),
    (r"growth_?rate|k_growth", 12),
    (r"(num_|n_)?(experts?|codebooks?|quantizers?|levels|slots|queries|latents?|mixtures?|components|gaussians?)", 4),
    (
        r"(.*_)?(drop(out|path)?(_?(rate|prob|p|path))*|p|pdrop|prob|dropout.*|keep_prob|alpha|beta|eps|epsilon|momentum|tau"
        r"|temperature|gamma|slope|lr|learning_rate|weight_decay)",
        0.1,
    ),
    (
        r"(out|output|n|num|action|act|target|y|num_out)_?(put)?_?(size|dims?|features?|feats?|channels|outputs?|actions|out)"
        r"|output|n_out|actions|num_actions|action_space_n",
        10,
    ),
    (
        r"(.*_)?(dims?|hidden|hiddens?|width|emb(ed|edding)?s?|d_model|n_embd|model|hid|ninp|z|code|latent)"
        r"_?(dims?|size|features?|units|width)?|d|dmodel|emsize|units|neurons|features?|n_units|C|D",
        "dim",
    ),
    (
        r"(.*_)?(in|input|num|n|state|obs|observation|x|feature|feat|node|edge|latent|noise|z|nz|cond|context)"
        r"_?(size|dims?|features?|feats?|inputs?|nodes|in)?|input|n_in|num_inputs|state_space",
        "features",
    ),
)
_COMPILED = tuple((re.compile(f"(?:{pattern})\\Z"), value) for pattern, value in _NAMES)

_BY_ANNOTATION = {"int": 8, "float": 0.1, "bool": False}


def guess(name: str, annotation: str | None = None, variant: int = 0) -> Any:
    """A value for an argument of this name; None if there is no telling.

    Args:
        name: the parameter's name.
        annotation: its annotation as source text.
        variant: which of `VARIANTS` to take the sizes from.
    """
    plain = (annotation or "").replace("typing.", "").replace(" ", "")
    if plain == "bool" or re.match(r"(use|is|with|has|return|do|enable)_", name):
        return False
    if plain in ("str", "Callable", "nn.Module") or "Module" in plain:
        return None
    if name == "device":
        return "cpu"
    if "Tuple" in plain or "tuple" in plain or "List" in plain or "list" in plain or "Sequence" in plain:
        return _several(name, plain, variant)
    value = _by_name(name, variant)
    if value is None or (plain == "int" and isinstance(value, float)):
        value = _BY_ANNOTATION.get(plain, value)
    return value


def _by_name(name: str, variant: int) -> Any:
    for form in (name, name.lower().strip("_")):
        for pattern, value in _COMPILED:
            if pattern.match(form):
                return VARIANTS[variant][value] if isinstance(value, str) else value
    return None


def _several(name: str, annotation: str, variant: int) -> list[Any] | tuple[Any, ...] | None:
    """A list or tuple of what the name's singular would be."""
    one = _by_name(name, variant)
    if one is None:
        one = _by_name(name.removesuffix("s"), variant) or (8 if "int" in annotation else None)
    if one is None:
        return None
    if "Tuple" in annotation or "tuple" in annotation:
        inner = annotation.partition("[")[2].rstrip("]")
        count = 4 if "..." in inner or not inner else inner.count(",") + 1
        return (one,) * count
    return [one] * 4
