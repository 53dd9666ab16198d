"""Faults of normalisation, dropout and the modes of both."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Change, Injection, Source, argument, callee, constant
from flow import drop, given, insert_after, insert_before, outputs, steps, swap
from registry_of_mutations import mutation
from values import batch_sizes


@mutation("no-normalisation")
def none_at_all(source: Source) -> Iterator[Injection]:
    # the others have fewer than six convolutions and eight weighted layers
    if source.name not in {"resnet", "unet", "transformer_text", "vgg_config"}:
        return
    changes = [change for step in steps(source, "norm", "layer_norm") for change in drop(source, step)]
    if source.name == "transformer_text":
        changes = [
            *(source.remove(call) for call in source.calls("LayerNorm")),
            source.swap_text("self.norm1(x)", "x"),
            source.swap_text("self.norm2(x)", "x"),
            source.swap_text("self.norm(x)", "x"),
        ]
    if source.name == "vgg_config":
        changes.append(source.swap_text('256, 256, "M", 512', '256, 256, 256, "M", 512'))
    every = [change for call in source.calls("Conv2d", "ConvTranspose2d", "Linear") for change in source.mark(call)]
    yield "every norm left out", [*changes, *every]


@mutation("norm-after-activation")
def late_norm(source: Source) -> Iterator[Injection]:
    for norm in steps(source, "norm"):
        activation = norm.next()
        if activation is None or activation.kind != "activation" or (norm.use is not None and activation.shared):
            continue
        changes = swap(source, norm, activation)
        if norm.use is not None:
            yield "norm and activation swapped", [*changes, *source.mark(norm.maker)]
        else:
            yield (
                "norm and activation swapped",
                [(start, end, f"«{text}»" if "Norm" in text else text) for start, end, text in changes],
            )


@mutation("norm-at-output")
def last_norm(source: Source) -> Iterator[Injection]:
    for output in outputs(source):
        width = source.of(output.maker.args[1])
        if output.kind == "deconv" or source.name == "autoencoder":
            continue  # followed by a tanh or a sigmoid
        norm = f"nn.BatchNorm{2 if output.kind == 'conv' else 1}d({width})"
        yield "batch norm at the end", insert_after(source, output, norm, "{}")


@mutation("small-batch")
def small(source: Source) -> Iterator[Injection]:
    if source.calls("BatchNorm1d", "BatchNorm2d"):
        for value in batch_sizes(source):
            for size in (8, 4, 32):
                yield f"batches of {size}", [source.replace(value, f"«{size}»")]


@mutation("single-value-batch-norm")
def one_value(source: Source) -> Iterator[Injection]:
    """With one sample, batch norm over features sees one value of each."""
    for value in batch_sizes(source):
        for flatten in steps(source, "flatten"):
            last = flatten.next("linear")
            if last is not None and flatten.chain.outermost:
                width = source.of(last.maker.args[0])
                changes = insert_before(source, last, f"nn.BatchNorm1d({width})")
                yield "batch norm of one vector", [*changes, source.replace(value, "«1»")]
        if source.name == "mlp_binary":
            norm = next(steps(source, "norm"))
            yield "batches of one", [source.replace(value, "«1»"), *source.mark(norm.maker)]


@mutation("bias-before-batch-norm")
def biased(source: Source) -> Iterator[Injection]:
    for call in source.calls("Conv2d", "Linear", "ConvTranspose2d"):
        if constant(argument(call, "bias")) is False and _normalised(source, call):
            yield "bias=False left out", [source.replace(call, f"«{source.call(call, bias=(None, None))}»")]


def _normalised(source: Source, call: ast.Call) -> bool:
    """Whether batch norm follows: not after the first and last layer of a discriminator and the last of a generator."""
    for step in steps(source, "conv", "linear", "deconv"):
        if step.maker is call:
            following = step.next()
            return following is not None and following.kind == "norm"
    return False


@mutation("batch-norm-shared")
def shared(source: Source) -> Iterator[Injection]:
    if source.name == "resnet":
        first, second = (
            source.swap_text("self.bn2(self.conv2(out))", "self.bn1(self.conv2(out))"),
            source.calls("BatchNorm2d"),
        )
        yield "one norm for both convolutions", [first, source.remove(second[1]), *source.mark(second[0])]
    if source.name == "cnn_attributes":
        changes = [
            source.swap_text("nn.Conv2d(32, 64,", "nn.Conv2d(32, 32,"),
            source.swap_text("nn.Conv2d(64, 128,", "nn.Conv2d(32, 128,"),
            source.swap_text("x = self.bn2(x)", "x = self.bn1(x)"),
            source.remove(source.calls("BatchNorm2d")[1]),
            *source.mark(source.calls("BatchNorm2d")[0]),
        ]
        yield "one norm for two convolutions", changes
    if source.name == "cnn_functional":
        changes = [
            source.swap_text("nn.Conv2d(32, 64,", "nn.Conv2d(32, 32,"),
            source.swap_text("nn.Conv2d(64, 128,", "nn.Conv2d(32, 128,"),
            source.swap_text("self.norm2(self.conv2(x))", "self.norm1(self.conv2(x))"),
            source.remove(source.calls("BatchNorm2d")[1]),
            *source.mark(source.calls("BatchNorm2d")[0]),
        ]
        yield "one norm for two convolutions", changes
    if source.name == "mlp_regression":
        changes = [source.after(source.calls("Linear")[2], "self.norm = «nn.BatchNorm1d(hidden)»")]
        for name in ("fc1", "fc2", "fc3"):
            changes.append(source.swap_text(f"self.{name}(x)", f"self.norm(self.{name}(x))"))
        yield "one norm for three layers", changes


@mutation("dropout-before-batch-norm")
def early_dropout(source: Source) -> Iterator[Injection]:
    for norm in steps(source, "norm"):
        before = norm.previous()
        if before is not None and before.kind in {"conv", "linear", "deconv"}:
            changes = insert_after(
                source, before, "nn.Dropout(0.3)", "nn.functional.dropout({}, 0.3, self.training)", marked=False
            )
            yield "dropout straight before", [*changes, *source.mark(norm.maker)]


@mutation("dropout-before-batch-norm")
def dropout_in_the_block_before(source: Source) -> Iterator[Injection]:
    for activation in steps(source, "activation"):
        norm = activation.next("norm")
        if norm is None or activation.shared or activation.chain is not norm.chain:
            continue
        function = "nn.functional.dropout({}, 0.3, self.training)"
        changes = insert_after(source, activation, "nn.Dropout(0.3)", function, marked=False)
        yield "dropout before the layer before", [*changes, *source.mark(norm.maker)]


@mutation("uncommon-dropout-rate")
def rate(source: Source) -> Iterator[Injection]:
    for step in steps(source, "dropout"):
        call = step.maker
        position = 0 if callee(call) == "Dropout" else 1
        for value in ("0.05", "0.7", "0.9", "1.0"):
            given_rate = argument(call, "p", position)
            if isinstance(given_rate, ast.Constant):
                yield f"p={value}", [source.replace(call, f"«{source.call(call, p=(position, value))}»")]
            elif source.name == "transformer_text":
                yield f"p={value}", [source.swap_text("dropout=0.1", f"dropout={value}"), *source.mark(call)]
            else:
                option = source.swap_text(
                    '"--dropout", type=float, default=0.25', f'"--dropout", type=float, default=«{value}»'
                )
                yield f"p={value}", [option, *source.mark(call)]


@mutation("dropout-always-on")
def always_on(source: Source) -> Iterator[Injection]:
    for step in steps(source, "dropout"):
        if step.use is not None and not step.attribute:
            yield "training= left out", [source.replace(step.use, f"«{source.call(step.use, training=(2, None))}»")]
        elif step.attribute:
            inner = given(step.use)  # type: ignore[arg-type]
            assert inner is not None
            new = f"nn.functional.dropout({source.of(inner)}, 0.5)"
            yield "a function with no mode", [source.remove(step.maker), source.replace(step.use, f"«{new}»")]  # type: ignore[arg-type]


@mutation("dropout-always-on")
def function_added(source: Source) -> Iterator[Injection]:
    for step in steps(source, "activation", "flatten"):
        if step.use is not None and not step.shared:
            yield "a function added", source.wrap(step.use, "«nn.functional.dropout(", ", 0.5)»")


@mutation("dropout-at-output")
def last_dropout(source: Source) -> Iterator[Injection]:
    for output in outputs(source):
        if output.kind == "linear":
            function = "nn.functional.dropout({}, 0.5, self.training)"
            yield "nn.Dropout at the end", insert_after(source, output, "nn.Dropout(0.5)", function)
            if output.use is not None:
                yield (
                    "F.dropout at the end",
                    source.wrap(output.use, "«nn.functional.dropout(", ", 0.5, self.training)»"),
                )


def mode_calls(source: Source, name: str) -> list[ast.Call]:
    return [call for call in source.calls(name) if not call.args]


@mutation("missing-eval-mode")
def no_eval(source: Source) -> Iterator[Injection]:
    if source.name == "mlp_regression":
        return  # it has neither dropout nor batch norm
    for call in mode_calls(source, "eval"):
        yield "eval() left out", [source.remove(call), *_evaluation(source)]


@mutation("missing-train-mode")
def no_train(source: Source) -> Iterator[Injection]:
    if source.name in {"mlp_regression", "dcgan"}:
        return  # no mode matters, or none is set
    for call in mode_calls(source, "train"):
        ends = [change for one in mode_calls(source, "eval") for change in source.mark(one)]
        yield "train() left out", [source.remove(call), *ends, *_training(source)]


def _evaluation(source: Source) -> list[Change]:
    """The headers of the loops that call the network without backward()."""
    return _in_loops(source, training=False)


def _training(source: Source) -> list[Change]:
    return _in_loops(source, training=True)


def _in_loops(source: Source, *, training: bool) -> list[Change]:
    marks: list[Change] = []
    for loop in source.find(ast.For):
        inner = [node for node in ast.walk(loop) if isinstance(node, ast.For) and node is not loop]
        networks = source.calls("model", "net", within=loop)
        if inner or not networks or bool(source.calls("backward", within=loop)) is not training:
            continue
        marks += source.mark_header(loop)  # type: ignore[arg-type]
    return marks
