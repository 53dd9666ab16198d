"""The published schema accepts what the configuration accepts, and refuses what it refuses."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from nnlint.config import schema

ROOT = Path(__file__).parents[2]


def readme_example() -> dict[str, object]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    toml = text.split("```toml\n")[1].split("```")[0]
    return tomllib.loads(toml)["tool"]["nnlint"]


def test_the_file_is_the_schema() -> None:
    assert json.loads((ROOT / "nnlint" / "config" / "config.schema.json").read_text()) == schema.schema()


def test_it_accepts_the_example_of_the_readme() -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema())
    jsonschema.validate(readme_example(), schema.schema(), jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    "wrong", [{"selct": []}, {"select": "all"}, {"fail-on": "loud"}, {"networks": [{}]}, {"rules": {"small-batch": 3}}]
)
def test_it_refuses(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema.schema(), jsonschema.Draft7Validator)


def test_other_tables_are_not_its_own() -> None:
    assert schema.tool_schema("nnlint") == schema.schema()
    with pytest.raises(ValueError, match=r"\[tool.ruff\]"):
        schema.tool_schema("ruff")


def test_the_readme_names_options_that_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnlint.config.apply import Configs
    from nnlint.settings import Settings

    text = (ROOT / "README.md").read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / "pyproject.toml").write_text(text)
    (tmp_path / "lint_rules").mkdir()
    (tmp_path / "net.py").write_text("")
    monkeypatch.chdir(tmp_path)
    notes: list[str] = []
    assert Configs().settings("net.py", Settings(), notes).options["small-batch"] == {"minimum": 8, "level": "error"}
    assert notes == []
