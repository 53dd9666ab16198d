"""What a file as a whole does with its data and weights: samples put into a random order, weights that are loaded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from nnlint.recipe import Recipe
from nnlint.script.epochs import Epochs
from nnlint.script.scopes import Scope
from nnlint.script.state import State
from nnlint.site import Fact

_SHUFFLES = re.compile(
    r"(^|\.)(shuffle|shuffle_|permutation|permuted|randperm|random_split|train_test_split|StratifiedShuffleSplit"
    r"|ShuffleSplit|StratifiedKFold|KFold|RandomSampler|SubsetRandomSampler|WeightedRandomSampler|reservoir_sample)$"
)
#: functions that mix the samples of one batch
_MIXES = re.compile(r"mix|augment", re.IGNORECASE)
_LOADS = frozenset({"load_state_dict", "load_from_checkpoint", "load_weights", "from_pretrained", "load_checkpoint"})
_LOADING = re.compile(
    r"(^|\.)(torch\.hub\.load|get_peft_model|load_model|create_model_and_transforms|from_pretrained)$"
)


def with_habits(recipe: Recipe, state: State) -> Recipe:
    """The recipe with what the file as a whole tells about its data, its weights and its loops over epochs."""
    calls = [(scope, call) for scope in state.names.module.walk() for call in scope.calls]
    roles = {index: loader.role for index, loader in enumerate(recipe.loaders)}
    pretrained = next(_pretrained(state, calls), None)
    loaded = frozenset(call.target for call in recipe.loaded)
    constants = frozenset(
        name for name, bound in state.names.module.bindings.items() if len(bound) == 1 and _is_plain(bound[0].value)
    )
    epochs = Epochs(state.names, state.spans, state.loop_scopes, state.computing, constants)
    return replace(
        recipe,
        shuffles=tuple(_shuffles(state, calls)),
        pretrained=pretrained,
        passes=state.modes.passes(roles, loaded, state.spans),
        epoch_loops=tuple(
            epochs.loop(found, state.whole_batches.get(key))
            for key, found in sorted(state.trainings.items(), key=lambda item: item[1].node.lineno)
        ),
    )


def _is_plain(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant)


def _shuffles(state: State, calls: list[tuple[Scope, ast.Call]]) -> Iterator[Fact[str]]:
    for scope, call in calls:
        dotted = state.names.dotted(call.func, scope) or ast.unparse(call.func)
        sampled = isinstance(call.func, ast.Attribute) and call.func.attr == "sample" and _keyword(call, "frac")
        if (_SHUFFLES.search(dotted) or sampled) and not _MIXES.search(scope.name):
            yield state.spans.fact(dotted, call)


def _keyword(call: ast.Call, name: str) -> bool:
    return any(item.arg == name for item in call.keywords)


def _pretrained(state: State, calls: list[tuple[Scope, ast.Call]]) -> Iterator[Fact[str]]:
    for scope, call in calls:
        dotted = state.names.dotted(call.func, scope) or ast.unparse(call.func)
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in _LOADS or _LOADING.search(dotted) or any(_is_weights(item) for item in call.keywords):
            yield state.spans.fact(dotted, call)


def _is_weights(item: ast.keyword) -> bool:
    off = isinstance(item.value, ast.Constant) and not item.value.value
    return (
        item.arg in {"pretrained", "weights", "encoder_weights", "weights_backbone"} and not off and not _numbers(item)
    )


def _numbers(item: ast.keyword) -> bool:
    """Whether the ``weights`` are numbers (of a sampler, of classes), not those of a network."""
    return isinstance(item.value, ast.List | ast.Tuple) or (
        isinstance(item.value, ast.Name) and item.value.id not in {"weights", "pretrained"}
    )
