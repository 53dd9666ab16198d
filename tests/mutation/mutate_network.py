"""Faults of a network that its text does not show: shapes, modules that are not used or not known, gradients."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Change, Injection, Source
from flow import WEIGHTED, call_with, chains, given, steps
from registry_of_mutations import mutation

#: scripts whose input is stated by a data set or by a call
WITH_INPUT = {
    "argparse_main",
    "autoencoder",
    "cnn_attributes",
    "cnn_functional",
    "cnn_sequential",
    "deep_binary",
    "resnet",
    "vgg_config",
}


@mutation("shape-mismatch")
def wrong_width(source: Source) -> Iterator[Injection]:
    for step in steps(source, "linear", "norm", "conv"):
        before = step.previous(*WEIGHTED)
        if source.name not in WITH_INPUT or before is None or step.chain.repeated:
            continue  # with a guessed input, a first layer of any width is right
        position = step.maker.args[0]
        name = {"linear": "in_features", "conv": "in_channels", "norm": "num_features"}[step.kind]
        wrong = source.call(step.maker, **{name: (0, f"{source.of(position)} + 8")})
        yield f"{step.kind} 8 too wide", [source.replace(step.maker, f"«{wrong}»")]


@mutation("shape-mismatch")
def not_pooled(source: Source) -> Iterator[Injection]:
    """The global pooling is forgotten: what is flattened is too wide for the layer behind it."""
    for pool in steps(source, "global_pool"):
        last = pool.next("linear")
        if source.name in WITH_INPUT and last is not None and pool.use is None and pool.chain.outermost:
            start = source.start(pool.maker)
            end = source.end(pool.maker) + 1
            yield "no pooling before flatten", [(start, end, ""), *source.mark(last.maker)]


def constructors(source: Source) -> Iterator[ast.FunctionDef]:
    """The ``__init__`` of every class with a forward method."""
    for node in source.find(ast.ClassDef):
        methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}  # type: ignore[attr-defined]
        if "forward" in methods and "__init__" in methods:
            yield methods["__init__"]


@mutation("unused-module")
def never_called(source: Source) -> Iterator[Injection]:
    for init in constructors(source):
        yield "a layer that is not called", [source.after(init.body[-1], "self.extra = «nn.Linear(64, 64)»")]
    for step in steps(source, "norm", "layer_norm"):
        if step.use is not None and not step.shared:
            inner = given(step.use)
            assert inner is not None
            yield "a norm that is not called", [source.replace(step.use, source.of(inner)), *source.mark(step.maker)]


@mutation("unregistered-module")
def in_a_list(source: Source) -> Iterator[Injection]:
    for step in steps(source, "linear", "conv", "norm", "layer_norm", "recurrent"):
        if step.use is None or step.shared:
            continue
        changes: list[Change] = [*source.wrap(step.maker, "«[«", "»]»")]
        function = step.use.func
        yield "a list of one layer", [*changes, (source.end(function), source.end(function), "[0]")]
    if source.name == "transformer_text":
        call = source.calls("ModuleList")[0]
        inner = source.find(ast.ListComp, lambda node: source.parents[node] is call)[0]
        layers = source.of(inner).replace("Layer(config.width, config.heads)", "«Layer(config.width, config.heads)»")
        yield "a list instead of a ModuleList", [source.replace(call, f"«{layers}»")]
    if source.name == "resnet":
        block = source.calls("Block")[0]
        changes = [
            source.swap_text("nn.Sequential(*stages)", "«stages»"),
            source.swap_text(
                "        x = self.stages(x)\n", "        for stage in self.stages:\n            x = stage(x)\n"
            ),
            *source.mark(block),
        ]
        yield "a list instead of a Sequential", changes


@mutation("no-gradient-path")
def cut(source: Source) -> Iterator[Injection]:
    for chain in chains(source):
        for step in chain.steps:
            if step.use is None or step.previous(*WEIGHTED, "opaque") is None or not chain.outermost:
                continue
            yield "detach()", [*source.wrap(step.use, "«", ".detach()»")]
            yield ".data", [*source.wrap(step.use, "«", ".data»")]
            return


@mutation("no-gradient-path")
def in_no_grad(source: Source) -> Iterator[Injection]:
    for step in steps(source, *WEIGHTED):
        following = step.next(*WEIGHTED)
        if step.use is None or step.chain.owner is None or not step.chain.outermost or following is None:
            continue
        statement = source.statement(step.use)
        start, end = source.start(statement), source.end(statement)
        text = source.of(statement).replace(source.of(step.use), f"«{source.of(step.use)}»")
        new = f"with torch.no_grad():\n{source.indent(statement)}    {text}"
        yield "no_grad() in forward", [(start, end, new), *source.mark(step.maker)]
        return


@mutation("batch-mixed")
def mixed(source: Source) -> Iterator[Injection]:
    for step in steps(source, "flatten"):
        following = step.next("linear")
        if step.use is None or following is None:
            continue
        width = {
            "cnn_attributes": "128",
            "argparse_main": "128",
            "cnn_functional": "128",
            "resnet": "128",
            "vgg_config": "512",
        }[source.name]
        inner = given(step.use)
        assert inner is not None
        new = f"«{source.of(inner)}.reshape({width}, -1)».t()"
        changes = [source.replace(step.use, new)]
        if step.attribute:
            changes.append(source.remove(step.maker))
        yield "channels first", changes
    if source.name == "lstm_text":
        changes = [
            source.swap_text(
                "last = torch.cat([hidden[-2], hidden[-1]], dim=1)", "last = «hidden.view(tokens.size(0), -1)»"
            ),
        ]
        yield "directions first", changes
    if source.name == "transformer_text":
        old = "mixed.transpose(1, 2).reshape(batch, length, width)"
        yield "length first", [source.swap_text(old, "«mixed.reshape(length, batch, width)».transpose(0, 1)")]
        old = "q.view(batch, length, self.heads, width // self.heads).transpose(1, 2)"
        yield (
            "heads first",
            [source.swap_text(old, "«q.view(self.heads, batch, length, width // self.heads)».transpose(0, 1)")],
        )


@mutation("dead-branch")
def unused_result(source: Source) -> Iterator[Injection]:
    for node in source.find(ast.ClassDef):
        forward = next((item for item in node.body if getattr(item, "name", "") == "forward"), None)  # type: ignore[attr-defined]
        for statement in forward.body if forward is not None else []:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                # given a name, it has to cost something: a leftover that costs nothing is no fault
                yield "a value thrown away", [source.after(statement, f"«torch.tanh({name})»")]
    for step in steps(source, *WEIGHTED):
        if step.use is not None:
            text = source.of(step.use)
            yield "a layer whose result nothing reads", [source.before(step.use, f"unused = «{text}»")]


@mutation("network-not-built")
def wrong_argument(source: Source) -> Iterator[Injection]:
    for step in steps(source, "conv"):
        if source.of(step.maker.args[0]) not in {"1", "3"}:
            wrong = source.call(step.maker, groups=(6, "7"))
            yield "channels not divisible by groups", [source.replace(step.maker, f"«{wrong}»")]
    for step in steps(source, "norm"):
        width = source.of(step.maker.args[0])
        yield "GroupNorm not divisible", [source.replace(step.maker, f"«nn.GroupNorm(7, {width})»")]
    for step in steps(source, "dropout"):
        if step.name == "Dropout":
            yield "a rate above one", [source.replace(step.maker, "«nn.Dropout(1.5)»")]
    for step in steps(source, "linear"):
        yield (
            "an argument left out",
            [source.replace(step.maker, f"«{source.call(step.maker, out_features=(1, None))}»")],
        )


@mutation("network-not-traced")
def raises(source: Source) -> Iterator[Injection]:
    for step in steps(source, "linear", "activation", "norm", "flatten"):
        if step.use is None or step.shared:
            continue
        inner = given(step.use)
        assert inner is not None
        text = source.of(inner)
        yield "an attribute that is not there", [source.replace(step.use, f"«self.missing»({text})")]
        yield "a name that is not there", [source.replace(step.use, f"«scaled»({text})")]
        yield (
            "a method that is not there",
            [source.replace(step.use, call_with(source, step, f"«{_bracketed(inner, text)}.forward_pass»()"))],
        )
        return


def _bracketed(node: ast.AST, text: str) -> str:
    return text if isinstance(node, ast.Name | ast.Call) else f"({text})"


@mutation("import-failed")
def not_installed(source: Source) -> Iterator[Injection]:
    # a package that there is not: the network is built from one of its classes
    for step in steps(source, "norm", "layer_norm"):
        first = source.tree.body[1]
        width = source.of(step.maker.args[0])
        for statement, name in (
            ("«from layers_of_mine import «FilterNorm»»", "FilterNorm"),
            ("«import «layers_of_mine»»", "layers_of_mine.FilterNorm"),
        ):
            yield (
                statement.replace("«", "").replace("»", ""),
                [source.before(first, statement), source.replace(step.maker, f"{name}({width})")],
            )
        return


@mutation("unused-ignore")
def ignores_nothing(source: Source) -> Iterator[Injection]:
    for step in steps(source, *WEIGHTED):
        end = source.text.index("\n", source.end(step.maker))
        yield "an ignore behind a layer", [(end, end, "  «# nnlint: ignore[dropout-at-output]»")]
