"""`python -m landbridge`: check a configuration, write the reference of its options, run a recorded job again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from landbridge.stage import StageError


def check(arguments: argparse.Namespace) -> int:
    """Say what is wrong with a configuration, or what it runs."""
    from landbridge.config import ConfigError, merge, read_yaml
    from landbridge.offered import read_config

    try:
        merged: dict[str, Any] = {}
        for file in arguments.files:
            merged = merge(merged, read_yaml(file))
        config = read_config(merged, arguments.files)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    names = ", ".join(str(file) for file in arguments.files)
    print(f"{names}: in order. Tier {config.tier}, seeds {config.seeds}, domains {', '.join(config.domains)}.")
    return 0


def schema(arguments: argparse.Namespace) -> int:
    """Print the JSON schema."""
    from landbridge.options import schema_text

    print(schema_text(), end="")
    return 0


def options(arguments: argparse.Namespace) -> int:
    """Print the tables of all options."""
    from landbridge.options import tables

    print(tables(), end="")
    return 0


def write(arguments: argparse.Namespace) -> int:
    """Write config/schema.json and the tables of config/README.md anew."""
    from landbridge.options import write as write_reference

    changed = write_reference()
    for path in changed:
        print(f"wrote {path}")
    if not changed:
        print("the reference of options is up to date")
    return 0


def replay(arguments: argparse.Namespace) -> int:
    """Run a recorded job again and compare its bytes."""
    from landbridge import job

    return job.replay(arguments.record, arguments.folder, sealed=arguments.sealed, debug=arguments.debug)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m landbridge", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    config = commands.add_parser("config", help="check a configuration; print or write the reference of options")
    actions = config.add_subparsers(required=True, metavar="ACTION")
    action = actions.add_parser("check", help=check.__doc__)
    action.add_argument("files", nargs="+", type=Path, metavar="FILE", help="YAML files; a later one overrides")
    action.set_defaults(run=check)
    for function in (schema, options, write):
        actions.add_parser(function.__name__, help=function.__doc__).set_defaults(run=function)

    again = commands.add_parser("replay", help=replay.__doc__)
    again.add_argument("record", type=Path, help="a .job.json under results/logs")
    again.add_argument("--folder", type=Path, help="where to run; a new temporary folder if absent")
    again.add_argument("--sealed", action="store_true", help="with the declared inputs and nothing else")
    again.add_argument("--debug", action="store_true", help="stop in the debugger where it fails")
    again.set_defaults(run=replay)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except StageError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
