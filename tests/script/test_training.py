"""Loaders, optimisers, epochs, modes, switches: every fact with the expression that states it, or absent."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

HEAD = """
import argparse, os, random
from tqdm import tqdm, trange
import numpy as np
import torch
import torch.backends.cudnn as cudnn
from dataclasses import dataclass
from types import SimpleNamespace
from torch import nn, optim
from torch.utils.data import DataLoader
model = nn.Linear(1, 2)
"""


def recipe_of(source: Callable, text: str) -> tuple:
    read = source(HEAD + textwrap.dedent(text))
    return read, read.recipe


# -- where a number is stated


@pytest.mark.parametrize(
    ("before", "value", "expected"),
    [
        ("", "32", (32, "32")),
        ("BATCH = 32", "BATCH", (32, "32")),
        ("A = 16\nBATCH = A * 2", "BATCH", (32, "A * 2")),
        ("a, b = 1, 32", "b", (32, "32")),
        ("cfg = {'bs': 32}", "cfg['bs']", (32, "32")),
        ("cfg = {'data': {'bs': 32}}", "cfg['data']['bs']", (32, "32")),
        ("cfg = dict(bs=32)", "cfg['bs']", (32, "32")),
        ("cfg = {}\ncfg['bs'] = 32", "cfg.get('bs')", (32, "32")),
        ("cfg = {'bs': 1}\ncfg.update(bs=32)", "cfg['bs']", (32, "32")),
        ("class Config:\n    bs = 32", "Config.bs", (32, "32")),
        ("class Config:\n    bs = 32\nclass Mine(Config): pass", "Mine().bs", (32, "32")),
        ("class Config:\n    def __init__(self, bs=32):\n        self.bs = bs\nc = Config()", "c.bs", (32, "32")),
        ("class Config:\n    def __init__(self, bs=1):\n        self.bs = bs\nc = Config(32)", "c.bs", (32, "32")),
        ("@dataclass\nclass C:\n    lr: float = 1.0\n    bs: int = 32\nc = C()", "c.bs", (32, "32")),
        ("@dataclass\nclass C:\n    lr: float = 1.0\n    bs: int = 1\nc = C(bs=32)", "c.bs", (32, "32")),
        ("@dataclass\nclass C:\n    lr: float = 1.0\n    bs: int = 1\nc = C(0.1, 32)", "c.bs", (32, "32")),
        ("c = SimpleNamespace(bs=32)", "c.bs", (32, "32")),
        ("from easydict import EasyDict\nc = EasyDict({'bs': 32})", "c.bs", (32, "32")),
        ("", "int('32')", (32, "'32'")),
        ("", "max(1, 32)", (32, "max(1, 32)")),
        ("", "None or 32", (32, "32")),
        ("def size(n=32): return n", "size()", (32, "32")),
        ("def size(n): return n * 2", "size(16)", (32, "n * 2")),
        ("if flag: n = 32\nelse: n = 32", "n", (32, "32")),
        ("global n\nn = 32\ndef size(): return n", "size()", (32, "32")),
    ],
)
def test_constants_are_followed_to_where_they_are_stated(
    source: Callable, before: str, value: str, expected: tuple[int, str]
) -> None:
    read, recipe = recipe_of(source, f"{before}\nloader = DataLoader(data, batch_size={value})")
    assert read.stated(recipe.loaders[0].batch_size) == expected
    assert recipe.loaders[0].unread == ()


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("", "unknown"),
        ("if flag: n = 32\nelse: n = 64", "n"),
        ("n = 32\nif flag: n = 64", "n"),
        ("n = 32\nfor i in data: n = n * 2", "n"),
        ("n = 32\nwhile flag: n += 1", "n"),
        ("", "int(os.environ.get('BS', 32))"),
        ("", "32 if flag else 64"),
        ("", "input()"),
        ("cfg = {'bs': 32}\ncfg.update(load())", "cfg['bs']"),
        ("cfg = {'bs': 32}\nif flag: cfg['bs'] = 64", "cfg['bs']"),
        ("class C:\n    bs = 32\nif flag: C.bs = 64", "C.bs"),
        ("n = 32\ndef set_it():\n    global n\n    n = 64\nset_it()", "n"),
        ("def size(n):\n    if n: return 32\n    return 64", "size(flag)"),
        ("import config", "config.BS"),
        ("", "True"),
        ("", "32.0"),
    ],
)
def test_a_number_that_is_not_certain_is_absent_and_said_to_be_given(source: Callable, before: str, value: str) -> None:
    _, recipe = recipe_of(source, f"{before}\nloader = DataLoader(data, batch_size={value})")
    assert recipe.loaders[0].batch_size is None
    assert recipe.loaders[0].unread == ("batch_size",)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("'--bs', type=int, default=32", (32, "32")),
        ("'-b', '--bs', default=32", (32, "32")),
        ("'-b', '--batch-size', dest='bs', default=32", (32, "32")),
        ("'--bs', type=int, default='32'", (32, "'32'")),
        ("'--bs', default=DEFAULT", (32, "32")),
        ("'--bs', type=int", None),
        ("'--bs', type=int, required=True", None),
        ("'--bs', type=parse, default='32'", None),
        ("'bs', type=int", None),
    ],
)
@pytest.mark.parametrize(
    ("parse", "use"),
    [
        ("args = parser.parse_args()", "args.bs"),
        ("args, _ = parser.parse_known_args()", "args.bs"),
        ("args = vars(parser.parse_args())", "args['bs']"),
        ("args = parser.parse_args([])", "getattr(args, 'bs')"),
    ],
)
def test_options(source: Callable, option: str, expected: tuple | None, parse: str, use: str) -> None:
    read, recipe = recipe_of(
        source,
        f"""
        DEFAULT = 32
        def options():
            parser = argparse.ArgumentParser()
            group = parser.add_argument_group("data")
            group.add_argument({option})
            {parse}
            return args
        args = options()
        loader = DataLoader(data, batch_size={use})
        """,
    )
    assert read.stated(recipe.loaders[0].batch_size) == expected


def test_options_that_are_changed_or_given(source: Callable) -> None:
    text = """
        parser = argparse.ArgumentParser()
        parser.add_argument("--bs", default=32)
        parser.add_argument("--lr", default=0.1)
        parser.set_defaults(lr=0.2)
        args = parser.parse_args(["--bs", "64"])
        args.workers = 3
        loader = DataLoader(data, batch_size=args.bs, num_workers=args.workers)
        opt = optim.SGD(model.parameters(), lr=args.lr)
        """
    read, recipe = recipe_of(source, text)
    assert recipe.loaders[0].batch_size is None
    assert read.stated(recipe.loaders[0].num_workers) == (3, "3")
    assert read.stated(recipe.optimizers[0].arguments["lr"]) == (0.2, "0.2")


# -- loaders


def test_everything_a_loader_states(source: Callable) -> None:
    read, recipe = recipe_of(
        source,
        """
        from torchvision import datasets
        data = datasets.MNIST("x")
        loader = torch.utils.data.DataLoader(
            data, 64, True, drop_last=True, num_workers=2, pin_memory=False, sampler=Sampler(data))
        """,
    )
    (loader,) = recipe.loaders
    assert loader.variable == "loader"
    assert read.stated(loader.batch_size) == (64, "64")
    assert read.stated(loader.shuffle) == (True, "True")
    assert read.stated(loader.drop_last) == (True, "True")
    assert read.stated(loader.num_workers) == (2, "2")
    assert read.stated(loader.pin_memory) == (False, "False")
    assert read.stated(loader.sampler) == ("Sampler(data)", "Sampler(data)")
    assert read.stated(loader.dataset) == ("torchvision.datasets.MNIST", "data")


@pytest.mark.parametrize(
    ("arguments", "unread"),
    [
        ("", ()),
        ("shuffle=flag", ("shuffle",)),
        ("shuffle=None, sampler=None", ()),
        ("**options", ("**",)),
        ("**{'batch_size': 4}", ()),
        ("**{'batch_size': unknown}", ("batch_size",)),
        ("sampler=unknown", ()),
    ],
)
def test_arguments_that_are_given_but_not_known_are_told(source: Callable, arguments: str, unread: tuple) -> None:
    _, recipe = recipe_of(source, f"loader = DataLoader(data, {arguments})")
    assert recipe.loaders[0].unread == unread


STEP = "optimizer.zero_grad(); loss = nn.MSELoss()(model(x), y); loss.backward(); optimizer.step()"


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        (f"a = DataLoader(d)\nb = DataLoader(d)\nfor x, y in a: {STEP}\nfor x, y in b: model(x)", ["train", None]),
        (f"test = DataLoader(d)\nfor x, y in test: {STEP}", ["train"]),
        (f"a = DataLoader(d)\nfor i, (x, y) in enumerate(tqdm(a)): {STEP}", ["train"]),
        (f"a = DataLoader(d)\nit = iter(a)\nfor i in range(9):\n    x, y = next(it)\n    {STEP}", ["train"]),
        (f"a = DataLoader(d)\nfor batch in a:\n    x, y = batch['x'].cuda(), batch['y']\n    {STEP}", ["train"]),
        (f"def go(loader):\n    for x, y in loader: {STEP}\na = DataLoader(d)\ngo(a)", ["train"]),
        (
            f"def forever(l):\n    while True:\n        for b in l: yield b\na = DataLoader(d)\n"
            f"for x, y in forever(a): {STEP}",
            ["train"],
        ),
        (f"a = DataLoader(d)\nb = DataLoader(d)\nfor (x, _), (_, y) in zip(a, b): {STEP}", ["train", "train"]),
        ("b = DataLoader(d)\nwith torch.no_grad():\n    for x in b: model(x)", ["val"]),
        ("b = DataLoader(d)\nwith torch.no_grad():\n    for i, x in enumerate(b): model(x)", ["val"]),
        ("b = DataLoader(d)\nwith torch.inference_mode():\n    found = [model(x) for x in tqdm(b)]", ["val"]),
        (
            "def loaders():\n    a = DataLoader(d)\n    b = DataLoader(d)\n    return a, b\n"
            "train_dl, test_dl = loaders()",
            ["train", "test"],
        ),
        ("train_loader = DataLoader(d)", ["train"]),
        ("valloader = DataLoader(d)", ["val"]),
        ("validation_dl = DataLoader(d)", ["val"]),
        ("testLoader = DataLoader(d)", ["test"]),
        ("evaluate_data = DataLoader(d)", [None]),
        ("contest = DataLoader(d)", [None]),
        ("train_test = DataLoader(d)", [None]),
        ("loaders = {'train': DataLoader(d), 'val': DataLoader(d)}", ["train", "val"]),
        (
            f"loaders = {{'train': DataLoader(d), 'val': DataLoader(d)}}\nfor phase in ['train', 'val']:\n"
            f"    for x, y in loaders[phase]:\n        if phase == 'train': {STEP}",
            ["train", "val"],
        ),
        ("def loaders():\n    return DataLoader(d), DataLoader(d)\ntrain_dl, test_dl = loaders()", ["train", "test"]),
        ("trainer.fit(net, DataLoader(a), DataLoader(b))", ["train", "val"]),
        ("trainer.fit(net, val_dataloaders=DataLoader(b))", ["val"]),
    ],
)
def test_the_role_of_a_loader(source: Callable, text: str, roles: list[str | None]) -> None:
    _, recipe = recipe_of(source, "optimizer = optim.SGD(model.parameters(), 0.1)\n" + text)
    assert [loader.role for loader in recipe.loaders] == roles


def test_one_call_that_makes_two_loaders_states_only_what_both_have(source: Callable) -> None:
    read, recipe = recipe_of(
        source,
        """
        def make(n, shuffle): return DataLoader(data, batch_size=n, shuffle=shuffle)
        a = make(8, True)
        b = make(8, False)
        """,
    )
    (loader,) = recipe.loaders
    assert (read.stated(loader.batch_size), loader.shuffle, loader.unread) == ((8, "8"), None, ("shuffle",))


# -- optimisers


@pytest.mark.parametrize(
    ("call", "name", "arguments"),
    [
        ("optim.SGD(model.parameters(), 0.1, 0.9)", "sgd", {"lr": (0.1, "0.1"), "momentum": (0.9, "0.9")}),
        ("optim.Adam(model.parameters())", "adam", {}),
        ("torch.optim.AdamW(params=model.parameters(), lr=LR)", "adamw", {"lr": (1e-3, "1e-3")}),
        ("optim.Adam(model.parameters(), betas=(B, 0.9))", "adam", {"betas": ((0.5, 0.9), "(B, 0.9)")}),
        ("optim.RMSprop(model.parameters(), lr=unknown)", "rmsprop", {}),
        ("Lion(model.parameters(), lr=LR)", "lion", {"lr": (1e-3, "1e-3")}),
    ],
)
def test_optimisers(source: Callable, call: str, name: str, arguments: dict) -> None:
    read, recipe = recipe_of(source, f"from lion_pytorch import Lion\nLR, B = 1e-3, 0.5\nopt = {call}")
    (optimizer,) = recipe.optimizers
    assert (optimizer.name, optimizer.variable, optimizer.networks) == (name, "opt", ("model",))
    assert read.text(optimizer.site) == call
    assert {key: read.stated(fact) for key, fact in optimizer.arguments.items()} == arguments


@pytest.mark.parametrize(
    ("parameters", "networks"),
    [
        ("list(model.parameters()) + list(other.parameters())", ("model", "other")),
        ("itertools.chain(model.parameters(), other.parameters())", ("model", "other")),
        ("filter(lambda p: p.requires_grad, model.parameters())", ("model",)),
        ("[p for p in model.parameters() if p.requires_grad]", ("model",)),
        ("[p for n, p in model.named_parameters() if 'bias' in n]", ("model",)),
        ("[{'params': model.parameters()}, {'params': other.parameters(), 'lr': 1}]", ("model", "other")),
        ("model.fc.parameters()", ("model.fc",)),
        ("nn.DataParallel(model).parameters()", ("model",)),
        ("[torch.zeros(3)]", ()),
        ("unknown", ()),
    ],
)
def test_whose_parameters_an_optimiser_has(source: Callable, parameters: str, networks: tuple[str, ...]) -> None:
    _, recipe = recipe_of(source, f"import itertools\nother = nn.Linear(1, 2)\nopt = optim.Adam({parameters})")
    assert recipe.optimizers[0].networks == networks


@pytest.mark.parametrize(
    "call",
    [
        "optim.lr_scheduler.StepLR(opt, 3)",
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        "EMA(model.parameters(), 0.9)",
        "optim.swa_utils.AveragedModel(model)",
    ],
)
def test_what_is_no_optimiser(source: Callable, call: str) -> None:
    assert recipe_of(source, f"from ema import EMA\nx = {call}")[1].optimizers == ()


# -- the loop


def test_the_calls_of_a_loop(source: Callable) -> None:
    read, recipe = recipe_of(
        source,
        """
        loader = DataLoader(data)
        opt = optim.SGD(model.parameters(), 0.1)
        sched = optim.lr_scheduler.StepLR(opt, 1)
        def train(net):
            net.train()
            for epoch in range(3):
                for x, y in loader:
                    opt.zero_grad(set_to_none=True)
                    loss = nn.MSELoss()(net(x.to(device)), y)
                    loss.backward()
                    opt.step()
                sched.step()
            net.eval()
        train(model)
        """,
    )
    header = ["for epoch in range(3)", "for x, y in loader"]
    for calls, target, text, loops in [
        (recipe.trains, "model", "net.train()", []),
        (recipe.evals, "model", "net.eval()", []),
        (recipe.zero_grads, "opt", "opt.zero_grad(set_to_none=True)", header),
        (recipe.backwards, "loss", "loss.backward()", header),
        (recipe.steps, "opt", "opt.step()", header),
        (recipe.scheduler_steps, "sched", "sched.step()", header[:1]),
        (recipe.device_moves, "x", "x.to(device)", header),
    ]:
        (call,) = calls
        assert (call.target, call.function, read.text(call.site)) == (target, "train", text)
        assert [read.text(loop) for loop in call.loops] == loops
    assert read.stated(recipe.epochs) == (3, "3")


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("trains", "model.train(True)"),
        ("trains", "model.train(mode=True)"),
        ("evals", "model.train(False)"),
        ("steps", "scaler.step(opt)"),
        ("steps", "self.optimizer.step()"),
        ("scheduler_steps", "lr_scheduler.step()"),
        ("zero_grads", "model.zero_grad()"),
        ("zero_grads", "for p in model.parameters(): p.grad = None"),
        ("no_grads", "with torch.no_grad(): pass"),
        ("no_grads", "with torch.inference_mode(): pass"),
        ("no_grads", "@torch.no_grad()\ndef f(): pass"),
        ("no_grads", "@torch.inference_mode\ndef f(): pass"),
        ("no_grads", "torch.set_grad_enabled(False)"),
        ("no_grads", "with torch.set_grad_enabled(phase == 'train'): pass"),
        ("device_moves", "model.cuda()"),
        ("device_moves", "model.to(device=device)"),
        ("device_moves", "x.to('cuda', non_blocking=True)"),
        ("seeds", "torch.manual_seed(3)"),
        ("seeds", "np.random.seed(3)"),
        ("seeds", "random.seed(3)"),
        ("seeds", "torch.cuda.manual_seed_all(3)"),
    ],
)
def test_calls_that_matter(source: Callable, kind: str, statement: str) -> None:
    _, recipe = recipe_of(source, statement)
    assert len(getattr(recipe, kind)) == 1


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("trains", "model.train(flag)"),
        ("trains", "trainer.train()"),
        ("evals", "frame.eval('a + b')"),
        ("steps", "env.step(action)"),
        ("no_grads", "with torch.set_grad_enabled(True): pass"),
        ("no_grads", "with torch.enable_grad(): pass"),
        ("device_moves", "x.to(torch.float16)"),
        ("device_moves", "x.to(dtype=torch.float16)"),
        ("seeds", "rng.seed(3)"),
    ],
)
def test_calls_that_do_not(source: Callable, kind: str, statement: str) -> None:
    assert getattr(recipe_of(source, statement)[1], kind) == ()


def test_where_gradients_are_off(source: Callable) -> None:
    _, recipe = recipe_of(source, "@torch.no_grad()\ndef f():\n    pass\nwith torch.no_grad():\n    a = 1\n    b = 2")
    assert [(call.function, call.target) for call in recipe.no_grads] == [("f", "torch.no_grad"), ("", "torch.no_grad")]
    first, second = (call.arguments["lines"] for call in recipe.no_grads)
    assert (first[1] - first[0], second[1] - second[0]) == (1, 2)


def test_a_device_is_followed_to_what_it_stands_for(source: Callable) -> None:
    _, recipe = recipe_of(source, "device = torch.device('cuda')\nnet = nn.Linear(1, 2).to(device)\nx.to(other)")
    first, second = recipe.device_moves
    assert (first.target, first.arguments) == ("net", {"device": "device", "resolved": "torch.device('cuda')"})
    assert second.arguments == {"device": "other"}


@pytest.mark.parametrize(
    ("loop", "expected"),
    [
        ("for epoch in range(5)", (5, "5")),
        ("for epoch in range(1, N + 1)", (7, "7")),
        ("for epoch in range(2, N)", (5, "range(2, N)")),
        ("for e in tqdm(range(N))", (7, "7")),
        ("for epoch in trange(N)", None),
        ("for epoch in range(start, N)", None),
        ("while True", None),
    ],
)
def test_epochs(source: Callable, loop: str, expected: tuple | None) -> None:
    text = (
        f"N = 7\nloader = DataLoader(d)\n{loop}:\n    for x, y in loader:\n        nn.MSELoss()(model(x), y).backward()"
    )
    read, recipe = recipe_of(source, text)
    assert read.stated(recipe.epochs) == expected


@pytest.mark.parametrize("batches", ["enumerate(loader)", "enumerate(tqdm(loader), 1)", "zip(loader, loader)"])
def test_epochs_around_any_loop_over_the_data(source: Callable, batches: str) -> None:
    body = f"    for i, (x, y) in {batches}:\n        loss(model(x)).backward()"
    text = f"loader = DataLoader(d)\nfor k in range(5):\n{body}"
    read, recipe = recipe_of(source, text)
    assert read.stated(recipe.epochs) == (5, "5")


def test_epochs_through_a_function_and_not_of_other_loops(source: Callable) -> None:
    read, recipe = recipe_of(
        source,
        """
        def train(loader):
            for x, y in loader:
                for k in range(4):
                    nn.MSELoss()(model(x), y).backward()
        for fold in range(3):
            for epoch in range(9):
                train(DataLoader(d))
        """,
    )
    assert read.stated(recipe.epochs) == (9, "9")


def test_epochs_that_differ_between_calls_are_absent(source: Callable) -> None:
    _, recipe = recipe_of(
        source,
        """
        def train(epochs):
            for epoch in range(epochs):
                nn.MSELoss()(model(x), y).backward()
        train(3)
        train(9)
        """,
    )
    assert recipe.epochs is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if (i + 1) % 4 == 0:\n    opt.step()", "(i + 1) % 4 == 0"),
        ("if i % 4 == 0 or last:\n    scaler.step(opt)", "i % 4 == 0 or last"),
        ("if i % 4 == 0:\n    print(i)\nopt.step()", None),
        ("if i % 4 == 0:\n    loss.backward()\n    opt.step()", None),
        ("with accelerator.accumulate(model):\n    opt.step()", "accelerator.accumulate(model)"),
    ],
)
def test_accumulation(source: Callable, text: str, expected: str | None) -> None:
    _, recipe = recipe_of(source, "opt = optim.SGD(model.parameters(), 0.1)\n" + text)
    assert (recipe.accumulation and recipe.accumulation.value) == expected


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("cudnn.benchmark = True", {"torch.backends.cudnn.benchmark": True}),
        ("torch.backends.cudnn.deterministic = True", {"torch.backends.cudnn.deterministic": True}),
        ("torch.backends.cuda.matmul.allow_tf32 = ON", {"torch.backends.cuda.matmul.allow_tf32": True}),
        ("torch.use_deterministic_algorithms(True)", {"torch.use_deterministic_algorithms": True}),
        ("os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'", {"os.environ.CUBLAS_WORKSPACE_CONFIG": ":4096:8"}),
        ("def seed():\n    cudnn.benchmark = False", {"torch.backends.cudnn.benchmark": False}),
        ("if args.fast: cudnn.benchmark = True", {}),
        ("cudnn.benchmark = True\ncudnn.benchmark = False", {}),
        ("cudnn.benchmark = unknown", {}),
        ("other.benchmark = True", {}),
    ],
)
def test_switches(source: Callable, text: str, flags: dict) -> None:
    _, recipe = recipe_of(source, "ON = True\n" + text)
    assert {name: fact.value for name, fact in recipe.flags.items()} == flags


@pytest.mark.parametrize(
    ("text", "framework"),
    [
        ("import pytorch_lightning as pl\nt = pl.Trainer(max_epochs=4, accumulate_grad_batches=2)", "lightning"),
        ("import lightning as L\nclass M(L.LightningModule): pass", "lightning"),
        ("from accelerate import Accelerator\na = Accelerator()", "accelerate"),
        ("from lightning.fabric import Fabric\nf = Fabric()", "fabric"),
        ("from transformers import Trainer\nt = Trainer(model)", "transformers"),
        ("class Trainer: pass\nt = Trainer()", None),
        ("from mine import Trainer\nt = Trainer()", None),
    ],
)
def test_frameworks(source: Callable, text: str, framework: str | None) -> None:
    read, recipe = recipe_of(source, text)
    assert (recipe.framework and recipe.framework.value) == framework
    if "max_epochs" in text:
        assert read.stated(recipe.epochs) == (4, "4")
        assert read.stated(recipe.accumulation) == ("2", "2")


@pytest.mark.parametrize(
    ("call", "unread"),
    [
        (
            "net, opt, loader = PrivacyEngine().make_private(module=net, optimizer=opt, data_loader=loader)",
            ("sampler",),
        ),
        ("loader = DPDataLoader.from_data_loader(loader)", ("sampler",)),
        ("net, opt, loader = accelerator.prepare(net, opt, loader)", ()),
    ],
)
def test_what_makes_a_loader_anew_with_random_batches(source: Callable, call: str, unread: tuple) -> None:
    text = f"""
net, loader = nn.Linear(1, 2), DataLoader(data, batch_size=64)
opt = optim.SGD(net.parameters(), lr=0.1)
if private:
    {call}
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
"""
    assert recipe_of(source, text)[1].loaders[0].unread == unread


def test_a_move_with_starred_arguments_is_read(source: Callable) -> None:
    found = recipe_of(source, "def move(*args, **kwargs):\n    model.to(*args, **kwargs)\nmove()")[1]
    assert [call.target for call in found.device_moves] == ["model"]
