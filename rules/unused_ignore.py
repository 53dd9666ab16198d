"""A comment says not to report a rule where it finds nothing.

`# nnlint: ignore[rule-name]` stood for a finding once. The code has changed, the rule has, or the comment was copied
along; now it hides nothing and would hide the next finding of the rule at this place without anybody having decided so.
The same is said of a rule's name that does not exist, of an ignore that names none, and of a misspelt one.

What to do: delete the comment, or correct the name.

What it costs: nothing while the network runs; a fault that is made here later is not reported.

What is known today: linters of other fields report the like (`RUF100` of Ruff, `warn_unused_ignores` of mypy,
`--report-unused-disable-directives` of ESLint).

Quiet when: the rule did not run (it was not selected), when it reads graphs and no network that was traced has an
operation on these lines, and when the file could not be read or checked: then nobody looked.
"""

from nnlint.rule import bad, good, run_rule

check = run_rule(category="network", level="warning", since="0.1")


@bad(input="16")
def nothing_to_ignore() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 4),  # nnlint: ignore[missing-activation] -- there is one
    )
    print(net)


@bad(input="16")
def a_rule_that_does_not_exist() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),  # nnlint: ignore[mising-activation]
        nn.ReLU(inplace=True),
        nn.Linear(32, 4),
    )
    print(net)


@bad(input="16")
def an_ignore_without_a_name() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),  # nnlint: ignore
        nn.ReLU(inplace=True),
        nn.Linear(32, 4),
    )
    print(net)


@bad(input="16")
def a_misspelt_comment() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),  # nnlint: ingore[missing-activation]
        nn.ReLU(inplace=True),
        nn.Linear(32, 4),
    )
    print(net)


@good(input="16")
def no_comment_needed() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 4),
    )
    print(net)


@good(input="16")
def an_ignore_that_ignores() -> None:
    from torch import nn

    net = nn.Sequential(
        nn.Linear(16, 32),  # nnlint: ignore[missing-activation] -- a product of two matrices is meant
        nn.Linear(32, 64),
        nn.ReLU(inplace=True),
        nn.Linear(64, 4),
    )
    print(net)


@good()
def where_no_network_was_traced() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)  # nnlint: ignore[missing-activation]

        def forward(self, samples: list[dict[str, Tensor]]) -> Tensor:
            if samples[0]["kind"].shape != (3, 5, 7):
                raise ValueError("samples[0]['kind'] must have shape (3, 5, 7)")
            out: Tensor = self.layer(samples[0]["features"])
            return out
