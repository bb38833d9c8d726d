"""`xstilts score`: files in XTREME's layouts, single, by language, by task; and what is wrong with them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from xstilts.errors import InputError, InputErrors, PredictionError
from xstilts.study.load import find_task
from xstilts.systems import given
from xstilts.xtreme.score import score

ANSWERS = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "The owl sleeps.",
                    "qas": [
                        {"id": "1", "question": "Who?", "answers": [{"text": "The owl", "answer_start": 0}]},
                        {"id": "2", "question": "What?", "answers": [{"text": "sleeps", "answer_start": 8}]},
                    ],
                }
            ]
        }
    ]
}


def write(folder: Path, **files: str) -> Path:
    """Files named by language, `en="..."`, as XTREME names them."""
    folder.mkdir(parents=True, exist_ok=True)
    for code, content in files.items():
        suffix = "json" if content.startswith("{") else "tsv"
        (folder / f"test-{code}.{suffix}").write_text(content, encoding="utf-8")
    return folder


def single(folder: Path, predicted: str, gold: str) -> tuple[Path, Path]:
    (folder / "predicted.txt").write_text(predicted, encoding="utf-8")
    (folder / "gold.txt").write_text(gold, encoding="utf-8")
    return folder / "predicted.txt", folder / "gold.txt"


def values(found: dict[str, Any]) -> dict[str, float]:
    (one,) = found["languages"].values()
    return {name: round(value, 3) for name, value in one.items()}


def test_labels(tmp_path: Path) -> None:
    predicted, gold = single(
        tmp_path, "neutral\nneutral\nentailment\n", "neutral\ncontradiction\nentailment\n"
    )
    assert values(score("xnli", predicted, gold)) == {"accuracy": 66.667}


def test_tags(tmp_path: Path) -> None:
    predicted, gold = single(tmp_path, "NOUN\nVERB\n\nDET\n", "NOUN\nNOUN\n\nDET\n")
    found = values(score("udpos", predicted, gold))
    assert found == {"f1": 40.0, "precision": 33.333, "recall": 50.0, "token_accuracy": 66.667}


def test_answers_in_the_language_of_the_file(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", de=json.dumps(ANSWERS))
    predicted = write(tmp_path / "predicted", de=json.dumps({"1": "owl", "2": "a big sleeps"}))
    found = score("mlqa", predicted / "test-de.json", gold / "test-de.json")
    assert list(found["languages"]) == ["de"]
    assert values(score("xquad", predicted / "test-de.json", gold / "test-de.json")) == {
        "f1": 83.333,
        "exact_match": 50.0,
    }


def test_pairs_of_ids(tmp_path: Path) -> None:
    predicted, gold = single(tmp_path, "a\tb\nc\td\n", "a\tb\ne\tf\ng\th\n")
    assert values(score("bucc2018", predicted, gold)) == {"f1": 40.0, "precision": 50.0, "recall": 33.333}


def test_a_folder_of_languages_and_its_average(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold" / "xnli", en="neutral\n", de="neutral\n")
    predicted = write(tmp_path / "predicted", en="neutral\n", de="entailment\n")
    found = score("xnli", predicted, gold.parent)
    assert found["languages"] == {"de": {"accuracy": 0.0}, "en": {"accuracy": 100.0}}
    assert found["average"] == {"accuracy": 50.0}


def test_everything_that_is_wrong_with_a_folder_is_told_at_once(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", ar="neutral\n", de="neutral\n", en="neutral\nneutral\n")
    predicted = write(tmp_path / "predicted", en="neutral\n")
    (predicted / "test-de.tsv").write_bytes(b"\xff\n")
    with pytest.raises(InputErrors) as raised:
        score("xnli", predicted, gold)
    said = str(raised.value).splitlines()
    assert len(said) == 3
    assert said[0].endswith("test-ar.tsv: is missing.")
    assert (
        "test-de.tsv: encoding: test-de.tsv:1 is not UTF-8 (invalid start byte at byte 0 of the line;"
        in said[1]
    )
    assert "test-en.tsv: metric 'accuracy': 1 predictions for 2 examples." in said[2]


def test_xtreme_averages_over_all_its_languages(tmp_path: Path) -> None:
    codes = ("de", "en", "es", "fr", "ja", "ko", "zh")
    write(tmp_path / "gold" / "pawsx", **dict.fromkeys(codes, "1\n"))
    write(tmp_path / "predicted" / "pawsx", **dict.fromkeys(codes, "1\n"))
    found = score("xtreme", tmp_path / "predicted", tmp_path / "gold")
    assert found["tasks"]["pawsx"]["score"] == 100.0
    assert found["overall"] == {}, "a group needs all its tasks"
    assert found["gaps"] == {"pawsx": 0.0}
    (tmp_path / "predicted" / "pawsx" / "test-ko.tsv").unlink()
    with pytest.raises(InputError, match=r"test-ko\.tsv: is missing"):
        score("xtreme", tmp_path / "predicted", tmp_path / "gold")


@pytest.mark.parametrize(
    ("task", "predicted", "gold", "said"),
    [
        ("xnli", "", "", "gold.txt: holds no examples"),
        ("xquad", "[1]", json.dumps(ANSWERS), "are no JSON object"),
        ("xquad", "{", json.dumps(ANSWERS), "is no JSON"),
        ("xquad", "{}", '{"data": [{}]}', "is not in SQuAD's layout"),
        ("mlqa", "{}", json.dumps(ANSWERS), "Name it with --language"),
        ("nli", "a\n", "a\n", "no task named 'nli'"),
        ("XNLI", "a\n", "a\n", "no task named 'XNLI'. Did you mean 'xnli'"),
        ("wikipedia", "a\n", "a\n", "task 'wikipedia': is masked text, which has no score"),
    ],
)
def test_wrong_input(tmp_path: Path, task: str, predicted: str, gold: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        score(task, *single(tmp_path, predicted, gold))


QUESTION = json.dumps(ANSWERS)
WITHOUT_ANSWERS = json.dumps(
    {"data": [{"paragraphs": [{"context": "", "qas": [{"id": "1", "question": "", "answers": []}]}]}]}
)
UNANSWERED = QUESTION.replace('The owl", "', '", "').replace('sleeps", "', '", "')


@pytest.mark.parametrize(
    ("task", "predicted", "gold", "said"),
    [
        ("panx", "B-ORG\nO\n", "EU\tB-ORG\nis\tO\n", r"gold.txt:1: .* It looks like a data file"),
        ("xnli", "neutral\n", "a\tb\tneutral\n", r"gold.txt:1: .* It looks like a data file"),
        ("pawsx", "a\tb\t1\n", "1\n", r"predicted.txt:1: .* It looks like a data file"),
        ("xnli", "neutral\n1\n", "neutral\nneutral\n", r"predicted.txt:2: '1' is no label of 'xnli'"),
        ("xnli", "neutral\n", "contradictory\n", r"gold.txt:1: .* Did you mean 'contradiction'"),
        ("xnli", "\n", "neutral\n", r"predicted.txt:1: '' is no label"),
        ("pawsx", "yes\n", "1\n", r"predicted.txt:1: 'yes' is no label"),
        ("udpos", "NN\n", "NOUN\n", r"predicted.txt:1: 'NN' is no tag of 'udpos'"),
        ("panx", "O\n", "B-MISC\n", r"gold.txt:1: 'B-MISC' is no tag of 'panx'"),
        ("tatoeba", "[12]\n", "12\n", r"predicted.txt:1: '\[12\]' is not the number"),
        ("xcopa", "0\n", "cause\n", r"gold.txt:1: 'cause' is not the number"),
        ("tatoeba", "1\n2\n3\n", "2\n0\n1\n", r"predicted.txt:3: 3 is not the number of a row"),
        ("xcopa", "0\n2\n", "0\n1\n", r"predicted.txt:2: 2 is none of the 2 options of 'xcopa'"),
        ("commonsenseqa", "0\n", "5\n", r"gold.txt:1: 5 is none of the 5 options"),
        ("bucc2018", "de-1\ten-1\n", "de-1\tEin Satz.\tA sentence.\n", "is not two ids"),
        ("bucc2018", "fr-1\ten-1\n", "de-1\ten-1\n", "no id is one of"),
        ("bucc2018", "en-1\tde-1\n", "de-1\ten-1\n", "no id is one of"),
        ("xquad", '{"3": "The owl"}', QUESTION, "no id is that of a question in .*gold.txt"),
        ("tydiqa", '{"1": "The owl"}', UNANSWERED, "no question in .* has a gold answer"),
        ("xquad", '{"1": "The owl"}', WITHOUT_ANSWERS, "no question in .* has a gold answer"),
        ("bucc2018", "de-1\ten-1\n", "", "gold.txt: holds no examples"),
        ("panx", "\n\n", "\n\n", "gold.txt: holds no examples"),
        ("xgqa", "yes\n", "Is it red?\tyes\n", r"gold.txt:1: .* It looks like a data file"),
        ("panx", "O\n\nO\n", "O\n\n\nO\n", "line 3: the file has a tag where .* has a blank line. 2 pred"),
        ("panx", "O\nO\n\nO\n", "O\n\nO\nO\n", "line 2: the file has a tag where .* has a blank line. Give"),
        ("udpos", "X\n\nX\n", "X\n", "line 2: the file has a blank line where .* ends. 2 predictions for 1"),
        ("udpos", "X\n\n", "X\nX\n", "line 2: the file ends where .* has a tag"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_nothing_of_the_task_is_refused(
    tmp_path: Path, task: str, predicted: str, gold: str, said: str, *, packed: bool
) -> None:
    paths = single(tmp_path, predicted, gold)
    if packed:
        for path in paths:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        said = said.replace("gold.txt", r"gold.txt.gz").replace("predicted.txt", r"predicted.txt.gz")
    with pytest.raises(PredictionError, match=said):
        score(task, *(path.with_name(f"{path.name}.gz") if packed else path for path in paths))


@pytest.mark.parametrize("task", ["xcopa", "tatoeba"])
def test_a_number_with_too_many_digits_is_none(tmp_path: Path, task: str) -> None:
    """`int` takes no more than 4,300."""
    many, one = single(tmp_path, f"{'7' * 5000}\n", "0\n")
    for paths in ((many, one), (one, many)):
        with pytest.raises(PredictionError, match=r"predicted.txt:1: '7+ is not the number of a row"):
            score(task, *paths)
    with pytest.raises(PredictionError, match=r"row 1: '7+ is not the number of a row or an option"):
        given.value(find_task(task), "7" * 5000, "row 1")


@pytest.mark.parametrize(
    ("task", "predicted", "gold", "value"),
    [
        ("xquad", '{"1": "The owl", "7": "x"}', QUESTION, {"f1": 50.0, "exact_match": 50.0}),
        ("panx", "O\n\n", "O\n", {"f1": 0, "precision": 0, "recall": 0, "token_accuracy": 100}),
        ("bucc2018", "", "de-1\ten-1\n", {"f1": 0, "precision": 0, "recall": 0}),
        ("bucc2018", "de-2\ten-2\n", "de-1\ten-1\n", {"f1": 0, "precision": 0, "recall": 0}),
        ("tatoeba", "3\n1\n", "3\n2\n", {"accuracy": 50}),
    ],
)
def test_what_the_official_evaluators_score_is_scored(
    tmp_path: Path, task: str, predicted: str, gold: str, value: dict[str, float]
) -> None:
    assert values(score(task, *single(tmp_path, predicted, gold))) == value


def test_compressed_files_are_read_like_all_others(tmp_path: Path) -> None:
    gold = write(tmp_path / "gold", en="neutral\n", de="neutral\n")
    predicted = write(tmp_path / "predicted", en="neutral\n", de="neutral\n")
    plain = gold / "test-de.tsv"
    (gold / "test-de.tsv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert score("xnli", predicted, gold)["languages"] == {"de": {"accuracy": 100}, "en": {"accuracy": 100}}
    one = score("xnli", predicted / "test-de.tsv", gold / "test-de.tsv.gz")
    assert list(one["languages"]) == ["de"]
    (gold / "test-de.tsv.gz").write_bytes(gzip.compress(b"neutral\n")[:-9])
    with pytest.raises(InputError, match=r"test-de.tsv.gz: is damaged or cut short"):
        score("xnli", predicted, gold)


def test_files_that_are_compressed_or_not_against_their_names(tmp_path: Path) -> None:
    predicted, gold = single(tmp_path, "neutral\n", "neutral\n")
    gold.write_bytes(gzip.compress(b"neutral\n"))
    with pytest.raises(InputError, match=r"gold.txt:1 is not text but compressed by gzip"):
        score("xnli", predicted, gold)
    gold.write_bytes("neutral\n".encode("utf-16-le"))
    with pytest.raises(InputError, match=r"gold.txt:1 is not UTF-8 but UTF-16"):
        score("xnli", predicted, gold)
    gold.with_name("gold.txt.gz").write_text("neutral\n")
    with pytest.raises(InputError, match=r"gold.txt.gz: is damaged or cut short \(Not a gzipped file"):
        score("xnli", predicted, gold.with_name("gold.txt.gz"))


def test_files_of_two_languages_do_not_go_together(tmp_path: Path) -> None:
    folder = write(tmp_path, en="neutral\n", de="neutral\n")
    with pytest.raises(PredictionError, match=r"of several languages, by their names \(de, en\)"):
        score("xnli", folder / "test-en.tsv", folder / "test-de.tsv")
    with pytest.raises(PredictionError, match=r"of several languages, by their names \(de, fr\)"):
        score("xnli", folder / "test-de.tsv", folder / "test-de.tsv", "fr")
    for said in ("dee", "German", "DE", "deu"):
        with pytest.raises(PredictionError, match=rf"has no language '{said}'. Did you mean 'de'"):
            score("xnli", folder / "test-de.tsv", folder / "test-de.tsv", said)


@pytest.mark.parametrize(
    ("task", "predicted", "gold"),
    [
        ("xquad", "test-de.json", "xquad.es.json"),
        ("tydiqa", "test-fi.json", "tydiqa.goldp.ko.dev.json"),
        ("mlqa", "test-de.json", "test-context-es-question-de.json"),
        ("xquad", "predictions_de_.json", "xquad.es.json"),
        ("xquad", "test_de_predictions.json", "xquad_es.json"),
    ],
)
def test_languages_are_told_from_the_names_of_releases(
    tmp_path: Path, task: str, predicted: str, gold: str
) -> None:
    (tmp_path / gold).write_text(QUESTION)
    (tmp_path / predicted).write_text('{"1": "The owl"}')
    with pytest.raises(PredictionError, match="of several languages, by their names"):
        score(task, tmp_path / predicted, tmp_path / gold)
    same = tmp_path / predicted.replace("de", "es").replace("-fi", "-ko")
    same.write_text('{"1": "The owl"}')
    assert list(score(task, same, tmp_path / gold)["languages"]) == ["ko" if task == "tydiqa" else "es"]


def test_a_folder_holds_languages_of_the_task_alone(tmp_path: Path) -> None:
    gold, predicted = (write(tmp_path / name, de="neutral\n", xx="neutral\n") for name in ("gold", "here"))
    with pytest.raises(InputErrors, match=r"task 'xnli': has no language 'xx'. It has ar, bg"):
        score("xnli", predicted, gold)
    (gold / "test-xx.tsv").rename(gold / "test-de.tsv.bak")
    assert list(score("xnli", predicted, gold)["languages"]) == ["de"]


def test_of_a_folder_one_language_is_scored_if_it_is_named(tmp_path: Path) -> None:
    gold, predicted = (write(tmp_path / name, de="neutral\n", fr="neutral\n") for name in ("gold", "here"))
    assert list(score("xnli", predicted, gold, "fr")["languages"]) == ["fr"]
    with pytest.raises(InputError, match=r"test-es\.tsv: is missing"):
        score("xnli", predicted, gold, "es")
    with pytest.raises(InputError, match="--language: is not for a folder of several tasks"):
        score("xtreme", predicted, gold, "fr")


def test_paths_that_do_not_fit(tmp_path: Path) -> None:
    _, gold = single(tmp_path, "a\n", "a\n")
    with pytest.raises(PredictionError, match="no such file or folder"):
        score("xnli", tmp_path / "nowhere", gold)
    with pytest.raises(PredictionError, match="do not go together"):
        score("xnli", tmp_path, gold)
    with pytest.raises(PredictionError, match=r"no folder that .* named after a task of XTREME"):
        score("xtreme", tmp_path, tmp_path)
    with pytest.raises(InputErrors, match=r"holds no file named test-LANGUAGE\.tsv"):
        score("xnli", tmp_path, tmp_path)
