"""Faults of a configuration as texts that a newcomer can act on: file, line, key, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ConfigError(Exception):
    """Everything that is wrong with a configuration.

    Attributes:
        texts: one text for each fault.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)
        count = "one fault" if len(self.texts) == 1 else f"{len(self.texts)} faults"
        super().__init__(f"the configuration has {count}:\n" + "\n".join(f"  {text}" for text in self.texts))


@dataclass(frozen=True)
class Fault:
    """One fault: the path of keys to it, what is wrong, and the remedy."""

    path: tuple[Any, ...]
    problem: str
    remedy: str

    def text(self, locator: Locator, domains: Mapping[str, Path]) -> str:
        """File, line, key, problem and remedy in one line."""
        key = ".".join(str(step) for step in self.path)
        return f"{locator.place(self.path, domains)}: {key}: {self.problem}; {self.remedy}"


def closest(word: object, choices: Iterable[object]) -> str:
    """The remedy for a misspelt word: the nearest choice, or all of them."""
    names = [str(choice) for choice in choices]
    near = difflib.get_close_matches(str(word), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"write one of: {', '.join(names)}" if names else "remove it"


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping; a key that stands twice is refused.

    Raises:
        ConfigError: no such file, not YAML, or a key twice.
    """
    try:
        text = path.read_text()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}; write the path of a YAML file"]) from error
    try:
        node = yaml.compose(text, Loader)
        if node is not None:
            _refuse_twice(path, node)
        value = yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fix = "look at the indentation, the colons and the brackets of this line and the one above"
        raise ConfigError([f"{path}, line {line}: not YAML: {error.problem}; {fix}"]) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError([f"{path}, line 1: must hold keys and values; write for example 'tier: twin'"])
    return value


def _refuse_twice(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                first = lines[key.value]
                raise ConfigError([f"{path}, line {line}: {key.value}: stands in line {first} already; keep one of the two"])
            lines[key.value] = line
            _refuse_twice(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(path, value)


class Locator:
    """Finds the file and line of a key among the files that were merged; the last file that has it counts."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    def place(self, path: tuple[Any, ...], domains: Mapping[str, Path]) -> str:
        """Where a path of keys stands; a key that no file has came from the command line."""
        best: tuple[int, str] = (0, "the command line (--config)")
        for file in self.files:
            depth, line = _depth(file, path)
            if depth and depth >= best[0]:
                best = (depth, f"{file}, line {line}")
        if path and path[0] in domains:
            own = domains[path[0]] / "domain.yaml"
            depth, line = _depth(own, path[1:])
            if depth + 1 > best[0]:
                best = (depth + 1, f"{_short(own)}, line {line}")
        return best[1]


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _depth(file: Path, path: tuple[Any, ...]) -> tuple[int, int]:
    """How many keys of `path` a file has, and the line of the last of them."""
    node = yaml.compose(file.read_text(), Loader) if file.is_file() else None
    depth, line = 0, 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
        depth += 1
    return depth, line


KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list such as [a, b]",
    "dict": "keys and values",
    "model": "keys and values",
}


def describe(error: Mapping[str, Any], domains: set[str], root: type[BaseModel]) -> Fault:
    """A pydantic error as a fault."""
    path = tuple(step for step in error["loc"] if not (isinstance(step, str) and "[" in step))
    if path[:1] == ("domains",) and len(path) > 1 and path[1] in domains:
        path = path[1:]
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "extra_forbidden":
        return Fault(path, f"unknown key '{path[-1]}'", closest(path[-1], _siblings(error["loc"], root)))
    if kind == "missing":
        return Fault(path, "is missing", "write it")
    if kind == "literal_error":
        choices = [choice.strip().strip("'") for choice in context["expected"].replace(" or ", ", ").split(", ")]
        return Fault(path, f"'{given}' is not allowed", closest(given, choices))
    if kind in ("greater_than_equal", "greater_than", "less_than_equal", "less_than"):
        words = {"greater_than_equal": "from {ge} on", "greater_than": "above {gt}", "less_than_equal": "up to {le}"}
        allowed = words.get(kind, "below {lt}").format(**context)
        return Fault(path, f"{given} is out of range", f"write a number {allowed}")
    if kind == "value_error":
        problem, _, remedy = str(context["error"]).partition("; ")
        return Fault(path, problem if remedy else "is not right", remedy or problem)
    wanted = KINDS.get(kind.split("_")[0], error["msg"][0].lower() + error["msg"][1:])
    return Fault(path, f"{given!r} is not {wanted}", f"write {wanted}")


def _siblings(path: Sequence[Any], root: type[BaseModel]) -> list[str]:
    """Keys that are known where an unknown one stands."""
    found: Any = root
    for step in path[:-1]:
        if isinstance(found, type) and issubclass(found, BaseModel):
            field = found.model_fields.get(str(step))
            found = _model_of(field.annotation) if field is not None else found
    return list(found.model_fields) if isinstance(found, type) and issubclass(found, BaseModel) else []


def _model_of(annotation: Any) -> Any:
    """The model inside an annotation such as dict[str, Model] or Model | None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        model = _model_of(inner)
        if model is not None:
            return model
    return None
