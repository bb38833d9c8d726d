"""What README shows of `make demo` is what a run of it gave, and gives again."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest

from xstilts.study.load import load

ROOT = Path(__file__).parent.parent
COMMAND = "run lab-quickstart"
EFFECT = re.compile(r"([+−-]?\d+\.\d) \[([+−-]?\d+\.\d), ([+−-]?\d+\.\d)\]")


def verdicts(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def told() -> list[dict[str, str]]:
    """The verdicts that README rests on."""
    return verdicts(ROOT / "docs" / "quickstart-verdicts.csv")


def test_the_kept_verdicts_are_on_the_claims_of_the_bundled_study(told: list[dict[str, str]]) -> None:
    study = load("lab-quickstart")
    asked = [(one.says, one.quantity, ", ".join(one.arms), one.relation, one.margin) for one in study.claims]
    assert [
        (row["claim"], row["quantity"], row["arms"], row["relation"], float(row["margin"])) for row in told
    ] == asked
    assert {int(row["seeds"]) for row in told} == {len(study.target.seeds)}


def test_readme_gives_the_numbers_of_the_kept_verdicts(told: list[dict[str, str]]) -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    below = text.split("![The report of lab-quickstart](docs/report.png)")[1].split(" ## ")[0]
    numbers = [tuple(float(part.replace("−", "-")) for part in found) for found in EFFECT.findall(below)]
    assert numbers == [
        tuple(round(float(row[column]), 1) for column in ("estimate", "low", "high")) for row in told
    ]
    confirmed = [row["verdict"] for row in told].count("confirmed")
    assert f"{confirmed} of {len(told)} claims confirmed" in below


@pytest.mark.parametrize(
    ("document", "heading"),
    [("README.md", "## What it found on a real model"), ("docs/results.md", "- **Came out.**")],
)
def test_the_numbers_of_the_real_study_are_those_of_its_tables(document: str, heading: str) -> None:
    part = (ROOT / document).read_text(encoding="utf-8").split(heading)[1].split("\n## ")[0]
    shown = EFFECT.findall(" ".join(part.split("| claim |")[0].split()))
    rows = verdicts(ROOT / "docs" / "results" / "phang2020-small" / "effects.csv")
    there = {tuple(f"{float(row[column]):.1f}" for column in ("estimate", "low", "high")) for row in rows}
    assert shown and {tuple(part.replace("−", "-").lstrip("+") for part in found) for found in shown} <= there


@pytest.mark.slow
def test_a_new_run_comes_to_the_kept_verdicts(told: list[dict[str, str]], tmp_path: Path) -> None:
    """Not to their last digits: another kind of processor rounds otherwise."""
    assert f"\t.venv/bin/xstilts {COMMAND}\n" in (ROOT / "Makefile").read_text()
    places = ["--store", tmp_path / "store", "--out", tmp_path / "report"]
    subprocess.run([sys.executable, "-m", "xstilts", *COMMAND.split(), *places], check=True)
    new = verdicts(tmp_path / "report" / "verdicts.csv")
    assert {row["claim"]: row["verdict"] for row in new} == {row["claim"]: row["verdict"] for row in told}
