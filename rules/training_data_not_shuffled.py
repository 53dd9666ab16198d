"""The training data are handed out in the same order in every epoch.

Every epoch then walks through the same batches in the same order. Neighbours in a data set are seldom there by chance
(one class, one day, one recording), so every step follows a gradient that leans to one side, and the statistics of
batch norm lean with it.

The tip: train in epochs over shuffled data, never grouped by class.

What to do: `shuffle=True` for the training loader, and for that one only: the order of an evaluation changes nothing.
With a sampler of one's own the order is that sampler's work.

What it costs: one random permutation an epoch. Where the data are read from one large file in its own order, shuffling
reads all over it: shuffle blocks of it then, and the samples within a buffer.

What is known today: LeCun et al. 1998 (Efficient BackProp) advise to shuffle so that successive examples seldom belong
to one class; Bengio 2012 (arXiv:1206.5533) reports faster convergence where the order changes from epoch to epoch.
`torch.utils.data.DataLoader` has `shuffle=False` by default.

Quiet when: a sampler is given, or arguments that cannot be read; the samples come one after the other (an iterable data
set); the script puts them into a random order itself (`random_split`, `permutation`, `random.shuffle` …); names say
that the order means something (time series, frames, a replay memory); all of them fit into one batch; what the data set
is cannot be told; the loader is for validation or testing. Data that are grouped by class are the business of
`samples-grouped-by-class`.

The fix is safe: the same samples are trained on, in another order.
"""

import re
from collections.abc import Iterator

from nnlint.edits import replace, set_argument, text_of
from nnlint.finding import Edit, Finding
from nnlint.recipe import Loader, Recipe
from nnlint.rule import bad, fix, good, recipe_rule

#: a batch size that is the number of samples: ``batch_size=len(data)``
_ALL = re.compile(r"batch_size\s*=\s*(len\(|[\w.]+\.(shape\[0\]|size\(0\)))")
#: what data sets and loaders are called whose samples have an order
ordered = re.compile(
    r"time|series|seq|forecast|window|stock|price|temporal|stream|video|frame|replay|buffer|memory|rollout|episode"
    r"|trajector|corpus|bptt|sorted|ordered|length",
    re.IGNORECASE,
)


@bad(input="16")
def the_default() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@bad(input="16")
def switched_off_in_the_loop() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in DataLoader(train_data, batch_size=64, shuffle=False):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@bad(input="16")
def a_data_set_of_the_file() -> None:
    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, Dataset

    class Points(Dataset[tuple[Tensor, Tensor]]):
        def __init__(self, features: Tensor, labels: Tensor) -> None:
            self.features, self.labels = features, labels

        def __len__(self) -> int:
            return len(self.labels)

        def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
            return self.features[index], self.labels[index]

    def train(net: nn.Module, loader: DataLoader[tuple[Tensor, Tensor]], optimizer: torch.optim.Optimizer) -> float:
        net.train()
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / len(loader)

    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    loader = DataLoader(Points(torch.randn(4096, 16), torch.randint(2, (4096,))), batch_size=64)
    for epoch in range(30):
        print(epoch, train(net, loader, optimizer))


@good(input="16")
def shuffled() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    test_data = TensorDataset(torch.randn(512, 16), torch.randint(2, (512,)))
    train_loader = DataLoader(train_data, batch_size=64, shuffle=True, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def a_sampler() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, RandomSampler, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(
        train_data, batch_size=64, sampler=RandomSampler(train_data), num_workers=2, pin_memory=True
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def split_at_random() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset, random_split

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    data = TensorDataset(torch.randn(4608, 16), torch.randint(2, (4608,)))
    train_data, test_data = random_split(data, [4096, 512])
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
    test_loader = DataLoader(test_data, batch_size=256)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        net.eval()
        right = 0
        with torch.no_grad():
            for features, labels in test_loader:
                right += (net(features.to(device)).argmax(1) == labels.to(device)).sum().item()
        print(f"epoch {epoch}: loss {total / 4096:.3f}, accuracy {right / 512:.3f}")


@good(input="16")
def put_into_a_random_order_before() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features, labels = torch.randn(4096, 16), torch.randint(2, (4096,))
    order = torch.randperm(len(labels))
    train_data = TensorDataset(features[order], labels[order])
    train_loader = DataLoader(train_data, batch_size=64, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def one_after_the_other() -> None:
    from collections.abc import Iterator

    import torch
    from torch import Tensor, nn
    from torch.utils.data import DataLoader, IterableDataset

    class Stream(IterableDataset[tuple[Tensor, Tensor]]):
        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            for _ in range(4096):
                features = torch.randn(16)
                yield features, (features.sum() > 0).long()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(device)
    loader = DataLoader(Stream(), batch_size=64, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        total = 0.0
        for features, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def the_order_means_something() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    series = TensorDataset(torch.randn(4096, 16), torch.randint(2, (4096,)))
    train_loader = DataLoader(series, batch_size=64, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 4096:.3f}")


@good(input="16")
def all_in_one_batch() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    train_data = TensorDataset(torch.randn(200, 16), torch.randint(2, (200,)))
    train_loader = DataLoader(train_data, batch_size=200, num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for features, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(features.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / 200:.3f}")


@good(input="16")
def as_large_a_batch_as_there_are_samples() -> None:
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    net = nn.Sequential(nn.Linear(16, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(inplace=True), nn.Linear(32, 2)).to(
        device
    )
    features = torch.load("features.pt")
    train_data = TensorDataset(features, torch.load("labels.pt"))
    train_loader = DataLoader(train_data, batch_size=features.shape[0], num_workers=2, pin_memory=True)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(30):
        net.train()
        total = 0.0
        for inputs, labels in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(inputs.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        print(f"epoch {epoch}: loss {total / len(features):.3f}")


@recipe_rule(category="data", level="warning", since="0.1", tips=("epochs-and-shuffling",))
def check(recipe: Recipe) -> Iterator[Finding]:
    """Looks at the loaders whose batches are trained on."""
    for loader in recipe.training_loaders():
        if not loader.in_order or recipe.shuffles or not is_to_be_shuffled(loader):
            continue
        stated = loader.shuffle
        site = stated.site if stated is not None and loader.site.contains(stated.site) else loader.site
        related = [("shuffle", stated.site)] if stated is not None and site == loader.site != stated.site else []
        name = f"`{loader.variable}`" if loader.variable else "the loader"
        yield Finding.about(
            site, f"{name} hands out the training data in the same order in every epoch: shuffle them", *related
        )


def is_to_be_shuffled(loader: Loader) -> bool:
    """Whether the data set is known, and is one whose order says nothing."""
    data = loader.data.value if loader.data is not None else None
    if loader.data is None or data is None or data.style != "map" or data.part or data.grouped is not None:
        return False
    if "batch_size" in loader.unread and _ALL.search(text_of(loader.site) or ""):
        return False
    if data.samples is not None and loader.batch_size is not None and data.samples.value <= loader.batch_size.value:
        return False
    names = (
        f"{data.name} {loader.dataset.value if loader.dataset else ''} {text_of(loader.data.site)} {loader.variable}"
    )
    return not ordered.search(names)


@fix(safe=True)
def shuffle(finding: Finding) -> Edit | None:
    """Switches it on, where the call itself says that it is off, or nothing."""
    if finding.site is None or finding.related:
        return None
    if text_of(finding.site) == "False":
        return replace(finding.site, "True")
    return set_argument(finding.site, "shuffle", "True", position=2)
