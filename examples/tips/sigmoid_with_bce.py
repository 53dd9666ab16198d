"""Binary cross-entropy: with a sigmoid before it, without, with two, and with the sigmoid inside the loss.

Held equal: layers and parameters; yes or no is told by one number.
Different: where the sigmoid is. `binary_cross_entropy` without one cannot train: it stops at the first number outside 0
to 1. `binary_cross_entropy_with_logits` contains it, which is the same in maths and safer in floats; a sigmoid before
that is one too many: the loss never sees a probability below 0.5 or above 0.73. The answer is yes where the network's
own sigmoid gives more than 0.5, also there: read as the loss reads it, it could never be no.
"""

from torch import nn


class Following(nn.Sequential):
    """Ends with a sigmoid: a probability."""

    def __init__(self, features: int = 30) -> None:
        super().__init__(*dense(features), nn.Sigmoid())


class Scores(nn.Sequential):
    """Ends with a score."""

    def __init__(self, features: int = 30) -> None:
        super().__init__(*dense(features))


def dense(features: int) -> list[nn.Module]:
    """Measurements to one score."""
    return [
        nn.Linear(features, 32),
        nn.ReLU(inplace=True),
        nn.Linear(32, 16),
        nn.ReLU(inplace=True),
        nn.Linear(16, 1),
    ]
