"""Faults of the loss and of what it judges."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Change, Injection, Source, argument, callee
from flow import Step, drop, insert_after, outputs, steps
from registry_of_mutations import mutation

FUNCTIONS = {
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "BCELoss": "binary_cross_entropy",
    "MSELoss": "mse_loss",
}


def losses(source: Source, name: str) -> list[ast.Call]:
    """The losses of one kind that train: the constructor, or the call of the function."""
    found = source.calls(name, FUNCTIONS[name])
    return [call for call in found if argument(call, "reduction") is None]  # the others only measure


def judged_by(source: Source, loss: ast.Call) -> list[ast.Call]:
    """Where a loss is called."""
    return [loss] if callee(loss)[0].islower() else source.calls("criterion", "loss_fn")


def other_loss(source: Source, loss: ast.Call, name: str, marked: bool = True) -> Change:
    """Another loss in the same style: a module for a module, a function for a function."""
    function = callee(loss)[0].islower()
    text = f"nn.functional.{FUNCTIONS[name]}" if function and "import torch.nn.functional" not in source.text else ""
    text = text or (f"F.{FUNCTIONS[name]}" if function else f"nn.{name}")
    arguments = ", ".join(source.of(one) for one in loss.args) if function else ""
    new = f"{text}({arguments})"
    return source.replace(loss, f"«{new}»" if marked else new)


def classes(source: Source) -> Iterator[tuple[ast.Call, Step]]:
    """The cross-entropy losses with the output layer that they judge."""
    for loss in losses(source, "CrossEntropyLoss"):
        for output in outputs(source):
            yield loss, output


def logits(source: Source) -> Iterator[tuple[ast.Call, Step]]:
    """The binary losses with the output layer that they judge."""
    for loss in losses(source, "BCEWithLogitsLoss"):
        for output in outputs(source):
            if output.kind != "deconv":
                yield loss, output


def squashed(source: Source, loss: ast.Call, text: str) -> list[Change]:
    """What a loss judges goes through a function first."""
    before, after = text.split("{}")
    return [
        change for call in judged_by(source, loss) for change in source.wrap(call.args[0], f"«{before}", f"{after}»")
    ]


def module_and_loss(source: Source, output: Step, loss: ast.Call, module: str, name: str) -> list[Change]:
    """An activation at the end of the network, and the loss that goes with it."""
    function = {"Sigmoid": "torch.sigmoid({})", "Softmax": "torch.softmax({}, dim=1)"}.get(
        module.partition("(")[0].removeprefix("nn.")
    )
    changes = insert_after(source, output, module, function or "torch.log_softmax({}, dim=1)", marked=False)
    return [*changes, other_loss(source, loss, name)]


@mutation("bce-loss-without-sigmoid")
def raw_scores(source: Source) -> Iterator[Injection]:
    for loss, _ in logits(source):
        yield "no sigmoid", [other_loss(source, loss, "BCELoss")]
        if callee(loss)[0].isupper():
            call = judged_by(source, loss)[0]
            given = ", ".join(source.of(one) for one in call.args)
            yield "a function without sigmoid", [source.replace(call, f"«nn.functional.binary_cross_entropy({given})»")]
    if source.name == "autoencoder":
        sigmoid = next(steps(source, "sigmoid"))
        loss = losses(source, "MSELoss")[0]
        yield "no sigmoid after a decoder", [*drop(source, sigmoid), other_loss(source, loss, "BCELoss")]


@mutation("sigmoid-before-logits-loss")
def sigmoid_twice(source: Source) -> Iterator[Injection]:
    for loss, output in logits(source):
        yield "nn.Sigmoid at the end", insert_after(source, output, "nn.Sigmoid()", "torch.sigmoid({})")
        yield "sigmoid before the loss", squashed(source, loss, "torch.sigmoid({})")


@mutation("softmax-before-cross-entropy")
def softmax_twice(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):
        yield "nn.Softmax at the end", insert_after(source, output, "nn.Softmax(dim=1)", "torch.softmax({}, dim=1)")
        yield "softmax before the loss", squashed(source, loss, "torch.softmax({}, dim=1)")
        yield (
            "nn.LogSoftmax at the end",
            insert_after(source, output, "nn.LogSoftmax(dim=1)", "torch.log_softmax({}, dim=1)"),
        )
        yield "sigmoid before the loss", squashed(source, loss, "torch.sigmoid({})")


@mutation("nll-loss-without-log-softmax")
def likelihood_of_scores(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):
        yield "raw scores", [other_loss(source, loss, "NLLLoss")]
        yield "softmax", module_and_loss(source, output, loss, "nn.Softmax(dim=1)", "NLLLoss")


@mutation("log-softmax-with-nll-loss")
def in_two_steps(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):
        changes = insert_after(source, output, "nn.LogSoftmax(dim=1)", "torch.log_softmax({}, dim=1)")
        measured = [call for call in source.calls("cross_entropy") if call is not loss]  # what only measures goes along
        changes += [source.replace(call.func, "F.nll_loss") for call in measured]
        yield "LogSoftmax and NLLLoss", [*changes, other_loss(source, loss, "NLLLoss")]


@mutation("sigmoid-with-bce-loss")
def probabilities(source: Source) -> Iterator[Injection]:
    if source.name == "dcgan":
        return  # discriminators are left alone
    for loss, output in logits(source):
        changes = insert_after(source, output, "nn.Sigmoid()", "torch.sigmoid({})")
        yield "Sigmoid and BCELoss", [*changes, other_loss(source, loss, "BCELoss")]
        if callee(loss)[0].islower():
            new = "F.binary_cross_entropy(«torch.sigmoid(scores)», labels)"
            yield "sigmoid before the loss", [source.replace(loss, f"«{new}»")]


@mutation("softmax-over-single-unit")
def of_one(source: Source) -> Iterator[Injection]:
    if source.name in {"mlp_binary", "mlp_regression", "deep_binary"}:
        # a loss that takes logits would be wrong in itself, which other rules say
        loss = [other_loss(source, call, "BCELoss", marked=False) for call in losses(source, "BCEWithLogitsLoss")]
        for output in outputs(source):
            for dim in ("1", "-1"):
                changes = insert_after(source, output, f"nn.Softmax(dim={dim})", f"torch.softmax({{}}, dim={dim})")
                yield f"Softmax(dim={dim}) at the end", [*changes, *loss]


@mutation("softmax-over-batch")
def over_samples(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):  # of a softmax before a loss that brings its own, another rule speaks
        changes = insert_after(source, output, "nn.LogSoftmax(dim=0)", "torch.log_softmax({}, dim=0)")
        yield "LogSoftmax(dim=0) at the end", [*changes, other_loss(source, loss, "NLLLoss", marked=False)]
    if source.name == "transformer_text":
        yield "attention over samples", [source.swap_text("scores.softmax(dim=-1)", "«scores.softmax(dim=0)»")]


def one_unit(source: Source, output: Step) -> Change:
    name = "out_channels" if output.kind == "conv" else "out_features"
    return source.replace(output.maker, f"«{source.call(output.maker, **{name: (1, '1')})}»")


@mutation("cross-entropy-on-single-output")
def single_output(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):
        yield "one output unit", [one_unit(source, output), *source.mark(loss)]
    for loss, output in logits(source):
        if source.name != "dcgan":
            yield (
                "cross-entropy for one logit",
                [other_loss(source, loss, "CrossEntropyLoss"), *source.mark(output.maker)],
            )


def one_hot(source: Source, loss: ast.Call) -> list[Change]:
    """The labels as vectors: what somebody does who judges classes by squared errors."""
    return [
        change
        for call in judged_by(source, loss)
        if call is not loss
        for change in source.wrap(call.args[1], "nn.functional.one_hot(", ").float()")
    ]


@mutation("loss-task-mismatch")
def regression_of_classes(source: Source) -> Iterator[Injection]:
    for loss, output in classes(source):
        if callee(loss)[0].islower():
            continue  # its arguments are part of the expression that changes
        for module, name in (("nn.Softmax(dim=1)", "MSELoss"), ("nn.Softmax(dim=1)", "BCELoss")):
            function = "torch.softmax({}, dim=1)"
            changes = insert_after(source, output, module, function)
            yield f"{name} of a softmax", [*changes, other_loss(source, loss, name), *one_hot(source, loss)]


@mutation("loss-task-mismatch")
def squashed_regression(source: Source) -> Iterator[Injection]:
    if source.name == "mlp_regression":  # its targets are standardised: half of them are negative
        loss = losses(source, "MSELoss")[0]
        for module in ("nn.ReLU()", "nn.Sigmoid()", "nn.Tanh()"):
            for output in outputs(source):
                changes = insert_after(source, output, module, "torch.relu({})")
                yield f"{module} at the end", [*changes, *source.mark(loss)]
