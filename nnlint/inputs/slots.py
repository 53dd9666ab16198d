"""The arguments a ``forward`` needs, and for each what it could be, the likeliest first."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from nnlint.inputs.contracts import contract
from nnlint.inputs.layouts import before, flattened
from nnlint.inputs.roles import by_name, is_single, scalar
from nnlint.inputs.template import Bag, Template
from nnlint.inputs.use import Use, axes_of_pattern, passes
from nnlint.inputs.uses import uses

_SPACE: dict[int, tuple[str, ...]] = {1: ("T",), 2: ("H", "W"), 3: ("D", "H", "W")}
_MAX_DEPTH = 6


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument of ``forward``.

    Attributes:
        keyword: it is passed by name.
        options: what it could be: templates, or containers of them, or plain values.
        needed: it has no default.
    """

    name: str
    keyword: bool
    options: tuple[Any, ...]
    needed: bool = True


def slots(module: nn.Module) -> tuple[Slot, ...]:
    """The arguments of ``module.forward``; those with a default are marked as not needed."""
    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError):
        return ()
    seen = uses(module) if not isinstance(module, nn.Sequential) else {}
    names = [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    graph = any(name.endswith("edge_index") or name in ("adj", "adj_t", "adjacency", "edges") for name in names)
    found: list[Slot] = []
    after_optional = False
    for index, parameter in enumerate(parameters):
        if parameter.kind == parameter.VAR_KEYWORD:
            continue
        if parameter.kind == parameter.VAR_POSITIONAL:
            if index == 0:
                found.append(Slot(parameter.name, False, tuple(_options(module, "input", Use(), 0))))
            continue
        needed = parameter.default is parameter.empty
        use = seen.get(parameter.name, Use())
        values = _values(module, parameter, use, index)
        if graph:
            values = [_as_nodes(value) for value in values]
        keyword = parameter.kind == parameter.KEYWORD_ONLY or after_optional
        after_optional = after_optional or not needed
        found.append(Slot(parameter.name, keyword or not needed, tuple(values), needed))
    return tuple(found)


def _values(module: nn.Module, parameter: inspect.Parameter, use: Use, index: int) -> list[Any]:
    annotation = "" if parameter.annotation is parameter.empty else str(parameter.annotation)
    plain = scalar(annotation)
    if plain is not None and parameter.default is parameter.empty:
        return [plain]
    made = _container(module, parameter.name, annotation, use)
    options = _options(module, parameter.name, use, index)
    return _unique([*made, *options])[:6]


def _container(module: nn.Module, name: str, annotation: str, use: Use) -> list[Any]:
    """What an argument that is no single tensor could be."""
    if use.attributes:
        return [Bag(**{key: _part(module, key, use.parts.get(key), graph=True) for key in use.attributes})]
    if use.keys:
        return [{key: _part(module, key, use.parts.get(key)) for key in use.keys}]
    if use.elements:
        return [tuple(_part(module, f"{name}{i}", use.parts.get(i)) for i in range(use.elements))]
    numbered = [key for key in use.parts if isinstance(key, int) and key >= 0]
    count = max(numbered, default=1) + 1
    many = re.search(r"\b(list|tuple|sequence)\[", annotation, re.IGNORECASE) is not None
    if many or (use.iterated and use.consumer is None and not use.ndim):
        return [[_part(module, name, use.parts.get(i, use)) for i in range(count)]]
    if len(numbered) > 1 and any(use.parts[i].consumer is not None for i in numbered):
        return [[_part(module, name, use.parts.get(i)) for i in range(count)]]
    return []


def _part(module: nn.Module, name: str, use: Use | None, *, graph: bool = False) -> Any:
    option = _options(module, name, use or Use(), 0)[0]
    return _as_nodes(option) if graph else option


def _options(module: nn.Module, name: str, use: Use, index: int) -> list[Any]:
    """Templates for a tensor: by the layer that reads it, by its name, by the module tree."""
    found: list[Any] = []
    if use.consumer is not None:
        for template in consumed(use.consumer, use.position):
            found += _shared(before(template, use.steps), use, name)
    named = by_name(name, module)
    if use.integer:
        named = [Template(("N", "T"), "int64"), Template(("N",), "int64"), *named]
    fitting = [t for t in found if _fits(t, use)]
    # a name like `mask` or `lengths` says more than a layer that reads it somewhere
    ordered = [*named, *fitting] if named and use.consumer is None else [*fitting, *named]
    if not ordered or (index == 0 and not found):
        first = _of_chain(list(module), 0) if isinstance(module, nn.Sequential) else first_layer(module)
        ordered += [t for t in first if _fits(t, use)]
    ordered += [t for t in found if t not in ordered]
    if use.ndim or not ordered:
        ordered += [_of_ndim(use.ndim or max(use.ndim_min, 2))]
    if is_single(name):  # an identifier a sample, not a sequence of them
        ordered.sort(key=lambda t: not (isinstance(t, Template) and t.axes == ("N",)))
    return _unique(ordered)


def _of_ndim(ndim: int) -> Template:
    axes: dict[int, tuple[int | str, ...]] = {
        1: ("N",),
        2: ("N", "T"),
        3: ("N", "T", 64),
        4: ("N", 3, "H", "W"),
        5: ("N", 3, "D", "H", "W"),
    }
    return Template(axes.get(ndim, ("N", 3, *("H",) * (ndim - 2))), why=f"the {ndim} axes of `{{name}}`")


def _fits(template: Any, use: Use) -> bool:
    if not isinstance(template, Template):
        return True
    return (not use.ndim or len(template.axes) == use.ndim) and len(template.axes) >= use.ndim_min


def _shared(templates: list[Template], use: Use, name: str) -> list[Template]:
    """Where several arguments are concatenated before the layer, each has its share of the features."""
    if len(use.group) < 2:
        return templates
    shares: list[Template] = []
    for template in templates:
        axis = 1 if len(template.axes) > 3 else -1
        width = template.axes[axis]
        if isinstance(width, int):
            share = width // len(use.group) + (width % len(use.group) if name == use.group[0] else 0)
            shares.append(template.with_axis(axis, max(share, 1)))
        else:
            shares.append(template)
    return shares


def _as_nodes(value: Any) -> Any:
    """Node features instead of a batch: what a graph network reads."""
    if isinstance(value, Template) and value.axes[:1] == ("N",) and len(value.axes) <= 2:
        return replace(value, axes=("M", *value.axes[1:]))
    return value


def first_layer(module: nn.Module) -> list[Template]:
    """What the first layer of the module tree that says anything would read."""
    for child in module.modules():
        if child is not module and next(child.children(), None) is None and (found := of_layer(child, 0)):
            return found
    return []


def consumed(module: nn.Module, position: int | str = 0, depth: int = 0) -> list[Template]:
    """What a module reads as its argument ``position``: a layer of torch, a container, or a network of its own."""
    found = of_layer(module, position)
    if found or depth > _MAX_DEPTH:
        return found
    if isinstance(module, nn.Sequential | nn.ModuleList):
        return _of_chain(list(module), depth)
    if isinstance(module, nn.ModuleDict):
        return consumed(next(iter(module.values())), position, depth + 1) if len(module) else []
    if isinstance(module, nn.TransformerEncoder | nn.TransformerDecoder):
        return consumed(module.layers[0], position, depth + 1)
    return [] if type(module).__module__.startswith("torch.nn.modules") else _of_network(module, position, depth)


def _of_network(module: nn.Module, position: int | str, depth: int) -> list[Template]:
    """What a module of the user's own reads, by what its forward does with the argument."""
    seen = uses(module)
    if not seen:
        return first_layer(module) if position == 0 else []
    names = list(inspect.signature(module.forward).parameters)
    name = position if isinstance(position, str) else names[position] if position < len(names) else ""
    use = seen.get(name)
    if use is None:
        return []
    found: list[Template] = []
    if use.consumer is not None and use.consumer is not module:
        found = [t for form in consumed(use.consumer, use.position, depth + 1) for t in before(form, use.steps)]
        found = _shared(found, use, name)
    fitting = [t for t in found if _fits(t, use)]
    return fitting or by_name(name, module) or ([_of_ndim(use.ndim)] if use.ndim else [])


def _of_chain(children: list[nn.Module], depth: int) -> list[Template]:
    flat = False
    for child in children:
        if isinstance(child, nn.Flatten):
            flat = True
        if passes(child):
            continue
        if (pattern := getattr(child, "pattern", None)) and isinstance(pattern, str) and "->" in pattern:
            return [_of_ndim(axes_of_pattern(pattern))]
        found = consumed(child, 0, depth + 1)
        if found:
            return [t for template in found for t in (flattened(template) if flat else [template])]
        if not type(child).__module__.startswith("torch.nn"):
            return []  # it may rearrange or embed: what comes behind it says nothing of the input
    return []


def of_layer(module: nn.Module, position: int | str) -> list[Template]:  # noqa: PLR0911 - a table of layers
    """What a layer of torch reads as its argument ``position``, by its hyper-parameters; empty for others."""
    needs = contract(module)
    if needs is None:
        return []
    why = f"{type(module).__name__}({needs.argument}={needs.size})" if needs.size else type(module).__name__
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return _recurrent(module, position, why)
    if isinstance(
        module, nn.MultiheadAttention | nn.TransformerEncoderLayer | nn.TransformerDecoderLayer | nn.Transformer
    ):
        return _attention(module, position, needs.size or 1, why)
    if position not in (0, "input", "x", "input1") and not isinstance(module, nn.Bilinear | nn.EmbeddingBag):
        return []
    if needs.integer:
        tokens = Template(("N", "T"), "int64", needs.high, why=why)
        return [tokens, replace(tokens, axes=("N",))]
    if isinstance(module, nn.Bilinear):
        size = module.in1_features if position in (0, "input1") else module.in2_features
        return [Template(("N", size), why=why)]
    if needs.spatial and needs.size is None:
        return []
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return [Template(("N", needs.size or 3, *_SPACE.get(needs.spatial, ())), why=why)]
    if needs.spatial:
        space: tuple[int | str, ...] = _SPACE[needs.spatial]
        if isinstance(module, nn.modules.conv._ConvTransposeNd) and _grows_from_a_point(module):
            space = (1,) * needs.spatial  # a generator: the latent vector is a map of one pixel
        return [Template(("N", needs.size or 3, *space), why=why)]
    if isinstance(module, nn.LayerNorm) and len(module.normalized_shape) > 1:
        return [Template(("N", *module.normalized_shape), why=why)]
    if needs.argument == "num_channels":
        return [Template(("N", needs.size or 3, "H", "W"), why=why), Template(("N", needs.size or 3, "T"), why=why)]
    features = needs.size or 1
    rows = [Template(("N", features), why=why), Template(("N", "T", features), why=why)]
    return rows[::-1] if needs.argument == "normalized_shape" else rows


def _grows_from_a_point(module: Any) -> bool:
    return all(s in (1, k) for s, k in zip(module.stride, module.kernel_size, strict=True)) and all(
        k >= 4 and p == 0 for k, p in zip(module.kernel_size, module.padding, strict=True)
    )


def _recurrent(module: Any, position: int | str, why: str) -> list[Template]:
    cell = isinstance(module, nn.RNNCellBase)
    if position in (0, "input"):
        if cell:
            return [Template(("N", module.input_size), why=why)]
        axes = ("N", "T", module.input_size) if module.batch_first else ("T", "N", module.input_size)
        return [Template(axes, why=why)]
    if position not in (1, "hx"):
        return []
    layers = () if cell else (module.num_layers * (2 if module.bidirectional else 1),)
    return [Template((*layers, "N", module.hidden_size), why=why)]


def _attention(module: Any, position: int | str, width: int, why: str) -> list[Template]:
    batch_first = module.batch_first if hasattr(module, "batch_first") else module.self_attn.batch_first
    second = position in (1, "tgt", "memory", "key") or position in (2, "value")
    if position not in (0, 1, 2, "src", "tgt", "memory", "query", "key", "value"):
        return []
    if isinstance(module, nn.MultiheadAttention) and second:
        width = module.kdim if position in (1, "key") else module.vdim
    if isinstance(module, nn.TransformerEncoderLayer) and second:
        return []
    length = "U" if second else "T"
    return [Template(("N", length, width) if batch_first else (length, "N", width), why=why)]


def _unique(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if not any(_same(value, other) for other in kept):
            kept.append(value)
    return kept


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Template) and isinstance(b, Template):
        return (a.axes, a.dtype, a.fill) == (b.axes, b.dtype, b.fill)
    return False
