"""Which prediction answers which gold value: by ids, by places, and where neither tells."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import xstilts
from xstilts.data import loader
from xstilts.errors import InputError
from xstilts.tasks import find

from .test_inputs import GOLD, lines, rows, scores, wrong

SHUFFLED = [(7 * row) % 30 for row in range(30)]


def refused(systems: Any, said: str, gold: Any = None, task: str = "xnli") -> None:
    with pytest.raises(InputError, match=said):
        xstilts.test(task, systems, gold)


def test_rows_without_ids_are_not_laid_onto_another_files_order(tmp_path: Path) -> None:
    a = lines(tmp_path / "a.jsonl", [{"prediction": value, "language": "de"} for value in wrong(3)])
    named = rows(wrong(4), GOLD, language="de")
    b = lines(tmp_path / "b.jsonl", [named[row] for row in SHUFFLED])
    said = r"a.jsonl: has no ids, and the gold values of .*b.jsonl have: .* Give 'id' in each row of both, or"
    refused([str(a), str(b)], said)
    refused({"a": {"de": wrong(3)}, "b": str(b)}, "a, de: has no ids, and the gold values of")
    frame = pl.DataFrame([{"prediction": value, "language": "de"} for value in wrong(3)])
    gold = pl.DataFrame(named).drop("prediction")
    refused({"a": frame, "b": str(b)}, r"a: has no ids, .* of gold have: .* Give 'id' in each row\.$", gold)
    found = xstilts.test("xnli", {"a": {"de": wrong(3)}, "b": str(b)}, gold)
    assert scores(found)["b", "de"] == pytest.approx(73.333)
    assert scores(found)["a", "de"] == pytest.approx(66.667), "a sequence has the order of the gold values"


def test_ids_are_not_taken_for_places(tmp_path: Path) -> None:
    told = [
        {"prediction": value, "gold": gold, "language": "de"}
        for value, gold in zip(wrong(3), GOLD, strict=True)
    ]
    a = lines(tmp_path / "a.jsonl", [told[row] for row in SHUFFLED])
    named = rows(wrong(4), language="de")
    b = lines(tmp_path / "b.jsonl", named[::-1])
    refused([str(a), str(b)], r"b.jsonl: has ids, and the gold values of .*a.jsonl have none")


def test_doubled_ids_are_known_by_their_places_or_refused() -> None:
    a = pl.DataFrame({"id": [1, 1, 2], "prediction": list("xyz"), "gold": list("xyz")})
    refused(
        {"a": a, "b": a.with_columns(gold=pl.Series(list("qrs")))},
        "id '1': the gold value is 'q'",
        task="accuracy",
    )
    other = a.with_columns(gold=pl.Series(list("xqz")))
    refused(
        {"a": a, "b": other}, "b: 'unknown', id '1': the gold value is 'q', and 'y' in a", task="accuracy"
    )
    refused({"a": a, "b": a.reverse()}, "b: has the id '1' twice. Give each row an id", task="accuracy")
    refused(
        {"a": a, "b": a.drop("gold").unique("id", maintain_order=True)},
        "a: has the id '1' twice",
        task="accuracy",
    )
    assert set(scores(xstilts.test("accuracy", {"a": a, "b": a})).values()) == {100.0}


def test_seeds_that_collapsed_are_no_copies() -> None:
    """One answer for all rows is a result, which several seeds may share; a copied file is none."""
    collapsed, other, copied = ({"de": values} for values in (["neutral"] * 30, wrong(4), wrong(5)))
    gold = {"de": GOLD}
    found = xstilts.test("xnli", {"a": {1: collapsed, 2: collapsed, 3: other}, "b": other}, gold)
    assert scores(found)["a", "de"] == pytest.approx((2 * 100 / 3 + 73.333) / 3, abs=0.01)
    assert (
        "a, seed 2, guesses in German (de): it is no better than its own answers exchanged."
        in found.conditions
    )
    systems = {"a": {1: copied, 2: collapsed, 3: copied}, "b": other}
    refused(systems, "system 'a': the seeds 1 and 3 have the same predictions", gold)


def test_options_that_are_not_there_are_refused() -> None:
    gold = {"et": [0, 1] * 10}
    from_one = {"et": [1, 2] * 10}
    said = "b, et: row 1: 2 is none of the 2 options of 'xcopa', which are numbered from 0"
    refused({"a": gold, "b": from_one}, said, gold, "xcopa")
    refused({"a": gold, "b": gold}, "gold, et: row 1: 2 is none of the 2 options", from_one, "xcopa")
    size = len(loader.load(find("lab_common"), "test", "x-ga"))
    own = {"a": {"x-ga": [0] * size}, "b": {"x-ga": [*[0] * (size - 1), 9]}}
    refused(own, r"b, x-ga: id '.*': 9 is none of \d, which are numbered from 0", task="lab_common")
    (bitext,) = loader.load(find("lab_tatoeba"), "test", "x-ga")
    right = [source for source, _ in sorted(bitext.gold, key=lambda pair: pair[1])]
    beyond = {"x-ga": [*right[1:], len(bitext.source)]}
    refused({"a": {"x-ga": right}, "b": beyond}, r"b, x-ga: id '.*': \d+ is none of \d+", task="lab_tatoeba")


def test_values_that_are_none_of_the_gold_are_told() -> None:
    """Nothing says which labels a metric stands for; another spelling would be a score of zero."""
    systems = {"a": wrong(5), "b": [label.upper() for label in wrong(3)]}
    told = xstilts.test("accuracy", systems, GOLD).conditions
    said = "no prediction is any of the gold values ('ENTAILMENT' here, 'contradiction' there)"
    assert f"b: {said}. Are both written alike?" in told
    assert not any(text.startswith("a: no prediction") for text in told)
    tags = {"a": [("B-x", "O")] * 12, "b": {1: [("x", "O")] * 12, 2: [("O", "O")] * 12}}
    told = xstilts.test("span_f1", tags, [("B-x", "O")] * 12).conditions
    assert [text for text in told if "no prediction is" in text] == [
        "b, seed 1: no prediction is any of the gold values ('x' here, 'B-x' there). Are both written alike?"
    ]
    gold = {"x-ga": [0, 1] * 10}
    told = xstilts.test("lab_common", {"a": gold, "b": {"x-ga": [1, 2] * 10}}, gold).conditions
    assert "b: the option 2 is predicted, and no gold value is above 1. Are both numbered from 0?" in told
