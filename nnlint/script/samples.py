"""What a loader's data set is: who makes it, in what order its samples are, and what is done for every one of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from nnlint.recipe import DataSet, Step
from nnlint.script import torchnames
from nnlint.script.evaluate import Evaluator
from nnlint.script.labels import grouped_labels
from nnlint.script.networks import methods
from nnlint.script.scopes import Scope
from nnlint.script.values import Instance, Known, Made, Sequence, Tensor, Value
from nnlint.site import Fact

_TORCH = "torch.utils.data."
_TORCHVISION = "torchvision.datasets."
#: calls whose result is a part of a data set, of which there may be several
_PARTS = frozenset({"random_split", "Subset"})
#: data sets of one folder a class, or listed class by class
_BY_CLASS = frozenset({"ImageFolder", "DatasetFolder", "ImageNet", "EuroSAT", "Caltech101", "Caltech256"})
#: data sets that open an image file for every sample
_OF_FILES = _BY_CLASS | frozenset(
    {"Flowers102", "Food101", "OxfordIIITPet", "CelebA", "StanfordCars", "FGVCAircraft", "DTD", "Places365", "SUN397"}
    | {"GTSRB", "Imagenette", "Country211", "INaturalist", "LFWPeople", "CocoDetection", "VOCSegmentation"}
)
#: data sets that are handed out one after the other, or are none of images by index
_STREAMS = frozenset({"Kinetics", "HMDB51", "UCF101", "MovingMNIST"})
#: how many images torchvision's data sets hold, training and test
_SIZES = {
    "MNIST": (60000, 10000),
    "FashionMNIST": (60000, 10000),
    "KMNIST": (60000, 10000),
    "CIFAR10": (50000, 10000),
    "CIFAR100": (50000, 10000),
}
_DECODERS = re.compile(
    r"^(PIL\.Image\.open|cv2\.(imread|imdecode)|skimage\.io\.imread|imageio(\.v[23])?\.imread|matplotlib\..*imread"
    r"|torchvision\.io\.(read_image|decode_image|decode_jpeg|decode_png|read_video)|torchvision\.io\.image\.\w+"
    r"|librosa\.load|torchaudio\.load|soundfile\.read|pydicom\.(dcmread|read_file)|nibabel\.load|rasterio\.open)$"
)
_RESIZERS = re.compile(
    r"(^|\.)(resize|Resize|thumbnail|CenterCrop|center_crop|LongestMaxSize|SmallestMaxSize|resample|Resample"
    r"|MelSpectrogram|melspectrogram)$"
)
#: transforms that leave values of 0 to 255 what they are
_UNSCALED = frozenset(
    {
        "PILToTensor",
        "ToImage",
        "ToImageTensor",
        "ToPureTensor",
        "Resize",
        "CenterCrop",
        "RandomCrop",
        "Pad",
        "Grayscale",
    }
    | {"RandomResizedCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation", "ColorJitter", "RGB"}
)
_TO_TENSOR = frozenset({"PILToTensor", "ToImage", "ToImageTensor"})
#: texts of a file in which images are scaled somewhere else
_SCALES = re.compile(r"255|127\.5|\bdiv_?\(|[Nn]ormali[sz]e|rescale|[Ss]cale\b|standardi[sz]|\.mean\(.*\.std\(")
_RAW_STEPS = frozenset(
    {"array", "asarray", "from_numpy", "tensor", "as_tensor", "float", "permute", "transpose", "convert", "resize"}
    | {"cvtColor", "imread", "open", "read_image", "join", "str", "int", "long", "copy", "unsqueeze", "moveaxis"}
)


class Samples:
    """Reads data sets; ``reader`` is what follows the script."""

    def __init__(self, reader: Evaluator) -> None:
        self.reader = reader
        self._numbers: dict[object, int] = {}

    def data_set(self, value: Value | None, expr: ast.expr | None) -> Fact[DataSet] | None:
        """The data set that an argument of a loader is, with the argument's place."""
        found: DataSet | None = None
        if isinstance(value, Made):
            found = self._made(value)
        elif isinstance(value, Instance):
            found = self._own(value)
        if found is None or expr is None:
            return None
        if found.grouped is None and isinstance(value, Made) and found.name == f"{_TORCH}TensorDataset":
            found = replace(found, grouped=grouped_labels(value, self.reader))
        return self.reader.spans.fact(found, expr)

    # -- made by a library

    def _made(self, made: Made) -> DataSet | None:
        leaf = made.path.rpartition(".")[2]
        arguments = dict(self.reader.plain({str(i): value for i, value in enumerate(made.args)} | dict(made.kwargs)))
        given = (*(str(i) for i in range(len(made.args))), *(name for name, _ in made.kwargs))
        site, number = self.reader.spans.of(made.node), None if self._is_one_of_several(made) else self._number(made)
        found = DataSet(made.path, site, number, arguments=arguments, given=given)
        if made.path.startswith(_TORCHVISION):
            return self._of_torchvision(found, made, leaf)
        if not made.path.startswith(_TORCH):
            return self._elsewhere(found)
        if leaf == "TensorDataset":
            tensors = tuple(arg.shape if isinstance(arg, Tensor) else None for arg in made.args)
            return replace(found, style="map", samples=self._length(made), tensors=tensors)
        if leaf in _PARTS:
            return replace(found, style="map", part=True, number=None)
        return replace(found, style="map") if leaf == "ConcatDataset" else None

    def _of_torchvision(self, found: DataSet, made: Made, leaf: str) -> DataSet:
        given = made.argument("transform") or next((arg for arg in made.args if _is_transform(arg)), None)
        steps, whole = self._steps(given)
        site = found.site
        samples = _size(leaf, found)
        return replace(
            found,
            style=None if leaf in _STREAMS else "map",
            samples=Fact(samples, site) if samples is not None else None,
            grouped=Fact(f"the folders of {leaf}", site) if leaf in _BY_CLASS else None,
            decode=Fact(leaf, site) if leaf in _OF_FILES else None,
            transforms=steps,
            raw=self._unscaled(steps) if whole else None,
        )

    def _length(self, made: Made) -> Fact[int] | None:
        first = made.args[0] if made.args else None
        if isinstance(first, Tensor) and first.shape:
            return self.reader.spans.fact(first.shape[0], made.node.args[0])
        return None

    def _number(self, key: object) -> int | None:
        try:
            return self._numbers.setdefault(key, len(self._numbers))
        except TypeError:  # made with arguments that cannot be compared
            return None

    def _is_one_of_several(self, made: Made) -> bool:
        """Whether one call makes several data sets: it stands in a function that is called more than once, and is
        given more than constants (``load("train")`` and ``load("test")`` both make ``TensorDataset(images, labels)``).
        """
        given = (*made.args, *(value for _, value in made.kwargs))
        if all(isinstance(value, Known) for value in given):
            return False
        tree = self.reader.names.module.node
        around = [
            node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and made.node in set(ast.walk(node))
        ]
        names = {node.name for node in around}
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        return sum(getattr(called, "id", getattr(called, "attr", "")) in names for called in calls) > 1

    # -- transforms

    def _steps(self, value: Value | None) -> tuple[tuple[Step, ...], bool]:
        """The transforms of a chain, and whether they are all."""
        if not isinstance(value, Made):
            return (), False
        if value.path.rpartition(".")[2] not in {"Compose", "Sequential"}:
            arguments = {str(i): argument for i, argument in enumerate(value.args)} | dict(value.kwargs)
            step = Step(value.path, self.reader.spans.of(value.node), dict(self.reader.plain(arguments)))
            return (step,), True
        given = value.argument("transforms", 0)
        if not isinstance(given, Sequence):
            return (), False
        parts = [self._steps(item) for item in given.items]
        return tuple(step for steps, _ in parts for step in steps), not given.open and all(whole for _, whole in parts)

    def _unscaled(self, steps: tuple[Step, ...]) -> Fact[str] | None:
        """The transform that makes a tensor of 0 to 255, if nothing after it and nothing in the file scales it."""
        makers = [step for step in steps if step.name.rpartition(".")[2] in _TO_TENSOR]
        if not makers or self._scales_somewhere():
            return None
        others = [step for step in steps if step.name.rpartition(".")[2] not in _UNSCALED]
        if any(step.name.rpartition(".")[2] != "ToDtype" or step.arguments.get("scale") for step in others):
            return None
        if any("scale" not in step.arguments and len(step.arguments) > 1 for step in others):
            return None
        return Fact(makers[0].name.rpartition(".")[2], makers[0].site)

    def _scales_somewhere(self) -> bool:
        return any(_SCALES.search(line) for line in self.reader.spans.lines)

    # -- a class of the file

    def _own(self, made: Instance) -> DataSet | None:
        lineage = self.reader.lineage(made.scope)
        bases = {base for scope in lineage for base in self.reader.networks.bases(scope)}
        own = {name: node for scope in reversed(lineage) for name, node in _methods_of(scope).items()}
        found = DataSet(made.scope.name, self.reader.spans.header(made.scope.node), self._number(made))  # type: ignore[arg-type]
        if any(base.endswith(("IterableDataset", "IterDataPipe")) for base in bases):
            return replace(found, style="iterable")
        read = own.get("__getitem__")
        if read is None:
            return replace(found, style="iterable") if "__iter__" in own else None
        if any(name.endswith("Sampler") for name in bases):
            return None
        calls = list(self._calls_of(made.scope, read, own))
        steps = tuple(self._resizing(calls)) + self._attribute_steps(made, read)
        return replace(
            found,
            style=None if _picks_at_random(read) else "map",
            decode=None if _remembers(made.scope.node) else self._decoding(calls),
            transforms=steps,
            raw=self._raw_read(calls, read),
        )

    def _calls_of(
        self, scope: Scope, read: ast.FunctionDef, own: dict[str, ast.FunctionDef]
    ) -> Iterator[tuple[str, ast.Call]]:
        """The calls made for every sample, by dotted name, those in methods of the object included."""
        queue, seen = [read], {read.name}
        while queue:
            method = queue.pop(0)
            inside = self.reader.names.scopes.get(method, scope)
            for node in ast.walk(method):
                if not isinstance(node, ast.Call):
                    continue
                dotted = self.reader.names.dotted(node.func, inside) or ast.unparse(node.func)
                yield dotted, node
                name = dotted.removeprefix("self.")
                if name != dotted and name in own and name not in seen:
                    seen.add(name)
                    queue.append(own[name])

    def _decoding(self, calls: list[tuple[str, ast.Call]]) -> Fact[str] | None:
        for dotted, node in calls:
            if _DECODERS.match(dotted):
                return self.reader.spans.fact(dotted, node)
        return None

    def _resizing(self, calls: list[tuple[str, ast.Call]]) -> Iterator[Step]:
        for dotted, node in calls:
            if _RESIZERS.search(dotted):
                yield Step(dotted, self.reader.spans.of(node))

    def _attribute_steps(self, made: Instance, read: ast.FunctionDef) -> tuple[Step, ...]:
        """The transforms that the object holds and calls for every sample."""
        called = {
            node.func.attr
            for node in ast.walk(read)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_own(node.func.value)
        }
        found: list[Step] = []
        for name in sorted(called):
            steps, _ = self._steps(made.attributes.get(name))
            found += steps
        return tuple(found)

    def _raw_read(self, calls: list[tuple[str, ast.Call]], read: ast.FunctionDef) -> Fact[str] | None:
        """``torch.from_numpy(imread(path)).float()`` with nothing that scales it."""
        decoded = next((node for name, node in calls if re.search(r"imread|Image\.open|read_image$", name)), None)
        made = any(name.rpartition(".")[2] in {"from_numpy", "tensor", "as_tensor", "read_image"} for name, _ in calls)
        known = all(name.rpartition(".")[2] in _RAW_STEPS for name, _ in calls)
        computed = any(isinstance(node, ast.Div | ast.Mult | ast.Sub) for node in ast.walk(read))
        if decoded is None or not made or not known or computed or self._scales_somewhere():
            return None
        return self.reader.spans.fact(ast.unparse(decoded), decoded)

    # -- a class or function of another file of the project

    def _elsewhere(self, found: DataSet) -> DataSet | None:
        """A data set whose class (or maker) another file of the project defines."""
        networks = self.reader.networks
        if "." not in found.name or torchnames.is_foreign(found.name):
            return None
        defined = networks.project.define(found.name, networks.path)
        if defined is None:
            return None
        file, name = defined
        scope = file.class_named(name)
        if scope is not None:
            bases = " ".join(base for _, one in [(file, scope), *file.base_scopes(scope)] for base in file.bases(one))
            read = _methods_of(scope).get("__getitem__")
            known = read is not None and "Iter" not in bases and "Sampler" not in bases
            known = known and not _orders(scope.node) and not (read is not None and _picks_at_random(read))
            return replace(found, style="map") if known else None
        bound = file.names.module.bindings.get(name, [])
        maker = bound[-1].node if bound else None
        if not isinstance(maker, ast.FunctionDef) or _orders(maker):
            return None
        returned = ast.unparse(maker.returns) if maker.returns is not None else ""
        return replace(found, style="map", number=None) if returned.endswith("TensorDataset") else None


def _is_transform(value: Value) -> bool:
    return isinstance(value, Made) and ".transforms." in value.path


def _size(leaf: str, found: DataSet) -> int | None:
    train = found.arguments.get("train", found.arguments.get("1", True))
    sizes = _SIZES.get(leaf)
    return sizes[0 if train else 1] if sizes is not None and isinstance(train, bool) else None


def _methods_of(scope: Scope) -> dict[str, ast.FunctionDef]:
    if not isinstance(scope.node, ast.ClassDef):
        return {}
    return {node.name: node for node in methods(scope.node) if isinstance(node, ast.FunctionDef)}


def _picks_at_random(read: ast.FunctionDef) -> bool:
    """Whether the sample that is read does not depend on the index alone."""
    text = ast.unparse(read)
    return bool(re.search(r"\b(randint|randrange|choice|choices|randperm|permutation)\(|random\.sample\(", text))


def _orders(node: ast.AST) -> bool:
    """Whether a definition puts its samples into an order of its own."""
    return bool(re.search(r"shuffl|permut|randperm|\bsample\(|random_split", ast.unparse(node)))


def _remembers(node: ast.AST) -> bool:
    """Whether a data set keeps what it has read."""
    return "cache" in ast.unparse(node).lower()


def _is_own(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
