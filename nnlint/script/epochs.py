"""Loops over epochs: how often they run, what they go over, and whether anything in them tells how it goes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from nnlint.recipe import EpochLoop
from nnlint.script import torchnames
from nnlint.script.modes import Round
from nnlint.script.naming import Names
from nnlint.script.scopes import FunctionNode, Scope
from nnlint.script.spans import Spans
from nnlint.site import Fact

_EPOCH = re.compile(r"epoch|^ep$|^for ep in ", re.IGNORECASE)
#: names that say where the training is, not how it goes
_PROGRESS = re.compile(
    r"^(epochs?|ep|i|_|steps?|idx|batch(_?(idx|index|i|num|no|size))?|iteration|it|\w*epochs?|\w*time|start\w*|begin\w*|"
    r"elapsed\w*|lr|device|\w*loader|\w*dataset|len|str|int|float|round|format|range|datetime|time)$",
    re.IGNORECASE,
)
#: what holds settings, and calls that give a time or a setting
_SETTINGS = re.compile(r"^(args|cfg|config|opt|options|hparams|\w*sched\w*|\w*optim\w*|datetime|time)$", re.IGNORECASE)
_PLAIN_CALLS = torchnames.words("len str int float round format range time strftime now get_last_lr perf_counter")
#: methods of tensors, networks, optimisers and containers that tell nobody anything
_QUIET_METHODS = torchnames.words(
    "backward step zero_grad to cuda cpu train eval item parameters named_parameters modules state_dict size view "
    "reshape float long int double half bool detach clone squeeze unsqueeze mean sum argmax max min eq softmax "
    "log_softmax sigmoid tanh relu exp log permute transpose flatten data numpy tolist format unscale_ "
    "requires_grad_ copy_ zero_ fill_ clamp clamp_ mul_ add_ div_ mul add div sub dim numel type type_as expand "
    "repeat chunk split gather scatter_ index_select contiguous norm abs sqrt pow std var any all nelement next "
    "items keys values get load_state_dict autocast scale sample rsample log_prob shuffle permutation manual_seed "
    "seed synchronize empty_cache clip_grad_norm_ clip_grad_value_ set_epoch get_last_lr detach_ normal_ uniform_ "
    "random_ new_zeros new_ones is_available"
)
_QUIET_FUNCTIONS = torchnames.words(
    "range len enumerate zip int float str iter next list tuple sum max min abs isinstance round sorted dict set "
    "bool reversed map filter any all super hasattr getattr repr type slice id"
)
#: modules none of whose functions reports (but for those that save)
_QUIET_MODULES = frozenset({"torch", "numpy", "random", "time", "datetime", "math", "copy", "gc", "itertools", "os"})
_SAVES = re.compile(r"(^|\.)(save\w*|dump\w*|tensorboard|SummaryWriter|profiler|write\w*)(\.|$)")
#: progress bars show that it goes on, not how
_BARS = frozenset({"tqdm", "trange", "track", "tqdm.tqdm", "tqdm.trange", "tqdm.auto.tqdm", "tqdm.notebook.tqdm"})
#: trackers that hook themselves in
_TRACKERS = frozenset(
    {"mlflow", "wandb", "tensorboard", "comet_ml", "neptune", "clearml", "tensorboardX", "aim", "visdom"}
)
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class Training:
    """A loop over epochs as it was followed: its node, how often it runs, the loop over batches in it."""

    node: ast.stmt
    epochs: Fact[int] | None
    batches: ast.stmt | None


def training_of(rounds: tuple[Round, ...], counts: Mapping[int, Fact[int] | None]) -> Training | None:
    """The loop over epochs among the loops around a `backward()`; None where there is none, or it cannot be told."""
    over_data = [index for index, found in enumerate(rounds) if found.has_batches]
    outer = rounds[: over_data[-1]] if over_data else rounds
    named = [found for found in outer if _is_named(found)]
    chosen = named[-1] if named else (outer[-1] if over_data and outer else None)
    if chosen is None:
        return None
    batches = rounds[over_data[-1]].node if over_data else None
    return Training(chosen.node, counts.get(id(chosen.node)), batches)


def _is_named(found: Round) -> bool:
    if isinstance(found.node, ast.While):
        return bool(_EPOCH.search(ast.unparse(found.node.test)))
    names = ast.unparse(found.node.target) if isinstance(found.node, ast.For | ast.AsyncFor) else ""
    return bool(_EPOCH.search(names) or _EPOCH.search(found.over))


class Epochs:
    """Makes the facts about loops over epochs."""

    def __init__(
        self, names: Names, spans: Spans, scopes: Mapping[int, Scope], computing: set[int], constants: frozenset[str]
    ) -> None:
        self.names = names
        self.spans = spans
        self.scopes = scopes
        self.computing = computing
        self.constants = constants
        self.methods: dict[str, list[FunctionNode]] = {}
        for scope in names.module.walk():
            if isinstance(scope.node, ast.FunctionDef) and scope.parent is not None and scope.parent.is_class:
                self.methods.setdefault(scope.node.name, []).append(scope.node)
        self.tracked = any(
            dotted.partition(".")[0] in _TRACKERS or "tensorboard" in dotted for dotted in names.imports().values()
        )

    def loop(self, training: Training, samples: Fact[int] | None) -> EpochLoop:
        """The facts about one loop."""
        return EpochLoop(
            self.spans.header(training.node),
            self.spans.header(training.batches) if training.batches is not None else None,
            training.epochs,
            silent=not self.tracked and self._is_silent(training.node),
            stops_early=_can_be_left(training.node),
            samples=samples if training.batches is None else None,
        )

    def _is_silent(self, node: ast.stmt) -> bool:
        scope = self.scopes.get(id(node))
        body = getattr(node, "body", [])
        return scope is not None and all(self._is_quiet(part, scope, frozenset()) for part in body)

    def _is_quiet(self, node: ast.AST, scope: Scope, within: frozenset[ast.AST]) -> bool:
        """Whether nothing in a node can report a number that the training gave."""
        return all(self._quiet_node(part, scope, within) for part in _walk(node))

    def _quiet_node(self, node: ast.AST, scope: Scope, within: frozenset[ast.AST]) -> bool:
        match node:
            case ast.Call():
                return self._quiet_call(node, scope, within)
            case ast.Assign():
                return all(_is_quiet_target(target) for target in node.targets) or self._says_nothing(node.value)
            case ast.AugAssign() | ast.AnnAssign():
                return _is_quiet_target(node.target)
            case ast.Yield() | ast.YieldFrom() | ast.Await():
                return False
            case ast.If() | ast.While() | ast.IfExp():
                return not _compares_results(node.test, self)
        return True

    def _quiet_call(self, node: ast.Call, scope: Scope, within: frozenset[ast.AST]) -> bool:
        if id(node) in self.computing:
            return True
        reference = self.names.resolve(node.func, scope)
        if reference is not None and reference.node is not None:
            return self._quiet_definition(reference.node, within)
        if reference is not None and self._quiet_function(reference.dotted, node):
            return True
        return isinstance(node.func, ast.Attribute) and self._quiet_method(node, node.func, within)

    def _quiet_function(self, dotted: str, node: ast.Call) -> bool:
        """Whether a function from elsewhere reports nothing."""
        if dotted == "print" or dotted.startswith("logging."):
            return self._says_nothing(node)
        if dotted in _QUIET_FUNCTIONS or dotted in _BARS:
            shown = [keyword.value for keyword in node.keywords if keyword.arg in {"desc", "postfix"}]
            return all(self._says_nothing(value) for value in shown)
        known = "." in dotted and dotted.partition(".")[0] in _QUIET_MODULES
        return known and (dotted == "torch.save" or not _SAVES.search(dotted))

    def _quiet_method(self, node: ast.Call, func: ast.Attribute, within: frozenset[ast.AST]) -> bool:
        if _is_logger(func):
            return self._says_nothing(node)
        if func.attr in self.methods:
            return all(self._quiet_definition(method, within) for method in self.methods[func.attr])
        if func.attr == "update":  # of a progress bar or a gradient scaler; that of a metric is followed by compute()
            return self._says_nothing(node) or "scaler" in ast.unparse(func.value).lower()
        return func.attr in _QUIET_METHODS

    def _quiet_definition(self, node: ast.AST, within: frozenset[ast.AST]) -> bool:
        if node in within or len(within) > _DEPTH:
            return True
        if not isinstance(node, ast.FunctionDef):
            return False  # an object is made, or something is awaited
        scope = self.names.scopes[node]
        return all(self._is_quiet(part, scope, within | {node}) for part in node.body)

    def _says_nothing(self, node: ast.AST) -> bool:
        """Whether what is printed tells only where the training is: texts, counters, times."""
        parts = [*node.args, *(item.value for item in node.keywords)] if isinstance(node, ast.Call) else [node]
        return all(self._is_plain(part) for part in parts)

    def _is_plain(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            root = node.value
            while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
                root = root.func if isinstance(root, ast.Call) else root.value
            settings = isinstance(root, ast.Name) and _SETTINGS.match(root.id)
            return bool(settings or _PROGRESS.match(node.attr)) or isinstance(root, ast.Constant)
        if isinstance(node, ast.Name):
            return bool(_PROGRESS.match(node.id)) or node.id in self.constants
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            return name in _PLAIN_CALLS and self._says_nothing(node)
        return all(self._is_plain(part) for part in ast.iter_child_nodes(node))


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement, without the bodies of functions and classes that it defines."""
    queue: list[ast.AST] = [node]
    while queue:
        part = queue.pop()
        yield part
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            queue.extend(ast.iter_child_nodes(part))


def _is_quiet_target(target: ast.expr) -> bool:
    """Whether what is assigned stays a variable of the loop: no attribute or entry that others may read."""
    if isinstance(target, ast.Name):
        return True
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_quiet_target(part) for part in target.elts)
    if isinstance(target, ast.Starred):
        return _is_quiet_target(target.value)
    text = ast.unparse(target)
    return bool(re.search(r"\.(grad|data|requires_grad|training)$|group|\blr\b|'lr'|\.step\w*$|\.epoch$", text))


def _compares_results(test: ast.expr, epochs: Epochs) -> bool:
    """Whether a condition looks at a result: early stopping and model selection watch the training."""
    ordered = (ast.Lt, ast.Gt, ast.LtE, ast.GtE)
    return any(
        isinstance(part, ast.Compare)
        and any(isinstance(op, ordered) for op in part.ops)
        and not epochs._says_nothing(part)
        for part in ast.walk(test)
    )


def _is_logger(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and bool(
        re.search(r"(^|_|\.)(log|logger|logging)$", ast.unparse(func.value))
    )


def _can_be_left(node: ast.stmt) -> bool:
    """Whether a loop can end before its last round."""
    return any(_leaves(part) for part in getattr(node, "body", []))


def _leaves(node: ast.AST) -> bool:
    if isinstance(node, ast.Break | ast.Return | ast.Raise):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        return False
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.For | ast.While | ast.AsyncFor):  # a break in there leaves the inner loop alone
        return any(isinstance(part, ast.Return) for part in _walk(node))
    return any(_leaves(child) for child in children)
