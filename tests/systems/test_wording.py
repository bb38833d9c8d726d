"""What `test` says of a comparison: languages, bounds, few rows, nothing to measure; languages of names."""

import pytest

import xstilts
from xstilts.analysis.effects import Quantity
from xstilts.errors import InputError
from xstilts.systems.given import UNKNOWN, language_of, task_of

from .test_inputs import GOLD, LABELS, wrong


def test_the_only_language_is_named_and_not_left_out() -> None:
    told = xstilts.test("xnli", {"a": {"en": wrong(5)}, "b": {"en": wrong(3)}}, {"en": GOLD}).answer
    assert told.startswith("Difference to a on xnli, points in 1 language, English (en): b ")
    both = {"a": dict.fromkeys(("de", "en"), wrong(5)), "b": dict.fromkeys(("de", "en"), wrong(3))}
    told = xstilts.test("xnli", both, dict.fromkeys(("de", "en"), GOLD)).answer
    assert "points in 1 language other than English (en): b " in told


def test_no_interval_is_beyond_what_a_metric_can_be() -> None:
    gold = [LABELS[row % 3] for row in range(60)]
    never = [LABELS[(row + 1) % 3] for row in range(60)]
    for reference, other in (("a", "b"), ("b", "a")):
        systems = {"a": {"de": gold, "en": never}, "b": {"de": never, "en": gold}}
        chosen = {name: systems[name] for name in (reference, other)}
        found = xstilts.test("xnli", chosen, {"de": gold, "en": gold}).effects
        differences = found.filter(quantity="difference")
        assert differences["estimate"].abs().to_list() == [100.0] * differences.height
        assert -100.0 <= differences["low"].min() < differences["high"].max() <= 100.0
        gaps = found.filter(quantity="gap")
        assert -100.0 <= gaps["low"].min() < gaps["high"].max() <= 100.0


def test_bounds_of_quantities() -> None:
    """Correlations go from -100 to 100, so that their differences go to 200; slopes have no bounds."""
    assert Quantity("score").bounds(-100.0) == (-100.0, 100.0)
    assert Quantity("difference").bounds(-100.0) == (-200.0, 200.0)
    assert Quantity("difference").bounds() == Quantity("gap").bounds() == (-100.0, 100.0)
    assert Quantity("difference", measure="brier_score").bounds() == (-200.0, 200.0)
    assert Quantity("retention").bounds() is None
    assert Quantity("gap", against_languages="all").bounds() is None


def test_few_rows_are_told() -> None:
    def told(size: int) -> list[str]:
        found = xstilts.test("accuracy", {"a": wrong(5)[:size], "b": wrong(3)[:size]}, GOLD[:size])
        return [text for text in found.conditions if text.startswith("Only")]

    assert told(10) == []
    (said,) = told(1)
    assert said.startswith("Only 1 row in unknown: so few say next to nothing")


def test_tags_that_name_nothing_measure_nothing() -> None:
    nothing, something = [("O", "O")] * 12, [("B-x", "O")] * 12
    with pytest.raises(InputError, match=r"gold: no gold tag names anything, .* nothing could be measured"):
        xstilts.test("span_f1", {"a": nothing, "b": something}, nothing)
    systems = {"a": {"de": nothing, "tr": something}, "b": {"de": something, "tr": something}}
    told = xstilts.test("span_f1", systems, {"de": nothing, "tr": something}).conditions
    assert any(
        text.startswith("No gold tag names anything in German (de): the score is 0 there") for text in told
    )


@pytest.mark.parametrize("metric", ["matthews_correlation", "pearson_correlation", "spearman_correlation"])
def test_gold_values_that_are_all_the_same_correlate_with_nothing(metric: str) -> None:
    """Of a correlation that is 0 by definition nothing is known: no interval without width."""
    same, mixed, guesses = ["2"] * 20, ["1", "2"] * 10, ["1", "2", "2", "1"] * 5
    with pytest.raises(InputError, match=r"gold: all gold values are the same, .* nothing could be measured"):
        xstilts.test(metric, {"a": mixed, "b": guesses}, same)
    systems = {"a": {"de": same, "tr": mixed}, "b": {"de": guesses, "tr": mixed}}
    found = xstilts.test(metric, systems, {"de": same, "tr": mixed})
    assert any(text.startswith("All gold values are the same in German (de)") for text in found.conditions)
    for row in found.effects.filter(language="de").iter_rows(named=True):
        assert (row["estimate"], row["high"] - row["low"] > 180) == (0, True), row


def test_numbers_are_compared_as_numbers_and_a_file_given_twice_is_told() -> None:
    """Ratings that no gold value equals are written as they should be."""
    gold = [str(number / 7) for number in range(40)]
    near = [str(number / 7 + 0.01 * (number % 5)) for number in range(40)]
    systems = {"a": near, "b": near[::-1], "c": list(near)}
    told = xstilts.test("pearson_correlation", systems, gold).conditions
    assert not any("no prediction is any of the gold values" in text for text in told)
    assert "a and c predict the same in every row: was a file given twice?" in told
    assert not any("and b predict the same" in text for text in told)
    assert not any(f"{UNKNOWN} ({UNKNOWN})" in text for text in told)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("mnli-it-base", ""), ("test-de", "de"), ("samples_xnli_deu_Latn", "de"), ("x.de.tr", "tr"),
        ("mine", ""), ("xnli_de_tags", ""), ("deu_Latn", "de"), ("de", "de"), ("test-german", "de"),
    ],
)  # fmt: skip
def test_the_language_of_a_file_is_the_end_of_its_name(name: str, code: str) -> None:
    assert language_of(task_of("xnli"), name) == code
    assert language_of(task_of("accuracy"), name) == (code or UNKNOWN)
    assert language_of(task_of("lab_tatoeba"), "test-x-ga") == "x-ga"
