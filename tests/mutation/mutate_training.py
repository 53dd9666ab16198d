"""Faults of the optimiser, of the device and of reproducibility."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Change, Injection, Source, argument, callee
from flow import insert_after, outputs, steps
from registry_of_mutations import mutation
from values import learning_rates, optimizers


def optimizer(source: Source, call: ast.Call, name: str, rest: str) -> Change:
    path = source.of(call.func).removesuffix(callee(call)) + name
    return source.replace(call, f"{path}({source.of(call.args[0])}{rest})")


@mutation("optimizer-needs-tuning")
def plain_descent(source: Source) -> Iterator[Injection]:
    for call in optimizers(source):
        start, end, text = optimizer(source, call, "SGD", ", lr=0.01")
        yield "SGD", [(start, end, f"«{text}»")]


@mutation("adadelta-learning-rate-lowered")
def slow_adadelta(source: Source) -> Iterator[Injection]:
    for call in optimizers(source):
        yield "a rate of 0.001", [optimizer(source, call, "Adadelta", ", lr=«1e-3»")]
        yield "a rate of 0.01", [optimizer(source, call, "Adadelta", ", lr=«0.01»")]


@mutation("learning-rate-out-of-range")
def rate(source: Source) -> Iterator[Injection]:
    descent = source.calls("SGD")
    for value in learning_rates(source):
        for number in ("5.0", "1e-8", "0.0", "-0.1") if descent else ("0.1", "1e-8", "0.0"):
            yield f"a rate of {number}", [source.replace(value, f"«{number}»")]


@mutation("missing-zero-grad")
def never_cleared(source: Source) -> Iterator[Injection]:
    backward = source.calls("backward")
    for index, call in enumerate(source.calls("zero_grad")):
        near = [*source.mark(backward[index]), *source.mark(source.calls("step")[index])]
        yield "zero_grad() left out", [source.remove(call), *near]


@mutation("parameters-not-optimized")
def some_parameters(source: Source) -> Iterator[Injection]:
    for call in optimizers(source):
        given = call.args[0]
        assert isinstance(given, ast.Call) and isinstance(given.func, ast.Attribute)
        network = source.of(given.func.value)
        if source.name == "dcgan":
            other = {"netG": "netD", "netD": "netG"}[network]
            yield "another network's parameters", [source.replace(given, f"«{other}.parameters()»"), *source.mark(call)]
            continue
        for output in outputs(source):
            part = f".{output.attribute}" if output.attribute else "[-1]" if output.chain.owner is None else None
            if part is None:
                continue
            new = f"«{network}{part}.parameters()»"
            yield "the last layer's alone", [source.replace(given, new), *source.mark(call), *source.mark(output.maker)]


def networks(source: Source) -> list[Change]:
    """Where the networks are built or moved, and where the device is chosen."""
    marks: list[Change] = []
    for call in source.calls("to"):
        if isinstance(source.statement(call), ast.Assign | ast.Expr) and _is_network(source, call):
            marks += source.mark(call)
    return marks


def _is_network(source: Source, call: ast.Call) -> bool:
    moved = call.func.value  # type: ignore[attr-defined]
    if isinstance(moved, ast.Call):
        return callee(moved)[0].isupper() and "Loss" not in callee(moved)
    return source.of(moved) in {"model", "net"}


def devices(source: Source) -> list[ast.expr]:
    return [node.value for node in source.find(ast.Assign) if getattr(node.targets[0], "id", "") == "device"]  # type: ignore[attr-defined]


def benchmark(source: Source) -> ast.Assign | None:
    """The statement that turns the search for algorithms on."""
    found = source.find(ast.Assign, lambda node: getattr(node.targets[0], "attr", "") == "benchmark")  # type: ignore[attr-defined]
    return found[0] if found else None  # type: ignore[return-value]


@mutation("cuda-not-used")
def on_the_cpu(source: Source) -> Iterator[Injection]:
    if source.name in {"mlp_binary", "mlp_regression", "autoencoder"}:
        return  # less than a million multiply-accumulates: a GPU would wait for its launches
    for device in devices(source):
        yield "device cpu", [source.replace(device, '«torch.device("cpu")»'), *networks(source)]
    if source.name not in {
        "cnn_sequential",
        "cnn_attributes",
        "cnn_functional",
        "unet",
        "lstm_text",
        "transformer_text",
    }:
        return  # their devices are handed from function to function
    optimizer_calls = [change for call in optimizers(source) for change in source.mark(call)]
    moves = [call for call in source.calls("to") if isinstance(call.func, ast.Attribute)]
    changes: list[Change] = []
    for call in moves:
        value = call.func.value  # type: ignore[attr-defined]
        network = _is_network(source, call)
        changes += [
            *(source.mark(value) if network and isinstance(value, ast.Call) else []),
            (source.end(value), source.end(call), ""),
        ]
    gone = [source.remove(device) for device in devices(source)]
    loop = source.inside(source.calls("backward")[0], ast.For)
    assert isinstance(loop, ast.For)
    yield "nothing moved", [*changes, *gone, *optimizer_calls, *source.mark_header(loop)]


@mutation("cudnn-benchmark-off")
def off(source: Source) -> Iterator[Injection]:
    flag = benchmark(source)
    if flag is not None:
        marks = [change for device in devices(source) for change in source.mark(device)]
        marks += [change for call in optimizers(source) for change in source.mark(call)]
        yield "the flag left out", [source.remove(flag), *marks, *networks(source)]


SEEDS = "torch.manual_seed(0)"


@mutation("benchmark-with-deterministic")
def both(source: Source) -> Iterator[Injection]:
    flag = benchmark(source)
    if flag is None:
        return
    marks = source.mark(flag.value)
    lines = {
        "deterministic": f"{SEEDS}\ntorch.backends.cudnn.deterministic = «True»",
        "deterministic algorithms": f"{SEEDS}\ntorch.use_deterministic_algorithms(«True»)",
    }
    for how, text in lines.items():
        yield how, [*marks, source.after(flag, text)]


@mutation("benchmark-with-varying-shapes")
def varying(source: Source) -> Iterator[Injection]:
    flag = benchmark(source)
    if flag is None or source.name in {"dcgan", "autoencoder", "train_functions", "argparse_main"}:
        return  # a discriminator takes one size, the images are what an autoencoder restores
    call = source.calls("backward")[0]
    loop = source.inside(call, ast.For)
    assert isinstance(loop, ast.For) and isinstance(loop.target, ast.Tuple)
    image = source.of(loop.target.elts[0])
    target = loop.body[0]
    text = f"{image} = «torch.nn.functional.interpolate({image}, size=random.choice([24, 28, 32]))»"
    first = source.tree.body[1]
    yield (
        "images of many sizes",
        [
            source.before(first, "import random"),
            source.before(target, text),
            *source.mark(flag),
            *source.mark(flag.value),
        ],
    )


@mutation("incomplete-determinism")
def half_deterministic(source: Source) -> Iterator[Injection]:
    flag = benchmark(source)
    if flag is None or source.name == "argparse_main":  # which sets a seed
        return
    for how, text in {
        "deterministic without a seed": "«torch.backends.cudnn.deterministic = «True»»",
        "deterministic algorithms without a seed": "«torch.use_deterministic_algorithms(«True»)»",
    }.items():
        yield how, [source.replace(flag, text)]


@mutation("nondeterministic-op")
def raising(source: Source) -> Iterator[Injection]:
    flag = benchmark(source)
    if flag is None:
        return
    seeds = "import random\nimport numpy\nrandom.seed(0)\nnumpy.random.seed(0)"
    lines = f"{seeds}\n{SEEDS}\ntorch.use_deterministic_algorithms(True)"
    lines = lines.replace("\n", f"\n{source.indent(flag)}")
    deterministic = source.replace(flag, lines)
    for pool in steps(source, "global_pool"):
        first = pool.next("linear")
        if first is not None and pool.name != "mean" and pool.chain.outermost:
            width = source.of(first.maker.args[0])
            call = source.of(pool.maker)[: -len(source.of(pool.maker.args[-1])) - 1] + "2)"
            size = [source.replace(pool.maker, f"«{call}»")]
            if pool.name == "adaptive_avg_pool2d":
                size = [source.replace(pool.maker.args[-1], "2"), *source.mark(pool.maker)]
            yield "pooling to 2x2", [deterministic, *size, source.replace(first.maker.args[0], f"4 * {width}")]
    for output in outputs(source):
        if output.kind == "conv" and source.name == "unet":
            upsample = 'nn.Upsample(scale_factor=2, mode="bicubic")'
            yield "bicubic upsampling", [deterministic, *insert_after(source, output, upsample, "{}")]
    for step in steps(source, "conv"):
        inner = step.previous() is not None  # the backward pass does not come to the padding of the image
        if inner and step.use is None and step.chain.outermost and argument(step.maker, "padding") is not None:
            conv = source.call(step.maker, padding=(None, None))
            yield "reflection padding", [deterministic, source.replace(step.maker, f"«nn.ReflectionPad2d(1)», {conv}")]
