"""`view` is called on a tensor whose axes were exchanged, which raises.

`view` gives the same memory another shape: it needs the elements to lie there in the order of the axes. After
`transpose`, `permute` or `expand` they do not, and torch refuses: "view size is not compatible with input tensor's size
and stride". nnlint shows the call; the network cannot run.

What to do: call `reshape`, which copies where it must and is a `view` where it can be; `contiguous().view(...)` is the
same in two steps.

What it costs: the forward pass ends there. `reshape` costs one copy of the tensor.

What is known today: the documentation of `torch.Tensor.view` states which strides it accepts and advises `reshape`
where that is not clear. A `view` that axes should have been exchanged for and were not is the opposite fault, and
silent: see `batch-mixed`.

Quiet when: the view is possible: axes that lie beside each other in memory stay so, or `contiguous()` stands between.

The fix is safe: `view` becomes `reshape`, which computes what was meant.
"""

from nnlint.edits import replace_callee, text_of
from nnlint.finding import Edit, Finding
from nnlint.rule import bad, fix, good, run_rule

check = run_rule(category="network", level="error", since="0.1")


@fix(safe=True)
def mend(finding: Finding) -> Edit | None:
    text = text_of(finding.site) if finding.site is not None else None
    if finding.site is None or text is None or "view" not in text:
        return None
    return replace_callee(finding.site, "reshape_as" if "view_as" in finding.ops[0] else "reshape")


@bad(input="16x32")
def heads_put_together() -> None:
    import torch
    from torch import Tensor, nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(32, 96)
            self.out = nn.Linear(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).reshape(-1, 16, 3, 4, 8).permute(2, 0, 3, 1, 4)
            x = torch.softmax(q @ k.transpose(-2, -1) * 8**-0.5, -1) @ v
            out: Tensor = self.out(x.transpose(1, 2).view(-1, 16, 32))
            return out


@bad()
def nobody_says_what_it_is_given() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(4, 8, 3, padding=1)
            self.head = nn.Linear(8, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x).relu_().permute(0, 2, 1)
            out: Tensor = self.head(x.view(-1, 8))
            return out


@bad(input="3x16x16")
def shuffled_channels() -> None:
    from torch import Tensor, nn

    class Shuffle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            n, c, h, w = out.shape
            return out.view(n, 2, c // 2, h, w).transpose(1, 2).view(n, c, h, w)


@good(input="16x32")
def reshaped() -> None:
    import torch
    from torch import Tensor, nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(32, 96)
            self.out = nn.Linear(32, 32)

        def forward(self, x: Tensor) -> Tensor:
            q, k, v = self.qkv(x).reshape(-1, 16, 3, 4, 8).permute(2, 0, 3, 1, 4)
            x = torch.softmax(q @ k.transpose(-2, -1) * 8**-0.5, -1) @ v
            out: Tensor = self.out(x.transpose(1, 2).reshape(-1, 16, 32))
            return out


@good(input="3x16x16")
def contiguous_in_between() -> None:
    from torch import Tensor, nn

    class Shuffle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            n, c, h, w = out.shape
            return out.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


@good(input="8x16")
def axes_that_stay_beside_each_other() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = x.view(-1, 8, 4, 4).transpose(0, 1)
            out: Tensor = self.head(x.view(8, -1, 2, 2, 4))
            return out
