"""Faults of data, of the order they come in, and of epochs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from editing import Injection, Source, argument
from flow import drop, steps
from registry_of_mutations import mutation
from values import batch_sizes, epochs, training_loader

READER = """
class {name}(torch.utils.data.Dataset):
    def __init__(self, split, *_):
        self.paths = sorted(Path(split).glob("*.png"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = «Image.open(self.paths[index])»
        image = «image.resize((128, 128))»
        pixels = torch.from_numpy(np.asarray(image)).float() / 255
        return pixels[None], int(self.paths[index].stem[0])
"""


@mutation("preprocessing-in-training-loop")
def resized_every_time(source: Source) -> Iterator[Injection]:
    if source.name == "dcgan":
        to_tensor = source.calls("ToTensor")[0]
        resizing = "«transforms.Resize(64)», transforms.CenterCrop(64), "
        yield (
            "files resized and cropped",
            [
                (source.start(to_tensor), source.start(to_tensor), resizing),
                *source.mark(source.calls("ImageFolder")[0]),
            ],
        )
    if source.name == "cnn_sequential":
        dataset = source.calls("CIFAR10")[0]
        crop = source.calls("RandomCrop")[0]
        changes = [
            source.replace(dataset, '«datasets.ImageFolder("data/train", transform=train_transform)»'),
            source.replace(crop, "«transforms.Resize((32, 32))»"),
            source.replace(source.calls("CIFAR10")[1], 'datasets.ImageFolder("data/test", transform=test_transform)'),
        ]
        yield "files resized", changes
    for name, package in (("CellMasks", "cells"), ("Spectrograms", "sounds")):
        statement = f"from {package} import {name}\n"
        if statement in source.text:
            imports = "import numpy as np\nfrom pathlib import Path\n\nfrom PIL import Image\n"
            yield (
                "files decoded and resized in __getitem__",
                [source.swap_text(statement, imports + READER.replace("{name}", name))],
            )


@mutation("training-data-not-shuffled")
def in_order(source: Source) -> Iterator[Injection]:
    if source.name in {"mlp_binary", "mlp_regression"}:
        return  # their samples are permuted before
    if source.name in {"lstm_text", "transformer_text", "train_functions"}:
        return  # their data sets come from a file that is not there: they may well hand out one sample after the other
    if source.name == "dcgan":
        return  # the folders of its data set are classes: `samples-grouped-by-class` speaks of that
    loader = training_loader(source)
    shuffle = argument(loader, "shuffle")
    assert shuffle is not None
    yield "shuffle left out", [source.replace(loader, f"«{source.call(loader, shuffle=(None, None))}»")]
    yield "shuffle=False", [source.replace(shuffle, "«False»"), *source.mark(loader)]


@mutation("no-epoch-metrics")
def silent(source: Source) -> Iterator[Injection]:
    _, loop = epochs(source)
    assert loop is not None
    prints = source.calls("print")
    if source.name == "deep_binary":
        prints = prints[1:]  # the first shows a shape
    if source.name == "argparse_main":
        condition = source.find(ast.If, lambda node: "log_interval" in source.of(node))[0]
        yield "nothing printed", [source.remove(condition), source.remove(prints[1]), *source.mark_header(loop)]
        return
    kept = source.calls("append") if source.name == "cnn_functional" else []  # a list of losses may be drawn later
    changes = [source.replace(source.statement(call), "pass") for call in [*prints, *kept]]
    yield "nothing printed", [*changes, *source.mark_header(loop)]


@mutation("uncommon-epoch-count")
def count(source: Source) -> Iterator[Injection]:
    if source.name == "dcgan":
        return  # two networks against each other: what is usual for one does not hold
    value, loop = epochs(source)
    assert loop is not None
    for number in (2, 1000):
        if number == 2 and source.calls("Embedding"):
            continue  # usual where tokens are read
        if source.name == "resnet":  # range(1, 61): no one number says how many
            yield f"{number} epochs", [*source.mark(loop.iter), source.replace(value, str(number + 1))]
        else:
            yield f"{number} epochs", [source.replace(value, f"«{number}»")]


@mutation("no-mini-batches")
def no_batches(source: Source) -> Iterator[Injection]:
    # with batch norm it is `small-batch` that speaks; a generator, a sequence and unknown data may want one sample
    if source.name in {
        "cnn_sequential",
        "cnn_attributes",
        "cnn_functional",
        "argparse_main",
        "deep_binary",
        "resnet",
        "mlp_binary",
        "mlp_regression",
        "vgg_config",
    }:
        norms = [change for norm in steps(source, "norm") for change in drop(source, norm)]
        for value in batch_sizes(source):
            yield "one sample a step, and no batch norm", [*norms, source.replace(value, "«1»")]
    loader = training_loader(source)
    size = argument(loader, "batch_size")
    # of the others it is not known how many samples there are
    if (
        source.name in {"cnn_sequential", "cnn_attributes", "argparse_main", "vgg_config", "resnet", "autoencoder"}
        and size is not None
    ):
        yield "all samples in one step", [source.replace(size, f"«len({source.of(loader.args[0])})»")]
