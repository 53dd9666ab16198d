"""Libraries that fetch weights on their own get none: tried on small libraries of the same shape."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from torch import nn

from nnlint.load.libraries import NoConfigurationError, libraries

LIBRARY = {
    "timm/__init__.py": "",
    "timm/models/__init__.py": "from ._builder import create",
    "timm/models/_builder.py": """
        def load_pretrained(model):
            raise OSError("it downloads")
        def create(model):
            load_pretrained(model)
            return model
    """,
    "transformers/__init__.py": "",
    "transformers/modeling_utils.py": """
        from torch import nn
        class Config:
            width = 3
            @classmethod
            def from_pretrained(cls, name):
                if name != "here":
                    raise OSError("no connection")
                return cls()
        class PreTrainedModel(nn.Module):
            config_class = Config
            def __init__(self, config):
                super().__init__()
                self.fc = nn.Linear(config.width, 1)
            @classmethod
            def from_pretrained(cls, name):
                raise OSError("it downloads")
    """,
}


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in LIBRARY.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("timm", "transformers")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)


def forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("timm", "transformers")]:
        del sys.modules[name]


def test_no_weights_are_fetched_and_afterwards_all_is_as_it_was() -> None:
    with libraries():
        import timm.models

        model = nn.Linear(1, 1)
        assert timm.models.create(model) is model
    with pytest.raises(OSError, match="it downloads"):
        timm.models.create(model)
    with libraries():  # a library that was imported before
        assert timm.models.create(model) is model
    forget()


def test_a_model_of_a_hub_is_built_from_its_configuration() -> None:
    with libraries():
        from transformers.modeling_utils import PreTrainedModel

        assert PreTrainedModel.from_pretrained("here").fc.in_features == 3
        assert PreTrainedModel.from_pretrained("here", width=5).fc.in_features == 5
        with pytest.raises(NoConfigurationError, match="hf download elsewhere"):
            PreTrainedModel.from_pretrained("elsewhere")
    forget()
