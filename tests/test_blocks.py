"""Every code block of the documents does what it says, as far as that is offline and cheap.

Commands of xstilts are parsed by its command line, so that every command, option and choice is known; those
of others name programs, make targets, scripts and extras that there are. TOML is a study, options of engines,
or a part of a study, and is checked as such. In Python imports resolve, and the API has what is called and
the keywords that it is given. A block without a language is shell; what nobody executes is marked `text`.
"""

import ast
import contextlib
import copy
import importlib
import inspect
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

import xstilts
from xstilts import metrics
from xstilts import tasks as registry
from xstilts.__main__ import app
from xstilts.analysis.findings import Findings
from xstilts.run import options
from xstilts.study.load import bundled
from xstilts.study.study import BENCHMARKS

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
PROGRAMS = {
    "cd",
    "curl",
    "docker",
    "export",
    "git",
    "hatchling",
    "head",
    "ls",
    "mkdir",
    "ray",
    "rsync",
    "source",
}
"""Of others, whose arguments are theirs."""
STUDY: dict[str, Any] = {
    "name": "mine",
    "question": "Does it help?",
    "references": ["majority", "text-only"],
    "backbones": {"lab": {"model": "lab"}},
    "intermediate": {"arms": {"none": [], "mnli": ["mnli"]}},
    "target": {"tasks": ["xnli", "xvnli"]},
}
"""What is left out of a part of a study."""
USAGE = typer.BadParameter.__mro__[1]


def blocks() -> Iterator[Any]:
    """All code blocks as (language, text), named by document and line."""
    for document in sorted(DOCUMENTS):
        text = document.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            place = f"{document.name}:{text[: match.start()].count(chr(10)) + 1}"
            yield pytest.param(match[2] or "sh", match[3], id=place)


@pytest.mark.parametrize(("language", "text"), list(blocks()))
def test_a_block_holds(language: str, text: str) -> None:
    match language:
        case "sh" | "bash" | "console" | "shell":
            for line in text.replace("\\\n", " ").splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words:
                    check_command(words)
        case "toml":
            check_toml(tomllib.loads(text))
        case "python":
            check_python(ast.parse(text))
        case "json" | "jsonl":
            try:
                json.loads(text)
            except json.JSONDecodeError:
                assert [json.loads(line) for line in text.splitlines()]
        case _:
            assert language in ("text", "csv", "tsv", "bibtex", "mermaid"), (
                f"a block in '{language}' is not looked at"
            )


def check_command(words: list[str]) -> None:
    """Fail if the command line, the Makefile or the tree do not know what is asked for."""
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    program = words[0].removeprefix(".venv/bin/")
    if program.startswith("python") and words[1:3] == ["-m", "xstilts"]:
        program, words = "xstilts", words[2:]
    match program:
        case "xstilts":
            for end in ("|", ">", "&&", ";"):
                words = words[: words.index(end)] if end in words else words
            with contextlib.suppress(typer.Exit):  # --version, --help
                parse(typer.main.get_command(app), words[1:])
                check_names(words[1:])
        case "make":
            targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
            assert {word for word in words[1:] if "=" not in word} <= set(targets)
        case "python" | "python3" if words[1] == "-c":
            check_python(ast.parse(words[2]))
        case "python" | "python3" if words[1] != "-m":
            assert any((place / words[1]).exists() for place in (ROOT, *ROOT.glob("examples/*"))), words[1]
        case "python" | "python3":
            assert words[2] in ("http.server", "pytest", "venv"), words[2]
        case "pip":
            extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            for named in re.findall(r"\[([\w,]+)\]", " ".join(words)):
                assert set(named.split(",")) <= set(extras)
        case "pytest" | "ruff" | "mkdocs":
            assert all((ROOT / word).exists() for word in words[1:] if "/" in word)
        case _:
            assert program in PROGRAMS, (
                f"'{program}' is no program that documents use; or mark the block `text`"
            )


def check_names(words: list[str]) -> None:
    """Fail if the study, task or figures that a command is given first are none that come with the package.

    Capitals and paths stand for what the reader has.
    """
    of_studies, of_tasks = {*bundled()}, {*registry.names(), *BENCHMARKS}
    known = dict.fromkeys(("check", "run", "report", "status", "rank", "audit", "studies"), of_studies)
    known |= {"tasks": of_tasks | of_studies, "score": of_tasks, "translate": of_tasks}
    known |= {"test": of_tasks | {*metrics.names()}}
    first = words[1] if len(words) > 1 and re.fullmatch(r"[a-z][a-z0-9_-]*", words[1]) else ""
    assert not first or words[0] not in known or first in known[words[0]], f"nothing is called '{first}'"


def parse(command: Any, words: list[str], parent: Any = None) -> None:
    """Parse the words of a command and of its subcommands, without running them."""
    context = command.make_context(command.name or "xstilts", list(words), parent)
    resolve = getattr(command, "resolve_command", None)
    if resolve is not None and (rest := [*context._protected_args, *context.args]):
        _, chosen, rest = resolve(context, rest)
        assert chosen is not None, rest
        parse(chosen, rest, context)


INLINE = re.compile(r"`(xstilts [a-z-][^`]*)`")


def inline() -> Iterator[Any]:
    """The commands within sentences, named by document and line."""
    for document in sorted(DOCUMENTS):
        text = document.read_text(encoding="utf-8")
        outside = FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
        for match in INLINE.finditer(outside):
            place = f"{document.name}:{text[: match.start()].count(chr(10)) + 1}"
            yield pytest.param(" ".join(match[1].split()), id=place)


@pytest.mark.parametrize("command", list(inline()))
def test_a_command_within_a_sentence_is_one(command: str) -> None:
    check_inline(command)


def check_inline(command: str) -> None:
    """Fail if there is no such command or option; arguments may be left out in a sentence."""
    try:
        check_command(shlex.split(command))
    except USAGE as error:
        if type(error).__name__ not in ("MissingParameter", "BadOptionUsage", "NoArgsIsHelpError"):
            raise


def check_toml(content: dict[str, Any]) -> None:
    """Read options of engines as such, and all else as a study, with what a part of one leaves out."""
    if content.keys() <= {"build-system", "project", "tool"}:  # of a pyproject.toml
        return
    if content.keys() <= {"local", "ray", "slurm"}:
        tables = {"local": options.LocalOptions, "ray": options.RayOptions, "slurm": options.SlurmOptions}
        for name, values in content.items():
            tables[name].model_validate_json(json.dumps(values))
        return
    if "question" not in content:
        left_out = {
            key: value for key, value in STUDY.items() if key != "references" or "target" not in content
        }
        content = laid_over(copy.deepcopy(left_out), content)
        named = [name for axis in content.get("axes", ()) for name in axis["arms"]]
        for claim in content.get("claims", ()):
            against = claim.get("against", ())
            named += [*claim.get("arms", ()), *([against] if isinstance(against, str) else against)]
        arms = content["intermediate"]["arms"]
        for number, name in enumerate(set(named) - {*arms, *content.get("references", ())}, 1):
            arms[name] = {"tasks": ["mnli"], "examples": number}
    try:
        xstilts.Study.parse(content, ROOT / "examples" / "own-task")
    except xstilts.InputErrors as error:
        if "Install it: pip install 'xstilts[" in str(error):
            pytest.skip("needs an extra that is not installed")
        raise


def laid_over(study: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """A study with other values for some keys."""
    laid = {
        key: laid_over(study[key], value)
        if isinstance(value, dict) and isinstance(study.get(key), dict)
        else value
        for key, value in part.items()
    }
    return {**study, **laid}


def check_python(tree: ast.Module) -> None:
    """Fail if an import does not resolve, or the API lacks what is called or a keyword that it is given."""
    api: dict[str, Any] = {"xstilts": xstilts, "study": xstilts.Study}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(attr=method))):
                given = {"load": xstilts.Study, "parse": xstilts.Study, "findings": Findings}.get(method)
                api |= {name: given} if given is not None else {}
            case ast.Import(names=names):
                for imported in names:
                    find(imported.name)
            case ast.ImportFrom(module=str(module), names=names) if (package := find(module)) is not None:
                for imported in names:
                    assert hasattr(package, imported.name) or find(f"{module}.{imported.name}") is not None
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute), keywords=keywords):
                if name in api:
                    signature = inspect.signature(getattr(api[name], attribute))
                    assert {keyword.arg for keyword in keywords} <= set(signature.parameters)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in api:
                there = hasattr(api[name], attribute)
                assert there or set_in(api[name], attribute), f"{name}.{attribute}"


def set_in(kind: Any, attribute: str) -> bool:
    """Whether the methods of a class set an attribute."""
    return re.search(rf"self\.{attribute}\b[^(\n]* = ", inspect.getsource(kind)) is not None


def find(module: str) -> Any:
    """The module, or None if it is one of others that is not installed, or that is slow to load."""
    if module.partition(".")[0] in ("transformers", "torch", "peft"):
        return None
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        assert not str(error.name).startswith("xstilts"), module
        return None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "xstilts run STUDY --faster"),
        ("sh", "xstilts store prun"),
        ("sh", "xstilts run lab-quickstrat"),
        ("sh", "xstilts tasks nli"),
        ("sh", "make tea"),
        ("sh", "frobnicate"),
        ("sh", "pip install 'xstilts[gold]'"),
        ("toml", "[target]\ntask = ['xnli']"),
        ("toml", "[slurm]\nhour = 1"),
        ("python", "from xstilts.data.task import Chore"),
        ("python", "study.run(wrokers=2)"),
        ("python", "found = study.findings()\nfound.scoers"),
        ("python", "study.fiel"),
        ("json", "{'a': 1}"),
        ("yaml", "a: b"),
    ],
)
def test_a_block_that_does_not_hold_is_found(language: str, text: str) -> None:
    with pytest.raises((AssertionError, AttributeError, USAGE, xstilts.XstiltsError, ValueError)):
        test_a_block_holds(language, text)


@pytest.mark.parametrize("command", ["xstilts tsks", "xstilts run --fast", "xstilts studies lab-quick"])
def test_a_command_within_a_sentence_that_is_none_is_found(command: str) -> None:
    with pytest.raises((AssertionError, USAGE)):
        check_inline(command)
