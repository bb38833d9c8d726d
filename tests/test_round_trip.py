"""There and back: rows are encoded, a model says exactly the gold, that is decoded and scored: 100.

On files in miniature and on the lab's data always; with XSTILTS_DATA=DIR on every task, split and language
of that folder that has gold labels, whole. Of a question with several gold answers each is asked for alone.
The three kinds of tokenizer are trained on the data at hand. Masked text has no gold and is left out.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

import miniatures
from round_trip import INSIDE, LONG, VOID, Trip, cells, layout_of, look_alike, texts_of, train, travel
from xstilts import tasks as registry
from xstilts.data import loader
from xstilts.data.task import Task
from xstilts.study.backbone import bundled

DATA = Path(os.environ["XSTILTS_DATA"]) if "XSTILTS_DATA" in os.environ else None
with_data = pytest.mark.skipif(DATA is None, reason="XSTILTS_DATA names no data folder")
KINDS = ("marked", "bytes", "lower")
LABELLED = [name for name in registry.names() if registry.find(name).family != "masked"]
FILED = [name for name in LABELLED if registry.find(name).files is not None]
KNOWING = ("classification", "choice", "tagging")
NARROW = {"max_length": 48, "stride": 24}

EXCUSED: dict[str, dict[str, dict[str, int]]] = {
    "mlqa": {
        "dev ar": {LONG: 23, INSIDE: 22},
        "dev de": {LONG: 21, INSIDE: 8},
        "dev en": {LONG: 21, INSIDE: 1},
        "dev es": {LONG: 23, INSIDE: 4, VOID: 1},
        "dev zh": {LONG: 35, INSIDE: 2},
    },
    "squad": {
        "dev en": {LONG: 7, INSIDE: 1},
        "train en": {LONG: 147, INSIDE: 22, VOID: 1},
    },
    "squad2": {
        "train en": {LONG: 19, INSIDE: 3},
    },
    "tydiqa": {
        "train en": {LONG: 208, INSIDE: 20},
        "train ko": {LONG: 54, INSIDE: 51},
        "train sw": {LONG: 46, INSIDE: 17},
    },
    "xquad": {
        "test ar": {LONG: 36, INSIDE: 6},
        "test de": {LONG: 27},
        "test en": {LONG: 10, INSIDE: 1},
        "test es": {LONG: 24, INSIDE: 1},
        "test hi": {LONG: 50, INSIDE: 1},
        "test ru": {LONG: 54},
        "test tr": {LONG: 32, INSIDE: 1},
        "test vi": {LONG: 30, INSIDE: 1},
        "test zh": {LONG: 14, INSIDE: 5},
    },
}
"""Of the data folder, answers that do not come back, by reason (`round_trip.REASONS` explains them)."""

ALIKE: dict[str, dict[str, int]] = {
    "commonsenseqa": {"train en": 31, "dev en": 6},
    "mnli": {"train en": 35, "dev en": 1},
    "panx": {"train en": 3},
    "pawsx": {"test zh": 1},
    "socialiqa": {"train en": 6},
    "udpos": {"train en": 15, "dev uk": 1, "test ko": 2},
    "xnli": {"test ar": 1, "test hi": 1, "test tr": 1, "test ur": 1},
}
"""Of the data folder, rows that contradict others of the same text, or whose right option stands twice.

They come back too, for each is told its own gold; but whoever sees texts alone cannot get all of them right.
"""


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder in miniature."""
    return miniatures.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session", params=KINDS)
def tiny(request: pytest.FixtureRequest, small: Path) -> Any:
    """Each kind of tokenizer, trained on the miniatures."""
    return train(request.param, list(texts_of(small, 100)), 600)


@pytest.fixture(scope="session")
def real() -> Any:
    """A tokenizer laid out as XLM-R's, trained on the data folder."""
    assert DATA is not None
    return train("marked", list(texts_of(DATA, 100)), 16_000)


def _check(found: Task, split: str, language: str, tokenizer: Any, data: Path | None, **changes: Any) -> Trip:
    rows = loader.load(found, split, language, data)
    trip = travel(found, rows, language, tokenizer, layout_of(found, **changes))
    _hold(trip, f"{found.name} {split} {language}")
    return trip


def _hold(trip: Trip, where: str) -> None:
    """Rows without an excuse come back and score 100; those with one do not, else it is no excuse."""
    assert not trip.missed[""], where
    assert trip.value == 100.0, where
    assert trip.missed.total() == sum(map(bool, trip.excuses)), where


@pytest.mark.parametrize("name", FILED)
@pytest.mark.parametrize("lengths", [{}, NARROW], ids=["wide", "narrow"])
def test_miniatures_come_back(name: str, lengths: dict[str, int], small: Path, tiny: Any) -> None:
    found = registry.find(name)
    for split, language in cells(found, small):
        trip = _check(found, split, language, tiny, small, **lengths)
        assert set(trip.missed) <= {"", INSIDE}, "answers in miniature are short and have all their signs"


@pytest.mark.parametrize("name", [name for name in LABELLED if name.startswith("lab_")])
def test_rows_of_the_lab_come_back(name: str) -> None:
    found = registry.find(name)
    tokenizer = AutoTokenizer.from_pretrained(bundled()["lab"])
    for language in (found.languages[0], found.languages[-1]):
        assert not _check(found, found.evaluation_split, language, tokenizer, None).missed


@with_data
@pytest.mark.parametrize("name", FILED)
def test_every_row_of_the_data_folder_comes_back(name: str, real: Any) -> None:
    """The counts of excuses, and of rows that look alike, are those of the project's folder."""
    found = registry.find(name)
    excused, alike = {}, {}
    for split, language in cells(found, DATA):
        rows = loader.load(found, split, language, DATA)
        trip = travel(found, rows, language, real, layout_of(found))
        _hold(trip, f"{name} {split} {language}")
        if trip.missed:
            excused[f"{split} {language}"] = dict(trip.missed)
        if found.family in KNOWING:
            by_tokens, by_texts = look_alike(found, rows, trip.items)
            assert by_tokens == by_texts, "tokens tell rows apart as texts do"
            if by_texts:
                alike[f"{split} {language}"] = by_texts
    assert excused == EXCUSED.get(name, {})
    assert alike == ALIKE.get(name, {})


@with_data
@pytest.mark.parametrize("kind", ["bytes", "lower"])
def test_answers_in_all_scripts_come_back_with_other_tokenizers(kind: str) -> None:
    """The first 200 questions of each language of XQuAD and TyDiQA."""
    assert DATA is not None
    tokenizer = train(kind, list(texts_of(DATA, 50)), 8_000)
    for found in (registry.find("xquad"), registry.find("tydiqa")):
        for split, language in cells(found, DATA):
            rows = loader.load(found, split, language, DATA)[:200]
            trip = travel(found, rows, language, tokenizer, layout_of(found))
            _hold(trip, f"{found.name} {split} {language}")
