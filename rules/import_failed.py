"""An import that the network needs fails, so the network could not be checked.

nnlint runs the definitions of a file and the statements its networks are built from. A third-party import that no
network needs is stood in for and only mentioned; one that a network does need ends here, with the import and the error.

What to do: run nnlint in the environment the project runs in (`python -m nnlint`), and install what is missing there.
Under pre-commit this is the usual sign of an isolated environment: take the hook with `language: system`.

What it costs: none of the rules that read a network's graph can say anything of this one.

What is known today: hooks of pre-commit run in an environment of their own unless they say `language: system`, as its
documentation describes; the libraries of the project are not in it.

Quiet when: the missing module is not needed to build or run a network.
"""

from nnlint.rule import bad, good, run_rule

check = run_rule(category="network", level="warning", since="0.1")


@bad(input="3x32x32")
def the_network_comes_from_a_missing_package() -> None:
    from a_package_that_is_not_installed import Backbone
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = Backbone(3, 16)
            self.head = nn.Conv2d(16, 10, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.head(self.backbone(x))
            return out


@good(input="3x32x32")
def only_the_logging_comes_from_it() -> None:
    import a_package_that_is_not_installed as logger
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 16, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            return out

    logger.start("run")
