"""The construction of a network fails, so it could not be checked.

nnlint builds the networks of a file as the file does, without its training. The constructor raised: because of the
arguments (heads that do not divide the width, groups that do not divide the channels, a layer of zero features), or
because nnlint did not find out what to call it with.

What to do: if the error is the file's own, mend it at the line shown. If arguments are missing, give them a default or
name a factory: `nnlint model.py:make_model`.

What it costs: nothing is known of the network; a note at the end of the report counts it as not traced.

What is known today: torch itself checks these arguments when a layer is constructed: `nn.MultiheadAttention` asks that
`embed_dim` be divisible by `num_heads`, `nn.GroupNorm` that `num_channels` be divisible by `num_groups`, convolutions
that `groups` divide both numbers of channels.

Quiet when: the network is only a part of another that was built.
"""

from nnlint.rule import bad, good, run_rule

check = run_rule(category="network", level="warning", since="0.1")


@bad(input="16x64")
def heads_do_not_divide_the_width() -> None:
    from torch import nn

    net = nn.TransformerEncoderLayer(d_model=64, nhead=5, batch_first=True)
    net.train()


@good(input="16x64")
def heads_divide_the_width() -> None:
    from torch import nn

    net = nn.TransformerEncoderLayer(d_model=64, nhead=4, batch_first=True)
    net.train()
