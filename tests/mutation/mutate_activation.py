"""Faults of activations."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Injection, Source, argument
from flow import WEIGHTED, Step, drop, given, insert_after, insert_before, outputs, steps
from registry_of_mutations import mutation

#: what may stand between two weighted layers that are one without an activation
LINEAR = {"norm", "layer_norm", "dropout", "flatten", "global_pool"}


def hidden(source: Source) -> Iterator[tuple[Step, Step, Step]]:
    """Activations with the weighted layers before and after them."""
    for step in steps(source, "activation"):
        before, after = step.previous(*WEIGHTED), step.next(*WEIGHTED)
        if step.shared and step.next() is not None:  # of the two calls in a block the first
            before, after = step.previous("conv"), step.next("conv")
        if before is not None and after is not None:
            yield before, step, after


def between(first: Step, second: Step) -> set[str]:
    return {step.kind for step in first.chain.steps[first.index + 1 : second.index]}


@mutation("missing-activation")
def no_activation(source: Source) -> Iterator[Injection]:
    for before, step, after in hidden(source):
        if between(before, after) - LINEAR == {"activation"}:  # max pooling is no linear function
            yield "activation left out", [*drop(source, step), *source.mark(before.maker), *source.mark(after.maker)]
    if source.name == "vgg_config":  # two convolutions of its list follow each other with no pooling between
        step = next(step for step in steps(source, "activation") if step.chain.repeated)
        yield "activation left out of the list", [*drop(source, step), *source.mark(source.calls("Conv2d")[0])]


def instead(source: Source, step: Step, module: str, function: str) -> Injection:
    if step.use is not None and not step.attribute:
        inner = given(step.use)
        assert inner is not None
        before, after = function.split("{}")
        changes = [
            (source.start(step.use), source.start(inner), f"«{before}"),
            (source.end(inner), source.end(step.use), f"{after}»"),
        ]
        return f"{step.name} to {function}", changes
    return f"{step.name} to {module}", [source.replace(step.maker, f"«{module}»")]


@mutation("sigmoid-between-layers")
def sigmoid(source: Source) -> Iterator[Injection]:
    for _, step, _ in hidden(source):
        before = step.previous()
        if before is not None and before.kind != "norm":  # of a normalised input a sigmoid does not saturate
            yield instead(source, step, "nn.Sigmoid()", "torch.sigmoid({})")


@mutation("tanh-between-layers")
def tanh(source: Source) -> Iterator[Injection]:
    # in all places: one tanh among rectifiers squashes one thing on purpose; without norms, which keep its input small;
    # and not in the networks of linear layers, which may be ones of coordinates or of the state of an agent
    if source.name not in {
        "cnn_sequential",
        "cnn_attributes",
        "cnn_functional",
        "argparse_main",
        "deep_binary",
        "vgg_config",
    }:
        return
    changes = [change for norm in steps(source, "norm") for change in drop(source, norm)]
    for step in steps(source, "activation"):
        changes += instead(source, step, "nn.Tanh()", "torch.tanh({})")[1]
    yield "tanh everywhere, and no norm", changes


@mutation("softmax-between-layers")
def softmax(source: Source) -> Iterator[Injection]:
    for _, step, _ in hidden(source):
        if not step.shared:
            yield instead(source, step, "nn.Softmax(dim=1)", "torch.softmax({}, dim=1)")


@mutation("relu-not-inplace")
def out_of_place(source: Source) -> Iterator[Injection]:
    for call in source.calls("ReLU", "relu", "LeakyReLU"):
        if argument(call, "inplace") is not None:
            yield "inplace left out", [source.replace(call, f"«{source.call(call, inplace=(None, None))}»")]


@mutation("unsafe-inplace")
def read_later(source: Source) -> Iterator[Injection]:
    """The input of an activation in place is added to its result: what is added is the result, twice."""
    for step in steps(source, "activation"):
        if step.use is None or step.shared or step.name == "GELU":
            continue
        inner, statement = given(step.use), source.statement(step.use)
        assert inner is not None
        marks = source.mark(step.maker)
        if isinstance(inner, ast.Name):
            end = source.end(step.use)
            yield "input read after it", [*marks, (end, end, f" + {inner.id}")]
        else:
            start, end = source.start(step.use), source.end(step.use)
            text = source.text[start : source.start(inner)] + "before" + source.text[source.end(inner) : end]
            changes = [source.before(statement, f"before = {source.of(inner)}"), (start, end, f"«{text}» + before")]
            yield "input read after it", changes


@mutation("unsafe-inplace")
def on_a_saved_result(source: Source) -> Iterator[Injection]:
    """The backward pass of a sigmoid, a softmax and a tanh needs the result that is overwritten."""
    for step in steps(source, "activation"):
        if step.shared or argument(step.maker, "inplace") is None:
            continue
        # one of the three each, so that all are tried
        name = ("Sigmoid()", "Softmax(dim=1)", "Tanh()")[step.index % 3]
        if step.use is not None and not step.attribute:
            inner = given(step.use)
            assert inner is not None
            yield "after torch.sigmoid", [*source.mark(step.maker), *source.wrap(inner, "torch.sigmoid(", ")")]
        else:
            changes = insert_before(source, step, f"nn.{name}", marked=False)
            if step.attribute:  # both stand at the place of the activation: its mark comes first
                changes = [*source.mark(step.maker), *changes]
                yield f"after nn.{name}", changes
            else:
                yield f"after nn.{name}", [*changes, *source.mark(step.maker)]
    if source.name == "autoencoder":
        yield (
            "scaled in place",
            [source.swap_text("return self.decoder(code)", "return «self.decoder(code).mul_(255)»")],
        )


@mutation("redundant-activation")
def twice(source: Source) -> Iterator[Injection]:
    for step in steps(source, "activation"):
        if step.name in {"ReLU", "relu"} and not step.shared:
            changes = insert_after(source, step, "nn.ReLU(inplace=True)", "torch.relu({})")
            yield (
                "ReLU after ReLU",
                [*source.mark(step.maker), *changes] if step.use is None or step.attribute else changes,
            )
    for step in steps(source, "sigmoid"):
        yield "ReLU after sigmoid", insert_after(source, step, "nn.ReLU()", "torch.relu({})")
        yield "sigmoid after sigmoid", insert_after(source, step, "nn.Sigmoid()", "torch.sigmoid({})")


@mutation("activation-on-logits")
def on_logits(source: Source) -> Iterator[Injection]:
    losses = ("CrossEntropyLoss", "cross_entropy", "BCEWithLogitsLoss", "binary_cross_entropy_with_logits")
    if not source.calls(*losses):
        return
    for step in outputs(source):
        if step.kind == "deconv":
            continue  # the picture that a generator returns is no logit
        yield "ReLU after the output", insert_after(source, step, "nn.ReLU()", "torch.relu({})")
        yield "LeakyReLU after the output", insert_after(source, step, "nn.LeakyReLU(0.1)", "torch.relu({})")
