"""Dropout is not turned off for evaluation.

`F.dropout(x, p)` drops whatever mode the network is in: its `training` argument is True unless it is given. A module
that is made in the course of `forward`, `nn.Dropout(p)(x)`, is a new one every time and always in training mode; and
`F.scaled_dot_product_attention` drops attention weights whenever `dropout_p` is not 0. `net.eval()` reaches none of
them. Predictions are then random: they change from call to call, and are worse on average than those without dropout,
in every validation score too.

The tip: switch to evaluation mode to evaluate. Dropout that does not follow the mode undoes it.

What to do: `F.dropout(x, p, training=self.training)`; or a module made in `__init__`, which `eval()` reaches; for the
attention `dropout_p=p if self.training else 0.0`.

What it costs: the accuracy that dropout costs while training, at evaluation too, and reproducible results.

What is known today: torch's documentation of `torch.nn.functional.dropout` gives `training=True` as the default, and
that of `scaled_dot_product_attention` says that dropout is always applied according to `dropout_p`. To leave it on and
average several passes is a method of its own for estimating uncertainty (Gal and Ghahramani 2016, arXiv:1506.02142):
code that does so on purpose should say it.

Quiet when: `training` is given, whatever its value; a condition, a function or a class of that name says that it is
Monte Carlo dropout; the module that drops is itself in training mode; the rate is 0; the call is in an installed
library.

The fix is unsafe: at evaluation the numbers change, which is what it is for: they become those that dropout estimates.
No parameter changes, and training stays the same.
"""

import ast
import re
from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.edits import in_scope, replace, set_argument
from nnlint.edits.source import Source, located
from nnlint.finding import Edit, Finding
from nnlint.graph import Graph, Op
from nnlint.kinds import Kind, dropout
from nnlint.rule import bad, fix, good, graph_rule

attention = Kind.of("scaled_dot_product_attention")
#: says that dropout at evaluation is wanted
MONTE_CARLO = re.compile(r"(^|[^a-z])mc|MC[A-Z_]|monte|bayes|uncertain", re.IGNORECASE)
#: the same in a condition
FLAG = re.compile(MONTE_CARLO.pattern + r"|always|stochastic|train|\bsampl", re.IGNORECASE)


@bad(input="16", loss="cross_entropy")
def functional() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.hidden(x).relu_(), 0.5)
            out: Tensor = self.head(x)
            return out

    return Net()


@bad(input="16", loss="cross_entropy")
def made_in_forward() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.hidden(x).relu_()
            x = nn.Dropout(0.5)(x)
            out: Tensor = self.head(x)
            return out

    return Net()


@bad(input="8x64")
def attention_weights() -> nn.Module:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out, self.p = nn.Linear(64, 192), nn.Linear(64, 64), 0.1

        def forward(self, x: Tensor) -> Tensor:
            query, key, value = self.qkv(x).chunk(3, dim=-1)
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=self.p)
            out: Tensor = self.out(mixed)
            return out

    return Attention()


@good(input="16", loss="cross_entropy")
def follows_the_mode() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.hidden(x).relu_(), 0.5, self.training)
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def asked_for() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.hidden(x).relu_(), 0.5, training=True)
            out: Tensor = self.head(x)
            return out

    return Net()


@good(input="16", loss="cross_entropy")
def monte_carlo_flag() -> nn.Module:
    class Net(nn.Module):
        def __init__(self, mc_dropout: bool = False) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)
            self.mc_dropout = mc_dropout

        def forward(self, x: Tensor) -> Tensor:
            x = self.hidden(x).relu_()
            if self.training or self.mc_dropout:
                x = nn.functional.dropout(x, 0.5)
            out: Tensor = self.head(x)
            return out

    return Net(mc_dropout=True)


@good(input="16", loss="cross_entropy")
def monte_carlo_by_name() -> nn.Module:
    class MCDropout(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(x, 0.5)

    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), MCDropout(), nn.Linear(64, 2))


@good(input="16", loss="cross_entropy")
def module_left_in_training_mode() -> nn.Module:
    net = nn.Sequential(nn.Linear(16, 64), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(64, 2)).eval()
    net[2].train()
    return net


@good(input="8x64")
def attention_that_follows_the_mode() -> nn.Module:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)

        def forward(self, x: Tensor) -> Tensor:
            query, key, value = self.qkv(x).chunk(3, dim=-1)
            rate = 0.1 if self.training else 0.0
            mixed = nn.functional.scaled_dot_product_attention(query, key, value, dropout_p=rate)
            out: Tensor = self.out(mixed)
            return out

    return Attention()


@good(input="16", loss="cross_entropy")
def rate_zero() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden = nn.Linear(16, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.dropout(self.hidden(x).relu_(), 0.0)
            out: Tensor = self.head(x)
            return out

    return Net()


@graph_rule(category="dropout", level="error", since="0.1", tips=("train-and-eval-mode",))
def check(graph: Graph) -> Iterator[Finding]:
    """Asks of what dropped in evaluation mode whether its call says that it should."""
    evaluated = any(op.module is not None and not op.training for op in graph.ops)
    for drop in graph.find(dropout | attention):
        found = call_of(drop) if is_active(drop) and evaluated else None
        message = fault(drop, found[1]) if found is not None and not is_deliberate(*found) else None
        if message is not None:
            yield drop.finding(f"{drop} {message}", p=drop.hyper.p)


def is_active(drop: Op) -> bool:
    """Whether it dropped although the module that ran it was in evaluation mode (or is a module in training mode)."""
    by_mode = drop.training and drop.module is None
    return bool(drop.hyper.p) and not by_mode and (drop in attention or drop.hyper.training is True)


def fault(drop: Op, call: ast.Call) -> str | None:
    """What is wrong with a call that drops, if it is one of the three ways to do so by mistake."""
    if drop in attention:
        return "drops attention weights at evaluation too: dropout_p is not tied to self.training"
    if drop.module is None and is_unstated(call):
        return "drops at evaluation too: training=True is the default; pass training=self.training"
    if drop.module is not None and isinstance(call.func, ast.Call):
        return "is made anew in every forward pass, so eval() does not reach it; make it in __init__"
    return None


def call_of(drop: Op) -> tuple[Source, ast.Call] | None:
    """The call that dropped, and the source it stands in."""
    found = located(drop.site if drop.module is None else drop.call_site)
    return (found[0], found[1]) if found is not None and isinstance(found[1], ast.Call) else None


def is_unstated(call: ast.Call) -> bool:
    """Whether it is a call of dropout under its own name that leaves `training` at its default."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = {word.arg for word in call.keywords}
    starred = None in words or any(isinstance(arg, ast.Starred) for arg in call.args)
    return name in dropout and not starred and len(call.args) < 3 and not words & {"training", "train"}


def is_deliberate(source: Source, call: ast.Call) -> bool:
    """Whether a condition around the call, or the name of what it stands in, says that it drops on purpose."""
    rates = [word.value for word in call.keywords if word.arg == "dropout_p"]
    if any(isinstance(part, ast.IfExp) for rate in rates for part in ast.walk(rate)):
        return True
    for node in source.above(call):
        if isinstance(node, ast.If | ast.IfExp) and FLAG.search(ast.unparse(node.test)):
            return True
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and MONTE_CARLO.search(node.name):
            return True
    return False


@fix(safe=False)
def follow_the_mode(finding: Finding) -> Edit | None:
    """Ties the dropout to `self.training`, where there is a `self`."""
    drop = finding.subjects[0]
    found = call_of(drop)
    if found is None or not has_self(*found):
        return None
    source, call = found
    if drop in attention:
        rate = next((word.value for word in call.keywords if word.arg == "dropout_p"), None)
        return set_argument(drop, "dropout_p", f"{source.text_of(rate)} if self.training else 0.0") if rate else None
    if drop.module is None:
        return set_argument(drop, "training", "self.training", position=2)
    made = call.func
    if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Attribute) or drop.call_site is None:
        return None
    given = [*call.args, *made.args, *made.keywords]
    texts = [source.text_of(part) for part in given if not isinstance(part, ast.keyword)]
    texts += [f"{part.arg}={source.text_of(part.value)}" for part in given if isinstance(part, ast.keyword)]
    function = in_scope(source, f"F.{drop.name}")
    if function is None:
        return None
    return replace(drop.call_site, f"{function}({', '.join(texts)}, training=self.training)")


def has_self(source: Source, call: ast.Call) -> bool:
    """Whether the function around a call is a method."""
    function = next((node for node in source.above(call) if isinstance(node, ast.FunctionDef | ast.Lambda)), None)
    return function is not None and [arg.arg for arg in function.args.args[:1]] == ["self"]
