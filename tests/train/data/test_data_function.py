"""Data that a function of the user's makes: everything it may return, and everything it may not."""

import random
import textwrap

import numpy as np
import pytest
import torch
from made_data import problem
from torch.utils.data import DataLoader

from nnlint.train.data.load import load_data
from nnlint.train.data.model import Arrays, Stream
from nnlint.train.data.view import viewed
from nnlint.train.evaluate import baseline_of

HEAD = """
import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset, random_split

x = torch.arange(40 * 48).float().view(40, 3, 4, 4).sin()
y = torch.arange(40) % 4

class Own(Dataset):
    def __init__(self, count=40):
        self.count = count
    def __len__(self):
        return self.count
    def __getitem__(self, index):
        return x[index % 40] + index, int(index % 4)

class Named(Own):
    classes = ["n", "e", "s", "w"]
    targets = [index % 4 for index in range(40)]

class Pictures(Named):
    def __getitem__(self, index):
        pixels = np.random.default_rng(index).integers(0, 256, (6, 5, 3), dtype=np.uint8)
        return Image.fromarray(pixels), index % 4

class Endless(IterableDataset):
    def __iter__(self):
        return iter([(torch.zeros(3), 0)] * 8)
"""


@pytest.fixture
def made(tmp_path):
    def write(body, name="mine.py"):
        path = tmp_path / name
        path.write_text(f"{HEAD}\ndef data():\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\n")
        return f"{path}:data"

    return write


@pytest.mark.parametrize(
    "body",
    [
        "return TensorDataset(x[:30], y[:30]), TensorDataset(x[30:], y[30:])",
        "return (x[:30], y[:30]), (x[30:], y[30:])",
        "return (x[:30].numpy(), y[:30].numpy()), (x[30:].numpy(), y[30:].numpy())",
        "return {'train': (x[:30], y[:30]), 'val': TensorDataset(x[30:], y[30:])}",
        "return random_split(TensorDataset(x, y), [30, 10])",
        "return Subset(TensorDataset(x, y), range(30)), Subset(TensorDataset(x, y), range(30, 40))",
    ],
)
def test_what_lies_in_memory_becomes_arrays(made, body):
    data = load_data(made(body))
    assert isinstance(data.train, Arrays) and isinstance(data.val, Arrays) and data.test is None
    assert (len(data.train), len(data.val)) == (30, 10)
    assert data.task == "classes" and data.shape == (3, 4, 4) and data.outputs == 4
    assert data.mean is not None


def test_one_data_set_is_split(made):
    data = load_data(made("return TensorDataset(x, y)"))
    assert (len(data.train), len(data.val), len(data.test)) == (28, 4, 8)
    assert "70/10/20" in data.source
    assert len(load_data(made("return x, y")).train) == 28


def test_three_parts_and_names(made):
    body = "return {'train': (x, y), 'val': (x[:4] + 9, y[:4]), 'test': (x[:8] + 5, y[:8]), 'classes': list('nesw')}"
    data = load_data(made(body))
    assert data.classes == tuple("nesw") and len(data.test) == 8
    assert len(load_data(made("return (x, y), (x[:4] + 9, y[:4]), (x[:8] + 5, y[:8])")).test) == 8


def test_tensors_have_their_channels_first_for_certain(made):
    assert load_data(made("return torch.rand(40, 32, 8, 3), y")).shape == (32, 8, 3)
    assert load_data(made("return torch.rand(40, 32, 8, 3).numpy(), y.numpy()")).shape == (3, 32, 8)


def test_a_random_split_is_the_same_every_time_and_the_numbers_of_others_stay(made):
    spec = made("return random_split(TensorDataset(x, y), [30, 10])")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second = load_data(spec), load_data(spec)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert not torch.equal(first.train.inputs, load_data(spec, seed=1).train.inputs)


def test_whatever_is_drawn_from_in_a_file_and_its_function_it_is_the_same_every_time(tmp_path):
    file = tmp_path / "drawn.py"
    file.write_text(
        "import random\nimport numpy as np\nimport torch\n"
        "x = torch.stack([torch.rand(40), torch.from_numpy(np.random.rand(40)).float()], 1)\n"
        "def data():\n    order = random.sample(range(40), 40)\n"
        "    return tuple((x[part], torch.tensor(part) % 2) for part in (order[:30], order[30:]))\n"
    )
    before = random.getstate(), np.random.get_state()[1].tolist()
    first, second = load_data(f"{file}:data"), load_data(f"{file}:data")
    assert before == (random.getstate(), np.random.get_state()[1].tolist())
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.train.targets, second.train.targets)
    other = load_data(f"{file}:data", seed=1)
    assert not torch.equal(first.train.targets, other.train.targets)


def test_data_sets_hand_out_their_samples(made):
    data = load_data(made("return Own(), Own(8)"))
    assert isinstance(data.train, Stream) and data.train.samples == 40 and data.val.samples == 8
    assert data.task == "classes" and data.classes == ("0", "1", "2", "3") and data.shape == (3, 4, 4)
    assert data.mean is None
    assert any("4 classes were found in 48 targets" in note for note in data.notes)
    inputs, targets = next(iter(DataLoader(data.train.dataset, batch_size=5)))
    assert inputs.shape == (5, 3, 4, 4) and targets.tolist() == [0, 1, 2, 3, 0]


def test_what_a_data_set_says_of_itself_is_believed(made):
    data = load_data(made("return Named()"))
    assert data.classes == ("n", "e", "s", "w") and data.notes == ()
    assert (data.train.samples, data.val.samples, data.test.samples) == (28, 4, 8)
    assert "stratified by class" in data.source


def test_pictures_become_tensors(made):
    data = load_data(made("return Pictures(), Pictures(8)"))
    assert data.shape == (3, 6, 5) and data.mean.shape == (3,)
    image, target = data.train.dataset[1]
    assert image.dtype == torch.uint8 and image.shape == (3, 6, 5) and target == 1
    seen = viewed(data, 1, (4, 4))
    assert seen.shape == (1, 4, 4) and seen.mean.shape == (1,)
    assert seen.train.dataset[1][0].shape == (1, 4, 4) and seen.train.dataset[1][0].dtype == torch.uint8


def test_loaders_are_kept(made):
    data = load_data(made("return DataLoader(Named(), batch_size=6, shuffle=True), DataLoader(Named(8), batch_size=4)"))
    assert data.train.loader is not None and data.train.samples == 40
    assert data.classes == ("n", "e", "s", "w") and data.shape == (3, 4, 4)
    shared = "not looked for samples that the parts share: not all of them lie in memory as a `TensorDataset`"
    assert data.notes == (shared, "the loader makes its batches itself: --batch-size and --workers are not used")
    seen = viewed(data, 1, (2, 2))
    inputs, _ = next(iter(seen.train.loader))
    assert inputs.shape == (6, 1, 2, 2) and len(seen.train.loader) == 7
    assert seen.train.loader.batch_size == 6


def test_numbers_and_yes_or_no_of_data_sets(made):
    data = load_data(made("return [(x[i], float(i) + 0.5) for i in range(40)]"))
    assert data.task == "numbers" and data.outputs == 1
    assert data.target_mean.item() == pytest.approx(np.mean([data.train.dataset[i][1] for i in range(28)]))
    data = load_data(made("return [(x[i].numpy(), i % 2) for i in range(40)]"))
    assert data.task == "binary" and data.outputs == 1
    assert load_data(made("return [(x[i], i % 2) for i in range(40)]"), task="classes").outputs == 2


COUNTED = """
n = torch.arange(640).float()
def counted(values, size, **options):
    return DataLoader([(x[i % 40], v) for i, v in enumerate(values)], batch_size=size, **options)
"""


def test_the_targets_of_a_loader_are_those_of_many_batches(made):
    data = load_data(made(COUNTED + "return counted(n, 32), counted(n[:64], 32)"))
    assert data.task == "numbers"
    assert data.target_mean.item() == pytest.approx(319.5) and data.target_std.item() == pytest.approx(184.75, abs=0.01)
    # grouped by class: the first batch has one of them
    data = load_data(made(COUNTED + "return counted([i // 160 for i in range(640)], 32), counted(range(4), 4)", "b.py"))
    assert data.classes == ("0", "1", "2", "3")


def test_the_targets_of_a_loader_that_fails_later(made):
    body = COUNTED + "return counted([*n[:32], 'cat', *n[33:]], 32), counted(n[:64], 32)"
    assert "a batch cannot be had" in problem(made(body))
    once = COUNTED + "return iter_once(), counted(n[:64], 32)"
    once = once.replace("n = ", "class Once(IterableDataset):\n    left = [(x[i], 0.5 + i) for i in range(40)]\n"
        "    def __iter__(self):\n        while self.left: yield self.left.pop()\n"
        "def iter_once(): return DataLoader(Once(), batch_size=40)\nn = ", 1)  # fmt: skip
    assert "the loader has a batch only once" in problem(made(once, "once.py"))


LARGE = """
from torch.utils.data import ConcatDataset
wide = torch.arange(6000).float().view(-1, 1)
late = torch.zeros(6000, dtype=torch.long)
late[3001], late[3003] = 1, 7  # of samples that are picked from all over them, neither is one

class Own(Dataset):
    def __init__(self, values):
        self.values = values
    def __len__(self):
        return len(self.values)
    def __getitem__(self, index):
        return wide[index], self.values[index]
"""


@pytest.mark.parametrize(
    "held",
    [
        "TensorDataset(wide, late)",
        "TensorDataset(wide, late.view(-1, 1))",
        "Subset(TensorDataset(wide, late), range(1, 6000))",
        "ConcatDataset([TensorDataset(wide[:10], late[:10]), Subset(TensorDataset(wide, late), range(6000))])",
    ],
)
def test_targets_in_memory_are_read_all_behind_a_loader_too(made, held):
    data = load_data(made(LARGE + f"held = {held}\nreturn DataLoader(held, 16, shuffle=True), DataLoader(held, 16)"))
    assert isinstance(data.train, Stream) and data.outputs == 8
    counted = 2 * data.train.samples
    absent = f"classes 0 … 7, of which 2, 3, 4, 5, 6 never occur in the {counted:,} targets that were read"
    assert any(absent in note for note in data.notes)


def test_what_a_loader_makes_of_targets_itself_counts(made):
    halved = """
def halved(samples):
    return torch.stack([x for x, _ in samples]), torch.tensor([int(y) % 2 for _, y in samples])
held = DataLoader(TensorDataset(wide, torch.arange(6000) % 7), 16, collate_fn=halved)
return held, held
"""
    assert load_data(made(LARGE + halved)).task == "binary"


def test_a_loader_in_order_is_looked_into_all_over(made):
    body = "values = [i // 600 for i in range(6000)]\nreturn DataLoader(Own(values), 16), DataLoader(Own(values), 16)"
    data = load_data(made(LARGE + body))
    assert data.outputs == 10
    assert any("10 classes were found in 4,000 targets" in note for note in data.notes)


def test_a_constant_answer_is_known_where_all_targets_are(made):
    held = "y = torch.tensor([0, 1, 2, 2]).repeat(10)\nheld = TensorDataset(x, y)\n"
    pair = "return DataLoader(held, 16, shuffle=True), DataLoader(held, 16"
    data = load_data(made(held + pair + ")"))
    assert baseline_of(data, data.val) == 0.5
    seen = viewed(data, 1, (2, 2), flat=True)
    assert baseline_of(seen, seen.val) == 0.5
    data = load_data(made("return Own(), Own(8)", "read.py"))
    assert baseline_of(data, data.val) == 0.25
    data = load_data(made(held.replace("held = ", "y = y[:, None]\nheld = ") + pair + ")", "column.py"))
    assert baseline_of(data, data.val) == 0.5
    data = load_data(made(held + pair.replace("True", "True, drop_last=True") + ")", "last.py"))
    assert baseline_of(data, data.val) == 0.5
    data = load_data(made("held = TensorDataset(x, y[:, None] / 3)\n" + pair + ")", "thirds.py"))
    assert baseline_of(data, data.val) == pytest.approx(0, abs=1e-6)
    # what is handed out is something else
    data = load_data(made(held + pair + ", drop_last=True)", "dropped.py"))
    assert baseline_of(data, data.val) is None
    weighed = "from torch.utils.data import WeightedRandomSampler as Some\n" + held
    data = load_data(made(weighed + pair + ", sampler=Some(torch.ones(40), 40))", "weighed.py"))
    assert baseline_of(data, data.val) is None


def test_samples_that_loaders_in_memory_share_are_a_note(made):
    body = """
        held = TensorDataset(x, y)
        return DataLoader(held, 8, shuffle=True), DataLoader(Subset(held, range(4, 14)), 8)
    """
    told = "10 of the 10 samples of val occur in train, bit for bit: sample 4 is sample 4 of train"
    assert any(told in note for note in load_data(made(body)).notes)
    apart = body.replace("DataLoader(held", "DataLoader(Subset(held, range(14, 40))")
    assert not any("occur in train" in note or "share" in note for note in load_data(made(apart, "b.py")).notes)
    some = body.replace("held, 8, shuffle=True", "held, 8, sampler=torch.utils.data.SubsetRandomSampler(range(9))")
    assert any("5 of the 10 samples of val occur" in note for note in load_data(made(some, "c.py")).notes)
    half = body.replace("(x, y)", "(x.bfloat16(), y)")
    assert any("not looked for samples" in note for note in load_data(made(half, "d.py")).notes)


@pytest.mark.parametrize(
    ("train", "said"),
    [
        ("TensorDataset(x, grouped), 8", True),
        ("TensorDataset(x, 3 - grouped), 8", True),
        ("TensorDataset(x, grouped[:, None]), 8", True),
        ("TensorDataset(x, grouped), 8, shuffle=True", False),
        ("TensorDataset(x, grouped), 40", False),
        ("TensorDataset(x, grouped.roll(1)), 8", False),
        ("TensorDataset(x, y), 8", False),
        ("TensorDataset(x, torch.arange(40)), 8", False),
        ("TensorDataset(x, grouped / 7), 8", False),
        ("TensorDataset(x, grouped), 8, sampler=torch.utils.data.RandomSampler(x)", False),
    ],
)
def test_a_loader_that_hands_out_class_after_class_is_told(made, train, said):
    body = f"grouped = torch.arange(4).repeat_interleave(10)\nloader = DataLoader({train})\nreturn loader, loader"
    notes = load_data(made(body)).notes
    assert any("in the order of their classes and does not shuffle" in note for note in notes) == said


def test_several_data_sets_in_one_name_their_classes_if_they_agree(made):
    head = "from torch.utils.data import ConcatDataset\n"
    data = load_data(made(head + "return ConcatDataset([Named(), Named(), Named()])"))
    assert data.classes == ("n", "e", "s", "w") and "stratified by class" in data.source
    data = load_data(made(head + "return ConcatDataset([Named(), Own()])", "other.py"))
    assert data.classes == ("0", "1", "2", "3")


def test_a_sample_is_called_by_its_number_in_the_whole_data_set(made):
    broken = """
        class Broken(Own):
            def __getitem__(self, index):
                if index == 33:
                    raise OSError("corrupt")
                return super().__getitem__(index)
    """
    message = problem(made(textwrap.dedent(broken) + "return Broken()"))
    assert "mine.py:data: sample 33 cannot be had: OSError: corrupt" in message
    message = problem(made(textwrap.dedent(broken) + "return {'train': Broken(), 'test': Own()}", "b.py"))
    assert "b.py:data, train: sample 33 cannot be had" in message
    message = problem(made(textwrap.dedent(broken) + "return random_split(Broken(), [20, 20])", "c.py"))
    assert "sample 33 cannot be had" in message
    nan = "x[33] = float('nan')\nreturn tuple(Subset(TensorDataset(x, y), part) for part in (range(20), range(20, 40)))"
    assert "first in sample 33" in problem(made("x = torch.ones(40, 3)\n" + nan, "d.py"))


def test_whole_numbers_stored_as_floats_are_no_silent_choice(made):
    data = load_data(made("return [(x[i], float(i % 3)) for i in range(40)]"))
    assert data.task == "numbers"
    assert (
        "the targets are 3 different whole numbers, stored as floats: taken as numbers (--task classes otherwise)"
        in (data.notes)
    )
    assert load_data(made("return [(x[i], float(i % 3)) for i in range(40)]"), task="classes").outputs == 3
    data = load_data(made("return [(x[i], float(i % 2)) for i in range(40)]", "b.py"))
    assert data.task == "binary" and any("0.0 and 1.0: taken as no and yes" in note for note in data.notes)


@pytest.mark.parametrize(
    "body",
    [
        "return TensorDataset(x, x[:, :1])",
        "return [(x[i], (x[i, 0] > 0).long()) for i in range(40)]",
        "loader = DataLoader(TensorDataset(x, x[:, 0]), batch_size=8)\nreturn loader, loader",
    ],
)
def test_a_target_for_each_pixel_is_not_trained(made, body):
    assert "segmentation, which is not trained here" in problem(made(body))


def test_classes_in_turns_are_all_found(made):
    data = load_data(made("return Own(8000), Own(16000)"))
    assert data.classes == ("0", "1", "2", "3")


def test_a_loader_that_divides_a_data_set_by_its_sampler_counts_its_own_part(made):
    body = """
        own = Named()
        own.targets = [1 + i for i in range(40)]
        from torch.utils.data import SubsetRandomSampler as Some
        return tuple(DataLoader(own, batch_size=4, sampler=Some(part)) for part in (range(20), range(20, 40)))
    """
    data = load_data(made(body), task="numbers")
    assert (data.train.samples, data.val.samples) == (20, 20)
    assert data.target_mean.item() == pytest.approx(10.5)


def test_a_module_by_its_name(made, tmp_path, monkeypatch):
    made("return x, y", "mine_by_name.py")
    monkeypatch.chdir(tmp_path)
    assert len(load_data("mine_by_name:data").train) == 28
    assert "there is no module 'mine_by_nam'" in problem("mine_by_nam:data")
    assert "did you mean 'data'?" in problem("mine_by_name:datas")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return None", ("it returned nothing (None)", "expected (train, val)")),
        ("return 3", ("it returned a int",)),
        ("return {'training': x}", ("the key 'training'", "did you mean 'train'?")),
        ("return {'val': (x, y)}", ("a dict without 'train'",)),
        ("return x, y, x, y", ("four arrays, and their order is not known", '"train": (x, y)')),
        ("return Own(), 'val'", ("val is a str",)),
        ("return DataLoader(Own(), batch_size=4)", ("one loader, and nothing to judge by",)),
        ("return Endless(), Endless()", ("train is an iterable data set, which has no length", "return a DataLoader")),
        ("return Endless()", ("it returned an iterable data set, which has no length", "(train loader, val loader)")),
        ("return TensorDataset(x), TensorDataset(x)", ("samples are 1 tensors",)),
        ("return TensorDataset(x, y[:3])", ("AssertionError", "mine.py:")),
        ("raise OSError('no such disk')", ("OSError: no such disk", "mine.py:")),
        ("return [(x[i], -1) for i in range(40)]", ("a target is -1, expected class numbers from 0",)),
        ("return [(x[i], 'cat') for i in range(40)]", ("a target is", "cat", "expected a number")),
        ("return [(x[i], 0) for i in range(40)]", ("all 40 targets that were read are 0", "an attribute `classes`")),
        ("return [('text', i % 2) for i in range(40)]", ("mine.py:data: sample 1: a sample's input is a str",)),
        ("return [(x[i][:, : 1 + i % 2], i % 2) for i in range(41)]", ("different",)),
        ("return [(x[i] / 0, i % 2) for i in range(40)]", ("nan or infinity in the first samples",)),
        ("return [(x[i][0], i % 2) for i in range(40)]", ("a sample has shape (4, 4), expected (C, H, W) or (F,)",)),
        ("return {'train': Own(), 'val': Own(0)}", ("the data set is empty",)),
        ("return {'train': Own(), 'val': Own(8), 'classes': ['a', 'b']}", ("a target is 3, and there are 2 classes",)),
        ("return (x, y), (x + 3, y + 1)", ("class '4' of val never occurs",)),
    ],
)
def test_what_cannot_be_used_is_said(made, body, words):
    if "41" in body:
        body = body.replace("x[i]", "x[i % 40]")
        words = ("sample 0 has shape",)
    message = problem(made(body))
    for word in words:
        assert word in message


def test_the_own_functions_of_a_file_are_listed_first(tmp_path):
    path = tmp_path / "stars.py"
    own = "class Own(Dataset): pass\ndef sea(): pass\ndef sky(): pass\n"
    path.write_text(f"from torch.utils.data import *\n{own}")
    message = problem(f"{path}:qqqq")
    assert "it has: sea, sky, Own, " in message and message.partition("it has: ")[2].count(", ") == 7


def test_files_and_functions_that_are_not_there(made, tmp_path):
    made("return x, y")
    assert "did you mean 'mine.py'?" in problem(tmp_path / "mina.py:data")
    assert "there is no function 'dat'" in problem(tmp_path / "mine.py:dat")
    assert "'x' is no function but Tensor" in problem(tmp_path / "mine.py:x")
    (tmp_path / "broken.py").write_text("import torch\n1 / 0\n")
    message = problem(tmp_path / "broken.py:data")
    assert "running it failed: ZeroDivisionError" in message and "broken.py:2" in message
    (tmp_path / "typo.py").write_text("def data(:\n")
    assert "SyntaxError" in problem(tmp_path / "typo.py:data")
