"""A module with parameters is registered and never run.

`forward` does not call it, nor does any other method, nor the script around the class. Its parameters get no gradient
and stay as they were drawn; they are counted, moved to the device, saved with every checkpoint and demanded by every
`load_state_dict`. Most often it is a slip: the layer was renamed or copied, and `forward` still calls the one above, so
that the network is a layer shorter than it was meant to be.

What to do: call it where it belongs, or delete it. If only a checkpoint still has it, load with `strict=False`.

What it costs: its parameters in memory and on disk, and under `DistributedDataParallel` the run itself: an iteration in
which a parameter takes no part ends in an error unless `find_unused_parameters=True` has every backward pass look for
such parameters first.

What is known today: the documentation of `torch.nn.parallel.DistributedDataParallel` describes both. No optimiser of
torch changes a parameter whose `grad` is None, weight decay included.

Quiet when: any code may run it: another method (`encode`, `generate`), a branch that this input does not take, the
training mode, a name put together for `getattr`, a loop over `children()`; when its weights are read by another layer;
when it is an element of a container others of which run; when the source cannot be read.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from nnlint.finding import Finding
from nnlint.graph import Graph
from nnlint.rule import bad, good, graph_rule


@graph_rule(category="network", level="warning", since="0.1")
def check(graph: Graph) -> Iterator[Finding]:
    for idle in graph.idle:
        message = (
            f"`{idle.path}` ({idle.type}, {idle.params:,} parameters) is registered and nothing runs it: "
            "call it in forward, or delete it"
        )
        yield Finding(message, idle.site, paths=(idle.path,), facts={"params": idle.params})


@bad(input="16")
def the_second_layer_is_called_twice() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter = nn.Linear(16, 32)
            self.middle = nn.Linear(32, 32)
            self.forgotten = nn.Linear(32, 32)
            self.leave = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = self.enter(x).relu()
            x = self.middle(x).relu()
            x = self.middle(x).relu()
            out: Tensor = self.leave(x)
            return out

    return Net()


@bad(input="3x32x32")
def a_block_left_over_from_another_design() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True))
            self.old_body = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(inplace=True))
            self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.body(x))
            return out

    return Net()


@bad(input="16")
def only_its_weights_are_drawn() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 10)
            self.projection_left_out = nn.Linear(16, 10)
            nn.init.xavier_uniform_(self.projection_left_out.weight)
            self.projection_left_out.bias.data.fill_(0.1)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)  # type: ignore[no-any-return]

    return Net()


@good(input="16")
def every_layer_runs() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enter = nn.Linear(16, 32)
            self.middle = nn.Linear(32, 32)
            self.further = nn.Linear(32, 32)
            self.leave = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.relu(self.enter(x), inplace=True)
            x = nn.functional.relu(self.middle(x), inplace=True)
            x = nn.functional.relu(self.further(x), inplace=True)
            out: Tensor = self.leave(x)
            return out

    return Net()


@good(input="16")
def a_head_that_only_training_uses() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True))
            self.head = nn.Linear(32, 10)
            self.auxiliary = nn.Linear(32, 10)

        def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
            x = self.body(x)
            if self.training:
                return self.head(x), self.auxiliary(x)
            out: Tensor = self.head(x)
            return out

    return Net().eval()


@good(input="16")
def a_decoder_that_another_method_runs() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(inplace=True), nn.Linear(32, 8))
            self.decoder = nn.Sequential(nn.Linear(8, 32), nn.ReLU(inplace=True), nn.Linear(32, 16))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.encoder(x)
            return out

        def decode(self, code: Tensor) -> Tensor:
            out: Tensor = self.decoder(code)
            return out

    return Net()


@good(input="long:12")
def weights_that_another_layer_reads() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(64, 32)
            self.scores = nn.Linear(32, 64, bias=False)
            self.scores.weight = self.words.weight

        def forward(self, tokens: Tensor) -> Tensor:
            return nn.functional.linear(self.words(tokens), self.words.weight)

    return Net()


@good(input="16")
def names_put_together() -> nn.Module:
    class Net(nn.Module):
        def __init__(self, depth: int = 1) -> None:
            super().__init__()
            self.stage1 = nn.Sequential(nn.Linear(16, 16), nn.ReLU(inplace=True))
            self.stage2 = nn.Sequential(nn.Linear(16, 16), nn.ReLU(inplace=True))
            self.output = nn.Linear(16, 10)
            self.depth = depth

        def forward(self, x: Tensor) -> Tensor:
            for number in range(self.depth):
                x = getattr(self, f"stage{number + 1}")(x)
            out: Tensor = self.output(x)
            return out

    return Net()


@good(input="16")
def elements_of_a_container_others_of_which_run() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tasks = nn.ModuleDict({"digits": nn.Linear(16, 10), "letters": nn.Linear(16, 26)})

        def forward(self, x: Tensor, task: str = "digits") -> Tensor:
            out: Tensor = self.tasks[task](x)
            return out

    return Net()
