"""A sample of the zoo that needs no third-party library: hand-built families and torch's own composites.

``transformers`` networks are added where that is installed (the `zoo` extra).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

import entry as zoo
import families
import measure

from nnlint.trace.failure import ForwardError

SAMPLE = {entry.name: entry for entry in families.families()}
if importlib.util.find_spec("transformers"):
    import torchvision_ops
    from libraries import transformers_models

    torchvision_ops.register()
    names = ("bert", "gpt2", "llama", "t5", "vit", "whisper", "convnext", "mixtral", "mamba", "segformer")
    SAMPLE |= {f"transformers {entry.name}": entry for entry in transformers_models.entries() if entry.name in names}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("entry", SAMPLE.values(), ids=SAMPLE.keys())
def test_recorded_as_it_runs(entry: zoo.Entry) -> None:
    """Recorded on the CPU: equal on these and on other values, every parameter counted, the model left alone."""
    row = measure.measure("sample", entry, costs=False)
    assert (row["stage"], row["cause"]) == ("ok", "")
    assert row["other_values"] == "equal"
    assert row["unnamed"] == {}
    assert (row["lint_cause"], [finding for finding in row["findings"] if finding[1] == "error"]) == ("", [])


#: what they do depends on the values
NEEDS_VALUES = {"nn.AdaptiveLogSoftmaxWithLoss", "transformers detr"}


@pytest.mark.parametrize("name", SAMPLE)
def test_recorded_without_values(name: str) -> None:
    """On the meta device, with the ops and shapes of the real run; what needs values says so."""
    torch.manual_seed(0)
    model = SAMPLE[name].build().eval()
    args, kwargs = SAMPLE[name].inputs(model)
    real = [(op.name, op.path, op.shape) for op in measure.graph_of(model, args, kwargs).ops]
    meta, there = measure.to_meta(model, (args, kwargs))
    if name in NEEDS_VALUES:
        with pytest.raises(ForwardError) as raised:
            measure.graph_of(meta, *there)
        assert raised.value.needs_values
    else:
        assert [(op.name, op.path, op.shape) for op in measure.graph_of(meta, *there).ops] == real
