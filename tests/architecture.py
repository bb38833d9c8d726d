"""Figures of the house, read from its files: `python tests/architecture.py` prints them.

Packages with their code lines (no blanks, comments or docstrings), which package imports which (also inside
functions, but not for types only), circles, functions for every 1,000 lines, the largest functions and files,
class names that stand for two things, and the functions between `xstilts run` and the loss.
"""

import ast
import io
import itertools
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "xstilts"
APART = ("tasks", "lab")
"""Packages of data: one file for each task, and the embedded world. They are not counted."""
BLANK = (
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
)
ROOT = "(root)"
HOPS = (
    ("__main__.run", "api.Study.run", "run.local.run"),
    (
        *("run.worker.serve", "compute.work.compute", "compute.work._attempt", "compute.work._result"),
        *("compute.train.train", "compute.model.loss_sum"),
    ),
)
"""From the command to the processes that it starts, and from the start of such a process to the loss."""

Graph = Mapping[str, set[str]]


def files() -> list[Path]:
    """All files of the package."""
    return sorted(SOURCE.rglob("*.py"))


def counted() -> list[Path]:
    """Those that are counted."""
    return [path for path in files() if path.relative_to(SOURCE).parts[0] not in APART]


def module(path: Path) -> str:
    """The dotted name of a file below the package; that of the package itself is empty."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def package(name: str) -> str:
    """The first part of a module's name; ROOT for what is in no package."""
    first = name.partition(".")[0]
    return first if first and (SOURCE / first).is_dir() else ROOT


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def code_lines(path: Path) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    strings: set[int] = set()
    for node in ast.walk(tree(path)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            strings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type not in BLANK:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - strings)


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, anywhere in it but for types only."""
    types_only = {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    known = {module(other) for other in files()}
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if id(node) in types_only:
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name == "xstilts" or name.startswith("xstilts."):
                inside = name.removeprefix("xstilts").removeprefix(".")
                while inside and inside not in known:
                    inside = inside.rpartition(".")[0]
                found.add(inside)
    return found - {module(path)}


def between_files() -> Graph:
    """Which file imports which."""
    return {module(path): imports(path) for path in files()}


def between_packages() -> Graph:
    """Which package imports which; files in no package are left out."""
    arrows: dict[str, set[str]] = defaultdict(set)
    for name, imported in between_files().items():
        arrows[package(name)] |= {package(other) for other in imported} - {package(name), ROOT}
    arrows.pop(ROOT, None)
    return arrows


def circles(graph: Graph) -> list[list[str]]:
    """What can be reached from itself, together (the strongly connected parts of more than one)."""
    reached = {name: set(_reached(graph, name)) for name in graph}
    parts = {
        frozenset(other for other in reached[name] if name in reached.get(other, ())) | {name}
        for name in graph
        if name in reached[name]
    }
    return sorted(sorted(part) for part in parts)


def _reached(graph: Graph, start: str) -> Iterator[str]:
    seen, left = set[str](), [*graph[start]]
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            yield name
            left += graph.get(name, ())


def functions() -> Iterator[tuple[int, str]]:
    """Lines and name of every function, those in others and in classes too."""
    for path in counted():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1, f"{module(path)}.{node.name}"


def classes_named_twice() -> dict[str, list[str]]:
    """Class names that several files define, with these files."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in counted():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].append(module(path))
    return {name: found for name, found in places.items() if len(found) > 1}


def broken_hops() -> list[str]:
    """The functions of HOPS that do not speak of the next one, or are not there."""
    return [
        f"{one} -> {next_one}"
        for chain in HOPS
        for one, next_one in itertools.pairwise(chain)
        if next_one.rpartition(".")[2] not in _names_in(one) or not _names_in(next_one)
    ]


def _names_in(function: str) -> set[str]:
    """The names and attributes in the body of a function: module.function or module.Class.function."""
    for path in sorted(files(), key=lambda path: -len(module(path))):
        if function.startswith(f"{module(path)}."):
            nodes: list[ast.AST] = [tree(path)]
            for part in function.removeprefix(f"{module(path)}.").split("."):
                nodes = [
                    inner for node in nodes for inner in ast.walk(node) if getattr(inner, "name", "") == part
                ]
            inside = [inner for node in nodes[:1] for inner in ast.walk(node)]
            names = {inner.id for inner in inside if isinstance(inner, ast.Name)}
            return names | {inner.attr for inner in inside if isinstance(inner, ast.Attribute)}
    return set()


def main() -> None:
    """Print the figures."""
    lines = {path: code_lines(path) for path in counted()}
    total = sum(lines.values())
    by_package: Counter[str] = Counter()
    for path, count in lines.items():
        by_package[package(module(path))] += count
    arrows = between_packages()
    print(f"{len(lines)} files, {total:,} code lines without {' and '.join(APART)}\n")
    for name, count in by_package.most_common():
        print(f"{count:6,}  {name:12} {_arrow(arrows.get(name, ()))}")
    print(
        "\ncircles:", _listed("; ".join(circle) for circle in (*circles(between_files()), *circles(arrows)))
    )
    every = list(functions())
    print(f"{1000 * len(every) / total:.0f} functions for every 1,000 lines")
    print("largest functions:", _listed(f"{name} {count}" for count, name in sorted(every, reverse=True)[:5]))
    largest = sorted(((count, module(path)) for path, count in lines.items()), reverse=True)[:5]
    print("largest files:", _listed(f"{name} {count}" for count, name in largest))
    print(
        "class names twice:",
        _listed(f"{name} ({', '.join(at)})" for name, at in classes_named_twice().items()),
    )
    hops = "; ".join(map(" -> ".join, HOPS))
    print(f"from the command to the loss: {sum(map(len, HOPS)) - 1} functions, {hops}")


def _arrow(imported: Iterable[str]) -> str:
    return f"-> {', '.join(sorted(imported))}" if imported else ""


def _listed(parts: Iterable[str]) -> str:
    return "; ".join(parts) or "none"


if __name__ == "__main__":
    main()
