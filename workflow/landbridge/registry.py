"""What the package offers, found by looking at its folders: domains, models, pretraining objectives, recipes.

Descriptions are literals at the top of each file and are read from the syntax tree, so that a look-up imports
neither torch nor any method, and a new file in a folder is enough to be offered.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from landbridge.stage import StageError

ROOT = Path(__file__).resolve().parent

# What a recipe may ask to read; the rule `transfer` has one input for each.
RIGHTS = ("source_weights", "source_labels", "target_inputs", "target_labels")
# What a selection rule may ask to read beside them.
RIGHTS_OF_RULES = (*RIGHTS, "validation_labels")


@dataclass(frozen=True)
class Recipe:
    """A method as its file declares it.

    Attributes:
        id: name used in configurations, paths and tables; equals the file name.
        title: one line for help texts and tables.
        rights: what its jobs may read, of `RIGHTS`.
        rights_of_variants: by variant, what the jobs of that variant may read instead.
        search: range of each setting that a search draws from, lowest and highest value.
        objective: id of the pretraining objective that it starts from, or None.
        models: "any", "none" (brings its own learner) or a tuple of model ids.
        variants: names that follow the id after a dot; the first is the default where `default_variant` is not empty.
        place: P (acts in pretraining), A (in adaptation) or PA.
        selection: rule by which it stops or chooses; None follows the number of labelled groups.
        defaults: its settings and their defaults.
        uses: modules of the domain that it hands data to: `features`, `baselines`.
        simulation: whether its source must be a simulation.
        transductive: whether it predicts test rows together, so that a row's prediction depends on the others.
    """

    id: str
    title: str
    rights: tuple[str, ...]
    objective: str | None
    models: str | tuple[str, ...]
    variants: tuple[str, ...]
    place: str
    selection: str | None
    defaults: dict[str, Any]
    uses: tuple[str, ...]
    rights_of_variants: dict[str, tuple[str, ...]] = field(default_factory=dict)
    simulation: bool = False
    search: dict[str, tuple[float, float]] = field(default_factory=dict)
    transductive: bool = False

    def rights_of(self, variant: str | None) -> tuple[str, ...]:
        """What the jobs of a variant may read; None or nothing stands for the first one."""
        return self.rights_of_variants.get(variant or (self.variants[0] if self.variants else ""), self.rights)


@dataclass(frozen=True)
class Rule:
    """A selection rule as its file in `train/selection` declares it.

    Attributes:
        name: what follows a recipe's id after a dot.
        by: what it chooses by, in words.
        labels: what it costs in labels of the target, in words.
        rights: what a job may read because of it, of `RIGHTS_OF_RULES`.
        compares: whether it does no more than compare trials, so that trainings stop by the recipe's own rule.
        apart: whether its rows stand in a table of their own.
        module: file that scores trials.
    """

    name: str
    by: str
    labels: str
    rights: tuple[str, ...]
    compares: bool
    apart: bool
    module: str


@dataclass(frozen=True)
class Described:
    """A model or an objective: its id, one line of title and the literals of its file."""

    id: str
    title: str
    literals: dict[str, Any]


def literals(path: Path) -> dict[str, Any]:
    """Upper-case names assigned to a literal at the top level of a file, and the first line of its docstring."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    found: dict[str, Any] = {"__doc__": (ast.get_docstring(tree) or "").split("\n")[0]}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        target = targets[0]
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and target.id.isupper():
            try:
                found[target.id] = ast.literal_eval(node.value) if node.value is not None else None
            except ValueError:
                continue  # computed constants are no description
    return found


@cache
def members(path: Path, name: str) -> tuple[str, ...]:
    """Keys of a mapping, or members of a tuple, that a file assigns to `name`, whatever its values are.

    Metrics, split rules, readers and figures are functions in such mappings. Empty where there is no such file or name.
    """
    if not path.is_file():
        return ()
    assigned = {
        target.id: node.value
        for node in ast.parse(path.read_bytes(), filename=str(path)).body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }

    def found(value: ast.AST | None) -> list[str]:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return [value.value]
        if isinstance(value, ast.Name):
            return found(assigned.get(value.id))
        if isinstance(value, ast.Dict):  # a key of None is another mapping, unpacked
            parts = zip(value.keys, value.values, strict=True)
            return [word for key, other in parts for word in found(other if key is None else key)]
        if isinstance(value, ast.Tuple | ast.List):
            return [word for item in value.elts for word in found(item)]
        return found(value.value) if isinstance(value, ast.Starred) else []

    return tuple(found(assigned.get(name)))


def _files(folder: str) -> dict[str, dict[str, Any]]:
    return {path.stem: literals(path) for path in sorted((ROOT / folder).glob("*.py")) if path.stem != "__init__"}


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by id."""
    found = {}
    for name, values in _files("methods").items():
        if "RIGHTS" not in values:
            continue
        of_variants = {variant: tuple(own) for variant, own in values.get("RIGHTS_OF_VARIANTS", {}).items()}
        unknown = [right for own in (values["RIGHTS"], *of_variants.values()) for right in own if right not in RIGHTS]
        if unknown:
            raise StageError(f"methods/{name}.py: RIGHTS names {', '.join(unknown)}; write one of {', '.join(RIGHTS)}")
        strange = [variant for variant in of_variants if variant not in values.get("VARIANTS", ())]
        if strange:
            raise StageError(
                f"methods/{name}.py: RIGHTS_OF_VARIANTS names {', '.join(strange)}; write words of VARIANTS"
            )
        search = {key: tuple(ends) for key, ends in values.get("SEARCH", {}).items()}
        for key, ends in search.items():
            if key not in values.get("DEFAULTS", {}) or len(ends) != 2 or not 0 < ends[0] < ends[1]:
                raise StageError(
                    f"methods/{name}.py: SEARCH gives {key} {ends}; name a setting of DEFAULTS, with a lowest value "
                    f"above 0 and a highest one above that"
                )
        found[name] = Recipe(
            id=name,
            title=values["__doc__"],
            rights=tuple(values["RIGHTS"]),
            objective=values.get("OBJECTIVE"),
            models=values.get("MODELS", "any"),
            variants=tuple(values.get("VARIANTS", ())),
            place=values.get("PLACE", "A"),
            selection=values.get("SELECTION"),
            defaults=values.get("DEFAULTS", {}),
            uses=tuple(values.get("USES", ())),
            rights_of_variants=of_variants,
            simulation=values.get("SIMULATION", False),
            search=search,
            transductive=bool(values.get("TRANSDUCTIVE", False)),
        )
    return found


@cache
def rules() -> dict[str, Rule]:
    """All selection rules by name, those that choose by labels put aside first."""
    found = {}
    files = _files("train/selection")
    for module in sorted(files, key=lambda name: (name != "validation", name)):
        for name, values in files[module].get("RULES", {}).items():
            found[name] = Rule(
                name=name,
                by=values["by"],
                labels=values["labels"],
                rights=tuple(values["rights"]),
                compares=values.get("compares", False),
                apart=values.get("apart", False),
                module=module,
            )
    return found


@cache
def objectives() -> dict[str, Described]:
    """All pretraining objectives by id."""
    return {
        name: Described(name, values["__doc__"], values)
        for name, values in _files("methods").items()
        if values.get("PRETRAINS")
    }


@cache
def models() -> dict[str, Described]:
    """All architectures by id."""
    return {
        name: Described(name, values["__doc__"], values)
        for name, values in _files("models").items()
        if "PARTS" in values
    }


@cache
def domains(folder: Path | None = None) -> dict[str, Path]:
    """Folder of each domain by name; a folder whose name starts with an underscore is a template."""
    folder = folder or ROOT / "domains"
    return {
        path.parent.name: path.parent
        for path in sorted(folder.glob("*/domain.yaml"))
        if not path.parent.name.startswith("_")
    }


# Rule, script and stage bear one name; the module of each.
STAGES = {
    "download": "landbridge.io.download",
    "harmonise": "landbridge.prepare.harmonise",
    "simulate": "landbridge.prepare.simulate",
    "split": "landbridge.prepare.split",
    "pretrain": "landbridge.train.pretrain",
    "transfer": "landbridge.train.transfer",
    "transferability": "landbridge.train.transferability",
    "evaluate": "landbridge.judge.evaluate",
    "compare": "landbridge.judge.compare",
    "rank_transferability": "landbridge.judge.transferability",
    "draw": "landbridge.judge.draw",
    "maps": "landbridge.judge.maps",
    "contrast": "landbridge.judge.contrast",
    "recompute": "landbridge.judge.recompute",
    "summarise": "landbridge.judge.summarise",
    "summarise_transferability": "landbridge.judge.transferability_of_all",
}
TRAINING_STAGES = ("pretrain", "transfer")
