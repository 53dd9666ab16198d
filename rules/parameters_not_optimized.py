"""A network is trained, but the optimiser is not given its parameters.

`backward()` computes gradients for it, and `step()` moves other parameters: those of a network that is never called,
or of one of two networks that work together. The network in between stays as it was initialised, and nothing says so.

What to do: give the optimiser the parameters of every network that learns, as one list (`[*encoder.parameters(),
*head.parameters()]`) or as groups; hold the others fixed on purpose, by `requires_grad_(False)` or `torch.no_grad()`,
which also saves their gradients.

What it costs: as it is, the training, or that of one of the parts; the mending costs nothing.

What is known today: a network most of whose weights stay random still learns something (Frankle et al. 2020,
arXiv:2003.00152, reach 82 % on CIFAR-10 by training batch norm alone), which is why the fault may go unnoticed. Modules
in a plain list are missing in the same way; `unregistered-module` finds those.

Quiet when: the parameters that are given are not all known; the network is held fixed, evaluated only, detached,
filled with weights from elsewhere or a copy of another (teachers, targets, averages); another optimiser has it (a copy
that learns in an inner loop); no optimiser of the file steps in that loop, or something unknown is given the optimiser
or the network to train.
"""

import re
from collections.abc import Iterator

from nnlint.finding import Finding
from nnlint.recipe import Optimizer, Recipe
from nnlint.rule import bad, good, recipe_rule
from nnlint.site import Site

#: what networks are called that are not trained themselves
_COPIES = re.compile(
    r"(target|teacher|ema|frozen|fixed|old|ref|swa|average|momentum|key|prior|pretrained|extractor|vgg)", re.I
)


@bad(input="16")
def another_network() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    other = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(other.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def one_of_two_networks() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def the_other_of_two_networks() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def in_a_function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)

    def train(epochs: int) -> None:
        encoder.train()
        for epoch in range(epochs):
            total = 0.0
            for features, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
                loss.backward()
                optimizer.step()
                total += loss.item() * len(labels)
            print(f"epoch {epoch}: loss {total / len(data):.3f}")

    train(30)


@good(input="16")
def all_networks_in_one_list() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def lists_added() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(list(encoder.parameters()) + list(head.parameters()), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def chained() -> None:
    import itertools

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(itertools.chain(encoder.parameters(), head.parameters()), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def groups() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    groups = [{"params": encoder.parameters(), "lr": 1e-4}, {"params": head.parameters()}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3)  # type: ignore[arg-type]
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def those_that_need_gradients() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, net.parameters()), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def an_optimiser_for_each() -> None:
    import torch
    from torch import nn

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 16)).to(device)
    critic = nn.Sequential(nn.Linear(16, 32), nn.LeakyReLU(0.2, inplace=True), nn.Linear(32, 1)).to(device)
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    optimizer_c = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    judge = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(64, 1, device=device), torch.zeros(64, 1, device=device)
    for step in range(1000):
        real = torch.randn(64, 16, device=device)
        fake = generator(torch.randn(64, 8, device=device))
        optimizer_c.zero_grad()
        critic_loss = judge(critic(real), ones) + judge(critic(fake.detach()), zeros)
        critic_loss.backward()
        optimizer_c.step()
        optimizer_g.zero_grad()
        generator_loss = judge(critic(fake), ones)
        generator_loss.backward()
        optimizer_g.step()
        print(f"step {step}: {critic_loss.item():.3f} {generator_loss.item():.3f}")


@good(input="16")
def a_copy_that_learns_in_an_inner_loop() -> None:
    import copy

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for epoch in range(30):
        total = 0.0
        learner = copy.deepcopy(net)
        inner = torch.optim.Adam(learner.parameters(), lr=1e-3)
        for features, labels in loader:
            inner.zero_grad()
            loss = nn.functional.cross_entropy(learner(features.to(device)), labels.to(device))
            loss.backward()
            inner.step()
            total += loss.item() * len(labels)
        for slow, fast in zip(net.parameters(), learner.parameters(), strict=True):
            slow.grad = slow.detach() - fast.detach()
        optimizer.step()
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def held_fixed() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    encoder.requires_grad_(False)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def held_fixed_one_by_one() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for parameter in encoder.parameters():
        parameter.requires_grad = False
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def without_gradients() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            with torch.no_grad():
                codes = encoder(features.to(device))
            loss = nn.functional.cross_entropy(head(codes), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def detached() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device)).detach()), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def filled_from_a_file() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    encoder.load_state_dict(torch.load("encoder.pt"))
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def in_evaluation_mode() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8), nn.Tanh()).to(device)
    head = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
    encoder.eval()
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(encoder(features.to(device))), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@recipe_rule(category="optimisation", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Compares the networks that gradients reach with those the optimisers have."""
    optimizers = {optimizer.variable: optimizer for optimizer in recipe.optimizers}
    given = [name for optimizer in recipe.optimizers for name in optimizer.networks]
    known = all(optimizer.complete and optimizer.variable for optimizer in recipe.optimizers) and all(given)
    if not known or recipe.handed or not recipe.is_own_loop():
        return
    if not all(call.target in optimizers for call in recipe.steps):
        return
    for loop in recipe.training_loops:
        stepped = {event.target for event in loop.of("step") if event.depth == 0}
        judged = {event.target for event in loop.of("loss")}
        if not stepped or not loop.of("backward") or "" in judged or loop.of("handed", "gradient"):
            continue
        if not any(same(name, other) for name in judged for other in given):
            yield from strangers(recipe, [optimizers[name] for name in sorted(stepped)], judged)
        yield from left_out(recipe, given, judged, loop.site, optimizers[min(stepped)])


def strangers(recipe: Recipe, stepped: list[Optimizer], judged: set[str]) -> Iterator[Finding]:
    """Optimisers that step for networks that nothing calls."""
    called = [forward.network for forward in recipe.forwards]
    for optimizer in stepped:
        used = any(same(name, other) for name in optimizer.networks for other in [*called, *judged])
        if used or not judged or not optimizer.networks:
            continue
        theirs, ours = " and ".join(optimizer.networks), " and ".join(sorted(judged))
        yield Finding.about(
            optimizer.site,
            f"the optimiser is given the parameters of {theirs}, which is never called; the loss judges {ours}, which "
            "stays as it is",
            networks=list(optimizer.networks),
        )


def left_out(recipe: Recipe, given: list[str], judged: set[str], loop: Site, optimizer: Optimizer) -> Iterator[Finding]:
    """Networks that gradients reach through another one, or straight from the loss, and that no optimiser has."""
    reached: dict[str, Site] = {}
    for forward in recipe.forwards:
        if forward.grad and any(same(forward.network, name) for name in judged):
            reached |= dict.fromkeys((*forward.sources, forward.network), forward.site)
    own = [name for name in reached if any(same(name, other) for other in given)]
    for name, site in reached.items():
        if own and name not in own and learns(recipe, name):
            yield Finding.about(
                optimizer.site,
                f"gradients reach {name}, but no optimiser is given its parameters: it stays as it was initialised; "
                f"add {name}.parameters(), or hold it fixed by {name}.requires_grad_(False)",
                ("the call", site),
                ("the loop", loop),
                network=name,
            )


def learns(recipe: Recipe, name: str) -> bool:
    """Whether a network has trainable parameters, and nothing says that it is meant to stay as it is."""
    graph = recipe.graphs.get(name)
    trainable = graph is not None and any(param.trainable for param in graph.parameters)
    calls = (*recipe.held_fixed, *recipe.loaded, *(() if recipe.trains else recipe.evals))
    fixed = any(same(call.target, name) for call in calls) or recipe.pretrained is not None
    always = all(forward.grad for forward in recipe.forwards if forward.network == name)
    put_back = any(same(call.target, name) for call in recipe.trains)
    evaluated = any(same(call.target, name) for call in recipe.evals) and not put_back
    return trainable and always and not fixed and not evaluated and not _COPIES.search(name)


def same(one: str, other: str) -> bool:
    """Whether two names may be of one network, or of a network and a part of it."""
    shorter, longer = sorted((one, other), key=len)
    part = longer.startswith(shorter) and longer[len(shorter) : len(shorter) + 1] in {"", ".", "["}
    return part or one.rpartition(".")[2] == other.rpartition(".")[2] or "self" in {one, other}
