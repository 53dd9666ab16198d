"""Data sets and transforms that a file names, and the shape of the samples they give."""

from __future__ import annotations

from collections.abc import Iterator

from nnlint.script.model import InputHint, InputSpec
from nnlint.script.spans import Spans
from nnlint.script.values import Known, Made, Sequence, Tensor, Value, plain_value

Shape = tuple[int, int, int]

#: data sets of images of one size, by the last part of their names
_SHAPES: dict[str, Shape] = {
    "MNIST": (1, 28, 28),
    "FashionMNIST": (1, 28, 28),
    "KMNIST": (1, 28, 28),
    "EMNIST": (1, 28, 28),
    "QMNIST": (1, 28, 28),
    "USPS": (1, 16, 16),
    "CIFAR10": (3, 32, 32),
    "CIFAR100": (3, 32, 32),
    "SVHN": (3, 32, 32),
    "STL10": (3, 96, 96),
    "LSUN": (3, 256, 256),
    "PCAM": (3, 96, 96),
}
#: data sets of images of many sizes: what they give is known once a transform fixes the size
_COLOUR = frozenset(
    {"ImageFolder", "ImageNet", "Caltech101", "Caltech256", "Flowers102", "Food101", "OxfordIIITPet", "CelebA"}
    | {"StanfordCars", "FGVCAircraft", "DTD", "Places365", "EuroSAT", "GTSRB", "Imagenette", "Country211", "SUN397"}
)
#: transforms that fix the size of what they are given
_SIZING = frozenset({"Resize", "CenterCrop", "RandomCrop", "RandomResizedCrop", "FiveCrop", "TenCrop", "Pad"})
_TRANSFORM_PACKAGES = ("torchvision.transforms.", "albumentations.", "kornia.augmentation.", "monai.transforms.")


def dataset_hint(made: Made, spans: Spans) -> InputHint | None:
    """What the construction of a known data set says about the inputs; None for any other call."""
    leaf = made.path.rpartition(".")[2]
    if "." not in made.path or (leaf not in _SHAPES and leaf not in _COLOUR) or not _of_a_library(made.path):
        return None
    given = made.argument("transform") or next((arg for arg in made.args if isinstance(arg, Made)), None)
    shape = sample_shape(leaf, given)
    if shape is None:
        return None
    return InputHint("dataset", (InputSpec(shape, batched=False),), spans.of(made.node))


def _of_a_library(path: str) -> bool:
    return path.startswith(("torchvision.datasets.", "torchvision.", "datasets."))


def tensor_hint(made: Made, spans: Spans) -> InputHint | None:
    """What a ``TensorDataset`` of tensors that the file makes itself says about the inputs."""
    if made.path != "torch.utils.data.TensorDataset" or not made.args:
        return None
    first = made.args[0]
    if not isinstance(first, Tensor) or not first.shape or len(first.shape) < 2:
        return None
    spec = InputSpec(first.shape[1:], first.dtype, batched=False, high=first.high)
    return InputHint("dataset", (spec,), spans.of(made.node))


def transform_hint(made: Made, spans: Spans) -> InputHint | None:
    """What a chain of transforms says about images of any size: three channels unless it says otherwise."""
    if made.path.rpartition(".")[2] != "Compose" or not made.path.startswith(_TRANSFORM_PACKAGES):
        return None
    shape = sample_shape("", made)
    if shape is None:
        return None
    return InputHint("transform", (InputSpec(shape, batched=False),), spans.of(made.node))


def sample_shape(dataset: str, transforms: Value | None) -> tuple[int, ...] | None:
    """The shape of one sample of a data set behind transforms; None where it is not stated."""
    size: tuple[int, int] | None = None
    channels, square = 3, False
    if dataset in _SHAPES:
        channels, size, square = _SHAPES[dataset][0], _SHAPES[dataset][1:], True
    for step in _steps(transforms):
        leaf = step.path.rpartition(".")[2]
        if leaf in _SIZING:
            size = _sized(leaf, step, size, square=square)
            square = size is not None and size[0] == size[1]
        elif leaf == "Grayscale":
            channels = _number(step.argument("num_output_channels", 0)) or 1
        elif leaf in {"Flatten", "Lambda"}:
            return None  # what it makes of the image is not known
    return (channels, *size) if size is not None else None


def _steps(transforms: Value | None) -> Iterator[Made]:
    """The transforms of a chain, in order."""
    if not isinstance(transforms, Made):
        return
    if transforms.path.rpartition(".")[2] not in {"Compose", "Sequential"}:
        yield transforms
        return
    given = transforms.argument("transforms", 0)
    for item in given.items if isinstance(given, Sequence) else transforms.args:
        yield from _steps(item)


def _sized(leaf: str, step: Made, size: tuple[int, int] | None, *, square: bool) -> tuple[int, int] | None:
    if leaf == "Pad":
        extra = _number(step.argument("padding", 0))
        return (size[0] + 2 * extra, size[1] + 2 * extra) if size is not None and extra is not None else None
    if step.path.startswith("albumentations."):
        height, width = _number(step.argument("height", 0)), _number(step.argument("width", 1))
        if height is not None and width is not None:
            return height, width
    given = plain_value(step.argument("size", 0) or Known(None, step.node))
    match given:
        case (int(side),):
            fixed = leaf != "Resize" or square
            return (side, side) if fixed else None  # the shorter side alone: the other one is not known
        case ((int(side),),):
            return (side, side) if leaf != "Resize" or square else None
        case ((int(height), int(width)),):
            return height, width
    return None


def _number(value: Value | None) -> int | None:
    return value.value if isinstance(value, Known) and type(value.value) is int else None


def hints_of(made: Made, spans: Spans) -> Iterator[InputHint]:
    """Everything that the construction of a data set or of transforms says about inputs."""
    for hint in (dataset_hint(made, spans), tensor_hint(made, spans), transform_hint(made, spans)):
        if hint is not None:
            yield hint
