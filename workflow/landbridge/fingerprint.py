"""A fingerprint of the code that a job runs: the reason why a changed line reruns its jobs and no other.

Snakemake compares the parameters of a job with those of its last run. Each rule passes `code=fingerprint(...)`,
a hash over the syntax trees of the stage's module and of everything that it imports from `landbridge`, without
comments and docstrings. Modules that a stage loads late, by name, are added by the caller.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "landbridge"
ROOT = Path(__file__).resolve().parent


def _file(module: str) -> Path | None:
    """The source file of `module`, or None where no such module exists."""
    base = ROOT.joinpath(*module.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _strip_docstrings(nodes: Iterable[ast.AST]) -> set[int]:
    """Take docstrings out of a tree, given its nodes; returns the `id` of each that was taken out."""
    taken = set()
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
                taken.add(id(first.value))
    return taken


def _imports(nodes: Iterable[ast.AST], module: str) -> set[str]:
    """Modules of this package that are imported by some of these nodes, wherever in the file the import stands."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative import
                parent = module.split(".")[: -node.level]
                base = ".".join([*parent, *([base] if base else [])])
            if base.split(".")[0] != PACKAGE:
                continue
            for alias in node.names:  # `from package import name` imports a module or a name inside one
                inner = f"{base}.{alias.name}"
                found.add(inner if _file(inner) else base)
    return {name for name in found if _file(name)}


@cache
def _own(module: str) -> tuple[str, frozenset[str]]:
    """Hash of one module's own code and of the data files that it names, and the modules that it imports."""
    path = _file(module)
    if path is None:
        raise ModuleNotFoundError(f"no module '{module}' in {ROOT}")
    tree = ast.parse(path.read_bytes(), filename=str(path))
    nodes = list(ast.walk(tree))  # once: a walk takes as long as the parsing
    docstrings = _strip_docstrings(nodes)
    digest = hashlib.sha256(ast.dump(tree, annotate_fields=False).encode())
    # Package data count as code: a file beside the module whose name the module mentions.
    texts = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    }
    for name in sorted(texts):
        if "." in name and "/" not in name and "\n" not in name and len(name) < 100 and (path.parent / name).is_file():
            digest.update(name.encode() + b"\0" + (path.parent / name).read_bytes())
    return digest.hexdigest(), frozenset(_imports(nodes, module))


def closure(modules: Iterable[str]) -> list[str]:
    """`modules` and everything of this package that they import, directly or not, sorted."""
    pending, seen = list(modules), set()
    while pending:
        module = pending.pop()
        if module not in seen:
            seen.add(module)
            pending.extend(_own(module)[1])
    return sorted(seen)


@cache
def fingerprint(*modules: str) -> str:
    """Hash over the code of `modules` and of all that they import from this package.

    Equal for any order of `modules`; blind to comments, docstrings, blank lines and modification times.

    Raises:
        ModuleNotFoundError: a module is not in the package.
    """
    digest = hashlib.sha256()
    for module in closure(modules):
        digest.update(f"{module}\0{_own(module)[0]}\n".encode())
    return digest.hexdigest()[:20]
