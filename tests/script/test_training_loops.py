"""Training loops with their events, optimisers' groups, schedulers, calls of networks, and what a file mentions."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from nnlint.recipe import Recipe

HEAD = """
import itertools, random
import torch
from torch import nn, optim
import torch.nn.functional as F
from torch.utils.data import DataLoader
net, other = nn.Linear(16, 2), nn.Linear(16, 2)
opt = optim.SGD(net.parameters(), lr=0.1)
loader = DataLoader(data, batch_size=64)
"""


@pytest.fixture
def recipe(source: Callable) -> Callable[[str], Recipe]:
    """Reads a piece of a training script."""
    return lambda text: source(HEAD + textwrap.dedent(text)).recipe


def events(recipe: Recipe, at: int = 0) -> list[str]:
    """The kinds and targets of a loop's events; deeper ones are indented by dots, uncertain ones end in `?`."""
    found = recipe.training_loops[at].events
    return [f"{'.' * e.depth}{e.kind} {e.target}{'' if e.certain else '?'}" for e in found]


# -- events


def test_events_stand_in_the_order_in_which_they_happen(recipe: Callable) -> None:
    found = recipe("""
        for x, y in loader:
            opt.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            if flag:
                opt.step()
    """)
    assert events(found) == ["zero_grad opt", "loss net", "backward loss", "step opt?"]
    assert found.training_loops[0].function == ""


def test_inner_loops_come_first_and_their_events_are_deeper_in_the_outer_ones(recipe: Callable) -> None:
    found = recipe("""
        class Trainer:
            def fit(self):
                for epoch in range(3):
                    for x, y in loader:
                        F.mse_loss(net(x), y).backward()
                    opt.step()
    """)
    inner, outer = found.training_loops
    assert inner.function == outer.function == "Trainer.fit"
    assert events(found, 0) == ["loss net", "backward F.mse_loss(net(x), y)"]
    assert events(found, 1) == [".loss net", ".backward F.mse_loss(net(x), y)", "step opt"]


def test_functions_methods_and_closures_that_a_loop_names_count(recipe: Callable) -> None:
    found = recipe("""
        def clear(): opt.zero_grad()
        class Step:
            def __call__(self, x, y):
                clear()
                F.mse_loss(net(x), y).backward()
        take = Step()
        for x, y in loader:
            take(x, y)
            opt.step()
        for x, y in loader:
            def closure():
                F.mse_loss(net(x), y).backward()
            opt.step(closure)
    """)
    assert [text.split()[0] for text in events(found, 0)] == ["zero_grad", "loss", "backward", "step"]
    assert [text.split()[0] for text in events(found, 1)][-3:] == ["loss", "backward", "step"]


@pytest.mark.parametrize(
    "clear",
    [
        "opt.zero_grad(set_to_none=True)",
        "net.zero_grad()",
        "for p in net.parameters(): p.grad = None",
        "for p in net.parameters(): p.grad.zero_()",
        "for p in net.parameters(): p.grad.data.zero_()",
        "for p in net.parameters(): p.grad.fill_(0)",
        "for p in net.parameters(): p.grad[:] = 0",
        "for p in net.parameters(): p.grad *= 0",
        "for p in net.parameters(): del p.grad",
        "opt.second_step(zero_grad=True)",
        "zero_gradients(net)\n    utils.zero_grad(net)",
        "[p.grad.zero_() for p in net.parameters()]",
    ],
)
def test_every_spelling_of_clearing_gradients_is_seen(recipe: Callable, clear: str) -> None:
    found = recipe(f"for x, y in loader:\n    {clear}\n    F.mse_loss(net(x), y).backward()\n    opt.step()")
    assert found.training_loops[-1].of("zero_grad")


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("grads = torch.autograd.grad(loss, list(net.parameters()))", "gradient"),
        ("w -= 0.1 * w.grad", "gradient"),
        ("w.data.add_(-0.1 * w.grad)", "gradient"),
        ("w.data = w.data - 0.1", "gradient"),
        ("engine.step()", "any_step"),
        ("call = engine.step", "any_step"),
        ("clear_all(opt)", "handed"),
        ("train_on(net, x)", "handed"),
    ],
)
def test_other_ways_to_train_are_seen(recipe: Callable, statement: str, kind: str) -> None:
    found = recipe(f"for x, y in loader:\n    loss = F.mse_loss(net(x), y)\n    loss.backward()\n    {statement}")
    assert found.training_loops[0].of(kind)


@pytest.mark.parametrize(
    "statement", ["opt.step", "print(net)", "scaler.unscale_(opt)", "save(net, opt)", "env.reset()"]
)
def test_what_does_not_train_is_no_event(recipe: Callable, statement: str) -> None:
    found = recipe(f"for x, y in loader:\n    F.mse_loss(net(x), y).backward()\n    {statement}")
    assert {event.kind for event in found.training_loops[0].events} == {"loss", "backward"}


def test_a_method_that_the_file_does_not_have_may_do_anything(recipe: Callable) -> None:
    found = recipe("""
        class Trainer(Base):
            def fit(self):
                for x, y in loader:
                    self.reset()
                    self.net(x)
                    F.mse_loss(net(x), y).backward()
        Trainer.net = net
    """)
    assert [event.target for event in found.training_loops[0].of("handed")] == ["self.reset"]


def test_functions_that_call_each_other_end(recipe: Callable) -> None:
    found = recipe("""
        def even(n):
            odd(n - 1)
            opt.zero_grad()
        def odd(n): even(n - 1)
        for x, y in loader:
            even(4)
            opt.step()
    """)
    assert events(found) == ["zero_grad opt", "step opt"]


# -- optimisers


def test_groups_have_arguments_of_their_own(recipe: Callable) -> None:
    found = recipe("""
        groups = [{"params": net.parameters(), "lr": 0.2, "eps": unknown}, {"params": other.parameters()}]
        two = optim.Adam(groups, lr=0.1)
    """).optimizers[1]
    assert found.path == "torch.optim.Adam"
    assert [fact.value for fact in found.stated("lr")] == [0.2, 0.1]
    assert [group.networks for group in found.groups] == [("net",), ("other",)]
    assert found.groups[0].unread == ("eps",)
    assert found.complete


def test_an_outer_argument_that_every_group_overrides_is_not_in_force(recipe: Callable) -> None:
    found = recipe('two = optim.SGD([{"params": net.parameters(), "lr": 0.2}], lr=0.1)').optimizers[1]
    assert [fact.value for fact in found.stated("lr")] == [0.2]
    assert [fact.value for fact in recipe("").optimizers[0].stated("lr")] == [0.1]


def test_groups_that_are_added(recipe: Callable) -> None:
    found = recipe('opt.add_param_group({"params": other.parameters(), "lr": 0.5})').optimizers[0]
    assert found.networks == ("net", "other")
    assert found.groups[0].arguments["lr"].value == 0.5


def test_a_positional_tuple_is_stated(source: Callable) -> None:
    read = source(HEAD + "adam = optim.Adam(net.parameters(), 1e-3, (0.5, 0.9), 1e-6)")
    assert read.stated(read.recipe.optimizers[1].arguments["betas"]) == ((0.5, 0.9), "(0.5, 0.9)")
    assert read.recipe.optimizers[1].arguments["eps"].value == 1e-6


@pytest.mark.parametrize(
    ("given", "networks", "complete"),
    [
        ("net.parameters()", ("net",), True),
        ("filter(lambda p: p.requires_grad, net.parameters())", ("net",), True),
        ("[p for p in net.parameters() if p.requires_grad]", ("net",), True),
        ("list(net.parameters()) + list(other.parameters())", ("net", "other"), True),
        ("itertools.chain(net.parameters(), other.parameters())", ("net", "other"), True),
        ("[*net.parameters(), *other.parameters()]", ("net", "other"), True),
        ("net.head.parameters()", ("net.head",), True),
        ("net[0].parameters()", ("net[0]",), True),
        ("[*net.parameters(), temperature]", ("net",), False),
        ("parameters", (), False),
    ],
)
def test_whose_parameters_are_given(recipe: Callable, given: str, networks: tuple[str, ...], complete: bool) -> None:
    found = recipe(f"two = optim.SGD({given}, lr=0.1)").optimizers[1]
    assert (found.networks, found.complete) == (networks, complete)


def test_schedulers_know_their_optimiser(recipe: Callable) -> None:
    found = recipe("plan = optim.lr_scheduler.StepLR(opt, step_size=10)\nfor x in loader:\n    plan.step()")
    assert [(one.name, one.variable, one.optimizer) for one in found.schedulers] == [("StepLR", "plan", "opt")]
    assert found.schedulers[0].arguments["step_size"].value == 10
    assert [call.target for call in found.scheduler_steps] == ["plan"]


@pytest.mark.parametrize(
    ("text", "raises"),
    [
        ("", False),
        ("plan = optim.lr_scheduler.StepLR(opt, 10)", False),
        ("plan = optim.lr_scheduler.OneCycleLR(opt, 0.1, 100)", True),
        ("plan = warmup_schedule(opt)", True),
        ("for group in opt.param_groups: group['lr'] = 0.5", True),
        ("adjust_learning_rate(opt, 3)", True),
        ("config['lr'] = 0.5", False),
    ],
)
def test_whether_a_rate_may_rise(recipe: Callable, text: str, raises: bool) -> None:
    found = recipe(text)
    assert found.raises_rate(found.optimizers[0]) is raises


# -- networks


def test_calls_of_networks_say_what_they_are_given(recipe: Callable) -> None:
    found = recipe("""
        with torch.no_grad():
            fixed = other(x)
        net(other(x))
        net(other(x).detach())
        net.encode(x)
    """)
    assert [(one.network, one.grad, one.sources) for one in found.forwards if one.network == "net"] == [
        ("net", True, ("other",)),
        ("net", True, ()),
        ("net", True, ()),
    ]
    assert [one.grad for one in found.forwards if one.network == "other"] == [False, True, True]


def test_networks_that_are_held_fixed_or_filled(recipe: Callable) -> None:
    found = recipe("""
        net.requires_grad_(False)
        for p in other.parameters():
            p.requires_grad = False
        net.load_state_dict(state)
    """)
    assert sorted(call.target for call in found.held_fixed) == ["net", "other"]
    assert [call.target for call in found.loaded] == ["net"]
    assert recipe("net.requires_grad_(True)").held_fixed == ()


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("total += loss", True),
        ("total += loss * len(x)", True),
        ("total = total + loss", True),
        ("total += loss.item()", False),
        ("total += loss.detach()", False),
        ("total += float(loss)", False),
        ("total += reduce(loss)", False),
        ("total -= loss", False),
        ("loss = loss.item(); total += loss", False),
        ("(total + loss).backward(); total += loss", False),
    ],
)
def test_losses_that_are_added_up_with_their_graphs(recipe: Callable, statement: str, kept: bool) -> None:
    found = recipe(f"""
        total = 0
        for x, y in loader:
            loss = F.mse_loss(net(x), y)
            loss.backward()
            {statement}
    """)
    assert [call.target for call in found.kept_graphs] == ["total"] * kept


# -- what the file mentions


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('net.to("cuda:0")', "cuda:0"),
        ("net.cuda()", "cuda"),
        ("use_gpu = True", "use_gpu"),
        ("import torch_xla", "torch_xla"),
        ('"""Runs without cuda."""', None),
        ("mpsx = 1", None),
    ],
)
def test_accelerators_that_are_named(recipe: Callable, text: str, word: str | None) -> None:
    found = recipe(text).accelerator
    assert (found.value if found else None) == word


def test_flags_that_cannot_be_read_are_said_to_be_set(recipe: Callable) -> None:
    found = recipe("""
        torch.backends.cudnn.benchmark = fast
        torch.use_deterministic_algorithms(True, warn_only=True)
    """)
    assert found.unread_flags == ("torch.backends.cudnn.benchmark",)
    assert found.may_set("cudnn.benchmark") and found.flag("cudnn.benchmark") is None
    assert found.may_set("torch.use_deterministic_algorithms.warn_only")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("F.interpolate(x, size=random.choice([1, 2]))", 1),
        ("size = random.randrange(9)\nF.interpolate(x, size=(size, size))", 1),
        ("nn.utils.rnn.pad_sequence(xs)", 1),
        ("F.interpolate(x, size=32)", 0),
        ("F.interpolate(torch.rand(random.choice([1, 2])), 32)", 0),
    ],
)
def test_sizes_that_vary(recipe: Callable, text: str, count: int) -> None:
    assert len(recipe(text).varying_sizes) == count


def test_draws_and_seeds(recipe: Callable) -> None:
    found = recipe("random.random()\ntorch.manual_seed(0)\nfix_seeds()")
    assert [call.target for call in found.draws] == ["random.random"]
    assert found.seeded is not None
    assert recipe("").seeded is None


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ("p.grad.data.add_(q.data, alpha=-1.0)", ["zero_grad", "gradient"]),
        ("p.grad.copy_(q.grad)", ["zero_grad", "gradient"]),
        ("p.grad.zero_()", ["zero_grad"]),
        ("p.grad.data.clamp_(-1, 1)", ["zero_grad"]),
    ],
)
def test_gradients_made_by_hand(recipe: Callable, change: str, kinds: list[str]) -> None:
    found = recipe(f"""
for p, q in pairs:
    {change}
    opt.step()
""")
    assert [event.kind for event in found.training_loops[0].events if event.kind != "step"] == kinds


def test_functions_that_call_each_other_twice_do_not_double_at_every_level(recipe: Callable) -> None:
    chain = "\n".join(f"def f{level}():\n    f{level + 1}()\n    f{level + 1}()" for level in range(40))
    found = recipe(f"""
{chain}
def f40():
    opt.zero_grad()
    loss.backward()
for batch in loader:
    f0()
    opt.step()
""")
    assert [event.kind for event in found.training_loops[0].events] == ["zero_grad", "backward"] * 2 + ["step"]
