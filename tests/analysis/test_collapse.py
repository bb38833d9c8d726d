"""Collapsed runs are found in a store, and every mean that contains one stands beside the one without."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import guesses
from xstilts import lab
from xstilts.analysis import collapse
from xstilts.analysis.effects import SCORE, Effects
from xstilts.analysis.findings import Findings
from xstilts.analysis.permutation import CONSTANT, GUESSED, above_chance
from xstilts.analysis.results import Line, Results, language
from xstilts.errors import StoreError
from xstilts.report import page
from xstilts.store import write_json

from .example import World, make


def collapsed(plan, store):
    return {cell: run for cell, run in collapse.examined(plan, store).items() if run.why}


def cell(world: World, arm: str, target: str, seed: int):
    return next(
        one
        for one in world.plan.cells
        if (one.arm, one.target, one.seed, one.reference) == (arm, target, seed, "")
    )


def overwrite(world: World, arm: str, target: str, seed: int, answers, language: str = "") -> None:
    """Other predictions, in all languages or in one, with the statistics and scores that belong to them."""
    path = world.store.folder(cell(world, arm, target, seed).evaluation) / "predictions.parquet"
    frame = pl.read_parquet(path)
    gold = [json.loads(text) for text in frame["gold"]]
    chosen = frame["language"] == language if language else frame["language"] != ""
    predicted = np.array([json.loads(text) for text in frame["predicted"]], dtype=object)
    predicted[chosen.to_numpy()] = answers([one for one, hit in zip(gold, chosen, strict=True) if hit])
    predicted = predicted.tolist()
    numbers = [[float(one == other), 1.0] for one, other in zip(gold, predicted, strict=True)]
    changed = frame.with_columns(
        predicted=pl.Series([json.dumps(one) for one in predicted]), statistics=pl.Series(numbers)
    )
    changed.write_parquet(path)
    scores = json.loads((path.parent / "scores.json").read_text())
    for (code,), rows in changed.group_by("language"):
        scores["languages"][code]["value"] = 100 * rows["statistics"].list.get(0).mean()
    write_json(path.parent / "scores.json", scores)
    record = json.loads((path.parent / "record.json").read_text())
    for name in ("files", "seal"):  # else the store would rightly refuse what was changed
        record.pop(name, None)
    write_json(path.parent / "record.json", record)


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> World:
    """`nli` collapsed on its own target with seed 2, `none` on the pairs with seed 1."""
    world = make(tmp_path_factory.mktemp("broken"), seeds=(1, 2))
    overwrite(world, "nli", "lab_nli", 2, lambda gold: ["0"] * len(gold))
    rng = np.random.default_rng(0)
    overwrite(world, "none", "lab_pairs", 1, lambda gold: rng.permutation(gold).tolist())
    return world


@pytest.fixture(scope="module")
def found(broken):
    return Findings(broken.results).collapses


def test_a_healthy_study_has_none(world):
    """Two stand where the example planted them: in the farthest language, at chance or hardly above."""
    found = Findings(world.results).collapses
    assert (found.trained, found.runs, found.comparisons, found.rulings, found.partial) == (
        27,
        (),
        (),
        (),
        (),
    )
    told = {(one.target, one.arm, one.language) for one in found.languages}
    expected = {(target, arm, "x-ia") for target in ("lab_nli", "lab_pairs") for arm in ("none", "tags")}
    assert ("lab_nli", "none", "x-ia") in told <= expected


def test_a_language_at_chance_alone_is_found(tmp_path):
    """Learned in the source language, guessed in one of the others; once by one answer for all."""
    world = make(tmp_path, seeds=(1,))
    codes = world.results.target("lab_nli").transfer
    rng = np.random.default_rng(0)
    overwrite(world, "nli", "lab_nli", 1, lambda gold: rng.permutation(gold).tolist(), codes[0])
    overwrite(world, "nli", "lab_nli", 1, lambda gold: ["2"] * len(gold), codes[1])
    found = Findings(world.results).collapses
    assert found.runs == ()
    told = {one.language: one for one in found.languages if (one.arm, one.target) == ("nli", "lab_nli")}
    assert list(told) == [*codes[:2]]
    assert told[codes[0]].source > 75
    assert told[codes[1]].score == pytest.approx(told[codes[1]].baseline)
    names = f"{language(codes[0]).name} (seed 1), {language(codes[1]).name} (seed 1)"
    limitations = Findings(world.results).limitations
    assert f"After the arm nli, lab_nli was learned, but is at chance in {names}." in limitations
    assert 'id="at-chance"' in page.build(Findings.of(world.plan, world.store))
    table = Findings(world.results).scores
    own = table.filter(arm="nli", target="lab_nli", reference="arm")
    assert set(own.filter(pl.col("at_chance"))["language"]) == {*codes[:2]}
    assert own["at_chance"].null_count() == 0
    assert (
        table.filter(target="lab_tatoeba")["at_chance"].null_count()
        == table["target"].eq("lab_tatoeba").sum()
    )


@pytest.mark.parametrize("n", [100, 400])
def test_low_languages_are_no_alarm_and_those_at_chance_are(n):
    """Twenty languages that know a third to a tenth: few alarms. Five that know nothing: found."""
    shares = [*np.linspace(0.1, 0.35, 20), *np.zeros(5)]
    marked = np.array([guesses.at_chance(np.random.default_rng([n, seed]), n, shares) for seed in range(8)])
    assert marked[:, :20].mean() <= 0.04
    assert marked[:, 20:].mean() >= (0.25 if n == 100 else 0.75)


def test_what_is_learned_in_part_stands_in_the_report(tmp_path):
    world = make(tmp_path, seeds=(1,))
    overwrite(world, "tags", "lab_nli", 1, lambda gold: ["0" if one == "2" else one for one in gold])
    (part,) = Findings(world.results).collapses.partial
    assert (part.arm, part.cell.target, part.cell.seed) == ("tags", "lab_nli", 1)
    assert part.notes[0].startswith("never predicts 2 (right for ")
    assert "never predicts 2" in page.build(Findings.of(world.plan, world.store))
    limitations = Findings(world.results).limitations
    assert f"After the arm tags, lab_nli was learned in part: seed 1 {part.notes[0]}." in limitations


def test_a_sentence_that_is_found_for_most_is_noted(tmp_path):
    world = make(tmp_path, seeds=(1,))
    overwrite(world, "none", "lab_tatoeba", 1, lambda gold: [7 if row % 2 else row for row in gold])
    (part,) = Findings(world.results).collapses.partial
    assert (part.arm, part.cell.target) == ("none", "lab_tatoeba")
    assert len(part.notes) == len(world.results.target("lab_tatoeba").languages)
    assert part.notes[0].endswith("predicts number 8 for 50 % of rows (right for 1 %)")


def test_collapsed_runs_are_found(found):
    shown = {(run.arm, run.cell.target, run.cell.seed): run.found.why for run in found.runs}
    assert shown == {("none", "lab_pairs", 1): GUESSED, ("nli", "lab_nli", 2): CONSTANT}


def test_means_stand_beside_those_without(found, broken):
    run = next(run for run in found.runs if run.arm == "nli")
    assert run.whole == Effects(broken.results).estimate(SCORE, Line("lab-mini", "nli"), "lab_nli")
    assert (run.whole.seeds, run.without.seeds) == (2, 1)
    assert run.without.value > run.whole.value + 10


def test_every_comparison_that_contains_one_is_listed(found):
    shown = {(one.name, one.target): one for one in found.comparisons}
    assert list(shown) == [
        ("nli − none", "lab_nli"),
        ("nli − none", "lab_pairs"),
        ("nli − none", "mean"),
        ("tags − none", "lab_pairs"),
        ("tags − none", "mean"),
    ]
    assert shown["nli − none", "lab_nli"].without.value > shown["nli − none", "lab_nli"].whole.value
    assert shown["tags − none", "lab_pairs"].without.value < shown["tags − none", "lab_pairs"].whole.value
    assert shown["nli − none", "mean"].without is None, "no seed is left on all targets"


def test_claims_that_rest_on_them_are_judged_twice(found):
    says = {one.whole.claim.says for one in found.rulings}
    assert {"NLI helps its own target", "NLI helps the edited pairs"} <= says
    assert says.isdisjoint({"Supertagging helps retrieval", "Nothing changes NER"})


def test_nothing_is_left_where_all_seeds_collapsed(tmp_path):
    world = make(tmp_path, seeds=(1, 2))
    for seed in (1, 2):
        overwrite(world, "none", "lab_nli", seed, lambda gold: ["1"] * len(gold))
    shown = Findings(world.results).collapses
    assert [run.without for run in shown.runs] == [None, None]
    assert {one.without for one in shown.comparisons if one.target == "lab_nli"} == {None}
    ruling = next(one for one in shown.rulings if one.whole.claim.says == "NLI helps its own target")
    assert ruling.without.verdict == "undecided"


def test_the_page_says_so(broken):
    html = page.build(Findings.of(broken.plan, broken.store))
    table = html.partition('id="collapsed"')[2].partition("</section>")[0]
    assert table.count("<tr>") == 2 + 1 + 5 + 1 + len(Findings(broken.results).collapses.rulings) + 1
    assert "one answer for all" in table
    said = Findings(broken.results).limitations
    assert "After the arm nli, lab_nli was not learned with seed 2 (at chance in the source)." in said


def test_without_the_source_language_the_development_score_decides(world, monkeypatch):
    """The plan evaluates no source language; the phase's record says how it ended."""
    hit = cell(world, "none", "lab_nli", 2)
    real = world.store.record

    def record(fingerprint):
        score = {"metric": "accuracy", "value": 34.3, "chance": 34.0, "n": 300}
        return {"source_score": {"lab_nli": score}} if fingerprint == hit.phases[-1] else real(fingerprint)

    monkeypatch.setattr(world.store, "record", record)
    assert collapsed(world.plan, world.store) == {}
    plan = without_source(world.plan, "lab_nli")
    monkeypatch.setattr(world.store, "folder", lambda fingerprint: None)
    found = collapsed(plan, world.store)
    assert [(one.arm, one.target, one.seed) for one in found] == [("none", "lab_nli", 2)]
    assert [one.why for one in found.values()] == [collapse.AT_CHANCE]


def without_source(plan, target):
    """The same plan, its evaluations of a target without the source language."""

    def without(step):
        one = step.specification
        if step.kind != "evaluation" or one.use.task != target:
            return step
        codes = tuple(code for code in one.use.languages if code != lab.BASE)
        return type(step)(one.changed(use=one.use.changed(languages=codes, data=("lab:1",) * len(codes))))

    steps = [without(step) for step in plan.steps]
    names = dict(zip((s.fingerprint for s in plan.steps), (s.fingerprint for s in steps), strict=True))
    cells = tuple(replace(one, evaluation=names[one.evaluation]) for one in plan.cells)
    return replace(plan, steps=tuple(steps), cells=cells)


def test_retrieval_and_references_cannot_collapse(world):
    """The majority answers one thing for all, and random weights guess; nobody is told."""
    results = Results(world.plan, world.store)
    assert any(one.reference for one in results.plan.cells)
    assert collapsed(world.plan, world.store) == {}


def test_damaged_predictions_are_named(tmp_path):
    world = make(tmp_path)
    folder = world.store.folder(cell(world, "none", "lab_nli", 1).evaluation)
    (folder / "predictions.parquet").write_text("no table")
    with pytest.raises(StoreError, match=r"predictions.parquet: is damaged.*--repair"):
        collapsed(world.plan, world.store)


@pytest.mark.parametrize(
    ("value", "chance", "n", "learned"),
    [
        (34.3, 34, 300, False),
        (40, 34, 300, True),
        (50, 50, 10, False),
        (3.0, 0, 100, True),
        (1.0, 0, 100, False),
        (100, 50, 3, True),  # no score of three examples is two standard errors above chance
        (100, 95, 20, True),
        (100, 100, 20, False),
    ],
)
def test_a_score_above_chance(value, chance, n, learned):
    assert above_chance(value, chance, n) == learned
