"""The forward pass of a network could not be recorded, so the network could not be checked.

The network was built, but no input was found that it accepts, or its forward pass raised for a reason other than its
shapes. Nothing is known of what it computes, and nnlint does not say that it is fine.

What to do: give the input: `--input 3x224x224` or `--input ids:long:1x128` (once for each argument, in order, or
`name=` for a keyword), a comment `# nnlint: input=3x224x224` beside the network, or `--input-fn module:function` where
the arguments are no plain tensors. If the error shown is the network's own, mend it at the line shown.

What it costs: none of the rules that read a network's graph can say anything.

What is known today: networks are recorded without values wherever that is possible (on torch's `meta` device); one that
decides by the values of its tensors is run again with random ones.

Quiet when: another input that the file names works.
"""

from nnlint.rule import bad, good, run_rule

check = run_rule(category="network", level="warning", since="0.1")


@bad()
def takes_what_nobody_can_guess() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, samples: list[dict[str, Tensor]]) -> Tensor:
            if samples[0]["kind"].shape != (3, 5, 7):
                raise ValueError("samples[0]['kind'] must have shape (3, 5, 7)")
            out: Tensor = self.layer(samples[0]["features"])
            return out


@good()
def takes_a_tensor() -> None:
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, features: Tensor) -> Tensor:
            out: Tensor = self.layer(features)
            return out
