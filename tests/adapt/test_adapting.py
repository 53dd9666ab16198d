"""Networks fitted to data: as they are, by their arguments, by their last layer, by how the data are shown."""

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nnlint.adapt.adapt import adapt, adapt_all
from nnlint.adapt.model import Adapted, NetworkSource, View
from nnlint.errors import MismatchError
from nnlint.train.data.model import Data

EXAMPLES = Path(__file__).parents[2] / "examples"

CONV = """
class Net(nn.Module):
    def __init__(self, {arguments}):
        super().__init__()
        self.conv = nn.Conv2d({channels}, 4, 3, padding=1)
        self.fc = nn.Linear(4, {outputs})
    def forward(self, x):
        return self.fc(F.relu(self.conv(x)).mean((2, 3))){end}
"""


def conv(arguments: str = "", channels: str = "1", outputs: str = "10", end: str = "", rest: str = "") -> str:
    return CONV.format(arguments=arguments, channels=channels, outputs=outputs, end=end) + rest


def works(adapted: Adapted, data: Data) -> nn.Module:
    """The built network, run on a batch of the adapted view; it gives what is promised."""
    net = adapted.build()
    shape = data.shape
    if len(shape) == 3:
        assert adapted.view.size is not None
        shape = (adapted.view.channels or shape[0], *adapted.view.size)
    if adapted.view.flat:
        shape = (math.prod(shape),)
    result = net(torch.randn(5, *shape))
    assert result.shape in {(5, adapted.outputs), (5,)}
    assert sum(parameter.numel() for parameter in net.parameters()) == adapted.params
    return net


def example(name: str) -> NetworkSource:
    return NetworkSource(str(EXAMPLES / name))


class TestExamples:
    def test_the_reference_takes_its_stages_from_the_resolution(self, digits: Data) -> None:
        adapted = adapt(example("reference_net.py"), digits)
        net: Any = works(adapted, digits)
        assert adapted.view == View(1, (16, 16))
        assert adapted.name == "ReferenceNet"
        assert sum(isinstance(layer, nn.MaxPool2d) for layer in net.features) == 2
        assert adapted.notes[0] == "resolution=16, channels=1 for the data"
        assert (adapted.stated_loss, adapted.head) == ("cross_entropy", "scores")
        assert adapted.stated_at.startswith(f"{EXAMPLES / 'reference_net.py'}:")

    def test_its_costs_are_those_of_one_sample(self, digits: Data) -> None:
        adapted = adapt(example("reference_net.py"), digits)
        net: Any = adapted.build()
        by_hand, side = 0, 16
        for layer in net.features:
            if isinstance(layer, nn.Conv2d):
                by_hand += layer.weight.numel() * side * side
            side //= 2 if isinstance(layer, nn.MaxPool2d) else 1
        by_hand += net.classifier.weight.numel() * side * side
        assert adapted.macs == by_hand

    def test_five_stages_at_the_size_asked_for(self, digits: Data) -> None:
        adapted = adapt(example("reference_net.py"), digits, size=(224, 224))
        net: Any = adapted.build()
        assert adapted.view == View(1, (224, 224))
        assert sum(isinstance(layer, nn.MaxPool2d) for layer in net.features) == 5

    def test_classes_and_channels_of_other_data(self, photos: Data) -> None:
        adapted = adapt(example("reference_net.py"), photos)
        works(adapted, photos)
        assert adapted.view == View(3, (32, 32))
        assert adapted.outputs == 5
        assert adapted.notes == ("classes=5, resolution=32 for the data",)

    def test_its_twin(self, digits: Data) -> None:
        adapted = adapt(example("departing_net.py"), digits)
        works(adapted, digits)
        assert adapted.view == View(3, (16, 16))
        assert adapted.stated_loss == "binary_cross_entropy"

    def test_both_are_shown_the_same(self, digits: Data) -> None:
        one, other = adapt_all([example("reference_net.py"), example("departing_net.py")], digits)
        assert one.view == other.view == View(3, (16, 16))
        works(one, digits)
        works(other, digits)

    def test_a_script_with_options_and_data_that_is_never_run(self, digits: Data) -> None:
        adapted = adapt(example("train_mnist.py"), digits)
        works(adapted, digits)
        assert adapted.view == View(1, (28, 28))
        assert (adapted.head, adapted.stated_loss) == ("log-probabilities", "nll_loss")

    def test_a_network_without_layer_objects(self, digits: Data) -> None:
        works(adapt(example("functional_net.py"), digits), digits)

    def test_a_lightning_module(self, digits: Data) -> None:
        adapted = adapt(example("lightning_style.py"), digits)
        works(adapted, digits)
        assert adapted.view == View(3, (32, 32))
        assert adapted.stated_loss == "cross_entropy"

    def test_vectors(self, cancer: Data, diabetes: Data) -> None:
        for data in (cancer, diabetes):
            adapted = adapt(example("tabular_net.py"), data)
            works(adapted, data)
            assert adapted.view == View()


class TestArguments:
    def test_as_it_is(self, write: Any, digits: Data) -> None:
        adapted = adapt(write(conv()), digits)
        works(adapted, digits)
        assert adapted.notes == (
            "digits is shown as images of 1x16x16 "
            "(resized from 8x8: networks get 16 pixels a side or more, --size 8 keeps it)",
        )

    @pytest.mark.parametrize(
        ("arguments", "call"),
        [
            ("num_classes=7", ""),
            ("num_classes", "model = Net(7)\n"),
            ("n_classes", "CLASSES = 7\n\ndef main():\n    model = Net(n_classes=CLASSES)\n    model.train()\n"),
            (
                "out_dim",
                "import argparse\np = argparse.ArgumentParser()\np.add_argument('--k', type=int, default=7)\n"
                "args = p.parse_args()\nmodel = Net(args.k)\n",
            ),
            ("nclass", ""),
        ],
    )
    def test_the_number_of_classes(self, write: Any, digits: Data, arguments: str, call: str) -> None:
        name = arguments.partition("=")[0]
        adapted = adapt(write(conv(arguments, outputs=name, rest=call)), digits)
        works(adapted, digits)
        if name != "nclass":  # required and never given: nnlint's own guess is ten as well
            assert adapted.notes[0] == f"{name}=10 for the data"

    def test_channels(self, write: Any, digits: Data, photos: Data) -> None:
        source = write(conv("in_channels=2", "in_channels", "5", rest="net = Net(in_channels=7)\n"))
        assert adapt(source, photos).notes[0] == "in_channels=3 for the data"

    def test_what_the_file_does_afterwards_still_happens(self, write: Any, photos: Data) -> None:
        rest = "net = Net(7)\nnet.fc = nn.Sequential(net.fc, nn.Tanh())\nnet.conv.weight.requires_grad_(False)\n"
        net: Any = adapt(write(conv("classes", "3", "classes", rest=rest)), photos).build()
        assert isinstance(net.fc, nn.Sequential)
        assert net.fc[0].out_features == 5
        assert not net.conv.weight.requires_grad

    def test_a_base_class_that_is_handed_them_on(self, write: Any, photos: Data) -> None:
        rest = (
            "class Wide(Net):\n    def __init__(self, **kwargs):\n        super().__init__(**kwargs)\n\nnet = Wide()\n"
        )
        source = write(conv("classes=10", "3", "classes", rest=rest))
        adapted = adapt(source, photos)
        assert adapted.name == "Wide"
        assert adapted.notes[0] == "classes=5 for the data"
        assert "net.py:net is the network that the file builds; it also defines" in adapted.notes[1]

    def test_parts_of_the_same_class_keep_theirs(self, write: Any, photos: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, classes=8, deep=True):
                    super().__init__()
                    self.inner = Net(3, False) if deep else nn.Identity()
                    self.head = nn.Conv2d(3, classes, 1)
                    self.deep = deep
                def forward(self, x):
                    x = self.head(self.inner(x))
                    return x.mean((2, 3)) if self.deep else x
            net = Net()
            """
        )
        net: Any = adapt(source, photos).build()
        assert (net.head.out_channels, net.inner.head.out_channels) == (5, 3)

    def test_a_factory(self, write: Any, photos: Data) -> None:
        source = write(
            """
            def make(classes=10, width=4):
                body = nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
                return nn.Sequential(*body, nn.Linear(width, classes))
            """
        )
        adapted = adapt(source, photos)
        works(adapted, photos)
        assert adapted.notes == ("classes=5 for the data",)

    def test_a_factory_that_the_file_calls(self, write: Any, photos: Data) -> None:
        source = write(
            """
            def make(classes, width=4):
                body = nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
                return nn.Sequential(*body, nn.Linear(width, classes))
            net = make(100).to("cuda")
            """
        )
        adapted = adapt(source, photos)
        works(adapted, photos)
        assert adapted.notes == ("classes=5 for the data",)

    def test_a_configuration(self, write: Any, photos: Data) -> None:
        source = write(
            """
            from dataclasses import dataclass
            @dataclass(frozen=True)
            class Config:
                num_classes: int = 100
                width: int = 4
            class Net(nn.Module):
                def __init__(self, config):
                    super().__init__()
                    self.body = nn.Conv2d(3, config.width, 3)
                    self.fc = nn.Linear(config.width, config.num_classes)
                def forward(self, x):
                    return self.fc(self.body(x).amax((2, 3)))
            net = Net(Config(width=6))
            """
        )
        adapted = adapt(source, photos)
        net: Any = works(adapted, photos)
        assert net.body.out_channels == 6
        assert adapted.notes == ("config.num_classes=5 for the data",)

    def test_a_size_of_two_numbers(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, img_size=(32, 32), classes=10):
                    super().__init__()
                    self.fc = nn.Linear(img_size[0] * img_size[1], classes)
                def forward(self, x):
                    return self.fc(x.flatten(1))
            """
        )
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert adapted.notes[0] == "img_size=(16, 16) for the data"

    def test_patches(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, image_size=224, patch_size=8, channels=3, classes=10):
                    super().__init__()
                    self.cut = nn.Conv2d(channels, 6, patch_size, patch_size)
                    self.place = nn.Parameter(torch.zeros(1, (image_size // patch_size) ** 2, 6))
                    self.fc = nn.Linear(6, classes)
                def forward(self, x):
                    return self.fc((self.cut(x).flatten(2).mT + self.place).mean(1))
            """
        )
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert adapted.view == View(1, (32, 32))  # four patches a side

    def test_a_perceptron_for_images(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, input_dim=784, hidden_dim=5, output_dim=3):
                    super().__init__()
                    self.a, self.b = nn.Linear(input_dim, hidden_dim), nn.Linear(hidden_dim, output_dim)
                def forward(self, x):
                    return self.b(F.relu(self.a(x.flatten(1))))
            """
        )
        adapted = adapt(source, digits)
        net: Any = works(adapted, digits)
        assert net.a.in_features == 256
        assert net.a.out_features == 5

    def test_vectors(self, write: Any, diabetes: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, num_features, hidden=7, num_outputs=2):
                    super().__init__()
                    self.a, self.b = nn.Linear(num_features, hidden), nn.Linear(hidden, num_outputs)
                def forward(self, x):
                    return self.b(F.relu(self.a(x)))
            net = Net(13)
            """
        )
        adapted = adapt(source, diabetes)
        works(adapted, diabetes)
        assert adapted.notes == ("num_features=10, num_outputs=1 for the data",)


class TestLayers:
    def test_the_head_of_a_sequence(self, write: Any, photos: Data) -> None:
        source = write(
            "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000))\n"
        )
        adapted = adapt(source, photos)
        works(adapted, photos)
        assert adapted.notes == ("`3`: Linear(4, 1000) became Linear(4, 5)",)

    def test_a_convolution_before_the_pooling(self, write: Any, photos: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.body = nn.Conv2d(3, 4, 3)
                    self.last = nn.Conv2d(4, 7, 1, bias=False)
                def forward(self, x):
                    return F.log_softmax(F.dropout(self.last(self.body(x)).mean((2, 3)), training=self.training), 1)
            """
        )
        adapted = adapt(source, photos)
        net: Any = works(adapted, photos)
        assert adapted.notes == ("`last`: Conv2d(4, 7) became Conv2d(4, 5)",)
        assert net.last.bias is None
        assert adapted.head == "log-probabilities"

    def test_the_new_head_is_drawn_at_every_build(self, write: Any, photos: Data) -> None:
        source = write(
            "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000))\n"
        )
        adapted = adapt(source, photos)
        first, second = adapted.build(), adapted.build()
        assert not torch.equal(first.get_parameter("3.weight"), second.get_parameter("3.weight"))

    def test_the_layer_that_reads_vectors(self, write: Any, diabetes: Data) -> None:
        source = write("net = nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 2))\n")
        adapted = adapt(source, diabetes)
        works(adapted, diabetes)
        assert adapted.notes == (
            "`0`: BatchNorm1d(30) became BatchNorm1d(10)",
            "`1`: Linear(30, 8) became Linear(10, 8)",
            "`3`: Linear(8, 2) became Linear(8, 1)",
        )

    def test_yes_or_no_by_one_or_two(self, write: Any, cancer: Data) -> None:
        for outputs in (1, 2):
            adapted = adapt(
                write(f"net = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, {outputs}))\n"), cancer
            )
            assert (adapted.outputs, adapted.notes) == (outputs, ())

    def test_yes_or_no_is_never_one_number_through_a_softmax(self, write: Any, cancer: Data) -> None:
        adapted = adapt(write("net = nn.Sequential(nn.Linear(30, 8), nn.Linear(8, 3), nn.Softmax(1))\n"), cancer)
        works(adapted, cancer)
        assert (adapted.outputs, adapted.head) == (2, "probabilities")

    def test_a_function_that_gives_no_other_number_of_classes(self, write: Any, digits: Data) -> None:
        adapted = adapt(write(INSISTING, "net"), digits)
        assert "`head`: Linear(4, 1000) became Linear(4, 10)" in adapted.notes
        works(adapted, digits)

    def test_lazy_layers(self, write: Any, digits: Data) -> None:
        source = write("net = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(10))\n")
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert adapted.view == View(1, (16, 16))
        assert not any(map(nn.parameter.is_lazy, adapted.build().parameters()))

    def test_the_head_of_lazy_layers(self, write: Any, digits: Data) -> None:
        source = write("net = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(7))\n")
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert adapted.notes[0] == "`2`: Linear(784, 7) became Linear(784, 10)"

    def test_tensors_made_for_a_gpu(self, write: Any, digits: Data) -> None:
        text = conv(end=" * self.scale").replace(
            "super().__init__()",
            "super().__init__(); self.scale = nn.Parameter(torch.ones(10).cuda() + torch.zeros(10, device='cuda:0'))",
        )
        net = works(adapt(write(text + "net = Net().cuda()\n"), digits), digits)
        assert {parameter.device.type for parameter in net.parameters()} == {"cpu"}

    def test_axes_of_size_one_are_left_out(self, write: Any, digits: Data) -> None:
        source = write("net = nn.Sequential(nn.Conv2d(1, 10, 3), nn.AdaptiveAvgPool2d(1))\n")
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert "axes of size 1 are left out of its result" in adapted.notes


class TestHeads:
    @pytest.mark.parametrize(
        ("end", "head"),
        [
            ("", "scores"),
            (".log_softmax(1)", "log-probabilities"),
            (".softmax(1)", "probabilities"),
            (".sigmoid()", "sigmoid"),
            (".relu()", "scores"),
        ],
    )
    def test_what_the_outputs_are(self, write: Any, digits: Data, end: str, head: str) -> None:
        assert adapt(write(conv(end=end)), digits).head == head

    def test_probabilities_in_evaluation_alone(self, write: Any, digits: Data) -> None:
        source = write(conv(end="if self.training else self.fc(F.relu(self.conv(x)).mean((2, 3))).softmax(1)"))
        assert adapt(source, digits).head == "scores"

    @pytest.mark.parametrize(
        ("loss", "stated"),
        [
            ("F.cross_entropy(net(x), y)", "cross_entropy"),
            ("nn.CrossEntropyLoss()(net(x), y)", "cross_entropy"),
            ("F.nll_loss(F.log_softmax(net(x), 1), y)", "cross_entropy"),
            ("F.binary_cross_entropy(torch.sigmoid(net(x)), y)", "binary_cross_entropy_with_logits"),
            ("F.mse_loss(net(x).squeeze(1), y)", "mse_loss"),
            ("F.smooth_l1_loss(net(x), y)", None),
            ("F.cross_entropy(torch.tanh(net(x)), y)", None),
        ],
    )
    def test_the_loss_that_the_file_states(self, write: Any, digits: Data, loss: str, stated: str | None) -> None:
        rest = f"net = Net()\nfor x, y in loader:\n    loss = {loss}\n    loss.backward()\n"
        adapted = adapt(write(conv(rest=rest)), digits)
        assert adapted.stated_loss == stated
        assert (adapted.stated_at[-3:] == ":14") == (stated is not None)
        assert not any("not taken over" in note for note in adapted.notes)

    def test_arguments_of_the_stated_loss_are_told(self, write: Any, digits: Data) -> None:
        loss = "nn.CrossEntropyLoss(label_smoothing=0.1, reduction='sum')(net(x), y)"
        rest = f"net = Net()\nfor x, y in loader:\n    loss = {loss}\n    loss.backward()\n"
        note = adapt(write(conv(rest=rest)), digits).notes[-1]
        assert note.endswith(":14 states its loss with label_smoothing=0.1, reduction='sum', which is not taken over")


INSISTING = """
    class Net(nn.Module):
        def __init__(self, num_classes=1000):
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3)
            self.head = nn.Linear(4, num_classes)

        def forward(self, x):
            return self.head(self.conv(x).relu().mean((2, 3)))

    def net(num_classes=1000, pretrained=True):
        if pretrained:
            assert num_classes == 1000, f"num_classes should be 1000, but is {num_classes}"
        return Net(num_classes)
"""


class TestView:
    def test_a_size_that_the_file_states(self, write: Any, digits: Data) -> None:
        source = write(conv(rest="net = Net()\nnet(torch.randn(1, 1, 48, 48))\n"))
        assert adapt(source, digits).view == View(1, (48, 48))

    def test_a_large_one_only_if_it_must(self, write: Any, digits: Data) -> None:
        rest = "net = Net()\nnet(torch.randn(1, 1, 128, 128))\n"
        assert adapt(write(conv(rest=rest)), digits).view == View(1, (16, 16))

    def test_images_large_enough_stay_as_they_are(self, write: Any, photos: Data) -> None:
        assert adapt(write(conv("", "3", "5")), photos).view == View(3, (32, 32))

    def test_the_smallest_that_runs(self, write: Any, digits: Data) -> None:
        source = write(
            "net = nn.Sequential(nn.Conv2d(3, 4, 30), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))\n"
        )
        assert adapt(source, digits).view == View(3, (32, 32))

    def test_the_one_size_it_takes_whatever_it_is(self, write: Any, digits: Data) -> None:
        tokens = "nn.Conv2d(1, 4, 8, 8), nn.Flatten(2), nn.Linear(625, 3), nn.Flatten()"
        source = write(f"net = nn.Sequential({tokens}, nn.Linear(12, 7))\n")
        adapted = adapt(source, digits)
        assert adapted.view == View(1, (200, 200))
        works(adapted, digits)

    def test_a_size_that_was_asked_for(self, write: Any, digits: Data) -> None:
        assert adapt(write(conv()), digits, size=(20, 24)).view == View(1, (20, 24))

    def test_no_common_view(self, write: Any, digits: Data) -> None:
        one = write(conv(), file="grey.py")
        other = write(conv("", "3"), file="coloured.py")
        with pytest.raises(MismatchError) as raised:
            adapt_all([one, other], digits)
        assert "there is no one way to show the data" in str(raised.value)
        assert "Net takes images of 1x16x16, Net takes images of 3x16x16" in str(raised.value)


def own(path: Path, name: str) -> Any:
    """A class of a file, imported the ordinary way."""
    spec = importlib.util.spec_from_file_location("imported_plainly", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


PERCEPTRON = """
class Net(nn.Module):
    def __init__(self, {arguments}hidden=8):
        super().__init__()
        self.a, self.b = nn.Linear({features}, hidden), nn.Linear(hidden, 10)
    def forward(self, x):
        {begins}
        return self.b(F.relu(self.a(x)))
"""


def perceptron(arguments: str = "", features: str = "30", begins: str = "") -> str:
    return PERCEPTRON.format(arguments=arguments, features=features, begins=begins)


class TestNotes:
    """What is said of arguments that the data decide, and of how images are shown."""

    def test_a_guess_that_the_data_confirm_is_no_guess(self, write: Any, digits: Data) -> None:
        source = write(conv("num_classes, in_channels", channels="in_channels", outputs="num_classes"))
        notes = adapt(source, digits).notes
        assert notes[0] == "num_classes=10, in_channels=1 for the data"
        assert not any("assumed" in note for note in notes)

    def test_what_the_data_say_nothing_of_stays_assumed(self, write: Any, digits: Data) -> None:
        notes = adapt(write(conv("num_classes, depth", outputs="num_classes")), digits).notes
        assert notes[0] == "num_classes=10 for the data"
        assert "assumed depth=2: nobody states them" in notes

    @pytest.mark.parametrize(
        ("call", "built"),
        [
            ("Net(num_classes=5)", "Net(num_classes=10)"),
            ("Net(1, 5)", "Net(1, 10)"),
            ("Net(1, num_classes=2 + 3)", "Net(1, num_classes=10)"),
            ("make(5)", "make(10)"),
        ],
    )
    def test_what_was_asked_for_and_is_not_done_is_said(self, write: Any, digits: Data, call: str, built: str) -> None:
        text = conv("in_channels=1, num_classes=10", channels="in_channels", outputs="num_classes")
        source = write(text + "\ndef make(num_classes):\n    return Net(1, num_classes)\n", call)
        adapted = adapt(source, digits)
        works(adapted, digits)
        assert "num_classes=10 for the data, in place of the 5 that was asked for" in adapted.notes
        assert adapted.source.target.endswith(f"net.py:{built}")

    def test_what_was_asked_for_and_is_done_is_not_touched(self, write: Any, digits: Data) -> None:
        source = write(conv("in_channels=3, num_classes=5", channels="in_channels", outputs="num_classes"), "Net()")
        adapted = adapt(source, digits)
        assert adapted.notes[0] == "in_channels=1, num_classes=10 for the data"
        assert adapted.source == source

    def test_how_images_are_shown(self, write: Any, digits: Data, photos: Data) -> None:
        asked = adapt(write(conv()), digits, size=(24, 20)).notes
        assert asked == ("digits is shown as images of 1x24x20 (as --size asks)",)
        asked = adapt(write(conv(outputs="5")), photos, size=(32, 32)).notes
        assert asked == ("photos is shown as images of 1x32x32 (as --size asks; colours as luminance)",)
        source = write("net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(3136, 10))\n")
        assert adapt(source, digits).notes == (
            "digits is shown as images of 3x28x28 (resized from 8x8 to what suits it; grey repeated)",
        )
        assert adapt(write(conv(outputs="5", channels="3")), photos).notes == ()


class TestPixels:
    """Networks of vectors on images."""

    def test_the_example_for_tables(self, digits: Data) -> None:
        adapted = adapt(example("tabular_net.py"), digits)
        works(adapted, digits)
        assert adapted.view == View(1, (8, 8), flat=True)
        assert adapted.notes[:2] == (
            "features=64, outputs=10 for the data",
            "digits is shown as vectors of 64 numbers",
        )

    def test_one_that_is_as_wide(self, write: Any, digits: Data) -> None:
        adapted = adapt(write("net = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))\n"), digits)
        works(adapted, digits)
        assert adapted.notes == ("digits is shown as vectors of 64 numbers",)

    def test_its_first_layer_is_replaced(self, write: Any, photos: Data) -> None:
        source = write("net = nn.Sequential(nn.BatchNorm1d(9), nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 5))\n")
        adapted = adapt(source, photos, size=(8, 8))
        net: Any = works(adapted, photos)
        assert adapted.view == View(3, (8, 8), flat=True)
        assert (net[0].num_features, net[1].in_features) == (192, 192)
        assert adapted.notes[0] == "`0`: BatchNorm1d(9) became BatchNorm1d(192)"

    @pytest.mark.parametrize("begins", ["x = x.flatten(1)", "n, c, h, w = x.shape; x = x.reshape(n, c * h * w)"])
    @pytest.mark.parametrize("arguments", ["features=30, ", ""])
    def test_one_that_flattens_itself_takes_images(self, write: Any, digits: Data, arguments: str, begins: str) -> None:
        source = write(perceptron(arguments, "features" if arguments else "30", begins))
        adapted = adapt(source, digits)
        net: Any = works(adapted, digits)
        assert adapted.view == View(1, (8, 8))
        assert net.a.in_features == 64
        assert net.b.in_features == 8
        told = "features=64 for the data" if arguments else "`a`: Linear(30, 8) became Linear(64, 8)"
        assert adapted.notes == (told,)

    def test_a_size_that_suits_comes_first(self, write: Any, digits: Data) -> None:
        adapted = adapt(write(perceptron(features="784", begins="x = x.flatten(1)")), digits)
        assert adapted.view == View(1, (28, 28))

    def test_beside_a_network_of_images_both_see_the_same_pixels(self, write: Any, digits: Data) -> None:
        one = write(perceptron("features=30, ", "features"), file="vectors.py")
        other = write(conv(), file="images.py")
        for sources in ([one, other], [other, one]):
            pair = adapt_all(sources, digits)
            assert [adapted.view for adapted in pair] == [View(1, (16, 16))] * 2
            for adapted in pair:
                works(adapted, digits)
            notes = pair[sources.index(one)].notes
            assert "features=256 for the data" in notes
            assert "it takes vectors: each image is handed to it as its 256 pixels" in notes

    def test_two_of_them(self, write: Any, digits: Data) -> None:
        one = write(perceptron("features=30, ", "features"), file="one.py")
        other = write(perceptron(features="9"), file="other.py")
        pair = adapt_all([one, other], digits)
        assert {adapted.view for adapted in pair} == {View(1, (8, 8))}
        for adapted in pair:
            net: Any = works(adapted, digits)
            assert net.a.in_features == 64

    def test_the_same_pixels_in_the_same_order_either_way(self, write: Any, digits: Data) -> None:
        source = write(perceptron("features=30, ", "features"))
        alone, (beside, _) = adapt(source, digits), adapt_all([source, source], digits)
        images = torch.randn(3, 1, 8, 8)
        torch.manual_seed(0)
        given = alone.build()(images.flatten(1))
        torch.manual_seed(0)
        assert torch.equal(beside.build()(images), given)


class TestSeeds:
    def states(self, adapted: Adapted, *seeds: int) -> list[dict[str, torch.Tensor]]:
        found = []
        for seed in seeds:
            torch.manual_seed(seed)
            found.append(adapted.build().state_dict())
        return found

    def same(self, one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
        return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)

    def test_first_weights_are_those_of_the_file_run_plainly(self, digits: Data) -> None:
        adapted = adapt(example("reference_net.py"), digits)
        torch.manual_seed(3)
        plain = own(EXAMPLES / "reference_net.py", "ReferenceNet")(resolution=16, channels=1).state_dict()
        assert self.same(self.states(adapted, 3)[0], plain)

    @pytest.mark.parametrize(
        "text",
        [
            "net = nn.Sequential(nn.Flatten(), nn.Linear(256, 10))\n",
            "net = nn.Sequential(nn.Flatten(), nn.Linear(256, 77))\n",
            "net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))\n",
            "torch.manual_seed(0)\n" + conv(),
            conv().replace("super().__init__()", "super().__init__(); torch.manual_seed(0)"),
            conv("seed=1").replace("super().__init__()", "super().__init__(); torch.manual_seed(seed)"),
            "import random\n"
            + conv(end=" * self.s").replace(
                "super().__init__()", "super().__init__(); self.s = nn.Parameter(torch.tensor(random.random()))"
            ),
            "import numpy as np\nrng = np.random\n"
            + conv(end=" * self.s").replace(
                "super().__init__()",
                "super().__init__(); np.random.seed(1); self.s = nn.Parameter(torch.tensor(float(np.random.rand())))",
            ),
            "act = nn.PReLU()\n" + conv("").replace("F.relu", "act.float()"),
        ],
    )
    def test_equal_seeds_and_different_ones(self, write: Any, digits: Data, text: str) -> None:
        adapted = adapt(write(text), digits)
        first, again, other = self.states(adapted, 0, 0, 1)
        assert self.same(first, again)
        assert not any(torch.equal(first[name], other[name]) for name in first if name.endswith(("weight", "s")))

    def test_a_layer_made_once_is_each_networks_own(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, act=nn.Conv2d(4, 4, 1)):
                    super().__init__()
                    self.conv, self.act, self.fc = nn.Conv2d(1, 4, 3), act, nn.Linear(4, 10)
                def forward(self, x):
                    return self.fc(self.act(self.conv(x)).mean((2, 3)))
            """
        )
        adapted = adapt(source, digits)
        assert (
            "Conv2d: made once in the file for all networks; each network that is trained has its own" in adapted.notes
        )
        torch.manual_seed(0)
        one: Any = adapted.build()
        torch.manual_seed(0)
        two: Any = adapted.build()
        assert self.same(one.state_dict(), two.state_dict())
        assert one.act is not two.act
        with torch.no_grad():
            one.act.weight.zero_()
        assert two.act.weight.abs().sum() > 0

    def test_networks_of_a_registry(self, write: Any, tmp_path: Path, photos: Data) -> None:
        (tmp_path / "registry.py").write_text(
            "TABLE = {}\n"
            "def register(made):\n    TABLE[made.__name__] = made\n    return made\n"
            "def create(name, **more):\n    return TABLE[name](**more)\n"
        )
        text = conv("classes=10", "1", "classes").replace(
            "class Net", "from registry import register\n@register\nclass Net"
        )
        write(text, file="models.py")
        adapted = adapt(write("import models\nfrom registry import create\nnet = create('Net')\n", "net"), photos)
        assert adapted.notes[0] == "classes=5 for the data"
        one, other, again = self.states(adapted, 1, 2, 1)
        assert self.same(one, again)
        assert not any(torch.equal(one[name], other[name]) for name in one)

    def test_adapting_leaves_torchs_generator_as_it_was(self, digits: Data) -> None:
        torch.manual_seed(5)
        before = torch.get_rng_state()
        adapt(example("reference_net.py"), digits)
        assert torch.equal(torch.get_rng_state(), before)

    def test_building_costs_little_more_than_the_class(
        self, digits: Data, steps: Callable[[Callable[[], object]], int]
    ) -> None:
        adapted = adapt(example("reference_net.py"), digits)
        plain = own(EXAMPLES / "reference_net.py", "ReferenceNet")
        adapted.build()
        bare = steps(lambda: plain(resolution=16, channels=1))
        assert steps(adapted.build) < 20 * bare  # adapting it anew: 250 times
