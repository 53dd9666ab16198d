"""A language model of 70 billion parameters in a file as a user writes it: memory and seconds."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from processes import in_turns, median, ratio
from tables import Row

SCRIPT = """
import torch
from transformers import LlamaConfig, LlamaForCausalLM

config = LlamaConfig(
    vocab_size=128256,
    hidden_size=8192,
    intermediate_size=28672,
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
    max_position_embeddings=8192,
)
model = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
"""
FLOOR = "import torch; import transformers.models.llama.modeling_llama"


def rows(rounds: int) -> list[Row]:
    """The peak of the largest process beside one that only imports, and the seconds."""
    if importlib.util.find_spec("transformers") is None:
        print("the large model is left out: transformers is not installed")
        return []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "llama.py")
        file.write_text(SCRIPT)
        commands = {"nnlint": [sys.executable, "-m", "nnlint", str(file)], "floor": [sys.executable, "-c", FLOOR]}
        costs = in_turns(commands, max(rounds // 2, 1))
    if any(cost.code == 2 for cost in costs["nnlint"]) or any(cost.code for cost in costs["floor"]):
        raise SystemExit(f"the large model was not checked:\n{costs['nnlint'][0].output}\n{costs['floor'][0].output}")
    megabytes = f"{median(costs['nnlint'], 'peak_mb'):.0f} MB, {median(costs['floor'], 'peak_mb'):.0f} MB"
    seconds = f"{median(costs['nnlint'], 'cpu'):.1f} s, {median(costs['floor'], 'cpu'):.1f} s"
    print(costs["nnlint"][0].output)
    return [
        Row("Llama 70B: peak memory ÷ importing it", ratio(costs["nnlint"], costs["floor"], "peak_mb"), 1.5, megabytes),
        Row("Llama 70B: cpu ÷ importing it", ratio(costs["nnlint"], costs["floor"], "cpu"), None, seconds),
    ]
