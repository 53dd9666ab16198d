"""Gradients are never cleared, so that every step follows the sum of all gradients so far.

`backward()` adds to the gradients that are there. Where nothing clears them between two steps of the optimiser, each
step moves along the sum of the gradients of all batches since the start: those of weights that are long gone, in a
vector that keeps growing. Training then diverges, or wanders as with a momentum of 1.

What to do: `optimizer.zero_grad()` in the loop, before `backward()` (or after `step()`); to gather the gradients of
several batches on purpose, call `step()` and `zero_grad()` together every so many batches.

What it costs: nothing; `zero_grad()` lets the gradients go (`set_to_none=True`, the default), which even saves memory.

What is known today: torch keeps gradients on purpose, for accumulation over batches, so no version clears them itself
(torch.optim.Optimizer.zero_grad, torch.Tensor.backward).

Quiet when: anything in the loop, or in the functions it calls, clears them: the optimiser, the network, `p.grad =
None`, `p.grad.zero_()`, a closure, a library; gradients come from `torch.autograd.grad`; a framework owns the loop;
something unknown is given the optimiser there. An optimiser that the file does not make itself is a warning.

The fix is unsafe: the network learns by other gradients. It clears them before the first `backward()` of the loop.
"""

from collections.abc import Iterator
from dataclasses import replace

from nnlint.edits import before_statement
from nnlint.finding import Edit, Finding
from nnlint.recipe import Event, Recipe, TrainingLoop
from nnlint.rule import bad, fix, good, recipe_rule


@bad(input="16")
def forgotten() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def once_before_the_loop() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    optimizer.zero_grad()
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad(input="16")
def in_a_function_that_takes_the_step() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def train_step(features: torch.Tensor, labels: torch.Tensor) -> float:
        loss = nn.functional.cross_entropy(net(features), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            total += train_step(features.to(device), labels.to(device)) * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@bad()
def one_optimiser_of_two() -> None:
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
        generator_loss = judge(critic(fake), ones)
        generator_loss.backward()
        optimizer_g.step()
        print(f"step {step}: {critic_loss.item():.3f} {generator_loss.item():.3f}")


@bad(input="16")
def a_closure() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0)
    for epoch in range(30):
        for features, labels in loader:

            def closure(features: torch.Tensor = features, labels: torch.Tensor = labels) -> float:
                loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
                loss.backward()
                return loss.item()

            print(f"epoch {epoch}: loss {optimizer.step(closure):.3f}")


@good(input="16")
def before_backward() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def after_the_step() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def by_the_network() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            net.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def by_hand() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            for parameter in net.parameters():
                parameter.grad = None
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def gradients_accumulated() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for index, (features, labels) in enumerate(loader):
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            (loss / 4).backward()
            if (index + 1) % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def in_a_function() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def train_step(features: torch.Tensor, labels: torch.Tensor) -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(features), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            total += train_step(features.to(device), labels.to(device)) * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def two_optimisers() -> None:
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
        critic.zero_grad()
        critic_loss = judge(critic(real), ones) + judge(critic(fake.detach()), zeros)
        critic_loss.backward()
        optimizer_c.step()
        optimizer_g.zero_grad()
        generator_loss = judge(critic(fake), ones)
        generator_loss.backward()
        optimizer_g.step()
        print(f"step {step}: {critic_loss.item():.3f} {generator_loss.item():.3f}")


@good(input="16")
def a_closure_that_clears() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.LBFGS(net.parameters(), lr=1.0)
    for epoch in range(30):
        for features, labels in loader:

            def closure(features: torch.Tensor = features, labels: torch.Tensor = labels) -> float:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
                loss.backward()
                return loss.item()

            print(f"epoch {epoch}: loss {optimizer.step(closure):.3f}")


@good(input="16")
def gradients_of_autograd() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            parameters = list(net.parameters())
            for parameter, grad in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                parameter.grad = grad
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good(input="16")
def mixed_precision() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    data = TensorDataset(torch.rand(512, 16), torch.randint(2, (512,)))
    loader = DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler("cuda")
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(data):.3f}")


@good()
def a_framework() -> None:
    import lightning  # type: ignore[import-not-found]
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, TensorDataset

    class Classifier(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.net(x)
            return scores

        def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:  # noqa: ARG002
            loss = nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    lightning.Trainer(max_epochs=30).fit(Classifier(), DataLoader(data, batch_size=64, shuffle=True))


@recipe_rule(category="optimisation", level="error", since="0.1")
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks for a loop in which an optimiser steps, gradients are added, and nothing clears them."""
    for loop in recipe.training_loops if recipe.is_own_loop() else ():
        steps = {event.target: event for event in loop.of("step") if event.depth == 0}
        added = loop.of("backward")
        if not added or loop.of("handed"):
            continue
        for step in steps.values():
            if any(clears(recipe, event.target, step.target) for event in loop.of("zero_grad")):
                continue
            found = Finding.about(
                first_added(loop, step).site,
                f"the gradients of {step.target} are never cleared in this loop, and backward() adds to them: every "
                f"step follows the sum of all batches so far; call {step.target}.zero_grad() before backward()",
                ("the loop", loop.site),
                ("the step", step.site),
                *(("cleared outside the loop", call.site) for call in recipe.zero_grads[:1]),
                optimizer=step.target,
            )
            yield found if is_made_here(recipe, step.target) else replace(found, level="warning")


def first_added(loop: TrainingLoop, step: Event) -> Event:
    """The first backward() for a step: the first one after the step before it, or of the loop."""
    earlier = loop.events[: loop.events.index(step)]
    start = max((at + 1 for at, event in enumerate(earlier) if event.kind == "step"), default=0)
    own = [event for event in earlier[start:] if event.kind == "backward"]
    return (own or list(loop.of("backward")))[0]


def clears(recipe: Recipe, cleared: str, stepped: str) -> bool:
    """Whether clearing one thing clears what an optimiser steps with: all but what is certainly another's."""
    own = [optimizer for optimizer in recipe.optimizers if optimizer.variable == stepped]
    others = [optimizer for optimizer in recipe.optimizers if optimizer.variable != stepped]
    if any(optimizer.variable == cleared for optimizer in others):
        return False
    if not own or not all(optimizer.complete for optimizer in own):
        return True
    theirs = any(cleared in optimizer.networks for optimizer in others)
    return not theirs or any(name.startswith(cleared) for optimizer in own for name in optimizer.networks)


def is_made_here(recipe: Recipe, stepped: str) -> bool:
    """Whether every optimiser of this name is one of torch's that the file makes."""
    own = [optimizer for optimizer in recipe.optimizers if optimizer.variable == stepped]
    return bool(own) and all(optimizer.path.startswith("torch.optim.") for optimizer in own)


@fix(safe=False)
def mend(finding: Finding) -> Edit | None:
    """Clears the gradients on a line of its own before they are added to."""
    optimizer = finding.facts.get("optimizer")
    return before_statement(finding.site, f"{optimizer}.zero_grad()") if finding.site and optimizer else None
