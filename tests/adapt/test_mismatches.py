"""Networks that cannot be trained on the data: what is said of them; files that are not to do anything else."""

import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nnlint.adapt.adapt import adapt, adapt_all
from nnlint.adapt.model import NetworkSource, View
from nnlint.errors import MismatchError, NnlintError, ReadError, UsageError
from nnlint.load import guard
from nnlint.train.data.model import Data

EXAMPLES = Path(__file__).parents[2] / "examples"
FLAT_MAPS = "net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Flatten(), nn.Linear({}, 10))\n"
LINEAR = "net = nn.Sequential(nn.Flatten(), nn.Linear({}, 10))\n"


def said(source: NetworkSource, data: Data) -> str:
    with pytest.raises(MismatchError) as raised:
        adapt(source, data)
    assert raised.value.help
    return str(raised.value)


class TestMismatches:
    def test_a_map(self, write: Any, digits: Data) -> None:
        text = said(write("net = nn.Conv2d(3, 10, 3, padding=1)\nnet = nn.Sequential(net, nn.ReLU())\n", "net"), digits)
        assert "it takes (N, 3, " in text
        assert "digits has images of 1x8x8 and needs (N, 10)" in text
        assert "a map of numbers a sample, not 10" in text
        assert "pool its result over the map" in text

    @pytest.mark.parametrize(
        ("result", "words"),
        [
            ("(x, x)", "a tuple of 2 in evaluation, where one tensor is needed"),
            ("{'logits': x, 'features': x}", "a dict of 'logits', 'features' in evaluation"),
            ("(x, x) if self.training else x", "a tuple of 2 in training"),
            ("x.argmax(1)", "(N,) of int64 in evaluation"),
            ("torch.cat([x, x])", "(6, 10) for 3 samples in evaluation"),
        ],
    )
    def test_results_of_another_form(self, write: Any, digits: Data, result: str, words: str) -> None:
        source = write(
            f"""
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(1, 10)
                def forward(self, x):
                    x = self.fc(x.mean((2, 3)))
                    return {result}
            """
        )
        assert words in said(source, digits)

    def test_no_gradient(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(1, 10)
                @torch.no_grad()
                def forward(self, x):
                    return self.fc(x.mean((2, 3)))
            """
        )
        assert "no gradient reaches its weights" in said(source, digits)

    def test_token_ids(self, digits: Data) -> None:
        text = said(NetworkSource(f"{EXAMPLES / 'transformer.py'}:classifier"), digits)
        assert "it takes (N, 50) of int64 and gives (N, 4)" in text
        assert "it takes token ids, and the data are images" in text

    def test_two_inputs(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class Siamese(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.conv = nn.Conv2d(1, 4, 3)
                def forward(self, one, other):
                    return (self.conv(one) - self.conv(other)).mean((2, 3))
            net = Siamese()
            net(torch.randn(2, 1, 28, 28), torch.randn(2, 1, 28, 28))
            """
        )
        text = said(source, digits)
        assert "it takes 2 inputs, (N, 1, 28, 28) and (N, 1, 28, 28)" in text
        assert "the data have one input, and it wants 2" in text

    def test_vectors_and_images(self, write: Any, digits: Data, cancer: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, features=30):
                    super().__init__()
                    self.fc = nn.Linear(features, 10)
                def forward(self, x):
                    x = self.fc(x)
                    return x, x.softmax(1)
            """
        )
        text = said(source, digits)
        assert "it takes (N, 30)" in text
        assert "shown as vectors of 64 numbers, it gives a tuple of 2" in text
        assert "return the scores alone" in text
        assert "it takes images, and the data are vectors" in said(
            NetworkSource(str(EXAMPLES / "reference_net.py")), cancer
        )

    def test_several_results(self, digits: Data) -> None:
        assert "a tuple of 3" in said(NetworkSource(str(EXAMPLES / "vae.py")), digits)

    def test_an_autoencoder_gets_no_head(self, write: Any, digits: Data) -> None:
        source = write("net = nn.Sequential(nn.Flatten(), nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 784))\n")
        text = said(source, digits)
        assert "it gives (N, 784), as many numbers as it takes, as an autoencoder does" in text
        assert "trains networks that give classes, yes or no, or a few numbers a sample" in text

    def test_a_generator(self, digits: Data) -> None:
        text = said(NetworkSource(f"{EXAMPLES / 'gan.py'}:generator"), digits)
        assert "it takes (N, 100, 1, 1) and gives (N, 3, 64, 64)" in text

    @pytest.mark.parametrize(
        ("channels", "last", "says", "says_not"),
        [
            (1, "nn.Upsample(scale_factor=1)", "it gives a value for every pixel: `nnlint train` trains", "pool"),
            (10, "nn.ReLU()", "if these are the scores of the 10 classes, pool its result", "or give"),
            (64, "nn.AvgPool2d(4)", "help: pool its result over the map", "every pixel"),
        ],
    )
    def test_a_value_for_every_pixel_is_not_to_be_pooled(
        self, write: Any, digits: Data, channels: int, last: str, says: str, says_not: str
    ) -> None:
        text = f"net = nn.Sequential(nn.Conv2d(1, {channels}, 3, padding=1), {last}, nn.Hardswish())\n"
        with pytest.raises(MismatchError) as raised:
            adapt(write(text), digits)
        help_ = f"help: {raised.value.help}"
        assert says in help_
        assert says_not not in help_

    def test_a_size_that_would_do_is_named(self, write: Any, photos: Data) -> None:
        source = write(
            """
            class Net(nn.Module):
                def __init__(self, num_classes):
                    super().__init__()
                    self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4 * 32 * 32, num_classes)
                def forward(self, x):
                    return self.fc(F.relu(self.conv(x)).view(x.size(0), -1))
            """
        )
        with pytest.raises(MismatchError) as raised:
            adapt(source, photos, size=(24, 24))
        assert raised.value.help == "`--size 32` shows them as it takes them"
        assert "(tried: 3 and 1 channels at 24x24)" in str(raised.value)

    @pytest.mark.parametrize(
        ("arguments", "help_"),
        [
            ("width=4, sides=7", "name a call that builds it for these data: '{file}:Net(width=…, sides=…)'"),
            ("", "it is built for other data: give it arguments for what these ask (`num_classes`, `in_channels`)"),
        ],
    )
    def test_a_call_is_offered_where_there_is_one(self, write: Any, digits: Data, arguments: str, help_: str) -> None:
        source = write(
            f"""
            class Net(nn.Module):
                def __init__(self, {arguments}):
                    super().__init__()
                    self.conv, self.fc = nn.Conv2d(2, 4, 3, padding=1), nn.Linear(4 * 7 * 7, 10)
                def forward(self, x):
                    return self.fc(self.conv(x).flatten(1))
            """
        )
        with pytest.raises(MismatchError) as raised:
            adapt(source, digits)
        assert raised.value.help == help_.format(file=source.target)

    def test_it_is_the_network_that_does_not_fit_that_is_named(self, write: Any, digits: Data) -> None:
        vectors = write("net = nn.Sequential(nn.Linear(30, 8), nn.ReLU(), nn.Linear(8, 10))\n", file="vectors.py")
        maps = write("net = nn.Sequential(nn.Conv2d(1, 10, 3, padding=1), nn.ReLU())\n", file="maps.py")
        for sources in ([vectors, maps], [maps, vectors]):
            with pytest.raises(MismatchError, match=r"maps\.py:net: .* a map of numbers a sample"):
                adapt_all(sources, digits)

    def test_an_autoencoder_of_vectors_gets_no_head(self, write: Any, digits: Data) -> None:
        text = said(write("net = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 784))\n"), digits)
        assert "it takes vectors, and the data are images" in text

    def test_a_size_that_does_not_do(self, write: Any, digits: Data) -> None:
        with pytest.raises(MismatchError, match=r"at 16x16 .*RuntimeError: mat1 and mat2 shapes cannot be multiplied"):
            adapt(write(FLAT_MAPS.format(3136)), digits, size=(16, 16))

    def test_what_is_given_where_a_label_says_who(self, write: Any, digits: Data) -> None:
        one, other = write(FLAT_MAPS.format(3136), file="a.py"), write(FLAT_MAPS.format(1024), file="b.py")
        with pytest.raises(MismatchError, match="Sequential takes images of 1x28x28, fixed takes images of 1x16x16"):
            adapt_all([one, NetworkSource(other.target, label="fixed")], digits)


class TestTargets:
    def test_several_networks(self, digits: Data) -> None:
        path = str(EXAMPLES / "gan.py")
        with pytest.raises(UsageError) as raised:
            adapt(NetworkSource(path), digits)
        assert raised.value.help == f"name one: {path}:generator, {path}:discriminator"

    def test_the_one_that_is_named(self, write: Any, digits: Data) -> None:
        source = write(
            """
            class A(nn.Sequential):
                def __init__(self, n=16):
                    super().__init__(nn.Flatten(), nn.Linear(n * n, 10))

            class B(A):
                pass
            """,
            "B(28)",
        )
        adapted = adapt(source, digits)
        assert (adapted.name, adapted.view) == ("B", View(1, (28, 28)))

    @pytest.mark.parametrize(
        ("target", "error", "words"),
        [
            ("nowhere.py", UsageError, "there is no such file"),
            ("{tmp}", UsageError, "this is a folder"),
            ("{tmp}/net.py:Other", UsageError, "there is no 'Other' in this file"),
            ("{tmp}/net.py:SIZE", UsageError, "is no network"),
            ("{tmp}/broken.py", ReadError, "not valid Python"),
            ("{tmp}/empty.py", UsageError, "it defines no network"),
            ("{tmp}/wrong.py", NnlintError, "cannot be built: ValueError: five is too much"),
        ],
    )
    def test_what_is_wrong_with_it(
        self, write: Any, tmp_path: Path, digits: Data, target: str, error: type[NnlintError], words: str
    ) -> None:
        write("SIZE = 3\n" + LINEAR.format(256))
        write("class:\n", file="broken.py")
        write("x = 1\n", file="empty.py")
        write(
            "def make():\n    raise ValueError('five is too much')\n    return nn.Linear(1, 1)\nnet = make()\n",
            file="wrong.py",
        )
        with pytest.raises(error, match=words):
            adapt(NetworkSource(target.format(tmp=tmp_path)), digits)

    def test_edited_texts(self, write: Any, tmp_path: Path, digits: Data) -> None:
        (tmp_path / "parts.py").write_text("from torch import nn\n\nclass Act(nn.ReLU):\n    pass\n")
        source = write("from parts import Act\nnet = nn.Sequential(nn.Flatten(), nn.Linear(256, 10), Act())\n")
        net, parts = str(tmp_path / "net.py"), str(tmp_path / "parts.py")
        edited = {
            net: Path(net).read_text().replace("256", "784"),
            parts: Path(parts).read_text().replace("ReLU", "Tanh"),
        }
        one, other = adapt(source, digits), adapt(NetworkSource(source.target, edited), digits)
        assert (one.view.size, other.view.size) == ((16, 16), (28, 28))
        for _ in range(2):  # each is built of its own version of both files, whichever was built before
            assert isinstance(one.build()[2], torch.nn.ReLU)  # type: ignore[index]
            assert isinstance(other.build()[2], torch.nn.Tanh)  # type: ignore[index]

    def test_a_missing_import_is_said(self, write: Any, digits: Data) -> None:
        source = write(
            """
            import no_such_library

            class Net(nn.Module):
                def __init__(self, width=256):
                    super().__init__()
                    self.log = no_such_library.Log()
                    self.fc = nn.Linear(width, 10)

                def forward(self, x):
                    return self.fc(x.flatten(1))
            """
        )
        notes = adapt(source, digits).notes
        assert any("`no_such_library` is not installed; it is stood in for" in note for note in notes)

    @pytest.mark.parametrize(
        ("line", "words", "help_"),
        [
            ("torch.zeros(1).numpy()[5]", "IndexError", None),
            ("torch.zeros(1, device='meta').item()", "meta", "build it on the CPU, without running it"),
        ],
    )
    def test_help_is_what_fits(self, write: Any, digits: Data, line: str, words: str, help_: str | None) -> None:
        source = write(
            f"""
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(64, 10)
                    if not self.fc.weight.is_meta:
                        {line}
                def forward(self, x):
                    return self.fc(x)
            net = Net()
            """
        )
        with pytest.raises(NnlintError, match="cannot be built with real weights") as raised:
            adapt(source, digits)
        assert words in str(raised.value)
        assert raised.value.help == help_

    def test_weights_trained_before_are_said(self, write: Any, digits: Data) -> None:
        source = write(LINEAR.format(256) + "net.load_state_dict(torch.load('weights.pt'))\n")
        assert any("are not loaded" in note for note in adapt(source, digits).notes)


class TestProcess:
    """Adapting happens in the process that trains: it is afterwards as it was."""

    def test_a_file_writes_nothing(self, write: Any, tmp_path: Path, digits: Data) -> None:
        source = write(
            f"""
            open({str(tmp_path / "one")!r}, "w").write("x")

            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    try:
                        open({str(tmp_path / "two")!r}, "w")
                    except OSError:
                        pass
                    self.fc = nn.Linear(256, 10)
                def forward(self, x):
                    return self.fc(x.flatten(1))

            net = Net()
            torch.save(net, {str(tmp_path / "three")!r})
            """
        )
        adapted = adapt(source, digits)
        adapted.build()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["net.py"]
        assert any("refused to write" in note for note in adapted.notes)

    def test_the_process_may_write_again(self, write: Any, tmp_path: Path, digits: Data) -> None:
        adapt(write(LINEAR.format(256)), digits).build()
        (tmp_path / "folder").mkdir()
        torch.save(torch.zeros(3), tmp_path / "folder" / "file")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        pid = os.fork()
        if not pid:
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0

    def test_nothing_is_left_behind(self, write: Any, tmp_path: Path, digits: Data) -> None:
        (tmp_path / "helper.py").write_text("WIDTH = 256\n")
        source = write("from helper import WIDTH\nnet = nn.Sequential(nn.Flatten(), nn.Linear(WIDTH, 10))\n")

        def state() -> object:
            generators = random.getstate(), repr(np.random.get_state())  # torch's is drawn from
            functions = [torch.manual_seed, torch.load, torch.nn.Module.__init__, torch.nn.Module.to, input, sys.exit]
            return list(sys.path), list(sys.meta_path), dict(os.environ), sys.dont_write_bytecode, generators, functions

        adapt(source, digits)  # what torch imports the first time is none of the file's
        before, modules = state(), set(sys.modules)
        adapted = adapt(source, digits)
        adapted.build()
        assert state() == before
        assert set(sys.modules) - modules <= {"nnlint_script_net", "helper"}

    def test_guarding_is_off_afterwards(self, tmp_path: Path) -> None:
        writer, from_file = torch._C.PyTorchFileWriter.__init__, torch.from_file
        with guard.guarding():
            with pytest.raises(guard.RefusedError):
                (tmp_path / "one").write_text("x")
            with guard.guarding(), pytest.raises(guard.RefusedError):
                torch.save(1, tmp_path / "one")
            with pytest.raises(guard.RefusedError):  # the inner one ended, the outer one did not
                (tmp_path / "one").write_text("x")
            assert guard.refusals()
        (tmp_path / "one").write_text("x")
        assert torch._C.PyTorchFileWriter.__init__ is writer or torch._C.PyTorchFileWriter.__init__ == writer
        assert torch.from_file is from_file

    def test_guarding_ends_with_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(KeyError), guard.guarding():
            raise KeyError
        (tmp_path / "one").write_text("x")
