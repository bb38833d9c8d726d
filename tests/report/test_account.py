"""The settings of phases, in the words of the report."""

from typing import Any

import pytest

from xstilts.report.account import recipes
from xstilts.study.load import load
from xstilts.study.plan import plan


def rows(name: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    found = recipes(plan(load(name)))
    return {(row["tasks"], row["mixing"], row["languages"]): row for row in found}


@pytest.mark.parametrize(
    ("study", "tasks", "mixing", "languages", "examples"),
    [
        ("lab-phang2020", "lab_nli", "", "x-en", "8,000"),
        ("lab-phang2020", "lab_nli", "", "x-sa, translated", "8,000"),
        ("lab-phang2020", "lab_nli + lab_text", "by size; 25% masked text", "x-en", "8,000"),
        ("lab-phang2020", "lab_ccg + lab_nli + lab_qa2", "by size up to 2,000", "x-en", "8,000"),
        ("lab-diversity", "lab_nli + lab_qa2", "evenly", "x-en", "8,000"),
        ("lab-mixing", "lab_nli", "", "x-en 90 %, x-sa 5 %, x-sb 5 %, translated", "8,000"),
    ],
)
def test_mixtures_and_shares_are_told(
    study: str, tasks: str, mixing: str, languages: str, examples: str
) -> None:
    assert rows(study)[tasks, mixing, languages]["examples"] == examples
