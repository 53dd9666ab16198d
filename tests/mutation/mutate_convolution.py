"""Faults of convolutions, pooling and depth."""

from __future__ import annotations

from collections.abc import Iterator

from editing import Change, Injection, Source, argument, constant
from flow import Step, chains, drop, insert_before, steps
from registry_of_mutations import mutation

KERNEL, STRIDE, PADDING = 2, 3, 4  # positions in nn.Conv2d


def convolutions(source: Source, *, straight: bool = False) -> Iterator[Step]:
    """The 3x3 convolutions. ``straight``: those alone whose map may change: nothing is added or concatenated to it."""
    for step in steps(source, "conv"):
        if constant(argument(step.maker, "kernel_size", KERNEL)) != 3:
            continue
        # of a block, the maps meet those of a shortcut or of the other half of a U-Net
        if not straight or step.chain.outermost or source.name == "train_functions":
            yield step


def reshaped(source: Source, step: Step, kernel: int, padding: int | None, stride: int | None = None) -> Change:
    sizes: dict[str, tuple[int | None, str | None]] = {"kernel_size": (KERNEL, str(kernel))}
    sizes["padding"] = (PADDING, None if padding is None else str(padding))
    if stride is not None:
        sizes["stride"] = (STRIDE, str(stride))
    return source.replace(step.maker, f"«{source.call(step.maker, **sizes)}»")


def strided(step: Step) -> bool:
    return argument(step.maker, "stride", STRIDE) is not None


@mutation("conv-kernel-not-3x3")
def large_kernel(source: Source) -> Iterator[Injection]:
    for step in convolutions(source):
        yield "3x3 to 5x5", [reshaped(source, step, 5, 2)]
        if step.previous("conv") is None:  # further on, a kernel of 7 may cover the whole map
            yield "3x3 to 7x7", [reshaped(source, step, 7, 3)]


@mutation("conv-without-padding")
def no_padding(source: Source) -> Iterator[Injection]:
    # not in vgg_config: without padding its maps shrink to nothing, and the forward pass raises
    for step in convolutions(source, straight=True):
        yield "padding left out", [reshaped(source, step, 3, None)]


@mutation("conv-kernel-even")
def even_kernel(source: Source) -> Iterator[Injection]:
    for step in convolutions(source, straight=True):
        if not strided(step):  # 4/2/1 halves a map exactly
            yield "3x3 to 4x4", [reshaped(source, step, 4, 2)]
            yield "3x3 to 2x2", [reshaped(source, step, 2, 1)]


@mutation("conv-stride-skips-pixels")
def long_stride(source: Source) -> Iterator[Injection]:
    for step in convolutions(source, straight=True):
        # made four times, the map is at its end before the last layer; the code of an autoencoder would get too small
        if source.name not in {"train_functions", "autoencoder"}:
            yield "1x1 with a stride of 2", [reshaped(source, step, 1, None, 2)]
            if step.previous("conv") is None:
                yield "3x3 with a stride of 4", [reshaped(source, step, 3, 1, 4)]


@mutation("conv-on-collapsed-map")
def collapsed_map(source: Source) -> Iterator[Injection]:
    for step in convolutions(source, straight=True):
        if step.previous("conv") is None or source.name in {"autoencoder", "train_functions"}:
            continue  # the first one would see one pixel of the image; a decoder needs its map
        if not step.next("pool"):
            # a map of 2x2 is no fault: each of the nine weights sees a pixel somewhere
            for pool in ("nn.AdaptiveAvgPool2d(1)", "nn.AdaptiveMaxPool2d(1)"):
                changes = insert_before(source, step, pool, marked=False)
                marks = source.mark(step.maker)
                yield f"{pool} before a 3x3", [*marks, *changes] if step.use is not None else [*changes, *marks]


@mutation("flatten-into-large-linear")
def large_linear(source: Source) -> Iterator[Injection]:
    for pool in steps(source, "global_pool"):
        first = pool.next("linear")
        if first is None or pool.name == "mean" or not pool.chain.outermost:
            continue
        second = first.next("linear")
        width = source.of(first.maker.args[0])
        if second is None and first.use is not None:
            continue  # straight into ten classes: less than a million parameters
        size = pool.maker.args[-1]
        changes: list[Change] = [source.replace(size, "(7, 7)")]
        large = f"«nn.Linear({width} * 49, 1024)»"
        if second is None:
            classes = source.of(first.maker.args[1])
            changes.append(source.replace(first.maker, f"{large}, nn.ReLU(inplace=True), nn.Linear(1024, {classes})"))
        else:
            classes = source.of(second.maker.args[1])
            changes += [source.replace(first.maker, large), source.replace(second.maker, f"nn.Linear(1024, {classes})")]
        yield "a map of 7x7 into a hidden layer of 1024", changes


@mutation("average-pool-downsampling")
def average_pool(source: Source) -> Iterator[Injection]:
    for call in source.calls("MaxPool2d", "max_pool2d"):
        text = source.of(call).replace("MaxPool2d", "AvgPool2d").replace("max_pool2d", "avg_pool2d")
        yield "max pooling to average pooling", [source.replace(call, f"«{text}»")]


@mutation("no-downsampling")
def no_downsampling(source: Source) -> Iterator[Injection]:
    # cnn_attributes, cnn_functional and argparse_main have but three convolutions; a U-Net and an autoencoder need maps
    # of train_functions nobody says how large the images are. The finding may stand at a layer that could make the map
    # smaller, or where the map arrives as large as it was
    every = [change for call in source.calls("Conv2d", "AdaptiveAvgPool2d", "mean") for change in source.mark(call)]
    if source.name in {"cnn_sequential", "deep_binary"}:
        changes = [change for step in steps(source, "pool") for change in drop(source, step)]
        if source.name == "deep_binary":
            changes.append(source.swap_text("stride=2, ", ""))
        yield "no pooling and no stride", [*changes, *every]
    if source.name == "vgg_config":
        yield (
            "no pooling",
            [source.swap_text('64, "M", 128, "M", 256, 256, "M", 512', "64, 128, 256, 256, 512"), *every],
        )
    if source.name == "resnet":
        yield "no stride", [source.swap_text("2 if stage > 0 and index == 0 else 1", "1"), *every]


@mutation("channels-shrink-with-resolution")
def shrinking(source: Source) -> Iterator[Injection]:
    for step in convolutions(source, straight=True):
        norm, last = step.next("norm"), step.next("linear")
        halved = step.previous("pool") is not None and step.next("conv") is None
        if not halved or norm is None or last is None or source.name in {"autoencoder", "train_functions"}:
            continue
        narrow = source.call(step.maker, out_channels=(1, "16"))
        yield (
            "16 channels after the last down-sampling",
            [
                source.replace(step.maker, f"«{narrow}»"),
                source.replace(norm.maker.args[0], "16"),
                source.replace(last.maker.args[0], "16"),
            ],
        )
    if source.name == "vgg_config":
        conv = source.calls("Conv2d")[0]
        changes = [
            source.swap_text('256, "M", 512]', '256, "M", 64]'),
            source.swap_text("nn.Linear(512", "nn.Linear(64"),
        ]
        yield "64 channels after 256", [*changes, *source.mark(conv)]
    if source.name == "train_functions":
        conv = source.calls("Conv2d")[0]
        widths = ("1, 32)", "32, 64)", "64, 128)", "128, 256)")
        changed = [
            source.swap_text(f"conv_block({old}", f"conv_block({new}")
            for old, new in zip(widths, ("1, 256)", "256, 128)", "128, 64)", "64, 32)"), strict=True)
        ]
        yield (
            "fewer channels in every stage",
            [*changed, source.swap_text("Linear(256, 128)", "Linear(32, 128)"), *source.mark(conv)],
        )
    if source.name == "resnet":
        yield "narrower stages", [source.swap_text("(32, 64, 128)", "(128, 64, 32)"), *_block_convolutions(source)]


def _block_convolutions(source: Source) -> list[Change]:
    return [change for call in source.calls("Conv2d") for change in source.mark(call)]


@mutation("plain-stack-too-deep")
def too_deep(source: Source) -> Iterator[Injection]:
    for chain in chains(source):
        conv = next((step for step in reversed(chain.steps) if step.kind == "conv"), None)
        if (
            conv is not None
            and chain.outermost
            and conv.use is None
            and source.name in {"cnn_sequential", "argparse_main", "deep_binary"}
        ):
            activation = conv.next("activation")
            assert activation is not None
            width = source.of(conv.maker.args[1])
            more = (
                f"*[layer for _ in range(20) for layer in («nn.Conv2d({width}, {width}, 3, padding=1, bias=False)», "
                f"nn.BatchNorm2d({width}), nn.ReLU(inplace=True))]"
            )
            position = source.end(activation.maker)
            yield "20 more convolutions", [(position, position, f", {more}"), *_block_convolutions(source)]
    if source.name == "vgg_config":
        config = '[64] * 7 + ["M"] + [128] * 7 + ["M"] + [256] * 7 + [512]'
        yield (
            "22 convolutions",
            [source.swap_text('[64, "M", 128, "M", 256, 256, "M", 512]', config), *_block_convolutions(source)],
        )
    if source.name == "resnet":
        changes = [
            source.swap_text("        out = out + self.shortcut(x)\n", ""),
            source.swap_text("(2, 2, 2)", "(4, 4, 4)"),
        ]
        start, end = (
            source.text.index("        self.shortcut = nn.Sequential()"),
            source.text.index("    def forward(self, x):\n        out"),
        )
        yield (
            "no shortcuts",
            [
                *changes,
                (start, end, "\n"),
                *[c for call in source.calls("Conv2d")[:2] + source.calls("Conv2d")[3:] for c in source.mark(call)],
            ],
        )
    if source.name == "mlp_binary":
        last = source.calls("Linear")[-1]
        more = "*[layer for _ in range(12) for layer in («nn.Linear(32, 32)», nn.ReLU(inplace=True))]"
        norm = next(steps(source, "norm"))
        every = [change for call in source.calls("Linear")[1:] for change in source.mark(call)]
        first = source.replace(source.calls("Linear")[0], "«nn.Linear(24, 64)»")
        yield (
            "14 layers without any norm",
            [first, *drop(source, norm), (source.start(last), source.start(last), f"{more}, "), *every],
        )


@mutation("post-activation-residual")
def very_deep(source: Source) -> Iterator[Injection]:
    if source.name == "resnet":
        for blocks in ("(18, 18, 18)", "(30, 15, 10)"):
            relu = source.calls("ReLU")[0]  # that of the block
            yield f"blocks {blocks}", [source.swap_text("(2, 2, 2)", blocks), *source.mark(relu)]
