"""Translated training data: where they are read from, in which order, and what is told where they are not."""

import csv
import gzip
import io
import json
from pathlib import Path

import pytest

from xstilts import lab
from xstilts import tasks as registry
from xstilts.data import loader, translated
from xstilts.data.examples import Answer, Choice, Pair, Question
from xstilts.data.task import TRANSLATED, Task
from xstilts.errors import DataError, InputError
from xstilts.lab import Lab
from xstilts.lab.generation import meanings

PAIR = {"text": "Er schläft.", "text2": "Er ruht.", "label": "entailment", "id": "7"}


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return root


def squad(*answers: tuple[str, int]) -> str:
    context = "Der alte Hund schläft am Fluss."
    questions = [
        {"id": str(row), "question": "Wer?", "answers": [{"text": text, "answer_start": start}]}
        for row, (text, start) in enumerate(answers)
    ]
    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": questions}]}]})


def test_own_files_come_before_those_of_the_release_and_change_the_identity(tmp_path: Path) -> None:
    mnli = registry.find("mnli")
    release = "xtreme_translations/XNLI/translate-train/en-{}-translated.tsv"
    row = "He sleeps.\tHe rests.\tEr schläft.\tEr ruht.\tcontradictory\n"
    data = lay(tmp_path, {release.format("de"): row, release.format("sw"): row})
    assert loader.load(mnli, TRANSLATED, "de", data) == [Pair("Er schläft.", "Er ruht.", "contradiction")]
    before = loader.identity(mnli, TRANSLATED, "de", data)
    assert loader.available(mnli, TRANSLATED, data) == ("en", "de", "sw")  # English from the Hub
    lay(data, {"translated/mnli/de.jsonl.gz": json.dumps(PAIR) + "\n"})
    assert loader.load(mnli, TRANSLATED, "de", data) == [Pair("Er schläft.", "Er ruht.", "entailment", "7")]
    assert loader.identity(mnli, TRANSLATED, "de", data) != before
    assert loader.text_bytes(mnli, TRANSLATED, "de", data) == len(json.dumps(PAIR)) + 1


@pytest.mark.parametrize("column", ["", "He sleeps.\tHe rests.\t"])
def test_xtreme_files_of_both_layouts(tmp_path: Path, column: str) -> None:
    rows = f"{column}a\tb\tneutral\n{column}c\td\tentailment \n"
    data = lay(tmp_path, {"target/xnli/XNLI-Translated/en-ru-translated.tsv": rows})
    found = loader.load(registry.find("mnli"), TRANSLATED, "ru", data)
    assert found == [Pair("a", "b", "neutral"), Pair("c", "d", "entailment")]


@pytest.mark.parametrize("name", ["mnli", "pawsx"])
def test_quotes_that_a_script_has_doubled_are_taken_away(tmp_path: Path, name: str) -> None:
    label = registry.find(name).labels[0]
    rows = [("a", "b", 'sie sagt "ja"', '"nein"', label), ("c", "d", "e", "f", label)]
    written = io.StringIO()
    csv.writer(written, delimiter="\t").writerows(rows)
    folder = {"mnli": "XNLI", "pawsx": "PAWSX"}[name]
    path = f"xtreme_translations/{folder}/translate-train/en-de-translated.tsv"
    for text in (written.getvalue(), "\n".join(map("\t".join, rows))):
        found = loader.load(registry.find(name), TRANSLATED, "de", lay(tmp_path, {path: text}))
        assert found == [Pair(row[2], row[3], label) for row in rows]


def test_broken_rows_are_told_but_passed_by_in_pawsx(tmp_path: Path) -> None:
    broken = "a\tb\tc\td\t1\nx\ty\na\tb\tc\td\twrong\n"
    data = lay(
        tmp_path,
        {
            "xtreme_translations/PAWSX/translate-train/en-fr-translated.tsv": broken,
            "xtreme_translations/XNLI/translate-train/en-fr-translated.tsv": "a\tb\tc\td\tneutral\nx\ty\n",
        },
    )
    assert loader.load(registry.find("pawsx"), TRANSLATED, "fr", data) == [Pair("c", "d", "1")]
    with pytest.raises(DataError, match=r"fr-translated.tsv:2: has 2 columns .* Fetch the file again"):
        loader.load(registry.find("mnli"), TRANSLATED, "fr", data)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("squad", "xtreme_translations/SQuAD/translate-train/squad.translate.train.en-de.json"),
        ("tydiqa", "target/tydiqa/translate-train/tydiqa.translate.train.en-de.json"),
    ],
)
def test_questions_whose_answer_is_misplaced_are_passed_by(tmp_path: Path, name: str, place: str) -> None:
    data = lay(tmp_path, {place: squad(("Hund", 9), ("Hund", 8), (" ", 3))})
    (found,) = loader.load(registry.find(name), TRANSLATED, "de", data)
    assert found == Question("Der alte Hund schläft am Fluss.", "Wer?", (Answer("Hund", 9),), "0")


def test_rows_of_every_translated_family_are_written_and_read_back(tmp_path: Path) -> None:
    rows = {
        "mnli": Pair("Er schläft.", "Er ruht.", "neutral", "7"),
        "hellaswag": Choice("Ein Mann steht.", ("Er fällt.", "Er singt."), 1, "3"),
        "squad": Question("Der Hund schläft.", "Wer?", (Answer("Der Hund", 0),), "5"),
        "squad2": Question("Der Hund schläft.", "Wann?", (), "6"),
    }
    for name, row in rows.items():
        text = json.dumps(translated.to_json(row), ensure_ascii=False)
        lay(tmp_path, {f"translated/{name}/de.jsonl": text + "\n"})
        assert loader.load(registry.find(name), TRANSLATED, "de", tmp_path) == [row]


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("mnli", {**PAIR, "label": "entailed"}, r"de.jsonl:1: the label 'entailed' is not one of"),
        ("mnli", {"text": "x"}, r"de.jsonl:1: has no field 'label'"),
        ("hellaswag", {"options": ["a"], "label": 1}, r"de.jsonl:1: the label '1' is not one of 0"),
        ("hellaswag", {"options": 3, "label": 1}, r"de.jsonl:1: the field 'options' is no list"),
        ("squad", {"context": "a", "question": "b", "answers": []}, r"de.jsonl:1: has no answer"),
        (
            "squad",
            {"context": "ab", "question": "b", "answers": [{"text": "b", "start": 0}]},
            r"the answer 'b' does not stand at character 0",
        ),
        ("squad", {"context": "a", "question": "b", "answers": ["a"]}, r"is no row of the family span"),
    ],
)
def test_a_broken_row(tmp_path: Path, name: str, row: object, message: str) -> None:
    data = lay(tmp_path, {f"translated/{name}/de.jsonl": json.dumps(row)})
    with pytest.raises(DataError, match=message):
        loader.load(registry.find(name), TRANSLATED, "de", data)


def test_a_pair_that_lost_its_second_text_is_no_single_text(tmp_path: Path) -> None:
    rows = [PAIR, PAIR | {"text2": ""}, {name: value for name, value in PAIR.items() if name != "text2"}]
    lines = [json.dumps(row) for row in rows]
    data = lay(tmp_path, {"translated/mnli/de.jsonl": "\n".join(lines)})
    with pytest.raises(DataError, match=r"de.jsonl:3: has no field 'text2', unlike the rows before it"):
        loader.load(registry.find("mnli"), TRANSLATED, "de", data)
    lay(tmp_path, {"translated/mnli/de.jsonl": "\n".join(lines[:2])})
    assert len(loader.load(registry.find("mnli"), TRANSLATED, "de", data)) == 1


def test_what_is_missing_is_told_with_how_to_make_it(tmp_path: Path) -> None:
    mnli = registry.find("mnli")
    missing = (
        r"no train-translated data of task 'mnli' in 'de': looked for translated/mnli/de.jsonl, "
        r".*en-de-translated.tsv.* Make it: `xstilts translate mnli --to de --model MODEL`"
    )
    with pytest.raises(DataError, match=missing):
        loader.load(mnli, TRANSLATED, "de", tmp_path)
    with pytest.raises(DataError, match=r"they are not on the Hub. Name their folder with --data DIR"):
        loader.identity(mnli, TRANSLATED, "de")
    with pytest.raises(InputError, match="no such language code"):
        loader.load(mnli, TRANSLATED, "german", tmp_path)
    assert loader.available(mnli, TRANSLATED, tmp_path) == ("en",), "from the Hub, for the folder has none"
    assert loader.available(mnli, TRANSLATED) == ("en",), "from the Hub"


def test_the_source_language_needs_no_translation(tmp_path: Path) -> None:
    row = {"sentence1": "a", "sentence2": "b", "pairID": "7", "gold_label": "neutral"}
    mnli, place = registry.find("mnli"), "intermediate/mnli/multinli_1.0_train.jsonl"
    data = lay(tmp_path, {place: json.dumps(row), "translated/mnli/en.jsonl": json.dumps(PAIR)})
    assert loader.load(mnli, TRANSLATED, "en", data) == [Pair("a", "b", "neutral", "7")]
    assert loader.identity(mnli, TRANSLATED, "en", data) == loader.identity(mnli, "train", "en", data)
    assert loader.text_bytes(mnli, TRANSLATED, "en", data) == len(json.dumps(row))
    assert loader.available(mnli, TRANSLATED, data) == ("en",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xnli", "no training rows of its own. Name 'mnli', which trains it"),
        ("udpos", "one tag for each word"),
        ("tatoeba", "is not trained"),
        ("lab_tatoeba", "is not trained"),
        ("real_text", "text without labels"),
        ("lab_text", "text without labels"),
    ],
)
def test_tasks_without_translations(tmp_path: Path, name: str, message: str) -> None:
    found = registry.find(name)
    assert set(loader.available(found, TRANSLATED, tmp_path)) <= {found.source_language}
    with pytest.raises(DataError, match=message):
        loader.load(found, TRANSLATED, "x-ga" if found.made else "de", tmp_path)
    with pytest.raises(DataError, match=message):
        loader.identity(found, TRANSLATED, "x-ga" if found.made else "de", tmp_path)


@pytest.mark.parametrize("name", [name for name in registry.names() if name.startswith("lab_")])
def test_the_lab_translates_exactly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row i of the translation means what row i of the source language's training data means."""
    found = registry.find(name)
    assert found.made is not None
    if found.family in ("masked", "retrieval"):
        return
    short = Task(**{**vars(found), "made": Lab(name=found.made.name, sizes={"train": 40})})
    assert loader.available(short, TRANSLATED) == tuple(lab.LANGUAGES)
    drawn: list[object] = []
    monkeypatch.setattr(
        "xstilts.lab.generation.meanings", lambda *asked: drawn.append(asked) or meanings(*asked)
    )
    source = loader.load(short, "train", lab.BASE)
    target = loader.load(short, TRANSLATED, "x-ga")
    assert drawn[0] == drawn[1] == (found.made.name, "train", 40)
    assert target == loader.load(short, "train", "x-ga")
    assert target != source
    for one, other in zip(source, target, strict=True):
        assert getattr(one, "label", None) == getattr(other, "label", None)
        assert getattr(one, "id", None) == getattr(other, "id", None)
    assert loader.identity(short, TRANSLATED, "x-ga") == loader.identity(short, "train", lab.BASE)
    with pytest.raises(DataError, match="has no language 'de'"):
        loader.load(short, TRANSLATED, "de")
