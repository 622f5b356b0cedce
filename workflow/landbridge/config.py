"""A configuration, validated against what the package offers and filled in from the domains' own descriptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from landbridge.config_errors import ConfigError, Fault, Locator, closest, describe, read_yaml
from landbridge.config_names import TIERS, Offered, check_domain
from landbridge.settings import Config, Domain, Run, Scenario, UserConfig

__all__ = ["Config", "ConfigError", "Domain", "Offered", "Scenario", "load", "merge", "read_domain", "read_yaml"]

Model = TypeVar("Model", bound=BaseModel)


def load(config: Mapping[str, Any], files: Sequence[Path], offered: Offered) -> Config:
    """Validate and fill in a merged configuration.

    Args:
        config: as Snakemake merged it; the key of a domain holds overrides of that domain's domain.yaml.
        files: configuration files, in the order in which they were merged; used to say where a fault stands.
        offered: what there is to choose from.

    Raises:
        ConfigError: all faults found, each with file, line, key and remedy.
    """
    domains = offered.domains
    _refuse_broken_files(files)
    faults: list[Fault] = []
    own = {key: value for key, value in config.items() if key not in domains and value is not None}
    for key in [key for key in own if key not in UserConfig.model_fields]:
        faults.append(Fault((key,), f"unknown key '{key}'", closest(key, [*UserConfig.model_fields, *domains])))
        del own[key]
    user = _validate(UserConfig, own, (), faults)
    wanted = list(domains)
    if user is not None and user.domains:
        wanted = [name for name in user.domains if name in domains]
        for number, name in enumerate(user.domains):
            if name not in domains:
                problem = f"there is no domain '{name}'"
                faults.append(Fault(("domains", number), problem, closest(name, domains)))
    loaded: dict[str, Domain] = {}
    for name in domains:
        if name not in wanted and not config.get(name):
            continue  # neither run nor mentioned
        domain = _domain(name, domains[name], config.get(name), faults)
        if domain is None:
            continue
        faults += check_domain(name, domain, offered)
        if name in wanted:
            loaded[name] = domain
    if user is not None and len(loaded) == len(wanted):
        faults += _check_choices(user, loaded)
    if user is None or faults:
        locator = Locator(config, files, domains)
        raise ConfigError(list(dict.fromkeys(fault.text(locator) for fault in faults)))
    return Config(domains=loaded, **{name: getattr(user, name) for name in Run.model_fields})


def read_domain(folder: Path) -> dict[str, Any]:
    """A domain's own description.

    Raises:
        ConfigError: not YAML.
    """
    return read_yaml(folder / "domain.yaml")


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`: mappings key by key, everything else replaced.

    A key without a value (its lines may be commented out) leaves a mapping or a list as it was; `false` takes it away.
    """
    merged = dict(base)
    for key, value in over.items():
        if isinstance(merged.get(key), Mapping | list) and not isinstance(value, Mapping | list):
            if value is None:
                continue
            if value is False or value == "false":
                del merged[key]
                continue
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _refuse_broken_files(files: Sequence[Path]) -> None:
    """Snakemake has read the files already, but takes a key that stands twice without a word."""
    texts = []
    for file in files:
        try:
            read_yaml(file)
        except ConfigError as error:
            texts += error.texts
    if texts:
        raise ConfigError(texts)


def _validate(
    model: type[Model], values: Mapping[str, Any], prefix: tuple[Any, ...], faults: list[Fault]
) -> Model | None:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults += [describe(item, model, prefix) for item in error.errors(include_url=False)]
        return None


def _domain(name: str, folder: Path, override: Any, faults: list[Fault]) -> Domain | None:
    """A domain's description with its overrides; None where it has faults, which are added to `faults`."""
    override = {} if override is None else override
    if not isinstance(override, Mapping):
        faults.append(Fault((name,), f"{override!r} is not keys and values", "write keys of its domain.yaml under it"))
        return None
    merged = merge(read_domain(folder), override)
    description = {key: value for key, value in merged.items() if value is not None}
    found: list[Fault] = []
    bases = {tier: _extend(description, tier, name, found) for tier in TIERS}
    _fill_classes(description)
    domain = _validate(Domain, description, (name,), found)
    told = {(fault.path, fault.problem) for fault in found}
    for fault in found:  # what a scenario takes over from another is told once, where it stands
        if len(fault.path) > 3 and fault.path[1] in TIERS:
            base = bases[fault.path[1]].get(fault.path[2])
            if ((*fault.path[:2], base, *fault.path[3:]), fault.problem) in told:
                continue
        faults.append(fault)
    return None if found else domain


def _extend(description: dict[str, Any], tier: str, domain: str, faults: list[Fault]) -> dict[str, str]:
    """Lay each scenario on the one that it extends; returns the base of each that has one."""
    scenarios = description.get(tier)
    if not isinstance(scenarios, Mapping):
        return {}
    bases: dict[str, str] = {}

    def resolved(name: str, line: tuple[str, ...]) -> Any:
        scenario = scenarios[name]
        base = scenario.get("extends") if isinstance(scenario, Mapping) else None
        if base is None:
            return scenario
        if base not in scenarios or base in line:
            problem = f"there is no scenario '{base}'" if base not in scenarios else f"'{base}' extends this one"
            others = [other for other in scenarios if other not in line]
            faults.append(Fault((domain, tier, name, "extends"), problem, closest(base, others)))
            return scenario
        bases[name] = str(base)
        below = resolved(base, (*line, base))
        if not isinstance(below, Mapping):
            return scenario
        return merge({key: value for key, value in below.items() if key not in ("default", "extends")}, scenario)

    description[tier] = {name: resolved(name, (name,)) for name in scenarios}
    return bases


def _fill_classes(description: Mapping[str, Any]) -> None:
    """A scenario of classes that names none takes those of its target variable, in the order of their numbers."""
    for tier in TIERS:
        scenarios = description.get(tier)
        for scenario in scenarios.values() if isinstance(scenarios, Mapping) else ():
            if not isinstance(scenario, dict) or scenario.get("task") == "regression" or scenario.get("classes"):
                continue
            targets = scenario.get("targets")
            target = targets[0] if isinstance(targets, list) and targets else targets
            variables = description.get("variables")
            variable = variables.get(target) if isinstance(variables, Mapping) else None
            meanings = variable.get("flag_meanings") if isinstance(variable, Mapping) else None
            if meanings:
                scenario["classes"] = str(meanings).split()


def _check_choices(user: UserConfig, domains: Mapping[str, Domain]) -> list[Fault]:
    """Names of scenarios and datasets that a run asks for."""
    faults = []
    offered = [name for domain in domains.values() for name in getattr(domain, user.tier)]
    for number, name in enumerate(user.scenarios or []):
        if name not in offered:
            problem = f"the {user.tier} tier has no scenario '{name}'"
            faults.append(Fault(("scenarios", number), problem, closest(name, offered)))
    known = [name for domain in domains.values() for name in domain.datasets]
    for number, name in enumerate(user.datasets):
        if name not in known:
            faults.append(Fault(("datasets", number), f"there is no dataset '{name}'", closest(name, known)))
    return faults
