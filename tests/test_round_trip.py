"""There and back: rows are encoded, a model says exactly the gold, that is decoded and scored: 100.

On files in miniature and on the lab's data always; with XSTILTS_DATA=DIR on every task, split and language
of that folder that has gold labels, whole. Of a question with several gold answers each is asked for alone.
The three kinds of tokenizer are trained on the data at hand.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

import miniatures
from round_trip import INSIDE, cells, layout_of, look_alike, texts_of, train, travel
from xstilts import task
from xstilts.study.backbone import bundled
from xstilts.task import Task

DATA = Path(os.environ["XSTILTS_DATA"]) if "XSTILTS_DATA" in os.environ else None
with_data = pytest.mark.skipif(DATA is None, reason="XSTILTS_DATA names no data folder")
KINDS = ("marked", "bytes", "lower")
LABELLED = [name for name in task.names() if task.find(name).family != "masked"]
FILED = [name for name in LABELLED if task.find(name).files is not None]
KNOWING = ("classification", "choice", "tagging")
NARROW = {"max_length": 48, "stride": 24}

Train = Callable[[str], Any]


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


def _check(found: Task, split: str, language: str, tokenizer: Any, data: Path | None, **changes: Any) -> Any:
    """Rows without an excuse come back and score 100, those with one do not: else it is no excuse."""
    rows = task.load(found, split, language, data)
    trip = travel(found, rows, language, tokenizer, layout_of(found, **changes))
    assert not trip.missed[""], (split, language)
    assert trip.value == 100.0, (split, language)
    excused = [excuse for excuse in trip.excuses if excuse]
    assert trip.missed.total() == len(excused), (split, language)
    return trip


@pytest.mark.parametrize("name", FILED)
@pytest.mark.parametrize("lengths", [{}, NARROW], ids=["wide", "narrow"])
def test_miniatures_come_back(name: str, lengths: dict[str, int], small: Path, tiny: Any) -> None:
    found = task.find(name)
    there = list(cells(found, small))
    assert there or found.path is None, "a task without a miniature is tested with XSTILTS_DATA only"
    for split, language in there:
        trip = _check(found, split, language, tiny, small, **lengths)
        assert set(trip.missed) <= {"", INSIDE}, "answers in miniature are short and have all their signs"


@pytest.mark.parametrize("name", [name for name in LABELLED if name.startswith("lab_")])
def test_rows_of_the_lab_come_back(name: str) -> None:
    found = task.find(name)
    tokenizer = AutoTokenizer.from_pretrained(bundled()["lab"])
    for language in (found.languages[0], found.languages[-1]):
        trip = _check(found, found.evaluation_split, language, tokenizer, None)
        print(name, language, trip.missed)


@with_data
@pytest.mark.parametrize("name", FILED)
def test_every_row_of_the_data_folder_comes_back(name: str, real: Any) -> None:
    found = task.find(name)
    for split, language in cells(found, DATA):
        trip = _check(found, split, language, real, DATA)
        print("MISS", name, split, language, len(trip.back), dict(trip.missed))


@with_data
@pytest.mark.parametrize("name", [name for name in FILED if task.find(name).family in KNOWING])
def test_tokens_tell_rows_apart_as_texts_do(name: str, real: Any) -> None:
    found = task.find(name)
    for split, language in cells(found, DATA):
        rows = task.load(found, split, language, DATA)
        by_tokens, by_texts = look_alike(found, rows, real, layout_of(found))
        print("ALIKE", name, split, language, by_tokens, by_texts)
        assert by_tokens == by_texts, (split, language)
