"""Every row is asked in the prompt of its language, and answered as transformers' own class does."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from eight import Folder, opened

from xstilts import tasks
from xstilts.compute import checkpoint, evaluate, predict
from xstilts.compute.context import Context
from xstilts.compute.evaluate import prompted
from xstilts.compute.rows import MASKED_HEAD, Reader, prepare
from xstilts.data.examples import Choice, Pair, Question
from xstilts.data.loader import load as load_rows
from xstilts.data.task import Wording
from xstilts.errors import DataError
from xstilts.families import read_out
from xstilts.families.items import Layout
from xstilts.families.text import TextReadout, option_scores
from xstilts.store import Store
from xstilts.study.backbone import bundled
from xstilts.study.load import parse
from xstilts.study.phase import Evaluation
from xstilts.study.plan import plan
from xstilts.study.step import Step

LANGUAGES = ("x-en", "x-ga", "x-gb")
ENGLISH = Wording("the {text} or {text2} in {answer}", ("boris", "helped", "teacher"))
OTHER = Wording("sol {text} ter {text2} fel {answer}", ("kyhent", "kepomte", "zoton"))
WORDINGS = dict(zip(LANGUAGES, (ENGLISH, OTHER, ENGLISH), strict=True))
OWN = f"""
from dataclasses import replace
from xstilts.data.task import Wording
from xstilts.tasks.lab_nli import TASK

TASK = replace(TASK, prompts={{"x-en": {ENGLISH!r}, "x-ga": {OTHER!r}}})
"""


def asking(folder: Path, reference: str) -> tuple[Evaluation, Context]:
    """An evaluation of two rows in three languages, one of which has no prompt."""
    (folder / "own.py").write_text(OWN)
    study: dict[str, Any] = {
        "name": "asked",
        "question": "In which language?",
        "references": [reference],
        "shots": 2,
        "prompts": "test language",
        "backbones": {"decoder": {"model": "lab-decoder"}},
        "intermediate": {"arms": {"none": []}},
        "target": {
            "tasks": ["./own.py"],
            "languages": list(LANGUAGES),
            "test_examples": 2,
            "recipe": {"max_length": 64, "precision": "fp32"},
        },
    }
    planned = plan(parse(study, folder / "study.toml", "study"))
    evaluation = planned.evaluation(next(cell for cell in planned.cells if cell.reference == reference))
    store = Store(folder / "store")
    store.prepare()
    (folder / "out").mkdir()
    context = Context(
        store, Step(evaluation), folder / "out", folder / "out", planned.places, lambda event: None
    )
    return evaluation, context


def worded(wording: Wording, row: Pair) -> str:
    return wording.template.removesuffix(" {answer}").format(text=row.text, text2=row.text2)


def test_an_evaluation_asks_every_language_in_its_words_and_scores_as_transformers_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation, context = asking(tmp_path, "prompted")
    seen: list[tuple[Any, Any]] = []

    def answers(model: Any, head: str, data: Any, *more: Any, **named: Any) -> Any:
        scores = predict.answers(model, head, data, *more, **named)
        seen.append((data, scores))
        return scores

    monkeypatch.setattr(evaluate, "answers_of", answers)
    evaluate.evaluate(evaluation, context)
    folder = bundled()["lab-decoder"]
    words = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    assert len(seen) == len(LANGUAGES)
    for language, (prepared, scores) in zip(LANGUAGES, seen, strict=True):
        wording = WORDINGS[language]
        assert len(prepared.examples) == 2
        ids = np.split(prepared.encoded.tokens, prepared.encoded.token_at[1:-1])
        for number, row in enumerate(prepared.examples):
            assert row in load_rows(tasks.find("lab_nli"), "test", language)
            prompt = words(worded(wording, row), add_special_tokens=False)["input_ids"]
            prompt = [words.bos_token_id, *prompt]
            expected = []
            for option, answer in enumerate(wording.answers):
                told = [*words(f" {answer}", add_special_tokens=False)["input_ids"], words.eos_token_id]
                assert ids[3 * number + option].tolist() == [*prompt, *told[:-1]]
                with torch.inference_mode():
                    logs = model(torch.tensor([prompt + told])).logits[0].log_softmax(dim=1)
                expected.append(
                    sum(float(logs[len(prompt) - 1 + at, token]) for at, token in enumerate(told))
                )
            likelihoods = option_scores(prepared.items[number], scores[number])
            assert likelihoods == pytest.approx(expected, abs=1e-4)


def test_shots_of_the_source_language_are_asked_in_the_words_of_the_question(tmp_path: Path) -> None:
    evaluation, context = asking(tmp_path, "few-shot")
    model = checkpoint.load(bundled()["lab-decoder"])
    plain = model.layout(Layout(labels=evaluation.use.label_set, max_length=64), "text")
    assert evaluation.prompt is not None
    layouts = prompted(evaluation, evaluation.prompt, Reader(context, model, plain))
    assert {language: layout.wording for language, layout in layouts.items()} == WORDINGS
    told = {
        language: model.tokenizer.decode(layout.shots, skip_special_tokens=True).split()
        for language, layout in layouts.items()
    }
    assert told["x-en"] == told["x-gb"] != told["x-ga"]
    rows = load_rows(tasks.find("lab_nli"), "train", "x-en")
    for language in ("x-en", "x-ga"):
        wording = WORDINGS[language]
        known = [
            f"{worded(wording, row)} {wording.answers[evaluation.use.label_set.index(row.label)]}".lower()
            for row in rows
            if isinstance(row, Pair)
        ]
        said = " ".join(told[language]).lower()
        halves = [text for text in known if said.startswith(text)]
        assert any(said.removeprefix(text).strip() in known for text in halves)


ROWS: dict[str, Any] = {
    "classification": Pair("Das Wasser ist kalt.", "The bread is warm.", "entailment"),
    "choice": Choice("The water is cold. What was the cause?", ("warm bread", "the old tree"), 1),
    "span": Question("The water is cold.", "Where ?", ()),
}
PROMPTS = [(name, language) for name in ("xnli", "pawsx", "xcopa") for language in tasks.find(name).prompts]


@pytest.mark.parametrize(("name", "language"), PROMPTS)
def test_a_tokenizer_gets_the_text_of_the_prompt_of_the_package(
    name: str, language: str, real_format: Folder
) -> None:
    task = tasks.find(name)
    model, wording = opened(real_format("bloom"), task.family), task.prompts[language]
    plain = Layout(labels=task.labels, max_length=512, wording=wording)
    layout = model.layout(plain, "text")
    row = ROWS[task.family]
    row = row if name != "pawsx" else Pair(row.text, row.text2, "1")
    (item,) = prepare([row], task.family, model.tokenizer, layout).items
    texts = {name: getattr(row, name) for name in wording.texts}
    for known, said in wording.phrases:
        texts = {name: text.replace(known, said) for name, text in texts.items()}
    ends = [0, *itertools.accumulate(len(reads) for reads in item.reads)]
    answers = wording.answers or row.options
    assert len(item.sequences) == len(answers)
    for option, answer in enumerate(answers):
        told = [*item.sequences[option], item.gold[ends[option + 1] - 1]]
        expected = wording.template.format(answer=answer, **texts)
        assert model.tokenizer.decode(told, skip_special_tokens=True).strip() == expected
    assert ("What was the cause?" in str(texts)) == (name == "xcopa" and language == "en")


def test_questions_are_put_in_the_words_of_a_prompt(real_format: Folder) -> None:
    model, row = opened(real_format("bloom"), "span"), ROWS["span"]
    wording = Wording("Kontext: {context} Frage: {question} Antwort: {answer}")
    layout = model.layout(Layout(max_length=64, stride=16, wording=wording), "text")
    family = read_out("span", layout)
    assert isinstance(family, TextReadout)
    (item,) = family.questions([row], model.tokenizer, layout)
    told = model.tokenizer.decode(item.sequences[0], skip_special_tokens=True)
    assert told == "Kontext: The water is cold. Frage: Where ? Antwort:"


def test_a_prompt_that_leaves_no_room_for_the_row_is_refused(real_format: Folder) -> None:
    model, wording = opened(real_format("bloom"), "classification"), tasks.find("xnli").prompts["hi"]
    plain = Layout(labels=tasks.find("xnli").labels, max_length=16, wording=wording)
    with pytest.raises(DataError, match=r"max_length = 16: the words of a prompt .* take \d+ tokens"):
        prepare([ROWS["classification"]], "classification", model.tokenizer, model.layout(plain, "text"))


def test_a_prompt_for_two_texts_refuses_a_row_of_one(real_format: Folder) -> None:
    model = opened(real_format("bloom"), "classification")
    layout = model.layout(Layout(labels=("a", "b", "c"), max_length=64, wording=ENGLISH), "text")
    with pytest.raises(DataError, match=r"the prompt names \{text2\}, and a row has one text alone: 'alone'"):
        prepare([Pair("alone", None, "a")], "classification", model.tokenizer, layout)


def test_no_prompt_leaves_the_head_that_answers(tmp_path: Path) -> None:
    evaluation, context = asking(tmp_path, "prompted")
    assert evaluation.prompt is not None
    model = checkpoint.load(bundled()["lab-decoder"])
    layout = model.layout(Layout(labels=evaluation.use.label_set, max_length=64), "text")
    plain = evaluation.prompt.changed(wordings=())
    layouts = prompted(evaluation, plain, Reader(context, model, layout))
    assert set(layouts) == set(LANGUAGES) and MASKED_HEAD in model.heads
    assert all(one == layout for one in layouts.values())
