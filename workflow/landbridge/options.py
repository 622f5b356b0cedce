"""The reference of all options, generated from the code: config/schema.json and the tables of config/README.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from landbridge import registry, settings
from landbridge.stage import StageError

FOLDER = registry.ROOT.parents[1] / "config"
BEGIN, END = "<!-- options -->", "<!-- /options -->"

# Heading of each table, in the order of the README.
TABLES: tuple[tuple[type[BaseModel], str], ...] = (
    (settings.UserConfig, "Keys of the configuration"),
    (settings.Bootstrap, "bootstrap"),
    (settings.Search, "search"),
    (settings.Domain, "Keys of a domain"),
    (settings.Training, "training"),
    (settings.Scenario, "Keys of a scenario"),
    (settings.Side, "source, target"),
    (settings.Split, "split"),
    (settings.Plant, "plant"),
    (settings.Window, "window"),
    (settings.Quality, "quality"),
    (settings.Headline, "headline"),
    (settings.Contrast, "Keys of a contrast"),
    (settings.DatasetSettings, "Keys of a dataset"),
    (settings.Variable, "Keys of a variable"),
)


def schema() -> dict[str, Any]:
    """JSON schema of a configuration file; editors complete and check by it.

    The key of a domain holds overrides, so nothing in it is required; every other name is taken for a domain.
    """
    root = settings.UserConfig.model_json_schema()
    domain = settings.Domain.model_json_schema()
    described = domain.pop("$defs")
    described["Domain"] = domain
    root["$defs"] = {**root["$defs"], **{name: _optional(model) for name, model in sorted(described.items())}}
    root["additionalProperties"] = {"$ref": "#/$defs/Domain"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root}


def _optional(model: Mapping[str, Any]) -> dict[str, Any]:
    """A model of which any part may be written, and in which `false` takes away a mapping or a list."""
    changed = {key: value for key, value in model.items() if key != "required"}
    changed["properties"] = {key: _or_false(value) for key, value in model["properties"].items()}
    return changed


def _or_false(value: Mapping[str, Any]) -> dict[str, Any]:
    if not any(word in json.dumps(value) for word in ('"$ref"', '"array"', '"object"')):
        return dict(value)
    outer = {key: value[key] for key in ("description", "default", "title") if key in value}
    inner = {key: item for key, item in value.items() if key not in outer}
    if isinstance(inner.get("additionalProperties"), Mapping):
        inner["additionalProperties"] = _or_false(inner["additionalProperties"])
    choices = inner["anyOf"] if list(inner) == ["anyOf"] else [inner]
    return {**outer, "anyOf": [*choices, {"enum": [False, None]}]}


def schema_text() -> str:
    """The schema as config/schema.json holds it."""
    return json.dumps(schema(), indent=1) + "\n"


def tables() -> str:
    """Tables of every key, and of the settings of models and recipes, in Markdown."""
    return "\n".join([*_key_tables(), *_rules_table(), *_settings_tables()])


def _key_tables() -> Iterator[str]:
    for model, heading in TABLES:
        described = model.model_json_schema()
        required = set(described.get("required", ()))
        yield f"### {heading}\n"
        yield f"{described['description']}\n"
        yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
        for name, value in described["properties"].items():
            default = "must be given" if name in required else _default(value)
            yield f"| `{name}` | {_kind(value)} | {default} | {value['description']} |"
        yield ""


def _default(value: Mapping[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ({}, []):
        return "none"
    return "see its table" if isinstance(default, dict) else f"`{json.dumps(default)}`"


def _kind(value: Mapping[str, Any]) -> str:
    """What may be written for a key, in words."""
    if "$ref" in value:
        return _heading(value["$ref"])
    if "anyOf" in value:
        return " or ".join(_kind(choice) for choice in value["anyOf"] if choice.get("type") != "null")
    if "enum" in value or "const" in value:
        return " or ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    if value.get("type") == "object":
        inner = value.get("additionalProperties")
        return f"names, each with {_kind(inner)}" if isinstance(inner, Mapping) else "keys and values"
    word = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`"}.get(
        str(value["type"]), "text"
    )
    return word + _bounds(value)


def _heading(reference: str) -> str:
    name = reference.rsplit("/", 1)[1]
    heading = next(heading for model, heading in TABLES if model.__name__ == name)
    anchor = heading.lower().replace(",", "").replace(" ", "-")
    return f"[{heading[0].lower()}{heading[1:]}](#{anchor})"


def _bounds(value: Mapping[str, Any]) -> str:
    words = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}
    return "".join(" " + text.format(f"{value[key]:g}") for key, text in words.items() if key in value)


def _rules_table() -> Iterator[str]:
    yield "### Selection rules\n"
    yield "| rule | chooses by | labels of the target that it takes | what its job may read besides |"
    yield "| --- | --- | --- | --- |"
    for rule in registry.rules().values():
        rights = ", ".join(f"`{right}`" for right in rule.rights) or "nothing"
        yield f"| `{rule.name}` | {rule.by} | {rule.labels} | {rights} |"
    yield ""


def _settings_tables() -> Iterator[str]:
    """Defaults by name; a setting that a search draws with its range in brackets."""
    yield "### Settings of models\n"
    yield "| name | settings and their defaults |\n| --- | --- |"
    for name, model in registry.models().items():
        yield f"| `{name}` | {_listed(model.literals.get('DEFAULTS', {}))} |"
    yield ""
    yield "### Recipes\n"
    yield (
        "What a recipe may read is what its jobs are given, beside the test's inputs for predicting; a variant in "
        "brackets has rights of its own.\n"
    )
    yield "| name | what it is | variants | may read | networks | settings and their defaults |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, recipe in registry.recipes().items():
        variants = ", ".join(f"`{variant}`" for variant in recipe.variants) or "none"
        rights = [", ".join(recipe.rights) or "nothing"]
        rights += [f"({variant}: {', '.join(own)})" for variant, own in recipe.rights_of_variants.items()]
        networks = recipe.models if isinstance(recipe.models, str) else ", ".join(f"`{one}`" for one in recipe.models)
        networks += ", on a simulation" if recipe.simulation else ""
        cells = (
            f"`{name}`",
            recipe.title,
            variants,
            " ".join(rights),
            networks,
            _listed(recipe.defaults, recipe.search),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _listed(defaults: Mapping[str, Any], searched: Mapping[str, tuple[float, float]] | None = None) -> str:
    words = [
        f"`{key}: {json.dumps(value)}`"
        + (f" ({searched[key][0]:g} to {searched[key][1]:g})" if searched and key in searched else "")
        for key, value in defaults.items()
    ]
    return ", ".join(words) or "none"


def with_tables(text: str) -> str:
    """A README whose part between the markers holds the tables.

    Raises:
        StageError: a marker is missing.
    """
    for marker in (BEGIN, END):
        if text.count(marker) != 1:
            raise StageError(f"config/README.md: must hold the line {marker} once; write it where the tables belong")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n{tables()}{END}{after}"


def write(folder: Path = FOLDER) -> list[Path]:
    """Write the schema and the tables anew; returns the files that changed."""
    readme = folder / "README.md"
    wanted = {folder / "schema.json": schema_text(), readme: with_tables(readme.read_text(encoding="utf-8"))}
    changed = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(wanted[path], encoding="utf-8")
    return changed
