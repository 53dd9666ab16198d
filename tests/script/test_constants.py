"""The constants of a file: bound once at module level, options and configurations included."""

from __future__ import annotations

from collections.abc import Callable


def test_constants(source: Callable) -> None:
    read = source("""
        import argparse
        import torch
        from dataclasses import dataclass
        WIDTH = 64
        depth = WIDTH // 16
        a, b = 1, "two"
        changed = 1
        changed = 2
        if torch.cuda.is_available():
            sometimes = 3
        cfg = {"lr": 0.1, "model": {"width": WIDTH, "layers": [1, 2]}}
        @dataclass
        class Config:
            epochs: int = 10
        class Net(torch.nn.Module):
            size = 3
        config = Config(epochs=20)
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch-size", type=int, default=32)
        args = parser.parse_args()
        def f():
            local = 1
        """)
    found = {name: read.stated(fact) for name, fact in read.script.constants.items()}
    assert found == {
        "WIDTH": (64, "64"),
        "depth": (4, "WIDTH // 16"),
        "a": (1, "1"),
        "b": ("two", '"two"'),
        "sometimes": (3, "3"),
        "cfg.lr": (0.1, "0.1"),
        "cfg.model.width": (64, "64"),
        "Config.epochs": (10, "10"),
        "config.epochs": (20, "20"),
        "args.batch_size": (32, "32"),
    }
