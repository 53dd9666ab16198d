"""No rule raises on any graph: random ones, valid and degenerate."""

from __future__ import annotations

import traceback

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnlint.graph import Graph, Hyper, Idle, Op, Param, Rebatched, Value
from nnlint.kinds import ALL
from nnlint.recipe import Recipe
from nnlint.registry import load_rules
from nnlint.rule import Rule
from nnlint.site import Site

RULES = load_rules()
ON_GRAPHS = [rule for rule in RULES if rule.check.on == "graph"]
ON_RECIPES = [rule for rule in RULES if rule.check.on == "recipe"]

_SITE = Site("/nowhere/net.py", 3, 5, 3, 9)
#: names that rules look for more often than others
_COMMON = sorted(
    ALL
    & set(
        "conv2d conv1d conv_transpose2d linear batch_norm layer_norm relu sigmoid tanh softmax log_softmax dropout "  # noqa: SIM905
        "max_pool2d avg_pool2d adaptive_avg_pool2d flatten view reshape permute transpose add mul cat matmul detach "
        "argmax embedding lstm gru getitem pad mean sum log exp sub div constant interpolate identity clamp".split()
    )
)
_small = st.integers(-1, 70)
_sizes = st.lists(st.integers(0, 40), max_size=5).map(tuple)
_axes = st.none() | st.lists(st.integers(0, 7), min_size=1, max_size=3).map(tuple)
_values = st.builds(
    Value, _sizes, st.sampled_from(["float32", "int64", "bool"]), st.integers(0, 999), st.none() | st.integers(0, 3)
)
_hypers = st.builds(
    Hyper,
    kernel=_axes,
    stride=_axes,
    padding=_axes | st.sampled_from(["same", "valid"]),
    dilation=_axes,
    groups=st.none() | _small,
    in_channels=st.none() | _small,
    out_channels=st.none() | _small,
    bias=st.none() | st.booleans(),
    affine=st.none() | st.booleans(),
    p=st.none() | st.floats(0, 1),
    inplace=st.none() | st.booleans(),
    training=st.none() | st.booleans(),
    eps=st.none() | st.floats(0, 2),
    momentum=st.none() | st.floats(0, 1),
    track_running_stats=st.none() | st.booleans(),
    dim=st.none() | st.integers(-6, 6) | st.lists(st.integers(-6, 6), max_size=3).map(tuple),
    bidirectional=st.none() | st.booleans(),
    batch_first=st.none() | st.booleans(),
    output_size=st.none() | st.lists(st.none() | st.integers(0, 7), min_size=1, max_size=3).map(tuple),
    mode=st.none() | st.sampled_from(["nearest", "bilinear"]),
    reduction=st.none() | st.sampled_from(["mean", "sum", "none"]),
    extra=st.dictionaries(
        st.sampled_from(["dims", "dim0", "dim1", "value", "start_dim", "sizes", "other", "index", "other_thing"]),
        st.none() | _small | st.lists(_small, max_size=3).map(tuple) | st.floats(-2, 2),
        max_size=3,
    ),
)
_params = st.builds(
    Param,
    st.sampled_from(["a.weight", "a.bias", "b.weight", "position"]),
    st.sampled_from(["weight", "bias", "position"]),
    _sizes,
    st.just("float32"),
    st.booleans(),
    st.integers(0, 5),
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph without cycles: an input, ops that read earlier ones (or nothing), an output, maybe losses."""
    losses = ["cross_entropy", "mse_loss", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"]
    middle = draw(
        st.lists(
            st.sampled_from(_COMMON) | st.sampled_from(sorted(ALL - {"input", "output"})) | st.just("some.library.op"),
            max_size=12,
        )
    )
    names = ["input", *middle, "output", *draw(st.lists(st.sampled_from(losses), max_size=2))]
    ops: list[Op] = []
    for index, name in enumerate(names):
        inputs = () if name == "input" or not ops else tuple(draw(st.lists(st.sampled_from(ops), max_size=3)))
        ops.append(
            Op(
                index,
                name,
                draw(st.sampled_from(["", "a", "a.b", "body.0", "layers[0].a"])),
                None,
                draw(st.sampled_from(["", "F.relu", "nn.Conv2d"])),
                inputs,
                tuple(0 for _ in inputs),
                tuple(draw(st.lists(st.sampled_from(ops), max_size=1))) if ops else (),
                tuple(draw(st.lists(_values, max_size=2))),
                tuple(draw(st.lists(_values, max_size=2))),
                draw(_hypers),
                tuple(draw(st.lists(_params, max_size=2))),
                draw(st.none() | st.integers(0, 10**6)),
                draw(st.none() | st.just(_SITE)),
                draw(st.none() | st.just(_SITE)),
                draw(st.booleans()),
                draw(st.booleans()),
                draw(st.booleans()),
                observed=draw(st.booleans()),
            )
        )
    return Graph(
        tuple(ops),
        "Net",
        None,
        parameters=tuple(draw(st.lists(_params, max_size=3))),
        idle=(Idle("a", "Linear", 3, None),),
        modal=tuple(draw(st.lists(st.sampled_from(["", "a"]), max_size=1))),
        rebatched=draw(st.none() | st.just(Rebatched(2, 4, tuple(ops[1:2]), "it failed"))),
    )


_quick = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)


@_quick
@given(graph=graphs())
def test_no_graph_makes_a_rule_raise(graph: Graph) -> None:
    """All rules on one graph: making it takes longer than reading it."""
    assert _crashed(ON_GRAPHS, graph) == {}


@_quick
@given(graph=graphs())
def test_a_recipe_that_says_nothing_makes_no_rule_raise(graph: Graph) -> None:
    assert _crashed(ON_RECIPES, Recipe()) == {}
    assert _crashed(ON_RECIPES, Recipe(file="net.py", graphs={"net": graph})) == {}


def _crashed(rules: list[Rule], subject: Graph | Recipe) -> dict[str, str]:
    """The rules whose check or fix raises, and with what."""
    crashed: dict[str, str] = {}
    for rule in rules:
        try:
            for finding in rule.check.function(subject):
                assert finding.message
                if rule.fix is not None:
                    rule.fix.function(finding)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            crashed[rule.name] = f"{type(error).__name__}: {error} at {last.filename}:{last.lineno}"
    return crashed
