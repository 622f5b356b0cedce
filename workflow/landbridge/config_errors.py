"""Faults of a configuration as texts that a newcomer can act on: file, line, key, what is wrong, what to write."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMMAND_LINE = "the command line (--config)"
MOST_CHOICES = 16


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

    def text(self, locator: Locator) -> str:
        """Place, key, problem and remedy in one line."""
        key = ".".join(str(step) for step in self.path if not isinstance(step, int))
        return f"{locator.place(self.path)}: {key}: {self.problem}; {self.remedy}"


def closest(word: object, choices: Iterable[object]) -> str:
    """The remedy for a misspelt word: the nearest choice, or all of them."""
    names = {str(choice).lower(): str(choice) for choice in choices}
    near = difflib.get_close_matches(str(word).lower(), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{names[near[0]]}'?"
    listed = list(names.values())[:MOST_CHOICES]
    more = f" and {len(names) - len(listed)} more" if len(names) > len(listed) else ""
    return f"write one of: {', '.join(listed)}{more}" if names else "remove it"


# -- files ------------------------------------------------------------------------------------------------------------


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file as a mapping; a key that stands twice is refused.

    Raises:
        ConfigError: no such file, not YAML, or a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigError([f"{short(path)}: {reason}; write the path of a YAML file"]) from error
    try:
        node = yaml.compose(text, Loader)
        value = yaml.load(text, Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fix = "look at the indentation, the colons and the brackets of this line and the one above"
        raise ConfigError([f"{short(path)}, line {line}: not YAML: {error.problem}; {fix}"]) from error
    twice = [] if node is None else list(_keys_twice(node))
    if twice:
        raise ConfigError(
            [
                f"{short(path)}, line {line}: {key}: stands in line {first} already; keep one of the two"
                for key, first, line in twice
            ]
        )
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError([f"{short(path)}, line 1: holds no keys; write for example 'tier: twin'"])
    return value


def _keys_twice(node: yaml.Node, parents: str = "") -> Iterable[tuple[str, int, int]]:
    """(key, first line, line) of each key that its mapping holds already."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for key, value in node.value:
            name, line = f"{parents}{key.value}", key.start_mark.line + 1
            if name in lines:
                yield name, lines[name], line
            lines.setdefault(name, line)
            yield from _keys_twice(value, f"{name}.")
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _keys_twice(value, parents)


def short(path: Path) -> str:
    """A path as a person would type it: relative to the current folder where it lies below."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


class Locator:
    """Finds the file and line of a key.

    Args:
        config: the merged configuration; a value that no file holds came from the command line.
        files: configuration files in the order in which they were merged; the last that holds a key counts.
        domains: folder of each domain, whose domain.yaml holds what no configuration does.
    """

    def __init__(self, config: Mapping[str, Any], files: Sequence[Path], domains: Mapping[str, Path]) -> None:
        self.config = config
        self.files = list(files)
        self.domains = domains

    def place(self, path: tuple[Any, ...]) -> str:
        """Where a path of keys stands, or where the deepest of its keys does."""
        given, deepest = _follow(self.config, path)
        best = (0, COMMAND_LINE)
        for file in self.files:
            value, depth, line = _find(file, path)
            if depth and depth >= best[0]:
                moved = depth == len(path) == deepest and not isinstance(given, Mapping) and value != given
                best = (depth, COMMAND_LINE if moved else f"{short(file)}, line {line}")
        if deepest > best[0]:
            best = (deepest, COMMAND_LINE)
        if path and path[0] in self.domains:
            own = self.domains[path[0]] / "domain.yaml"
            _, depth, line = _find(own, path[1:])
            if depth + 1 > best[0]:
                best = (depth + 1, f"{short(own)}, line {line}")
        return best[1]


def _follow(values: Any, path: Sequence[Any]) -> tuple[Any, int]:
    """The value that lies deepest along a path of keys, and how many keys lead to it."""
    for depth, step in enumerate(path):
        if not _holds(values, step):
            return values, depth
        values = values[step]
    return values, len(path)


def _holds(values: Any, step: Any) -> bool:
    if isinstance(values, list):
        return isinstance(step, int) and step < len(values)
    return isinstance(values, Mapping) and step in values


def _find(file: Path, path: Sequence[Any]) -> tuple[Any, int, int]:
    """The deepest value of a file along a path of keys, how many keys lead to it, and its line."""
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    value, depth = _follow(yaml.load(text, Loader), path)
    node, line = yaml.compose(text, Loader), 1
    for step in path[:depth]:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if pair[0].value == str(step)]
            if not found:  # taken over by a YAML merge key (<<), which has the line that was found last
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[step]
            line = node.start_mark.line + 1
    return value, depth, line


# -- faults that pydantic finds ---------------------------------------------------------------------------------------

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "string": "text",
    "list": "a list such as [one, two]",
    "dict": "keys and values",
    "model": "keys and values",
}
BOUNDS = {
    "greater_than_equal": "from {ge} on",
    "greater_than": "above {gt}",
    "less_than_equal": "up to {le}",
    "less_than": "below {lt}",
}


def describe(error: Mapping[str, Any], root: type[BaseModel], prefix: tuple[Any, ...]) -> Fault:
    """A pydantic error as a fault.

    Args:
        error: one of `ValidationError.errors()`.
        root: the model that was validated.
        prefix: keys that lead to that model.
    """
    steps = tuple(step for step in error["loc"] if step != "[key]")
    path = prefix + steps
    kind, given, context = error["type"], error.get("input"), error.get("ctx", {})
    if kind == "extra_forbidden":
        around = _model_at(root, steps[:-1])
        return Fault(path, f"unknown key '{steps[-1]}'", closest(steps[-1], around.model_fields if around else ()))
    if kind == "missing":
        meaning = _description(root, steps)
        return Fault(path, "is missing", f"write it: {meaning}" if meaning else "write it")
    if kind == "literal_error":
        choices = [choice.strip("' ") for choice in context["expected"].replace(" or ", ",").split(",")]
        return Fault(path, f"'{given}' is not allowed", closest(given, choices))
    if kind in BOUNDS:
        return Fault(path, f"{given} is out of range", f"write a number {BOUNDS[kind].format(**context)}")
    if kind == "too_short":
        return Fault(path, "is empty", "write one or more")
    if kind == "value_error":
        problem, _, remedy = str(context["error"]).partition("; ")
        return Fault(path, problem, remedy)
    if kind == "string_type" and isinstance(given, bool):
        remedy = "put the word in quotes: YAML reads a bare yes, no, on or off as true or false"
        return Fault(path, f"{str(given).lower()} is not text", remedy)
    wanted = KINDS.get(kind.split("_")[0], error["msg"])
    shown = str(given).lower() if isinstance(given, bool) else repr(given)
    return Fault(path, f"{shown} is not {wanted}", f"write {wanted}")


def _model_at(root: type[BaseModel], path: Sequence[Any]) -> type[BaseModel] | None:
    found = _annotation_at(root, path)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def _description(root: type[BaseModel], path: Sequence[Any]) -> str:
    around = _model_at(root, path[:-1])
    field: FieldInfo | None = around.model_fields.get(str(path[-1])) if around else None
    return (field.description or "") if field else ""


def _annotation_at(annotation: Any, path: Sequence[Any]) -> Any:
    """The type that stands at a path of keys; None where there is none."""
    annotation = _bare(annotation)
    for step in path:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(str(step))
            annotation = _bare(field.annotation) if field else None
        elif get_origin(annotation) in (dict, list):
            annotation = _bare(get_args(annotation)[-1])
        else:
            return None
    return annotation


def _bare(annotation: Any) -> Any:
    """An annotation without its constraints and without None."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [item for item in get_args(annotation) if item is not type(None)]
        return _bare(inner[0])
    return annotation
