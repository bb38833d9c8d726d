"""The settings of phases, in the words of the report."""

from typing import Any

import pytest

from xstilts.analysis.methods import differences, recipes
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


class Told:
    """A store of records."""

    def __init__(self, records: dict[str, dict[str, Any]]) -> None:
        self.record = records.get


def test_what_differs_between_the_computers_of_a_study_is_said() -> None:
    steps = plan(load("lab-quickstart"))
    phases = [step for step in steps.steps if step.kind == "phase"][:3]
    old = {"processor": "Zen 3", "instructions": "AVX2", "threads": 1, "gpu": None, "torch": "2.13.0"}
    new = old | {"processor": "Zen 4", "instructions": "AVX512"}
    gpu = new | {"gpu": "H100"}

    def said(*computers: list[dict[str, Any]], **fields: Any) -> str:
        records = {
            step.fingerprint: {"computed_on": one} for step, one in zip(phases, computers, strict=True)
        }
        records[phases[0].fingerprint] |= fields
        return " ".join(differences(steps, Told(records)))  # type: ignore[arg-type]

    assert said([old], [old], [old]) == ""
    assert said([gpu], [gpu | {"processor": "another"}], [gpu]) == "", "which did not compute"
    found = said([old], [old], [new])
    assert "different devices: Zen 3 (2 steps), Zen 4 (1 step)." in found
    assert "different instruction sets: AVX2 (2 steps), AVX512 (1 step)." in found
    assert "threads" not in found and "torch" not in found
    assert "different numbers of threads: 1 thread (2 steps), 2 threads (1 step)." in said(
        [old], [old], [old | {"threads": 2}]
    )
    assert "torch 2.14 (1 step)" in said([old], [old], [old | {"torch": "2.14"}])
    assert "different devices: Zen 3 (2 steps), H100 (1 step)." in said([old], [old], [gpu])
    continued = f"{phases[0].name} was begun on Zen 3, AVX2, 1 thread, torch 2.13.0, and continued on Zen 4"
    assert continued in said([old, new], [old], [old])
    assert "different numbers of processes: 4 (1 step), 1 (2 steps)." in said(
        [old], [old], [old], processes=4
    )
    assert "1 step had a smaller micro-batch" in said([old], [old], [old], micro_tokens=8192)
