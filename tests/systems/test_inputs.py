"""What `test` reads: JSON lines, the harness's samples, XTREME's layouts, arrays, frames; what it refuses."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import xstilts
from xstilts.data import loader
from xstilts.data.examples import Bitext
from xstilts.errors import InputError, PredictionError, TaskError
from xstilts.systems.test import SystemComparison
from xstilts.tasks import find
from xstilts.xtreme.score import score

LABELS = ("contradiction", "entailment", "neutral")
GOLD = [LABELS[row % 3] for row in range(30)]


def wrong(every: int) -> list[str]:
    """The gold values, with every so manieth wrong."""
    return [LABELS[(row + (row % every == 0)) % 3] for row in range(30)]


def rows(predicted: list[Any], gold: list[Any] | None = None, **facts: Any) -> list[dict[str, Any]]:
    found = [{"id": str(row), "prediction": value} | facts for row, value in enumerate(predicted)]
    return found if gold is None else [row | {"gold": value} for row, value in zip(found, gold, strict=True)]


def lines(path: Path, content: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return path


def scores(found: SystemComparison, level: str = "language") -> dict[tuple[str, str], float]:
    chosen = found.effects.filter(quantity="score", level=level)
    values = zip(chosen["system"], chosen["language"], chosen["estimate"], strict=True)
    return {(system, language): round(value, 3) for system, language, value in values}


EXPECTED = {("a", "de"): 80.0, ("b", "de"): 90.0}


def test_json_lines_in_any_order_with_gold_beside(tmp_path: Path) -> None:
    a = lines(tmp_path / "a.jsonl", rows(wrong(5), GOLD, language="de"))
    b = lines(tmp_path / "b.jsonl", rows(wrong(10), GOLD, language="de")[::-1])
    found = xstilts.test("xnli", [str(a), str(b)])
    assert scores(found) == EXPECTED
    (difference,) = found.effects.filter(quantity="difference", level="language").to_dicts()
    assert (difference["system"], difference["reference"], difference["examples"]) == ("b", "a", 30)
    assert difference["low"] <= difference["estimate"] == 10.0 <= difference["high"]
    assert "One run of each system" in found.conditions[0]
    assert "<table" in found._repr_html_()
    assert str(found).startswith("Difference to a on xnli, points in 1 language: b +10.0 [")


def test_gold_values_of_the_task_tell_rows_about_one_text(tmp_path: Path) -> None:
    """The premise of three rows is the same: they are one unit, as in a study."""
    data = tmp_path / "data" / "target" / "xnli"
    data.mkdir(parents=True)
    for code in ("de", "en"):
        told = [f"p{row // 3}\th{row}\t{label}\n" for row, label in enumerate(GOLD)]
        (data / f"test-{code}.tsv").write_text("".join(told))
    systems = {"a": {code: wrong(5) for code in ("de", "en")}, "b": {code: wrong(3) for code in ("de", "en")}}
    found = xstilts.test("xnli", systems, data=tmp_path / "data")
    assert found.results.gold["de"].firsts.tolist() == [row - row % 3 for row in range(30)]
    assert not any("stands for itself" in text for text in found.conditions)
    alone = xstilts.test("xnli", systems, gold={"de": GOLD, "en": GOLD})
    assert scores(alone) == scores(found)
    assert any("stands for itself" in text for text in alone.conditions)
    one = xstilts.test("accuracy", {"a": wrong(5), "b": wrong(3)}, gold=GOLD)
    assert any("stands for itself" in text for text in one.conditions)
    width = [each.effects.filter(level="transfer", quantity="difference") for each in (found, alone)]
    assert width[0]["low"][0] != width[1]["low"][0]


def test_arrays_frames_and_files_are_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame(rows(wrong(10), language="de"))
    path = lines(tmp_path / "x.jsonl", rows(wrong(10), language="de"))
    for given in ({"de": np.array(wrong(10))}, frame, path, str(path)):
        systems = {"a": {"de": wrong(5)}, "b": given}
        found = xstilts.test("xnli", systems, gold={"de": np.array(GOLD)})
        assert scores(found) == EXPECTED
    numbers = np.array([LABELS.index(label) for label in GOLD])
    plain = {"a": (numbers + (np.arange(30) % 5 == 0)) % 3, "b": (numbers + (np.arange(30) % 10 == 0)) % 3}
    assert scores(xstilts.test("accuracy", plain, numbers)) == {
        ("a", "unknown"): 80.0,
        ("b", "unknown"): 90.0,
    }


def test_seeds_by_folder_by_names_and_by_column(tmp_path: Path) -> None:
    for seed, every in ((1, 5), (2, 3), (3, 6)):
        lines(tmp_path / f"a-seed{seed}.jsonl", rows(wrong(every), GOLD, language="de"))
        lines(tmp_path / "b" / f"seed{seed}.jsonl", rows(wrong(every + 3), GOLD, language="de"))
    column = [row for seed in (1, 2, 3) for row in rows(wrong(seed + 3), GOLD, language="de", seed=seed)]
    c = lines(tmp_path / "c.jsonl", column)
    found = xstilts.test("xnli", [f"{tmp_path}/a-seed*.jsonl", f"{tmp_path}/b", str(c)])
    assert found.effects["seeds"].unique().to_list() == [3]
    by_name = [str(tmp_path / f"a-seed{seed}.jsonl") for seed in (3, 1, 2)]
    again = xstilts.test(
        "xnli",
        [*by_name, f"b={tmp_path}/b/seed1.jsonl,{tmp_path}/b/seed2.jsonl,{tmp_path}/b/seed3.jsonl", str(c)],
    )
    assert again.effects.equals(found.effects)


def test_one_run_beside_several_is_fixed(tmp_path: Path) -> None:
    systems = {"a": {seed: {"de": wrong(seed + 3)} for seed in (1, 2, 3)}, "b": {"de": wrong(10)}}
    found = xstilts.test("xnli", systems, gold={"de": GOLD})
    (difference,) = found.effects.filter(quantity="difference", level="language").to_dicts()
    assert difference["seeds"] == 3
    assert any(text.startswith("One run of b beside 3") for text in found.conditions)
    copies = {
        "a": {seed: {"de": wrong(4)} for seed in (1, 2)},
        "b": {seed: {"de": wrong(seed + 3)} for seed in (1, 2)},
    }
    told = xstilts.test("xnli", copies, gold={"de": GOLD}).conditions
    assert "All runs of a predict the same: they count as one that no seed changes." in told


def test_what_only_guesses_is_told() -> None:
    gold = [LABELS[row % 3] for row in range(300)]
    systems = {"knows": {"de": gold}, "guesses": {"de": [LABELS[row // 3 % 3] for row in range(300)]}}
    told = xstilts.test("xnli", systems, gold={"de": gold}).conditions
    assert "guesses guesses in German (de): it is no better than its own answers exchanged." in told


# lm-evaluation-harness, `--log_samples`


def sample(row: int, said: int, right: int) -> dict[str, Any]:
    """A row of samples_xnli_de_*.jsonl as version 0.4 writes it."""
    likelihoods = [["-9.5", "False"], ["-8.0", "False"], ["-7.25", "False"]]
    likelihoods[said] = ["-1.5", "True"]
    arguments = {f"gen_args_{each}": {"arg_0": "", "arg_1": f" option {each}"} for each in range(3)}
    return {
        "doc_id": row, "doc": {"premise": "p", "hypothesis": "h", "label": right}, "target": str(right),
        "arguments": arguments, "resps": [[each] for each in likelihoods], "filtered_resps": likelihoods,
        "filter": "none", "metrics": ["acc"], "doc_hash": "0", "prompt_hash": "0", "target_hash": "0",
        "acc": float(said == right),
    }  # fmt: skip


def harness(folder: Path, every: int, name: str = "samples_xnli_{}_2026-08-21T19-56-54.123456.jsonl") -> Path:
    for code in ("de", "tr"):
        content = [sample(row, (row + (row % every == 0)) % 3, row % 3) for row in range(30)]
        lines(folder / name.format(code), content)
    return folder


def test_samples_of_the_harness(tmp_path: Path) -> None:
    a, b = harness(tmp_path / "model__a", 5), harness(tmp_path / "model__b", 10)
    lines(b / "samples_paws_de_2026-08-21T19-56-54.123456.jsonl", [sample(0, 1, 1)])
    found = xstilts.test("xnli", [str(a), str(b)])
    expected = {("model__a", 80.0), ("model__b", 90.0)}
    assert {(system, value) for (system, _), value in scores(found).items()} == expected
    assert {language for _, language in scores(found)} == {"de", "tr"}
    acc = [json.loads(line)["acc"] for line in (a / sorted(a.iterdir())[0].name).read_text().splitlines()]
    assert 100 * sum(acc) / len(acc) == 80.0


def test_generated_answers_and_targets_by_text(tmp_path: Path) -> None:
    for name, said in (("a", "An owl"), ("b", "owl")):
        row = {"doc_id": 0, "doc": {"answers": {"text": ["the owl"]}}, "target": "the owl", "arguments": {}}
        content = [row | {"filtered_resps": [said], "filter": "none"}]
        lines(tmp_path / name / "samples_xquad_de.jsonl", content)
    assert set(scores(xstilts.test("xquad", [f"{tmp_path}/a", f"{tmp_path}/b"])).values()) == {100.0}
    text = sample(0, 1, 1) | {"target": "option 1"}
    paths = [str(lines(tmp_path / f"{name}.jsonl", [text])) for name in "cd"]
    assert set(scores(xstilts.test("accuracy", paths)).values()) == {100.0}


def test_several_filters_are_refused(tmp_path: Path) -> None:
    content = [sample(0, 1, 1), sample(0, 1, 1) | {"filter": "strict-match"}]
    paths = [str(lines(tmp_path / f"{name}.jsonl", content)) for name in "ab"]
    with pytest.raises(PredictionError, match="answers of several filters: none, strict-match"):
        xstilts.test("accuracy", paths)


# XTREME's layouts

QUESTIONS = [
    {"id": name, "question": "?", "answers": [{"text": "the owl", "answer_start": 0}]} for name in "12"
]
SQUAD = json.dumps({"data": [{"paragraphs": [{"context": "The owl", "qas": QUESTIONS}]}]})


@pytest.mark.parametrize(
    ("task", "contents", "value"),
    [
        ("xnli", ("neutral\nneutral\n", "neutral\nentailment\n", "neutral\nneutral\n"), 50.0),
        ("xcopa", ("0\n1\n", "0\n0\n", "0\n1\n"), 50.0),
        ("udpos", ("X\nX\n\nX\n", "X\nVERB\n\nX\n", "X\nX\n\nX\n"), 40.0),
        ("xquad", (SQUAD, '{"1": "owl"}', '{"2": "owl", "1": "owl"}'), 50.0),
        ("tatoeba", ("1\n0\n", "1\n1\n", "1\n0\n"), 50.0),
        ("bucc2018", ("d-1\te-1\nd-2\te-2\n", "d-1\te-1\nd-3\te-2\n", "d-1\te-1\nd-2\te-2\n"), 50.0),
    ],
)
def test_submissions_score_as_xstilts_score_does(
    tmp_path: Path, task: str, contents: tuple[str, str, str], value: float
) -> None:
    suffix = "json" if task == "xquad" else "tsv"
    for name, content in zip(("gold", "one", "two"), contents, strict=True):
        path = tmp_path / name / task / f"test-{'et' if task == 'xcopa' else 'de'}.{suffix}"
        path.parent.mkdir(parents=True)
        with gzip.open(f"{path}.gz", "wt") as stream:
            stream.write(content)
    found = xstilts.test(task, [f"{tmp_path}/one", f"{tmp_path}/two"], tmp_path / "gold")
    values = found.effects.filter(quantity="score", level="language")["estimate"]
    assert values.to_list() == [value, 100.0]
    if task != "xquad":  # of which the official evaluator counts answered questions alone
        (official,) = score(task, tmp_path / "one", tmp_path / "gold")["languages"].values()
        assert next(iter(official.values())) == value


def test_a_retrieval_submission_is_in_the_order_of_the_sorted_sentences(tmp_path: Path) -> None:
    task = find("lab_tatoeba")
    (bitext,) = loader.load(task, "test", "x-ga")
    assert isinstance(bitext, Bitext)
    right = {target: source for source, target in bitext.gold}
    order = sorted(right, key=lambda row: bitext.target[row].strip())
    assert order != sorted(order)
    for name, answers in (("a", [right[row] for row in order]), ("b", [right[row] for row in sorted(order)])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "test-x-ga.tsv").write_text("".join(f"{row}\n" for row in answers))
    found = scores(xstilts.test("lab_tatoeba", [f"{tmp_path}/a", f"{tmp_path}/b"]))
    assert found["a", "x-ga"] == 100.0
    assert found["b", "x-ga"] < 50.0


# What does not fit


def refused(systems: Any, said: str, gold: Any = None, task: str = "xnli", **options: Any) -> None:
    with pytest.raises(InputError, match=said):
        xstilts.test(task, systems, gold, **options)


def test_unknown_tasks_metrics_and_languages() -> None:
    with pytest.raises(TaskError, match=r"no task named 'xnly'. Did you mean 'xnli'"):
        xstilts.test("xnly", {})
    with pytest.raises(TaskError, match=r"no task named 'accurasy'. Did you mean 'accuracy'"):
        xstilts.test("accurasy", {})
    with pytest.raises(TaskError, match="has no metric"):
        xstilts.test("wikipedia", {})
    both = {"a": {"de": GOLD}, "b": {"de": GOLD}}
    refused(both, "has no language 'dee'. Did you mean 'de'", languages=("dee",))
    refused({"a": {"xx": GOLD}, "b": {"de": GOLD}}, "is in language 'xx', which 'xnli' has not")
    refused({"a": {"de": GOLD}}, "there is only a. Name a reference")
    refused({"a": {}, "b": {"de": GOLD}}, "a: has no predictions")


def test_rows_that_do_not_fit(tmp_path: Path) -> None:
    a = {"de": GOLD}
    other = pl.DataFrame(
        [{"id": f"other-{row}", "language": "de", "prediction": GOLD[row]} for row in range(30)]
    )
    ids = pl.DataFrame(rows(GOLD, GOLD, language="de"))
    refused({"a": ids, "b": other}, r"b: no id is one of a \('other-0' here, '0' there\)")
    refused({"a": ids, "b": ids.head(28).drop("gold")}, r"b: lacks 2 ids of 30 in a: '28', '29'\.")
    refused({"a": ids.head(28), "b": ids.drop("gold")}, r"b: has besides 2 ids of 28 in a: '28', '29'\.")
    refused({"a": ids, "b": pl.concat([ids, ids.head(1)]).drop("gold")}, "has the id '0' twice")
    refused({"a": a, "b": {"de": GOLD[:4]}}, "b, de: 4 predictions for the 30 rows of gold, de", {"de": GOLD})
    refused({"a": a, "b": {"de": ["yes"] * 30}}, "b, de: row 0: 'yes' is no label of 'xnli'", {"de": GOLD})
    refused({"a": a, "b": {"de": ["netral"] * 30}}, "Did you mean 'neutral'", {"de": GOLD})
    refused({"a": a, "b": a}, "gold, de: row 0: 'no' is no label", {"de": ["no"] * 30})
    turned = ids.with_columns(gold=pl.lit("neutral"))
    refused({"a": ids, "b": turned}, "b: 'de', id '0': the gold value is 'neutral', and 'contradiction' in a")
    tags = {"a": {"de": [("X", "X")]}, "b": {"de": [("X",)]}}
    refused(tags, "b, de: id '0' has 1 tags for 2 tokens", {"de": [("X", "X")]}, "udpos")


class Column(list[Any]):
    def to_list(self) -> list[Any]:
        return list(self)


class Frame(dict[str, Column]):
    """A data frame of which each cell is the very object that it was given."""

    @property
    def columns(self) -> list[str]:
        return list(self)


@pytest.mark.parametrize("hole", [None, float("nan"), np.float32("nan"), np.datetime64("NaT")])
@pytest.mark.parametrize("key", ["prediction", "gold", "language", "id", "cluster"])
def test_holes_of_data_frames_are_no_values(hole: Any, key: str) -> None:
    """Neither a wrong answer nor the name of a language, a row or a text."""
    content = rows(["x", "x", "y"], ["x", "x", "y"], language="de", cluster="1")
    content[1][key] = hole
    frame = Frame({name: Column(row[name] for row in content) for name in content[0]})
    refused({"a": frame, "b": frame}, r"a: row 1: .*is empty \(null or NaN\)", task="accuracy")
    if key == "prediction":
        refused({"a": ["x", hole], "b": ["x", "y"]}, "a: row 1: is empty", ["x", "x"], "accuracy")


def test_of_questions_none_is_an_answer_and_a_hole_is_not() -> None:
    gold, right = [["the owl"], ["the owl"]], ["owl", "owl"]
    assert xstilts.test("squad2_f1", {"a": ["owl", None], "b": right}, gold).effects.height
    refused({"a": ["owl", float("nan")], "b": right}, "a: row 1: is empty", gold, "squad2_f1")


def test_different_languages_and_mixed_seeds(tmp_path: Path) -> None:
    both, one = {"de": GOLD, "tr": GOLD}, {"de": wrong(5)}
    gold = {"de": GOLD, "tr": GOLD}
    refused({"a": both, "b": one}, "b: lacks tr: the other files have de, tr", gold)
    refused({"a": one, "b": both}, "b: has tr as well: the other files have de", gold)
    assert scores(xstilts.test("xnli", {"a": both, "b": one}, gold, languages=("de",))) == {
        ("a", "de"): 100.0, ("b", "de"): 80.0,
    }  # fmt: skip
    seeds = {"a": {1: one, 2: {"de": wrong(4)}}, "b": {1: one, 3: {"de": wrong(4)}}}
    refused(seeds, "system 'b': has the seeds 1, 3, and 'a' has 1, 2", gold)
    copied = {"a": {1: one, 2: one, 3: {"de": wrong(4)}}, "b": both}
    refused(copied, "system 'a': the seeds 1 and 2 have the same predictions", gold, languages=("de",))
    for name in ("a-seed1", "a-seed2", "a", "b"):
        lines(tmp_path / f"{name}.jsonl", rows(wrong(5), GOLD, language="de"))
    mixed = [f"a={tmp_path}/a-seed1.jsonl,{tmp_path}/a.jsonl", f"{tmp_path}/b.jsonl"]
    refused(mixed, "a.jsonl: tells no seed, and other runs of 'a' do")
    (tmp_path / "c").mkdir()
    again = shutil.copy(tmp_path / "a.jsonl", tmp_path / "c")
    refused([f"{tmp_path}/a.jsonl", again], r"two systems are called 'a'.*Name them: NAME=PATH")
    twice = [
        f"a={tmp_path}/a-seed1.jsonl,{shutil.copy(tmp_path / 'a-seed1.jsonl', tmp_path / 'c')}",
        f"b={again}",
    ]
    refused(twice, "has seed 1, and so has")


def test_files_that_are_none(tmp_path: Path) -> None:
    good = str(lines(tmp_path / "good.jsonl", rows(GOLD, GOLD, language="de")))
    for name, content, said in (
        ("broken", '{"id": 1', r"broken.jsonl:1: is no JSON"),
        ("list", "[1]", r"list.jsonl:1: is no JSON object"),
        ("empty", "\n", "holds no rows"),
        (
            "keys",
            '{"id": "1", "predicted": "neutral"}',
            r"has no 'prediction'; it has id, predicted. Call 'predicted'",
        ),
        (
            "uneven",
            '{"prediction": "neutral", "language": "de"}\n{"prediction": "neutral"}',
            r":2: has not the same keys",
        ),
        ("no language", '{"prediction": "neutral"}', "tells no language. Give 'language' in each row"),
        ("seed", '{"prediction": "neutral", "language": "de", "seed": "x"}', "'x' is no whole number"),
        (
            "harness",
            '{"filtered_resps": [["-1", "True"]], "target": "0", "language": "de"}',
            "has neither likelihoods",
        ),
    ):
        (tmp_path / f"{name}.jsonl").write_text(content)
        refused([good, f"{tmp_path}/{name}.jsonl"], said)
    refused([good, f"{tmp_path}/nowhere"], "nowhere: no such file or folder")
    (tmp_path / "bare" / "inner").mkdir(parents=True)
    refused([good, f"{tmp_path}/bare"], r"holds no predictions of 'xnli'.*In it: inner; name one")
    (tmp_path / "labels.tsv").write_text("neutral\n")
    refused([good, f"{tmp_path}/labels.tsv"], "tells no language of 'xnli' in its name")
    (tmp_path / "test-de.json").write_text("[1]")
    refused(
        [f"a={tmp_path}/test-de.json", f"b={tmp_path}/test-de.json"],
        "is not {question id: answer}",
        task="xquad",
    )
    harness(tmp_path / "twice", 5)
    harness(tmp_path / "twice", 5, "samples_xnli_{}_2026-08-22T10-00-00.000000.jsonl")
    refused([good, f"{tmp_path}/twice"], r"has 'de', and so has .*Keep one of them")
    without = str(lines(tmp_path / "without.jsonl", rows(GOLD)))
    refused([f"a={without}", f"b={without}"], "there are none beside the predictions", task="accuracy")


@pytest.mark.parametrize(
    "task", ["xnli", "xcopa", "udpos", "xquad", "tatoeba", "bucc2018", "accuracy", "span_f1"]
)
@pytest.mark.parametrize("value", [None, True, -1, 1.5, [], [1], {}, {"text": 1}, "²", [["x"]], "\n"])
def test_no_value_ends_in_a_traceback(tmp_path: Path, task: str, value: Any) -> None:
    language = "et" if task == "xcopa" else "de"
    for name, row in (
        ("rows", {"prediction": value, "gold": value, "language": language}),
        (
            "harness",
            {
                "filtered_resps": value,
                "target": value,
                "doc": value,
                "arguments": value,
                "language": language,
            },
        ),
        (
            "options",
            {"filtered_resps": [["1", "x"], [value, "x"]], "target": value, "arguments": {"a": value}},
        ),
    ):
        path = lines(tmp_path / f"{name}-{language}.jsonl", [row])
        try:
            assert xstilts.test(task, [f"a={path}", f"b={path}"]).effects.height
        except InputError as error:
            assert str(path) in str(error) or "metric" in str(error)


def test_the_command_line_tells_errors_without_a_traceback(tmp_path: Path, shell: Any) -> None:
    status, out, err = shell("test", "xnly", "a", "b")
    assert (status, out) == (2, "")
    assert err.startswith("task 'xnly': no task named 'xnly'. Did you mean 'xnli'?")
    good = lines(tmp_path / "good.jsonl", rows(GOLD, GOLD, language="de"))
    (tmp_path / "file").write_text("")
    other = shutil.copy(good, tmp_path / "other.jsonl")
    status, _, err = shell("test", "xnli", good, other, "--out", tmp_path / "file" / "x")
    assert status == 2
    assert "cannot be written" in err
