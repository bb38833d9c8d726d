"""Prompts by language: what a task file states, what a study wants, what is told where one is missing."""

import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xstilts import tasks
from xstilts.cli.show_tasks import about
from xstilts.data.task import Wording
from xstilts.errors import InputErrors, TaskError
from xstilts.study.load import parse
from xstilts.study.phase import Evaluation, Prompt
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Places

OWN = """
from dataclasses import replace
from xstilts.data.task import Wording
from xstilts.tasks.lab_nli import TASK

ENGLISH = Wording("the {text} or {text2} ? {answer}", ("boris", "helped", "teacher"))
OTHER = Wording("sol {text} ter {text2} fel {answer}", ("kyhent", "kepomte", "zoton"))
TASK = replace(TASK, prompts={"x-en": ENGLISH, "x-ga": OTHER})
"""
ENGLISH = Wording("the {text} or {text2} ? {answer}", ("boris", "helped", "teacher"))
OTHER = Wording("sol {text} ter {text2} fel {answer}", ("kyhent", "kepomte", "zoton"))


def planned(folder: Path, own: str = OWN, **changes: Any) -> Plan:
    (folder / "own.py").write_text(own)
    study: dict[str, Any] = {
        "name": "asked",
        "question": "In which language?",
        "references": ["prompted", "few-shot"],
        "backbones": {"decoder": {"model": "lab-decoder"}},
        "intermediate": {"arms": {"none": []}},
        "target": {
            "tasks": ["./own.py", "lab_qa", "lab_pos"],
            "languages": ["x-en", "x-ga", "x-gb"],
            "recipe": {"max_length": 64},
        },
    }
    return plan(parse(study | changes, folder / "study.toml", "study"))


def prompts(found: Plan, target: str = "own") -> list[Prompt]:
    asked = [found.evaluation(cell) for cell in found.cells if cell.reference and cell.target == target]
    return [one.prompt for one in asked if one.prompt is not None]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("readout", ()),
        ("source language", (ENGLISH, ENGLISH, ENGLISH)),
        ("test language", (ENGLISH, OTHER, ENGLISH)),
    ],
)
def test_each_language_is_asked_as_the_study_wants(
    wanted: str, expected: tuple[Wording, ...], tmp_path: Path
) -> None:
    found = prompts(planned(tmp_path, prompts=wanted))
    assert [prompt.shots for prompt in found] == [0, 4]
    assert {prompt.wordings for prompt in found} == {expected}


def test_what_has_no_prompt_is_asked_otherwise_and_told(tmp_path: Path) -> None:
    found = planned(tmp_path, prompts="test language")
    assert [note for note in found.notes if "prompt" in note] == [
        "prompted and few-shot: asked in the prompts of the language of each row (`prompts`)",
        "own: no prompt in x-gb, asked in the source language (`prompts`)",
        "lab_qa: no prompt in x-en, x-ga, x-gb, asked in the words of the readout (`prompts`)",
    ]
    assert {prompt.wordings for prompt in prompts(found, "lab_qa")} == {()}
    told = planned(tmp_path, prompts="source language").notes
    assert [note for note in told if "prompt" in note] == [
        "prompted and few-shot: asked in the prompts of the source language (`prompts`)",
        "lab_qa: no prompt in x-en, asked in the words of the readout (`prompts`)",
    ]
    told = planned(tmp_path, prompts="readout").notes
    assert [note for note in told if "prompt" in note] == [
        "prompted and few-shot: asked in the words of the readout (`prompts`)"
    ]
    quiet = planned(tmp_path, prompts="test language", references=["majority"]).notes
    assert not [note for note in quiet if "prompt" in note]


def test_only_what_is_worded_otherwise_is_another_evaluation(tmp_path: Path) -> None:
    def cells(found: Plan) -> dict[tuple[str, str], str]:
        return {(cell.target, cell.reference): cell.evaluation for cell in found.cells}

    plain, worded = cells(planned(tmp_path)), cells(planned(tmp_path, prompts="test language"))
    changed = {("own", "prompted"), ("own", "few-shot")}
    assert {key for key in plain if plain[key] != worded[key]} == changed
    assert cells(planned(tmp_path, prompts="readout")) == plain
    (tmp_path / "other").mkdir()
    changed_own = OWN.replace("kyhent", "moker")
    other = cells(planned(tmp_path / "other", changed_own, prompts="test language"))
    assert {key for key in plain if worded[key] != other[key]} == changed


def test_an_evaluation_is_the_same_when_it_is_read_again(tmp_path: Path) -> None:
    found = planned(tmp_path, prompts="test language")
    for cell in found.cells:
        known = found.evaluation(cell)
        again = Evaluation.model_validate_json(known.model_dump_json())
        assert again == known and again.fingerprint == known.fingerprint


TEMPLATE = "the {text} or {text2} ? {answer}"
PAIRS = {
    "family": "classification",
    "languages": ["x-en", "x-ga"],
    "source_language": "x-en",
    "labels": ["yes", "no"],
    "splits": {"train": "train.csv", "test": "{lang}.csv"},
    "columns": {"text": "first", "text2": "second", "label": "same"},
}
WORDED = {"template": TEMPLATE, "answers": {"no": "helped", "yes": "boris"}, "phrases": {"a": "b"}}


def declaring(folder: Path, prompts: dict[str, Any], **table: Any) -> Plan:
    """The plan of a study whose target is declared, with these prompts."""
    for name in ("train", "x-en", "x-ga"):
        (folder / f"{name}.csv").write_text("first,second,same\nboris,teacher,yes\nboris,zoton,no\n")
    target = {"tasks": ["mine"], "languages": ["x-en", "x-ga"], "recipe": {"max_length": 64}}
    tasks = {"mine": PAIRS | table | {"prompts": prompts}}
    return planned(folder, prompts="test language", tasks=tasks, target=target)


def test_a_declared_task_states_prompts_as_a_file_does(tmp_path: Path) -> None:
    """Answers are a table by label or a list in their order, and the plan does not depend on which."""
    wording = Wording(TEMPLATE, ("boris", "helped"), (("a", "b"),))
    listed = WORDED | {"answers": ["boris", "helped"]}
    made = [declaring(tmp_path, {"x-en": one, "x-ga": one}) for one in (WORDED, listed)]
    assert {prompt.wordings for one in made for prompt in prompts(one, "mine")} == {(wording, wording)}
    assert made[0].cells == made[1].cells
    found = declaring(tmp_path, {"x-en": WORDED})
    assert "mine: no prompt in x-ga, asked in the source language (`prompts`)" in found.notes
    assert Places.from_json(found.places.to_json()).task("mine").prompts == {"x-en": wording}


@pytest.mark.parametrize(
    ("language", "changes", "said"),
    [
        ("x-gb", {}, "x-gb: the task has no language 'x-gb'. "),
        ("x-en", {"template": "the {text"}, "x-en.template: has a brace that names no text: "),
        (
            "x-en",
            {"template": "{premise} {answer}"},
            "x-en: the prompt in 'x-en' does not fit the task. A templ",
        ),
        (
            "x-en",
            {"template": "the {text}"},
            "x-en: the prompt in 'x-en' does not fit the task. A template names",
        ),
        (
            "x-en",
            {"answers": {}},
            "x-en.answers: has no words for 'yes', 'no'. Give every label of the task some.",
        ),
        (
            "x-en",
            {"answers": {"yes": "a", "noo": "b"}},
            "x-en.answers: no label named 'noo'. Did you mean 'no'?",
        ),
        ("x-en", {"answers": ["one"]}, "x-en: the prompt in 'x-en' does not fit the task. "),
        ("x-en", {"answer": "one"}, "x-en.answer: no such key. Did you mean 'answers'?"),
    ],
)
def test_a_fault_in_a_declared_prompt_is_told(
    language: str, changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputErrors) as raised:
        declaring(tmp_path, {language: WORDED | changes})
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"study: tasks.mine.prompts.{said}")


def test_all_faults_of_declared_prompts_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputErrors) as raised:
        declaring(tmp_path, {"x-en": WORDED, "x-ga": WORDED}, columns={"text": "first", "label": "same"})
    assert (
        str(raised.value).count(".template: names {text2}, and no column holds it. Name it in `columns`") == 2
    )
    with pytest.raises(
        InputErrors, match=r"prompts: tasks of the family masked take no prompts\. Take it out"
    ):
        declaring(tmp_path, {"x-en": WORDED}, family="masked", labels=[], columns={"text": "first"})


def test_a_task_tells_its_prompts() -> None:
    assert "  prompts in    de en es fr ja ko zh" in [*about(tasks.find("pawsx"))]
    assert not [line for line in about(tasks.find("mnli")) if "prompts" in line]


def test_another_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputErrors, match=r"prompts: must be one of 'readout', 'source language', 'test language'"
    ):
        planned(tmp_path, prompts="german")


@pytest.mark.parametrize(
    ("language", "wording"),
    [
        ("x-ga", Wording("sol {text} ter {text2}", OTHER.answers)),
        ("x-ga", Wording("sol {premise} fel {answer}", OTHER.answers)),
        ("x-ga", Wording("sol {answer}", OTHER.answers)),
        ("x-ga", OTHER._replace(answers=OTHER.answers[:2])),
        ("x-ga", OTHER._replace(answers=("fel", "fel", "ter"))),
        ("de", OTHER),
    ],
)
def test_a_prompt_that_does_not_fit_its_task_is_refused(language: str, wording: Wording) -> None:
    with pytest.raises(TaskError, match=rf"the prompt in '{language}' does not fit the task\. .*\{{text2\}}"):
        replace(tasks.find("lab_nli"), prompts={language: wording})


def test_prompts_of_a_family_that_takes_none_are_refused() -> None:
    said = r"tasks of the family tagging take no prompts\. Take `prompts` out\."
    with pytest.raises(TaskError, match=said):
        replace(tasks.find("lab_ner"), prompts={"x-en": ENGLISH})


@pytest.mark.parametrize("name", [name for name in tasks.names() if tasks.find(name).prompts])
def test_prompts_of_the_package_are_whole(name: str) -> None:
    task = tasks.find(name)
    assert task.source_language in task.prompts
    english = task.prompts[task.source_language]
    assert len({wording.template + str(wording.phrases) for wording in task.prompts.values()}) == len(
        task.prompts
    )
    for wording in task.prompts.values():
        assert wording.texts == english.texts
        parts = [wording.template, *wording.answers, *(text for pair in wording.phrases for text in pair)]
        for part in parts:
            assert part == unicodedata.normalize("NFC", part) and "\n" not in part and "  " not in part


PROMPTED: dict[str, set[str]] = {"xnli": set(), "pawsx": set(), "xcopa": {"ht", "qu", "ta"}}
"""The tasks of the package that have prompts, with the languages that have none."""


def test_which_languages_the_package_has_prompts_in() -> None:
    lacking = {name: set(tasks.find(name).languages) - {*tasks.find(name).prompts} for name in PROMPTED}
    assert lacking == PROMPTED
