"""The code of a user's task file that reads its rows, or computes its metric: a part of their identity.

Only what is reached from there counts: a description may change, and so may functions that nothing calls.
What the file imports does not.
"""

import ast
import hashlib
import tokenize
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

from xstilts.data.task import Task

READS = frozenset(("files", "hub", "translations", "made"))
"""The arguments of `Task(...)` that say where rows are and how they are read."""
MEASURES = frozenset(("measure",))


def of_metric(task: Task) -> str:
    """The identity of a user's own metric; "" of one of the package's."""
    return "" if task.measure is None or task.path is None else identity(task.path, MEASURES)


def identity(path: Path, arguments: Collection[str]) -> str:
    """A digest of the text of these arguments of a file's `Task(...)` and of what they use in the file."""
    return _identity(path, path.stat().st_mtime_ns, frozenset(arguments))


@lru_cache(maxsize=256)
def _identity(path: Path, changed: int, arguments: frozenset[str]) -> str:
    with tokenize.open(path) as file:  # in the encoding that it states
        text = file.read()
    statements = [one for one in ast.parse(text).body if not _is_text(one)]
    reached = {one: None for one in statements if not list(_bound(one))}  # loops, calls: whatever they change
    found = [value for one in statements if "TASK" in _bound(one) for value in _values(one, arguments)]
    left, used = list[ast.AST]([*found, *reached]), set[str]()
    while left:
        used |= {node.id for node in ast.walk(left.pop()) if isinstance(node, ast.Name)} - {"TASK"}
        new = [one for one in statements if one not in reached and not used.isdisjoint(_bound(one))]
        reached |= dict.fromkeys(new)
        left += new
    lines = text.split("\n")
    told = [ast.get_source_segment(text, one) or "" for one in found]
    for one in statements:
        if isinstance(one, ast.Import | ast.ImportFrom):  # of which other names say nothing
            module = one.module if isinstance(one, ast.ImportFrom) else None
            told += sorted(f"{module} {name.name}" for name in one.names if _called(name) in used)
        elif one in reached:
            told.append("\n".join(lines[_first(one) - 1 : one.end_lineno]))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a definition, an import or an assignment binds; none of any other statement."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from map(_called, names)
        case ast.Assign() | ast.AnnAssign():
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name))


def _called(name: ast.alias) -> str:
    return name.asname or name.name.partition(".")[0]


def _values(statement: ast.stmt, arguments: Collection[str]) -> Iterator[ast.expr]:
    """These arguments of `TASK = Task(...)`; of what else makes a task, all."""
    value = getattr(statement, "value", None)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Task":
        yield from (one.value for one in value.keywords if one.arg is None or one.arg in arguments)
    elif value is not None:
        yield value


def _first(statement: ast.stmt) -> int:
    """The first line, that of a decorator if there is one."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])
