"""What the pages on predictions and on preregistration show is what happens."""

import glob
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from xstilts.analysis.systems import COLUMNS
from xstilts.systems.given import KEYS

from .test_inputs import GOLD, harness, lines, rows, wrong

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing-predictions.md").read_text()
FROZEN = (ROOT / "docs" / "preregistration.md").read_text()
README = (ROOT / "README.md").read_text()


def blocks(text: str, kind: str) -> list[str]:
    """The code blocks of a kind; "" for those of a shell."""
    return [
        block
        for name, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        if name == kind
    ]


def commands(text: str) -> list[str]:
    """The lines of code blocks that call a command of these pages."""
    shown = (line for block in blocks(text, "") for line in block.splitlines())
    return [line for line in shown if re.match("xstilts (test|preregister)", line)]


@pytest.fixture
def files(shell: "Shell") -> None:
    """The files that the page names, in the current folder."""
    for name, every in (("a", 5), ("b", 3)):
        lines(Path(f"{name}.jsonl"), rows(wrong(every), GOLD, language="de"))
        harness(Path(f"results/model__{name}"), every)
    for name, every in (("base", 3), ("mine", 6)):
        for seed in (1, 2):
            for folder in ("runs", "."):
                lines(
                    Path(f"{folder}/{name}-seed{seed}.jsonl"), rows(wrong(every + seed), GOLD, language="de")
                )
            arm = {"base": "none", "mine": "mnli"}[name]
            _submission(Path(f"exports/mine/{arm}-seed{seed}/xnli"), wrong(every + seed))
    _submission(Path("gold/xnli"), GOLD)


def _submission(folder: Path, values: list[str]) -> None:
    folder.mkdir(parents=True)
    for code in ("de", "en"):
        (folder / f"test-{code}.tsv").write_text("".join(f"{value}\n" for value in values))


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("line", [*commands(PAGE), *commands(README)])
def test_every_command_runs(shell: "Shell", line: str) -> None:
    words = [word for part in shlex.split(line)[1:] for word in (sorted(glob.glob(part)) or [part])]  # noqa: PTH207
    status, out, err = shell(*words)
    assert status == 0, err
    if "--out" not in words:
        assert "reference" in out
    else:
        assert Path("compared/systems.html").is_file()


def test_the_program_runs(shell: "Shell", capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = blocks(PAGE, "python")
    exec(compile(program, "testing-predictions.md", "exec"), {})
    assert "Difference to a on xnli, points in 1 language: b +33.3 [" in capsys.readouterr().out
    assert Path("compared/systems.csv").read_text().startswith("system,reference,task,quantity,level")


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(named[: len(KEYS)]) == set(KEYS)
    assert named[len(KEYS) :] == list(COLUMNS)


def test_freezing_a_study_runs_as_shown(
    world: "World", shell: "Shell", monkeypatch: pytest.MonkeyPatch
) -> None:
    world.study(name="mine.toml")
    monkeypatch.chdir(world.folder)
    (line,) = commands(FROZEN)
    status, out, err = shell(*shlex.split(line)[1:])
    assert (status, Path(out.strip()).name) == (0, "mine.preregistered.json"), err
    Path("mine.preregistered.json").unlink()
    (world.folder / "store").mkdir()
    (world.folder / "store" / "instructions.json").write_text("{}")
    (program,) = blocks(FROZEN, "python")
    exec(compile(program, "preregistration.md", "exec"), {})
