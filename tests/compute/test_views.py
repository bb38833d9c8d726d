"""Rows about images as a control shows them to a phase or an evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from toybox import BACKBONE, FAST, Box

from xstilts import families
from xstilts import tasks as registry
from xstilts.compute.context import Context
from xstilts.data import loader
from xstilts.data.examples import Seen
from xstilts.errors import DataError, InputError
from xstilts.store import Store
from xstilts.study.phase import Evaluation, Inference, Phase
from xstilts.study.recipe import Recipe
from xstilts.study.step import Places, Step
from xstilts.study.use import Development, Use

LAB = registry.find("lab_vnli")
LANGUAGES = ("x-en", "x-ga", "x-ia")


def use(split: str = "test", languages: Sequence[str] = LANGUAGES, **changes: Any) -> Use:
    fields: dict[str, Any] = {
        "task": "lab_vnli",
        "task_version": 1,
        "family": "visual",
        "family_version": families.find("visual").version,
        "label_set": LAB.labels,
        "split": split,
        "languages": tuple(languages),
        "data": ("lab",) * len(languages),
        "development": Development(split="dev", language="x-en", data="lab"),
    }
    return Use(**(fields | changes))


def asked(model: Phase | None, seen: Use, trained_by: Use) -> Evaluation:
    inference = Inference(max_length=40, stride=16, precision="fp32")
    return Evaluation(
        model=model,
        use=seen,
        trained_by=trained_by,
        metric="accuracy",
        metric_version=1,
        inference=None if model is None else inference,
    )


def context(tmp_path: Path) -> Context:
    """That of the majority reference, which reads any rows."""
    step = Step(asked(None, use(), use("train", ("x-en",))))
    return Context(Store(tmp_path), step, tmp_path, tmp_path, Places(), lambda event: None)


def shown(tmp_path: Path, view: str, language: str = "x-en") -> list[Any]:
    return list(context(tmp_path).examples(use(view=view), language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_shuffled_images_are_the_same_in_every_language(tmp_path: Path, language: str) -> None:
    plain, shuffled = (shown(tmp_path, view, language) for view in ("all", "shuffled"))
    assert all(one.images != other.images for one, other in zip(plain, shuffled, strict=True))
    assert [one.text for one in plain] == [other.text for other in shuffled]
    assert [row.images for row in shuffled] == [row.images for row in shown(tmp_path, "shuffled", "x-en")]


def test_views_hold_for_development_rows_too(tmp_path: Path) -> None:
    rows = context(tmp_path).development(use("train", ("x-en",), view="text"))
    assert rows
    assert all(isinstance(row, Seen) and not row.images and not row.caption for row in rows)


def test_translated_rows_of_the_lab_are_those_of_its_source_language(tmp_path: Path) -> None:
    rows = context(tmp_path).examples(use("test-translated", view="translated"), "x-ia")
    assert rows == shown(tmp_path, "all", "x-en")
    assert [row.images for row in rows] == [row.images for row in shown(tmp_path, "all", "x-ia")]


def test_captions_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = [Seen(("1",), "text", "neutral")]
    monkeypatch.setattr(loader, "load", lambda *arguments: bare)
    with pytest.raises(DataError, match="task 'lab_vnli': its test rows in 'x-en' have no captions"):
        shown(tmp_path, "caption")
    assert shown(tmp_path, "text") == [Seen((), "text", "neutral")]


def test_the_majority_reference_of_a_target_about_images(box: Box) -> None:
    one = asked(None, use(), use("train", ("x-en",)))
    assert box.compute(one, places=Places())["examples"] == 3 * len(loader.load(LAB, "test", "x-en"))
    scores = box.store.scores(one.fingerprint)["languages"]
    assert {round(score["value"], 1) for score in scores.values()} == {33.3}


@pytest.mark.parametrize("view", ["text", "caption"])
def test_a_text_encoder_does_what_needs_no_image(box: Box, view: str) -> None:
    box.compute(BACKBONE)
    trained_by = use("train", ("x-en",), view=view, examples=40)
    recipe = Recipe(**(FAST | {"updates": 3}))
    phase = Phase(parent=BACKBONE, uses=(trained_by,), recipe=recipe, seed=1)
    assert box.compute(phase, places=Places())["examples"] == {"lab_vnli": 40}
    one = asked(phase, use(view=view), trained_by)
    assert box.compute(one, places=Places())["examples"] > 0
    assert f"lab_vnli-{view}-of-lab_vnli-{view}-seed1" == one.name


@pytest.mark.parametrize("view", ["all", "shuffled", "image"])
def test_a_text_encoder_is_shown_no_image(box: Box, view: str) -> None:
    box.compute(BACKBONE)
    shows = use("train", ("x-en",), view=view, examples=40)
    phase = Phase(parent=BACKBONE, uses=(shows,), recipe=Recipe(**FAST), seed=1)
    with pytest.raises(InputError, match="shows images to a model"):
        box.compute(phase, places=Places())
