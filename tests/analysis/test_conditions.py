"""What a reader of the answer alone must be told: on top of the page, in the abstract, in the terminal."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from xstilts.analysis import statistics
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Results
from xstilts.cli import show
from xstilts.report import latex, page
from xstilts.report.markdown import markdown
from xstilts.report.paper import Paper, evidence
from xstilts.store import Store

from .example import World, make
from .test_collapse import overwrite

TRAINED = ("lab_nli", "lab_pairs")


@pytest.fixture(scope="module")
def guessing(tmp_path_factory) -> World:
    """Every run on every target that is trained on guesses; retrieval is left out."""
    world = make(tmp_path_factory.mktemp("guessing"), seeds=(1,))
    for arm in ("none", "nli", "tags"):
        for target in TRAINED:
            overwrite(world, arm, target, 1, lambda gold: [gold[0]] * len(gold))
    kept = tuple(cell for cell in world.plan.cells if cell.target in TRAINED)
    study = world.plan.study.model_copy(update={"claims": ()})
    return World(replace(world.plan, cells=kept, study=study), world.store)


def shown(world: World, capsys) -> dict[str, str]:
    """Every place in which the answer stands, without its markup."""
    findings = Findings(world.results)
    findings.keep()
    paper = Paper(findings)
    abstract = latex.folder(paper, [])["main.tex"].decode().partition(r"\begin{abstract}")[2]
    show.status(world.plan, world.store, as_json=False)
    top = re.sub(
        "<[^>]*>",
        "",
        page.build(findings).partition("<header>")[2].partition("</header>")[0],
    )
    return {
        "page": top,
        "abstract": abstract.partition(r"\end{abstract}")[0].replace("\\_", "_"),
        "markdown": markdown(paper).decode().partition("## ")[0],
        "terminal": capsys.readouterr().out,
    }


def test_where_every_run_collapsed_nobody_says_that_there_is_no_effect(guessing, capsys):
    for place, text in shown(guessing, capsys).items():
        assert "no effect" not in text, place
        assert "This study has no answer: no run learned its target." in text, place
        assert "6 of 6 runs collapsed" in text, place


def test_pairs_of_which_nothing_but_guesses_is_there_count_as_no_answer(guessing, capsys):
    """On one target all runs collapsed; the other targets were learned."""
    world = make(guessing.store.root.parent / "beside", seeds=(1,))
    for arm in ("none", "nli", "tags"):
        overwrite(world, arm, "lab_nli", 1, lambda gold: [gold[0]] * len(gold))
    for place, text in shown(world, capsys).items():
        assert "; 2 cannot be judged, for nothing is left without runs that collapsed" in text, place
        told = re.search(r"Of (\d+) pairs .*?, (\d+) helps?, (\d+) hurts? and (\d+) shows? no effect", text)
        assert told is not None, place
        pairs, *parts = map(int, told.groups())
        assert sum(parts) + 2 == pairs, place


def test_what_limits_an_answer_is_said_everywhere(guessing, capsys):
    """Not learned (35 of chance 34), not audited, one chain of trainings only."""
    for place, text in shown(guessing, capsys).items():
        assert "Intermediate tasks that were not learned: lab_ccg (tags)." in text, place
        assert "Nobody looked for leaks" in text, place
        assert "One seed: no interval covers" in text, place


def test_missing_cells_and_single_collapses_are_said_too(tmp_path, capsys):
    world = make(tmp_path, seeds=(1, 2), without=(("tags", "lab_ner"),))
    overwrite(world, "nli", "lab_nli", 2, lambda gold: ["0"] * len(gold))
    for place, text in shown(world, capsys).items():
        assert "2 of 36 cells are missing." in text, place
        assert (
            "1 of 16 runs collapsed (no better than guessing): lab_nli after nli; of the differences" in text
        ), place
        assert "One seed" not in text, place


def test_a_single_seed_of_several_is_said(tmp_path, capsys):
    """Three are planned; of one arm and target, or of all, one is measured."""
    world = make(tmp_path, seeds=(1, 2, 3))
    told = "seeds is measured of"
    gone = [cell for cell in world.plan.cells if cell.seed > 1 and not cell.reference]
    first = [cell for cell in gone if (cell.arm, cell.target) == ("nli", "lab_ner")]
    for cells, where in ((first, "nli on lab_ner: "), (gone, "none on lab_nli, none on lab_pairs, ")):
        for cell in cells:
            if folder := world.store.folder(cell.evaluation):
                shutil.rmtree(folder)
        world = World(world.plan, Store(world.store.root))
        for place, text in shown(world, capsys).items():
            assert f"Only one of 3 {told} {where}" in text, place


def test_who_lends_and_what_can_be_detected_is_said_as_it_is(world, tmp_path):
    """Of two arms none has two others that lend; and no effect is larger than the scale."""
    two = tuple(cell for cell in world.plan.cells if cell.arm in ("none", "nli"))
    findings = Findings(Results(replace(world.plan, cells=two), world.store))
    assert (
        findings.limitations[0]
        == "3 seeds tell little about their own spread: the intervals are wide for that."
    )
    assert "borrow from at least two others" in Findings(world.results).limitations[0]
    own = make(tmp_path, seeds=(1, 2))
    overwrite(own, "nli", "lab_nli", 1, lambda gold: ["0"] * len(gold))
    kept = tuple(cell for cell in own.plan.cells if cell.target == "lab_nli" and cell.arm in ("none", "nli"))
    study = own.plan.study.model_copy(update={"claims": own.plan.study.claims[:1]})
    findings = Findings(Results(replace(own.plan, cells=kept, study=study), own.store))
    (half,) = [text for text in findings.limitations if text.startswith("Half")]
    assert half.startswith("Half of the comparisons can detect no effect below 100 points in four of five")
    (claim,) = findings.judged
    assert evidence(claim).endswith("Smallest detectable effect: more than 100 points.")


def test_a_study_that_compares_nothing_waits_for_nothing(world):
    for arms in (("none",), ("nli", "tags")):
        cells = tuple(cell for cell in world.plan.cells if cell.arm in arms and not cell.reference)
        answer = Findings(Results(replace(world.plan, cells=cells), world.store)).answer
        assert answer == "This study compares no arm with the arm none."


def test_a_target_in_its_source_language_alone_is_no_transfer(world):
    results = Results(world.plan, world.store)
    first, *others = results.targets
    results.__dict__["targets"] = (replace(first, languages=(first.source,)), *others)
    told = "Evaluated in the source language alone: lab_nli, which tells nothing of zero-shot transfer."
    assert told in Findings(results).conditions_of_study
    assert told not in Findings(world.results).conditions_of_study


def test_status_gives_them_to_machines(guessing, capsys):
    Findings(guessing.results).keep()
    show.status(guessing.plan, guessing.store, as_json=True)
    assert any("6 of 6 runs collapsed" in one for one in json.loads(capsys.readouterr().out)["conditions"])


def test_before_anything_is_measured_there_is_nothing_to_say(guessing, tmp_path, capsys):
    empty = type(guessing.store)(tmp_path / "empty")
    show.status(guessing.plan, empty, as_json=True)
    assert json.loads(capsys.readouterr().out)["conditions"] == []


def test_one_rule_decides_every_colour_and_word(world, monkeypatch):
    """An interval that excludes zero is no effect where the correction says so: in no picture and no word."""
    cells = Findings(world.results).maps["lab-mini"]
    before = {(cell.row, cell.column) for cell in cells if cell.strong}
    assert ("nli", "lab_nli") in before
    monkeypatch.setattr(statistics, "holm", lambda found: [1.0] * len(found))
    findings = Findings(world.results)
    cells = findings.maps["lab-mini"]
    assert {cell.shade for cell in cells} == {0.0}
    assert any(cell.kind == "effect" and abs(cell.value) > 5 for cell in cells)
    pairs = findings.planted
    assert any(pair.estimate.low > 0 or pair.estimate.high < 0 for pair in pairs)
    outcomes = {"none": "as planted", "help": "not detected", "harm": "not detected"}
    assert [pair.outcome for pair in pairs] == [outcomes[pair.planted] for pair in pairs]
    assert findings.answer.startswith("Of 8 pairs of an intermediate arm and a target, 0")


def test_a_weak_difference_has_no_colour(world):
    for cell in Findings.of(world.plan, world.store).maps["lab-mini"]:
        assert cell.shade == (cell.value if cell.strong else 0.0)
