"""Faults of every kind are planted and found; a clean study, and what only looks like a fault, are not."""

from dataclasses import replace
from pathlib import Path

import pytest

from xstilts.audit.audit import audit, threshold
from xstilts.audit.finding import Finding
from xstilts.store import write_json
from xstilts.study.load import load
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step

from .planted import SCRATCH, Planted, make

WHERE = ("test", "train", "en")
GIVEN = ("de", "en", "hi", "zh")


@pytest.fixture
def world(tmp_path: Path) -> Planted:
    return make(tmp_path)


def found(world: Planted, *changes: tuple[str, str]) -> list[Finding]:
    return list(audit(plan(load(world.study(*changes)))).findings)


def leaks(findings: list[Finding]) -> dict[str, dict[str, int]]:
    """By kind the languages with the number of their rows."""
    told: dict[str, dict[str, int]] = {}
    for one in findings:
        if one.severity == "leak":
            rows = told.setdefault(one.kind, {})
            rows[one.language] = max(one.rows, rows.get(one.language, 0))
    return told


def test_a_clean_study_is_clean(world: Planted) -> None:
    assert found(world) == []


def test_labels_of_the_target_in_a_zero_shot_language(world: Planted) -> None:
    change = ('other = ["./other.py"]', 'other = { tasks = ["./infer.py"], languages = ["de", "hi"] }')
    assert leaks(found(world, change)) == {"target_labels": {"de": 0, "hi": 0}}


def test_labels_of_another_task_in_a_zero_shot_language(world: Planted) -> None:
    change = ('other = ["./other.py"]', 'other = { tasks = ["./other.py"], languages = ["de"] }')
    findings = found(world, change)
    assert leaks(findings) == {"language_seen": {"de": 0}}
    assert [one.where for one in findings] == [("other train de",)]
    assert not any("words" in step or "none" in step for one in findings for step in one.steps)


def test_the_same_labels_without_their_rows_are_no_leak(world: Planted) -> None:
    change = (
        'other = ["./other.py"]',
        'other = { tasks = ["./other.py"], languages = ["de"], labels = "shuffled" }',
    )
    assert leaks(found(world, change)) == {}


def test_selection_in_another_language(world: Planted) -> None:
    recipe = ("[target.recipe]", '[target.recipe]\nselect = "best"\nevaluations = 1')
    planned = plan(load(world.study(recipe)))
    assert audit(planned).findings == ()
    assert leaks(list(audit(_selecting_in(planned, "de")).findings)) == {"selection": {"de": 0}}


def _selecting_in(planned: Plan, language: str) -> Plan:
    """The plan with the development rows of the target's phases taken from another language."""
    steps = []
    for step in planned.steps:
        one = step.specification
        if isinstance(one, Evaluation) and isinstance(one.model, Phase):
            (use,) = one.model.uses
            assert use.development is not None
            moved = use.changed(development=use.development.changed(language=language))
            steps.append(Step(one.changed(model=one.model.changed(uses=(moved,)))))
    return replace(planned, steps=tuple(steps))


@pytest.mark.parametrize(
    "change",
    [
        str,
        lambda text: text.upper().replace(" ", "  ").replace(".", " !"),
        lambda text: f"«{text}»".replace(" ", "\u00a0"),
    ],
)
def test_evaluated_rows_in_training_data(world: Planted, change: object) -> None:
    world.copy(("infer", "test", "en"), ("infer", "train", "en"), change)  # type: ignore[arg-type]
    told = leaks(found(world))
    assert told["rows"] == {"en": 15}
    assert told["parallel"] == {"de": 15, "hi": 15, "zh": 15}


@pytest.mark.parametrize("language", ["de", "hi", "zh"])
def test_near_duplicates_in_every_script(world: Planted, language: str) -> None:
    """A word is added at the end of both texts, in the training rows of a later phase."""

    def change(text: str) -> str:
        return text[:-1] + {"de": " heute.", "hi": " आज।", "zh": "今天。"}[language]

    world.copy(("infer", "test", language), ("infer", "train", "en"), change)
    (finding,) = [one for one in found(world) if one.severity == "leak" and one.kind == "rows"]
    assert (finding.language, finding.rows, finding.near) == (language, 15, 15)
    assert " ~ " in finding.examples[0]


def test_swapped_pairs_are_the_same_row(world: Planted) -> None:
    rows = [row | {"text": row["text2"], "text2": row["text"]} for row in world.rows("infer", "test", "en")]
    world.write("infer", "train", "en", world.rows("infer", "train", "en") + rows)
    assert leaks(found(world))["rows"] == {"en": 60}


def test_rows_whose_translation_was_trained_on(world: Planted) -> None:
    """English is not evaluated, so nothing that is evaluated stands in the training data as it is."""
    world.copy(("infer", "test", "en"), ("infer", "train", "en"))
    told = leaks(found(world, ("[target]\n", '[target]\nlanguages = ["de", "zh"]\n')))
    assert told == {"parallel": {"de": 15, "zh": 15}}


def test_rows_that_are_no_translations_are_not_taken_for_some(world: Planted) -> None:
    """As many rows, in another order."""
    world.copy(("infer", "test", "en"), ("infer", "train", "en"))
    for language in ("de", "hi", "zh"):
        world.write("infer", "test", language, world.rows("infer", "test", language)[::-1])
    assert leaks(found(world)) == {"rows": {"en": 15}}
    unseen = audit(plan(load(world.study()))).unseen
    assert "whether rows of infer in de, hi, zh translate those of its source language" in unseen


def test_selection_by_evaluated_rows_and_their_translations(world: Planted) -> None:
    world.copy(("infer", "test", "en"), ("infer", "dev", "en"))
    recipe = ("[target.recipe]", '[target.recipe]\nselect = "best"\nevaluations = 1')
    assert leaks(found(world, recipe)) == {"selected_on": {"de": 15, "hi": 15, "zh": 15}}
    assert leaks(found(world)) == {}, "development rows that select nothing"


def test_a_leak_two_phases_ago(world: Planted) -> None:
    world.copy(("infer", "test", "en"), ("other", "train", "en"))
    rows = [
        row | {"label": str(int(row["label"] == "yes"))} if row["label"] in ("no", "yes") else row
        for row in world.rows("other", "train", "en")
    ]
    world.write("other", "train", "en", rows)
    (world.folder / "infer.py").write_text(
        (world.folder / "infer.py").read_text().replace('labels=("no", "yes"),', 'labels=("0", "1"),')
    )
    for split in ("train", "dev", "test"):
        for language in GIVEN:
            named = [
                row | {"label": str(int(row["label"] == "yes"))}
                for row in world.rows("infer", split, language)
            ]
            world.write("infer", split, language, named)
    after = (
        'text = { tasks = ["./words.py"], languages = ["de", "en"] }',
        'text = { tasks = ["./words.py"], languages = ["de", "en"], after = "other" }',
    )
    findings = [one for one in found(world, after) if one.kind == "rows"]
    assert {one.severity for one in findings} == {"leak"}
    assert {step for one in findings for step in one.steps} == {
        "infer-of-other-then-infer-seed1",
        "infer-of-words-then-infer-seed1",
    }


def test_a_backbone_that_has_seen_labels(world: Planted) -> None:
    """A folder that is the checkpoint of an earlier study, which trained in German."""
    first = world.study(
        ('other = ["./other.py"]', 'other = { tasks = ["./other.py"], languages = ["de"] }'), name="first"
    )
    (step,) = [one for one in plan(load(first)).steps if one.name == "other-seed1"]
    folder = world.folder / "kept"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    local = (SCRATCH.replace("\n    ", "\n"), 'model = "./kept"')
    assert leaks(found(world, local)) == {}
    write_json(folder / "spec.json", step.spec)
    told = leaks(found(world, local))
    assert told == {"language_seen": {"de": 0}}


def test_pairs_of_retrieval_in_parallel_text(world: Planted) -> None:
    (bitext,) = world.rows("find", "test", "de")
    pairs = [{"text": two, "text2": one} for one, two in zip(bitext["texts"], bitext["texts2"], strict=True)]
    target = ('tasks = ["./infer.py"]', 'tasks = ["./find.py"]')
    assert leaks(found(world, target)) == {}
    world.write("words", "train", "de", [*world.rows("words", "train", "de"), *pairs])
    assert leaks(found(world, target)) == {"rows": {"de": 60}}


def test_text_without_labels_is_noted_and_no_leak(world: Planted) -> None:
    texts = [{"text": row["text"] + " " + row["text2"]} for row in world.rows("infer", "test", "en")]
    world.write("words", "train", "en", texts)
    findings = found(world)
    assert {(one.kind, one.severity, one.rows) for one in findings} == {("text_seen", "note", 60)}


def test_a_context_is_noted_and_no_leak(world: Planted) -> None:
    rows = world.rows("ask", "train", "en")
    for row, other in zip(rows, world.rows("ask", "test", "en"), strict=False):
        row["text"] = other["text"]
    world.write("ask", "train", "en", rows)
    findings = found(world, ('tasks = ["./infer.py"]', 'tasks = ["./ask.py"]'))
    assert {(one.kind, one.severity, one.language, one.rows) for one in findings} == {
        ("part_seen", "note", "en", 60)
    }


def test_rows_that_repeat_themselves_everywhere_are_noted(world: Planted) -> None:
    """Formulas, as in Wikipedia: a tenth of the training rows, and of the evaluated ones, are the same."""
    for split in ("train", "test"):
        rows = world.rows("infer", split, "en")
        formula = {"text": sentence_of_all(), "text2": "It is a village."}
        world.write(
            "infer", split, "en", [row | formula if n % 10 == 0 else row for n, row in enumerate(rows)]
        )
    findings = [one for one in found(world) if one.kind == "rows"]
    assert [(one.severity, one.rows) for one in findings] == [("note", 6)]
    assert findings[0].usual == pytest.approx(0.1)


def sentence_of_all() -> str:
    return "It is located in the northern governorate."


def test_few_rows_are_noted(world: Planted) -> None:
    rows = world.rows("infer", "test", "en")[:3]
    world.write("infer", "train", "en", world.rows("infer", "train", "en") + rows)
    assert {(one.kind, one.severity, one.rows) for one in found(world)} == {
        ("rows", "note", 3),
        ("parallel", "note", 3),
    }
    assert 3 / 60 < threshold(60) < 15 / 60
