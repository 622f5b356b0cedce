"""Kinds of values in a configuration: what stands for what, and the words to say where a value does not fit.

Snakemake hands over whatever YAML makes of a file and of --config, so numbers come as text and one text for a list.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"{_yaml_word(value)} is not a number; write a number")
    return value


def _yaml_word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _as_list(value: Any) -> Any:
    """One text stands for a list of one; nothing for an empty list."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        shown = _yaml_word(value)
        raise ValueError(f"{shown} is neither text nor a list; write one text, or a list such as [one, two]")
    return value


def _joined(value: Any) -> Any:
    """A list inside the list stands for its members, so that domains may share one by an anchor."""
    parts = [item if isinstance(item, list) else [item] for item in _as_list(value)]
    return [item for part in parts for item in part]


def _once(values: list[str]) -> list[str]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"'{value}' stands {values.count(value)} times; keep one")
    return values


def _as_budgets(value: Any) -> Any:
    labels = [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
    for label in labels:
        if label != "all" and not label.isdecimal():
            raise ValueError(f"'{label}' is no budget; write whole numbers from 0 on, and 'all' for the whole pool")
    labels = [label if label == "all" else str(int(label)) for label in labels]
    ordered = sorted(set(labels), key=lambda label: float("inf") if label == "all" else int(label))
    if labels != ordered:
        raise ValueError(
            f"[{', '.join(labels)}] does not grow, and each budget holds the last; write [{', '.join(ordered)}]"
        )
    return labels


def _as_block(value: Any) -> Any:
    if value == "year" or (str(value).isdecimal() and int(value) > 0 and not isinstance(value, bool)):
        return value if value == "year" else int(value)
    raise ValueError(f"{_yaml_word(value)} is no block of time; write year, or a number of days from 1 on")


WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}


def _plain(value: Any) -> Any:
    """Numbers and truth values that came as text: Snakemake leaves them so inside a mapping of --config."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"[-+]?\d+", value):
        return int(value)
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", value):
        return float(value)
    return WORDS.get(value, value)


def _none_is_empty(value: Any) -> Any:
    return {} if value is None else value


def _name(value: str) -> str:
    """Names become parts of paths."""
    if not re.fullmatch(r"[A-Za-z0-9_]+", value):
        raise ValueError(f"'{value}' is no name; write letters, digits and underscores alone")
    return value


def _pattern(value: str) -> str:
    """A name, or the beginning of several with a star."""
    return _name(value.removesuffix("*")) + "*" * value.endswith("*")


NOT_A_TRUTH_VALUE = BeforeValidator(_no_truth_value)
ONE_OR_MANY = BeforeValidator(_as_list, json_schema_input_type=str | list[str])

Name = Annotated[str, AfterValidator(_name)]
NameOrPattern = Annotated[str, AfterValidator(_pattern)]
Whole = Annotated[int, NOT_A_TRUTH_VALUE]
NonNegative = Annotated[int, Field(ge=0), NOT_A_TRUTH_VALUE]
Positive = Annotated[int, Field(ge=1), NOT_A_TRUTH_VALUE]
Share = Annotated[float, Field(ge=0, le=1), NOT_A_TRUTH_VALUE]
Texts = Annotated[list[str], ONE_OR_MANY, AfterValidator(_once)]
SomeTexts = Annotated[list[str], Field(min_length=1), ONE_OR_MANY, AfterValidator(_once)]
SomeJoinedTexts = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_joined, json_schema_input_type=str | list[str | list[str]]),
    AfterValidator(_once),
]
Budgets = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_as_budgets, json_schema_input_type=list[Annotated[int, Field(ge=0)] | Literal["all"]]),
]
Free = Annotated[dict[str, Any], BeforeValidator(_none_is_empty), AfterValidator(_plain)]
Block = Annotated[
    str | int,
    BeforeValidator(_as_block, json_schema_input_type=Literal["year"] | Annotated[int, Field(ge=1)]),
]
Folder = Annotated[str, AfterValidator(lambda value: value.rstrip("/") or "/")]
