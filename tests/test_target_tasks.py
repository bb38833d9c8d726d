"""The target tasks: their layouts, made up in miniature, and what they refuse."""

import csv
import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from xstilts import tasks as registry
from xstilts.data import loader, task
from xstilts.data.examples import Answer, Bitext, Choice, Example, Pair, Question, Tagged, Text
from xstilts.errors import DataError

BUCC = {
    "bucc2018/fr-en.dev.fr": "fr-1\tBonjour.\nfr-2\tIl pleut.\nfr-3\tUn chat dort.\n",
    "bucc2018/fr-en.dev.en": "en-1\tA cat sleeps.\nen-2\tGood day.\n",
    "bucc2018/fr-en.dev.gold": "fr-1\ten-2\nfr-3\ten-1\nfr-1\ten-2\n",
}


def _folder(root: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        path = root / "target" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return root


def _load(name: str, split: str, language: str, data: Path) -> list[Example]:
    return loader.load(registry.find(name), split, language, data)


def _squad(*rows: tuple[str, str, str, int], name: str = "{}") -> str:
    """A file with a paragraph for each (context, question, answer, offset)."""
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": name.format(number),
                    "question": question,
                    "answers": [{"text": answer, "answer_start": start}],
                }
            ],
        }
        for number, (context, question, answer, start) in enumerate(rows)
    ]
    return json.dumps({"data": [{"title": "x", "paragraphs": paragraphs}]})


def _from_hub(name: str, language: str, *rows: dict[str, Any]) -> list[Example]:
    hub = registry.find(name).hub
    assert hub is not None and hub.read is not None
    found: Iterator[Example] = hub.read(iter(rows), language)
    return list(found)


# PAWS-X


def test_pawsx_reads_pairs_and_names_the_source_of_its_training_rows(tmp_path: Path) -> None:
    row = "the cat chased the dog\tthe dog chased the cat\t0\n"
    data = _folder(tmp_path, {"pawsx/dev-en.tsv": row, "pawsx/test-de.tsv.gz": row})
    expected = Pair("the cat chased the dog", "the dog chased the cat", "0")
    assert _load("pawsx", "dev", "en", data) == [expected] == _load("pawsx", "test", "de", data)
    with pytest.raises(
        DataError, match=r"no train data of task 'pawsx' in 'en': .*train-en.tsv .* get the files from https"
    ):
        _load("pawsx", "train", "en", data)
    (data / "target/pawsx/dev-en.tsv").write_text("a\tb\t2\n")
    with pytest.raises(DataError, match=r"dev-en.tsv:1: the label '2' is not one of 0, 1"):
        _load("pawsx", "dev", "en", data)


def test_pawsx_on_the_hub_numbers_or_names_its_labels() -> None:
    row = {"sentence1": "a b", "sentence2": "b a"}
    found = _from_hub("pawsx", "de", {**row, "label": "1"}, {**row, "label": 0})
    assert found == [Pair("a b", "b a", "1"), Pair("a b", "b a", "0")]


def test_pawsx_is_read_without_the_quotes_of_the_script_that_wrote_it(tmp_path: Path) -> None:
    # csv.writer(file, delimiter="\t") of Python wrote the first; the second has quotes of its own.
    first = '"She sang ""Blue Door"" in 1946 ."\tShe sang .\t0\r\n"""Ja"""\ta b\t1\r\n'
    second = '"Blue Door" is a song .\t"A ""b"""\t1\nThe 7" disc .\t"Yes"\t0\n'
    data = _folder(tmp_path, {"pawsx/test-de.tsv": first, "pawsx/test-en.tsv": second})
    assert _load("pawsx", "test", "de", data) == [
        Pair('She sang "Blue Door" in 1946 .', "She sang .", "0"),
        Pair('"Ja"', "a b", "1"),
    ]
    assert _load("pawsx", "test", "en", data) == [
        Pair('"Blue Door" is a song .', '"A ""b"""', "1"),
        Pair('The 7" disc .', '"Yes"', "0"),
    ]
    # csv.writer doubles quotes within, so it wrote no field that has but those around it.
    (data / "target/pawsx/test-es.tsv").write_text('"Yes"\t"No ."\t1\n')
    assert _load("pawsx", "test", "es", data) == [Pair('"Yes"', '"No ."', "1")]
    with (data / "target/pawsx/test-fr.tsv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        rows = [('a "b"', "c", "1"), ('"', '""', "0"), ("d", 'e " f', "1")]
        writer.writerows(rows)
    assert _load("pawsx", "test", "fr", data) == [Pair(*row) for row in rows]


# What is empty, and what has lost its gold


@pytest.mark.parametrize(
    ("name", "split", "language", "file", "content"),
    [
        ("pawsx", "test", "de", "pawsx/test-de.tsv", ""),
        ("xnli", "test", "de", "xnli/test-de.tsv.gz", ""),
        ("panx", "dev", "de", "panx/dev-de.tsv", "\n\n"),
        ("udpos", "test", "de", "udpos/xtreme/test-de.tsv", ""),
        ("udpos", "test", "de", "udpos/ud/de_x-ud-test.conllu", "# newdoc\n\n"),
        ("masakhaner2", "test", "ha", "masakhaner2/hau/test.txt", "\n"),
        ("xquad", "test", "de", "xquad/xquad.de.json", '{"data": []}'),
        ("mlqa", "test", "de", "mlqa/test-context-de-question-de.json", '{"data": [{"paragraphs": []}]}'),
        ("tydiqa", "dev", "fi", "tydiqa/tydiqa.goldp.fi.dev.json", '{"data": []}'),
        ("xcopa", "test", "et", "xcopa/test.et.jsonl", ""),
        ("sib200", "test", "de", "sib200/deu_Latn/test.tsv", "index_id\tcategory\ttext\n"),
        ("xvnli", "test", "fr", "xvnli/fr/test.jsonl", ""),
        ("xgqa", "test", "de", "xgqa/testdev_balanced_questions_de.json", "{}"),
    ],
)
def test_an_empty_source_is_refused_by_name(
    tmp_path: Path, name: str, split: str, language: str, file: str, content: str
) -> None:
    data = _folder(tmp_path, {file: content})
    with pytest.raises(DataError, match=rf"{file.rpartition('/')[2]}: holds no (examples|words)"):
        _load(name, split, language, data)


@pytest.mark.parametrize("end", ["fr", "en", "gold"])
def test_bucc_refuses_each_of_its_files_if_it_is_empty(tmp_path: Path, end: str) -> None:
    data = _folder(tmp_path, BUCC | {f"bucc2018/fr-en.dev.{end}": ""})
    with pytest.raises(DataError, match=rf"fr-en.dev.{end}: holds no examples"):
        _load("bucc2018", "dev", "fr", data)


@pytest.mark.parametrize("end", ["deu", "eng"])
@pytest.mark.parametrize("content", ["", "\n", " \n\n"])
def test_tatoeba_refuses_each_of_its_files_if_it_is_empty(tmp_path: Path, end: str, content: str) -> None:
    files = {"tatoeba/tatoeba.deu-eng.deu": "Ja.\n", "tatoeba/tatoeba.deu-eng.eng": "Yes.\n"}
    data = _folder(tmp_path, files | {f"tatoeba/tatoeba.deu-eng.{end}": content})
    with pytest.raises(DataError, match=rf"tatoeba.deu-eng.{end}: holds no examples"):
        _load("tatoeba", "test", "de", data)


@pytest.mark.parametrize("ends", [("\n", "\n"), ("\n\n", ""), ("", " \r\n")])
def test_blank_lines_at_the_end_are_no_sentences_of_tatoeba(tmp_path: Path, ends: tuple[str, str]) -> None:
    rows = "Ja.\nNein.\n" + ends[0], "Yes.\nNo.\n" + ends[1]
    data = _folder(
        tmp_path, dict(zip((f"tatoeba/tatoeba.deu-eng.{end}" for end in ("deu", "eng")), rows, strict=True))
    )
    (bitext,) = _load("tatoeba", "test", "de", data)
    assert bitext == Bitext(("Ja.", "Nein."), ("Yes.", "No."), ((0, 0), (1, 1)))


def test_english_sentences_that_xtreme_has_sorted_are_no_translations(tmp_path: Path) -> None:
    """Its script copies one side and sorts the other: tatoeba_preprocess of utils_preprocess.py."""
    numbers = ["sechs", "fünf", "vier", "drei", "zwei", "eins"]
    english = ["six", "five", "four", "three", "two", "one"]
    sides = [f"tatoeba/tatoeba.deu-eng.{end}" for end in ("deu", "eng")]
    right = {sides[0]: "\n".join(numbers), sides[1]: "\n".join(english)}
    (bitext,) = _load("tatoeba", "test", "de", _folder(tmp_path / "right", right))
    assert isinstance(bitext, Bitext) and bitext.target == tuple(english)
    lost = right | {sides[1]: "\n".join(sorted(english))}
    with pytest.raises(DataError, match=r"deu-eng.eng: has its sentences sorted.* XTREME's download takes"):
        _load("tatoeba", "test", "de", _folder(tmp_path / "lost", lost))


_UNANSWERED = _squad(("In Rom.", "Where?", "", 0))
_BLANK = _squad(("In Rom.", "Where?", " ", 2))
_UNTAGGED = "1\tRoma\t_\t_\t_\t_\t0\t_\t_\t_\n\n"
_WITHOUT = json.loads(_UNANSWERED)
del _WITHOUT["data"][0]["paragraphs"][0]["qas"][0]["answers"]


@pytest.mark.parametrize(
    ("cell", "file", "content", "what"),
    [
        ("pawsx test de", "pawsx/test-de.tsv", "a\tb\r\n", ":1: has 2 columns .* labels are not there"),
        ("xnli test de", "xnli/test-de.tsv", "a\tb\n", ":1: has 2 columns .* labels are not there"),
        ("panx dev de", "panx/dev-de.tsv", "Rom\n", ":1: has 1 column .* tags are not there"),
        (
            "udpos test de",
            "udpos/xtreme/test-de.tsv",
            "Rom\n",
            ":1: has 1 column .* tags are not there",
        ),
        ("udpos test de", "udpos/xtreme/test-de.tsv", "\nRom\n", ":2: has 1 column .* tags are not there"),
        ("udpos test de", "udpos/xtreme/test-de.tsv", "Rom\t\n", ":1: the label '' is not one of"),
        ("udpos test it", "udpos/ud/it_x-ud-test.conllu", _UNTAGGED, ":1: the label '_' is not one of"),
        ("xnli test de", "xnli/test-de.tsv", "a\tb\t\n", ":1: the label '' is not one of"),
        ("xquad test de", "xquad/xquad.de.json", _UNANSWERED, ": question '0': has an empty answer"),
        ("xquad test de", "xquad/xquad.de.json", _BLANK, ": question '0': has an empty answer"),
        ("xquad test de", "xquad/xquad.de.json", json.dumps(_WITHOUT), ": question '0': has no answers"),
        ("tydiqa dev fi", "tydiqa/tydiqa.goldp.fi.dev.json", _UNANSWERED, ": .* has an empty answer"),
    ],
)
def test_files_without_gold_are_told_to_be_those_of_xtreme(
    tmp_path: Path, cell: str, file: str, content: str, what: str
) -> None:
    name, split, language = cell.split()
    with pytest.raises(DataError) as raised:
        _load(name, split, language, _folder(tmp_path, {file: content}))
    told = str(raised.value)
    assert re.search(rf"{file.rpartition('/')[2]}{what}", told)
    assert "XTREME's download takes labels and answers out of its test files" in told
    assert registry.find(name).url in told and "code points" not in told


def test_gold_that_xtreme_removes_from_bucc_and_xcopa(tmp_path: Path) -> None:
    row = {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 0}
    files = {name: text for name, text in BUCC.items() if not name.endswith("gold")}
    data = _folder(tmp_path, files | {"xcopa/test.et.jsonl": f"{json.dumps(row)}\n" * 500})
    with pytest.raises(DataError, match=r"looked for .*gold .*XTREME's download takes labels"):
        _load("bucc2018", "dev", "fr", data)
    with pytest.raises(DataError, match=r"test.et.jsonl: has the label 0 in every row. XTREME's download"):
        _load("xcopa", "test", "et", data)


@pytest.mark.parametrize(("name", "tag"), [("panx/dev-de", "O"), ("udpos/xtreme/test-de", "X")])
def test_tags_that_stand_in_for_those_that_xtreme_removes(tmp_path: Path, name: str, tag: str) -> None:
    """Its scripts give every word one where the file has none: no model could score."""
    task, split = name.partition("/")[0], name.rpartition("/")[2].partition("-")[0]
    text = f"Eva\t{tag}\nging\t{tag}\n\n" * 50
    with pytest.raises(DataError, match=f"every one of 100 words has the tag '{tag}'. XTREME's download"):
        _load(task, split, "de", _folder(tmp_path / "all", {f"{name}.tsv": text}))
    other = text + ("Rom\tB-LOC\n" if tag == "O" else "Rom\tPROPN\n")
    assert len(_load(task, split, "de", _folder(tmp_path / "but one", {f"{name}.tsv": other}))) == 51


def test_labels_that_stand_in_for_those_that_xtreme_removes(tmp_path: Path) -> None:
    """Where a file has one label in all rows, whoever always gives it would be right."""
    text = "a\tb\tneutral\n" * 20
    with pytest.raises(
        DataError, match=r"test-de.tsv: every one of 20 rows has the label 'neutral'. XTREME's"
    ):
        _load("xnli", "test", "de", _folder(tmp_path / "all", {"xnli/test-de.tsv": text}))
    other = text + "a\tb\tentailment\n"
    assert len(_load("xnli", "test", "de", _folder(tmp_path / "but one", {"xnli/test-de.tsv": other}))) == 21


def test_rows_without_text_are_not_trained_on_but_evaluated(tmp_path: Path) -> None:
    rows = "a\tb\t1\n\t \t0\nc\t\t0\n"
    data = _folder(tmp_path, {f"pawsx/{name}.tsv": rows for name in ("train-en", "dev-en", "test-de")})
    translated = data / "xtreme_translations/PAWSX/translate-train/en-de-translated.tsv"
    translated.parent.mkdir(parents=True)
    translated.write_text("x\ty\ta\tb\t1\nx\ty\t\t\t0\nx\ty\t\u200b\tb\t0\n", encoding="utf-8")
    pawsx = registry.find("pawsx")
    for split, language in (("train", "en"), (task.TRANSLATED, "de")):
        assert loader.load(pawsx, split, language, data) == [Pair("a", "b", "1")]
    for split, language in (("dev", "en"), ("test", "de")):
        assert len(loader.load(pawsx, split, language, data)) == 3
    (data / "text").mkdir()
    (data / "text/de.tsv").write_text("b.1\tEins.\nb.2\t\nb.3\t \n")
    assert loader.load(registry.find("real_text"), "train", "de", data) == [Text("Eins.")]


# PAN-X and MasakhaNER


def test_panx_has_test_tags_on_the_hub_and_not_in_files(tmp_path: Path) -> None:
    data = _folder(tmp_path, {"panx/dev-pl.tsv": "Wisła\tB-LOC\npłynie\tO\n\n"})
    panx = registry.find("panx")
    assert _load("panx", "dev", "pl", data) == [Tagged(("Wisła", "płynie"), ("B-LOC", "O"))]
    assert loader.available(panx, "test", data) == ()
    assert len(loader.available(panx, "test")) == 40
    row = {"tokens": ["Anna", "Berg", "in", "Rom"], "ner_tags": [1, 2, 0, 5]}
    assert _from_hub("panx", "de", row) == [Tagged(tuple(row["tokens"]), ("B-PER", "I-PER", "O", "B-LOC"))]


def test_masakhaner_forgets_dates_and_splits_from_the_right(tmp_path: Path) -> None:
    text = "Amina B-PER\nJana B-DATE\n\nKano B-LOC\nta O\n"
    data = _folder(tmp_path, {"masakhaner2/hau/test.txt": text, "masakhaner2/swa/test.txt": "Juma\tB-PER\n"})
    expected = [Tagged(("Amina", "Jana"), ("B-PER", "O")), Tagged(("Kano", "ta"), ("B-LOC", "O"))]
    assert _load("masakhaner2", "test", "ha", data) == expected
    with pytest.raises(DataError, match=r"swa/test.txt:1: is not a token and a tag with a space between"):
        _load("masakhaner2", "test", "sw", data)
    with pytest.raises(DataError, match=r"loading script, which is never run. Name their folder"):
        loader.load(registry.find("masakhaner2"), "test", "ha")


def test_sentences_without_words_are_left_out_unless_they_are_wanted(tmp_path: Path) -> None:
    files = {
        "panx/dev-vi.tsv": "\nvi:Huế\tB-LOC\n\n\nvi:to\tO\n\n\n",
        "udpos/ud/vi_x-ud-test.conllu": "\n# newdoc\n\n1\tto\t_\tADJ\t_\t_\t0\t_\t_\t_\n\n\n",
        "masakhaner2/hau/test.txt": "Kano B-LOC\n\n\nta O\n",
    }
    data = _folder(tmp_path, files)
    words = [("Huế",), ("to",)], [("to",)], [("Kano",), ("ta",)]
    everything = [(), ("Huế",), (), ("to",), ()], [(), (), ("to",), ()], [("Kano",), (), ("ta",)]
    for (name, split, code), some, whole in zip(
        (("panx", "dev", "vi"), ("udpos", "test", "vi"), ("masakhaner2", "test", "ha")),
        words,
        everything,
        strict=True,
    ):
        assert [row.tokens for row in _load(name, split, code, data) if isinstance(row, Tagged)] == some
        rows = loader.load(registry.find(name), split, code, data, empty=True)
        assert [row.tokens for row in rows if isinstance(row, Tagged)] == whole
    (data / "target/panx/dev-vi.tsv").write_text("\n\n")
    with pytest.raises(DataError, match=r"dev-vi.tsv: holds no examples"):
        loader.load(registry.find("panx"), "dev", "vi", data, empty=True)


# UD


def _conllu(*sentences: str) -> str:
    rest = "\t_\tNOUN\t_\t_\t0\t_\t_\t_\n"
    words = ([f"{at}\t{word}{rest}" for at, word in enumerate(one.split(), 1)] for one in sentences)
    return "".join("".join(lines) + "\n" for lines in words)


def test_the_first_treebank_by_name_is_read_compressed_or_not(tmp_path: Path) -> None:
    names = ["de_gsd-ud-test.conllu.gz", "de_hdt-ud-test.conllu", "de_hdt-ud-test.conllu.gz"]
    data = _folder(tmp_path, {f"udpos/ud/{name}": _conllu(name) for name in names})
    udpos = registry.find("udpos")
    assert [path.name for path in loader.sources(udpos, "test", "de", data)] == names[:1]
    assert [path.name for path in loader.left_out(udpos, "test", "de", data)] == names[1:]


def test_a_treebank_without_words_is_passed_by(tmp_path: Path) -> None:
    files = {
        "udpos/xtreme/test-ar.tsv": "_\tNOUN\n_\tNOUN\n\n",
        "udpos/ud/ar_nyuad-ud-test.conllu": _conllu("_ _ _", "_"),
        "udpos/ud/ar_padt-ud-test.conllu.gz": _conllu("qalam _ kitab", "_ _"),
        "udpos/ud/ar_pud-ud-test.conllu.gz": _conllu("bayt"),
        "udpos/ud/fr_ftb-ud-test.conllu": _conllu("_ _ _"),
        "udpos/ud/fr_pud-ud-test.conllu": "1\n",
        "udpos/ud/ja_bccwj-ud-test.conllu": _conllu("_ _ _"),
    }
    data, udpos = _folder(tmp_path, files), registry.find("udpos")
    assert _load("udpos", "test", "ar", data) == [Tagged(("qalam", "_", "kitab"), ("NOUN",) * 3)]
    assert [path.name for path in loader.sources(udpos, "test", "ar", data)] == ["ar_padt-ud-test.conllu.gz"]
    assert [path.name for path in loader.left_out(udpos, "test", "ar", data)] == [
        "test-ar.tsv",
        "ar_nyuad-ud-test.conllu",
        "ar_pud-ud-test.conllu.gz",
    ]
    mostly = data / "target/udpos/ud/ar_nyuad-ud-test.conllu"
    mostly.write_text(_conllu(*["_ _ _ _"] * 9, "alif ba"))
    assert [path.name for path in loader.sources(udpos, "test", "ar", data)] == ["ar_padt-ud-test.conllu.gz"]
    with pytest.raises(DataError, match=r"fr_pud-ud-test.conllu:1: has 1 column"):
        _load("udpos", "test", "fr", data)  # what is broken is told, not passed by
    with pytest.raises(DataError, match=r"ja_bccwj-ud-test.conllu: holds no words, or they are withheld"):
        _load("udpos", "test", "ja", data)
    assert loader.left_out(udpos, "test", "ja", data) == ()


# Questions


def test_xquad_and_mlqa_read_squad_files_with_offsets_in_code_points(tmp_path: Path) -> None:
    context = "🏛 नई दिल्ली में है।"
    file = _squad((context, "कहाँ?", "नई दिल्ली", 2))
    data = _folder(tmp_path, {"xquad/xquad.hi.json": file, "mlqa/test-context-hi-question-hi.json.gz": file})
    expected = Question(context, "कहाँ?", (Answer("नई दिल्ली", 2),), "0")
    assert _load("xquad", "test", "hi", data) == [expected] == _load("mlqa", "test", "hi", data)
    (data / "target/xquad/xquad.hi.json").write_text(_squad((context, "कहाँ?", "नई दिल्ली", 5)))
    with pytest.raises(DataError, match=r"xquad.hi.json: question '0': .* at character 5"):
        _load("xquad", "test", "hi", data)


@pytest.mark.parametrize("name", ["xquad", "mlqa"])
def test_questions_on_the_hub(name: str) -> None:
    answers = {"text": ["Rom"], "answer_start": [3]}
    row = {"id": "q", "context": "In Rom.", "question": "Wo?", "answers": answers}
    assert _from_hub(name, "de", row) == [Question("In Rom.", "Wo?", (Answer("Rom", 3),), "q")]


def test_mlqa_asks_in_the_language_of_the_context(tmp_path: Path) -> None:
    rows = _squad(("In Rom.", "Where?", "Rom", 3))
    files = {"mlqa/dev-context-de-question-en.json": rows, "mlqa/dev-context-es-question-es.json": rows}
    assert loader.available(registry.find("mlqa"), "dev", _folder(tmp_path, files)) == ("es",)


def test_a_task_of_which_the_folder_has_nothing_is_read_from_the_hub(tmp_path: Path) -> None:
    xnli = registry.find("xnli")
    rows = {"xquad/xquad.hi.json": _squad(("In Rom.", "Where?", "Rom", 3))}
    data = _folder(tmp_path, rows)
    assert loader.identity(xnli, "test", "hi", data).startswith("hub:facebook/xnli@")
    assert len(loader.available(xnli, "test", data)) == 15
    assert loader.text_bytes(xnli, "test", "hi", data) is None
    assert loader.available(registry.find("xquad"), "test", data) == ("hi",)
    with pytest.raises(DataError, match="no test data of task 'xquad' in 'de'"):
        loader.identity(registry.find("xquad"), "test", "de", data)


def test_tydiqa_tells_languages_by_file_or_by_id(tmp_path: Path) -> None:
    rows = (("In Rom.", "Where?", "Rom", 3), ("Talo on punainen.", "Minkä värinen?", "punainen", 8))
    mixed = (
        _squad(*rows).replace('"id": "0"', '"id": "english-12-0"').replace('"id": "1"', '"id": "finnish-7-1"')
    )
    data = _folder(
        tmp_path,
        {"tydiqa/tydiqa.goldp.ko.train.json": _squad(rows[0]), "tydiqa/tydiqa-goldp-v1.1-train.json": mixed},
    )
    assert [row.id for row in _load("tydiqa", "train", "ko", data) if isinstance(row, Question)] == ["0"]
    (english,) = _load("tydiqa", "train", "en", data)
    (finnish,) = _load("tydiqa", "train", "fi", data)
    assert isinstance(english, Question) and english.id == "english-12-0"
    assert isinstance(finnish, Question) and finnish.answers == (Answer("punainen", 8),)
    with pytest.raises(DataError, match="json: holds no examples in 'te'"):
        _load("tydiqa", "train", "te", data)


def test_tydiqa_refuses_a_question_without_a_language(tmp_path: Path) -> None:
    file = _squad(("In Rom.", "Where?", "Rom", 3), name="12-{}")
    data = _folder(tmp_path, {"tydiqa/tydiqa-goldp-v1.1-dev.json": file})
    with pytest.raises(DataError, match=r"the id '12-0' of a question does not begin with its language"):
        _load("tydiqa", "dev", "en", data)
    answers = {"text": ["Rom"], "answer_start": [3]}
    row = {"context": "In Rom.", "question": "Wo?", "answers": answers}
    (found,) = _from_hub("tydiqa", "sw", {**row, "id": "swahili-1-0"}, {**row, "id": "russian-1-0"})
    assert isinstance(found, Question) and found.id == "swahili-1-0"
    with pytest.raises(DataError, match="on the Hub: the id '7'"):
        _from_hub("tydiqa", "sw", {**row, "id": "7"})


# XCOPA


def test_xcopa_asks_for_cause_or_effect_and_withholds_english_test_rows(tmp_path: Path) -> None:
    row = {"premise": "Es regnet.", "choice1": "Die Sonne scheint.", "choice2": "Die Straße ist nass."}
    line = json.dumps({**row, "question": "effect", "label": 1, "idx": 4}) + "\r\n"
    data = _folder(tmp_path, {f"xcopa/{name}.jsonl": line for name in ("train.en", "test.en", "test.et")})
    expected = Choice(
        "Es regnet. What happened as a result?", ("Die Sonne scheint.", "Die Straße ist nass."), 1, "4"
    )
    xcopa = registry.find("xcopa")
    assert _load("xcopa", "train", "en", data) == [expected] == _load("xcopa", "test", "et", data)
    assert loader.available(xcopa, "test", data) == ("et",)
    with pytest.raises(DataError, match="the test rows in 'en' have no gold labels"):
        _load("xcopa", "test", "en", data)
    with pytest.raises(DataError, match="the Hub's copy has no English rows"):
        loader.load(xcopa, "train", "en")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"question": "why"}, "'why' is not one of cause, effect"),
        ({"label": 2}, "label 2 is neither 0 nor 1"),
    ],
)
def test_a_broken_row_of_xcopa(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    row = {"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 0} | changed
    data = _folder(tmp_path, {"xcopa/test.et.jsonl": json.dumps(row) + "\n"})
    with pytest.raises(DataError, match=rf"test.et.jsonl:1: .*{message}"):
        _load("xcopa", "test", "et", data)


# BUCC


def test_bucc_has_all_sentences_of_both_sides(tmp_path: Path) -> None:
    data = _folder(tmp_path, BUCC)
    sentences = ("Bonjour.", "Il pleut.", "Un chat dort."), ("A cat sleeps.", "Good day.")
    ids = ("fr-1", "fr-2", "fr-3"), ("en-1", "en-2")
    assert _load("bucc2018", "dev", "fr", data) == [Bitext(*sentences, ((0, 1), (2, 0)), *ids)]
    before = loader.identity(registry.find("bucc2018"), "dev", "fr", data)
    (data / "target/bucc2018/fr-en.dev.gold").write_text("fr-1\ten-2\n")
    assert loader.identity(registry.find("bucc2018"), "dev", "fr", data) != before, "the gold pairs count too"


def test_bucc_needs_its_gold_pairs_and_knows_their_sentences(tmp_path: Path) -> None:
    data = _folder(tmp_path, BUCC | {"bucc2018/fr-en.dev.gold": "fr-9\ten-2\n"})
    with pytest.raises(DataError, match=r"dev.gold:1: there is no sentence 'fr-9' in .*fr-en.dev.fr"):
        _load("bucc2018", "dev", "fr", data)
    (data / "target/bucc2018/fr-en.dev.gold").unlink()
    assert loader.available(registry.find("bucc2018"), "dev", data) == ()
    with pytest.raises(DataError, match=r"looked for .*fr-en.dev.fr, .*fr-en.dev.en, .*fr-en.dev.gold"):
        _load("bucc2018", "dev", "fr", data)


def test_bucc_refuses_the_gold_pairs_of_the_hub() -> None:
    with pytest.raises(DataError, match=r"holds the gold pairs only, .* scores on it would be far too high"):
        loader.load(registry.find("bucc2018"), "test", "de")
