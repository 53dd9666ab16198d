"""What a configuration may say. The JSON schema for editors is made from these classes (`nnlint.config.schema`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


def _kebab(name: str) -> str:
    return name.replace("_", "-")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=_kebab)


class NetworkTable(_Table):
    """How to build and run one network that nnlint cannot guess."""

    target: str = Field(description="file.py:Net, file.py:factory or package.module:name")
    args: list[Any] = Field(default=[], description="positional arguments of the constructor")
    kwargs: dict[str, Any] = Field(default={}, description="keyword arguments of the constructor")
    input: str | list[str] = Field(default=[], description="example inputs, as --input takes them")
    loss: str | None = Field(default=None, description="the loss that judges its output: cross_entropy …")
    batch_size: int | None = Field(default=None, ge=1, description="batch of the example input")


class ConfigTable(_Table):
    """``[tool.nnlint]`` of a pyproject.toml, or the whole of an nnlint.toml."""

    extend: str | None = Field(default=None, description="a configuration to inherit from; a path relative to this one")
    required_version: str | None = Field(default=None, description="versions of nnlint to accept: >=0.1,<1")
    select: list[str] | None = Field(default=None, description="rules, categories or all to run instead of the default")
    extend_select: list[str] = Field(default=[], description="rules or categories to run besides")
    ignore: list[str] = Field(default=[], description="rules or categories not to run")
    per_file_ignores: dict[str, list[str]] = Field(default={}, description="file pattern → rules not reported there")
    per_module_ignores: dict[str, list[str]] = Field(
        default={}, description="module path pattern (encoder.*) → rules not reported there"
    )
    exclude: list[str] = Field(default=[], description="patterns, as in .gitignore, of files not to check")
    respect_gitignore: bool = Field(default=True, description="leave out what git ignores")
    force_exclude: bool = Field(default=False, description="exclude files even if they are given on the command line")
    fail_on: Literal["error", "warning", "info", "never"] | None = Field(
        default=None, description="exit with 1 from this level upwards"
    )
    local_rules: list[str] = Field(default=[], description="rule files, or folders of them, relative to this file")
    rules: dict[str, dict[str, Any]] = Field(default={}, description="options of a rule, and the level of its findings")
    networks: list[NetworkTable] = Field(default=[], description="how to build and run networks")
