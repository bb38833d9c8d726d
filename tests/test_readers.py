"""Readers of original formats: what they tolerate, and how they name what they do not."""

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from xstilts.data import readers
from xstilts.data.examples import Answer, Question, Tagged
from xstilts.errors import DataError

LABELS = ("DET", "NOUN", "VERB")


def _write(folder: Path, content: bytes, name: str = "rows.tsv") -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["rows.tsv", "rows.tsv.gz"])
def test_lines_end_at_line_feeds_only(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path, "\ufeffa\r\nb\u2028c\u0085d\n\nlast".encode(), name)
    assert list(readers.lines(path)) == [(1, "a"), (2, "b\u2028c\u0085d"), (3, ""), (4, "last")]


def test_quotes_are_text(tmp_path: Path) -> None:
    path = _write(tmp_path, b'"a\tb"\n')
    assert list(readers.columns(path, ("x", "y"))) == [(1, ['"a', 'b"'])]


def test_json_lines(tmp_path: Path) -> None:
    path = _write(tmp_path, b'{"a": 1, "b": null}\r\n')
    assert list(readers.json_lines(path, ("a",))) == [(1, {"a": 1, "b": None})]


def test_further_blank_lines_are_empty_sentences_as_in_the_official_code(tmp_path: Path) -> None:
    path = _write(tmp_path, b"\nthe\tDET\ncat\tNOUN\n\n \r\nruns\tVERB\n\n\n")
    empty = Tagged((), ())
    assert list(readers.tagged_columns(path, LABELS)) == [
        empty,
        Tagged(("the", "cat"), ("DET", "NOUN")),
        empty,
        Tagged(("runs",), ("VERB",)),
        empty,
    ]


def test_the_prefix_of_wikiann_is_taken_away_where_every_token_has_it(tmp_path: Path) -> None:
    path = _write(tmp_path, b"vi:the\tDET\nvi:vi:cat\tNOUN\n\nvi::\tVERB\n")
    assert [row.tokens for row in readers.tagged_columns(path, LABELS, "vi")] == [("the", "vi:cat"), (":",)]
    with pytest.raises(DataError, match=r"rows.tsv: every token has 'vi:' before it, not 'zh:'"):
        list(readers.tagged_columns(path, LABELS, "zh"))
    path = _write(tmp_path, b"vi:the\tDET\ncat\tNOUN\n")
    assert [row.tokens for row in readers.tagged_columns(path, LABELS, "vi")] == [("vi:the", "cat")]
    path = _write(tmp_path, b"vi:the\tDET\nvi:cat\tNOUN\n\nruns\tVERB\n")
    with pytest.raises(DataError, match=r"rows.tsv:4: the token has no 'vi:' before it, as most others"):
        list(readers.tagged_columns(path, LABELS, "vi"))
    path = _write(tmp_path, b"vi:the\tDET\nvi:\tNOUN\n")
    with pytest.raises(DataError, match=r"rows.tsv:2: the token is empty"):
        list(readers.tagged_columns(path, LABELS, "vi"))


CONLLU = """# newdoc
# sent_id = s-1
# text = du chat
1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\tde\tDET\t_\t_\t0\troot\t_\t_
2\tle chat\tchat\tNOUN\t_\t_\t1\tdep\t_\t_
2.1\tcourt\tcourt\tVERB\t_\t_\t_\t_\t_\t_

# text = #
1\t#\t#\tNOUN\t_\t_\t0\troot\t_\t_
"""


def test_conllu_gives_the_syntactic_words(tmp_path: Path) -> None:
    path = _write(tmp_path, CONLLU.encode(), "fr_x-ud-test.conllu")
    assert list(readers.conllu(path, LABELS)) == [
        Tagged(("de", "le chat"), ("DET", "NOUN"), "s-1"),
        Tagged(("#",), ("NOUN",)),
    ]


def _words(*words: str, tag: str = "NOUN") -> str:
    """A sentence in CoNLL-U."""
    rest = "\t_\t_\t0\troot\t_\t_\n"
    return "".join(f"{at}\t{word}\t_\t{tag}{rest}" for at, word in enumerate(words, 1)) + "\n"


@pytest.mark.parametrize("words", [("_",), ("_", "_", "_"), ("a", "_"), ("_", "_", "a")])
def test_sentences_whose_words_are_withheld_are_passed_by(tmp_path: Path, words: tuple[str, ...]) -> None:
    # XTREME, utils_preprocess.py: kept if num_empty == 0 or num_empty < len(sent) - 1
    path = _write(tmp_path, (_words(*words, tag="?") + _words("b")).encode())
    assert list(readers.conllu(path, LABELS)) == [Tagged(("b",), ("NOUN",))]


@pytest.mark.parametrize("words", [("a",), ("a", "_", "b"), ("_", "a", "_", "b")])
def test_a_single_underscore_among_words_is_a_word(tmp_path: Path, words: tuple[str, ...]) -> None:
    path = _write(tmp_path, _words(*words).encode())
    assert list(readers.conllu(path, LABELS)) == [Tagged(words, ("NOUN",) * len(words))]


@pytest.mark.parametrize(
    ("ids", "line", "said"),
    [
        (("1", "2", "1", "2", "4"), 4, "'1', not 3"),
        (("1", "3"), 3, "'3', not 2"),
        (("2", "3"), 2, "'2', not 1"),
        (("1-2", "1", "2", "2"), 5, "'2', not 3"),
        (("1", "1.1", "x"), 4, "'x', not 2"),
    ],
)
def test_words_of_conllu_count_from_1(tmp_path: Path, ids: tuple[str, ...], line: int, said: str) -> None:
    told = f":{line}: the word has the ID {said}"
    _refuse_ids(tmp_path, ids, told)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        (("1-3", "1", "2"), ":4: the word 3 is missing"),
        (("1", "2-3", "2"), ":4: the word 3 is missing"),
    ],
)
def test_a_multiword_token_has_all_its_words(tmp_path: Path, ids: tuple[str, ...], told: str) -> None:
    _refuse_ids(tmp_path, ids, told)


def test_a_sentence_that_is_cut_short_lacks_a_head(tmp_path: Path) -> None:
    words = (_words("a", "b") + _words("c", "d")).replace("\t0\troot", "\t3\troot", 1)
    with pytest.raises(DataError, match=r"rows.tsv:2: the word 3 is missing. Fetch it again"):
        list(readers.conllu(_write(tmp_path, words.encode()), LABELS))


def _refuse_ids(tmp_path: Path, ids: tuple[str, ...], told: str) -> None:
    rest = "\ta\t_\tNOUN\t_\t_\t0\troot\t_\t_\n"
    path = _write(tmp_path, ("# sent_id = 1\n" + "".join(name + rest for name in ids) + "\n").encode())
    with pytest.raises(DataError, match=f"rows.tsv{told}"):
        list(readers.conllu(path, LABELS))


def test_paired_lines(tmp_path: Path) -> None:
    left, right = _write(tmp_path, b"a\nb\n", "x"), _write(tmp_path, b"c\nd", "y")
    assert list(readers.paired_lines(left, right)) == [("a", "c"), ("b", "d")]
    short = _write(tmp_path, b"c\n", "z")
    with pytest.raises(DataError, match=r"x: has 2 lines, but .*z has 1"):
        readers.paired_lines(left, short)


CONTEXT = "𝔄 cat sat; a cat slept."


def _squad(*answers: tuple[str, object], **others: Any) -> bytes:
    """A file with one question, whose context begins with a character of two UTF-16 units."""
    spans = [{"text": text, "answer_start": start} for text, start in answers]
    row = {"id": "q1", "question": "Who sat?", "answers": spans, **others}
    paragraphs = [{"context": CONTEXT, "qas": [row]}]
    return json.dumps({"version": "2", "data": [{"title": "t", "paragraphs": paragraphs}]}, indent=1).encode()


@pytest.mark.parametrize("name", ["train.json", "train.json.gz"])
def test_squad_offsets_count_code_points(tmp_path: Path, name: str) -> None:
    path = _write(tmp_path, _squad(("cat", 2), ("a cat", 11)), name)
    answers = (Answer("cat", 2), Answer("a cat", 11))
    assert list(readers.squad(path)) == [Question(CONTEXT, "Who sat?", answers, "q1")]


def test_unanswerable_questions_are_read_where_they_are_meant(tmp_path: Path) -> None:
    path = _write(tmp_path, _squad(is_impossible=True, plausible_answers=[{"text": "x", "answer_start": 0}]))
    assert list(readers.squad(path, unanswerable=True)) == [Question(CONTEXT, "Who sat?", (), "q1")]
    with pytest.raises(DataError, match=r"rows.tsv: question 'q1': has no answer"):
        list(readers.squad(path))


def test_squad_rows_of_the_hub() -> None:
    row = {"id": "7", "context": "A cat.", "question": "What?", "title": "t"}
    answers = {"text": ["cat"], "answer_start": [2]}
    expected = Question("A cat.", "What?", (Answer("cat", 2),), "7")
    assert readers.squad_row({**row, "answers": answers}) == expected
    with pytest.raises(DataError, match="question '7': the answer 'cat' does not stand at character 1"):
        readers.squad_row({**row, "answers": {**answers, "answer_start": [1]}})


def _answers(path: Path) -> Iterable[Any]:
    return readers.squad(path, unanswerable=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_squad(("cat", 3)), r"tsv: question 'q1': the answer 'cat' does not stand at character 3 of its"),
        (_squad(("slept.", -6)), "does not stand at character -6"),
        (_squad(("cat", "2")), "does not stand at character 2 of"),
        (_squad(("", 0)), "question 'q1': has an empty answer. Take it out."),
        (b"", "tsv: holds no examples. It is empty"),
        (b"\xef\xbb\xbf \r\n", "tsv: holds no examples. It is empty"),
        (_squad().decode().encode("utf-16-le"), "tsv:1: is not UTF-8 but UTF-16"),
        (_squad(("cat", 2), is_impossible=True), "question 'q1': is marked impossible, but has answers"),
        (b'{"data":\n', r"tsv:2: is no JSON \(Expecting value"),
        (b"[]", "tsv: is no JSON object. Needed: data"),
        (b'{"data": 1}', "tsv: the field 'data' is no list"),
        (b'{"data": [{"title": "t"}]}', "tsv: an article: has no field 'paragraphs'; it has title"),
        (b'{"data": [{"paragraphs": [{"qas": []}]}]}', "tsv: a paragraph: has no field 'context'"),
        (_squad().replace(b'"id"', b'"ident"'), "tsv: a question: has no field 'id'; it has answers, ident"),
        (_squad(("cat", 2)).replace(b"answer_start", b"start"), "'q1': has no field 'answer_start'"),
    ],
)
def test_a_broken_squad_file(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(_answers(_write(tmp_path, content)))


def _columns(path: Path) -> Iterable[Any]:
    return readers.columns(path, ("premise", "hypothesis", "label"))


def _json(path: Path) -> Iterable[Any]:
    return readers.json_lines(path, ("sentence1",))


def _csv(path: Path) -> Iterable[Any]:
    return readers.csv_rows(path, ())


def _tagged(path: Path) -> Iterable[Any]:
    return readers.tagged_columns(path, LABELS)


def _conllu(path: Path) -> Iterable[Any]:
    return readers.conllu(path, LABELS)


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (
            _columns,
            b"a\tb\tc\nd\te\n",
            r"tsv:2: has 2 columns separated by tabs, not 3 \(premise, hypothesis",
        ),
        (_columns, b"a\tb\tc\n\xff\tb\tc\n", r"tsv:2: is not UTF-8 \(invalid start byte at byte 0"),
        (
            _json,
            b'{"sentence1": "x"}\n{"sentence1": \n',
            r"tsv:2: is no JSON \(Expecting value at column 1[45]\)",
        ),
        (_json, b"[1]\n", "tsv:1: is no JSON object"),
        (
            _json,
            b'{"sentence": "x"}\n',
            "tsv:1: has no field 'sentence1'; it has sentence. Did you mean 'sentence'",
        ),
        (_json, b'{"sentence1": null}\n', "tsv:1: the field 'sentence1' is null"),
        (
            _tagged,
            b"the\tDET\ncat\tNOUM\n",
            "tsv:2: the label 'NOUM' is not one of DET, NOUN, VERB. Did you mean",
        ),
        (_tagged, b"the\n", r"tsv:1: has 1 column separated by tabs, not 2 \(token, tag\)"),
        (_tagged, b"the DET\ncat NOUN\n", "tsv:1: the token and its tag are divided by a space"),
        (_tagged, b"the of to DET\n", "tsv:1: the token and its tag are divided by a space"),
        (_tagged, b"the cat\n", "tsv:1: .* The tags are not there"),
        (_tagged, "中国\tDET\n".encode("utf-16-le"), "tsv:1: is not UTF-8 but UTF-16"),
        (_tagged, b" \tDET\n", "tsv:1: the token is empty"),
        (_columns, b"a\tb\tc\n\n", "tsv:2: the line is empty. Remove it"),
        (_json, b'{"sentence1": "x"}\n\n', "tsv:2: the line is empty. Remove it"),
        (_csv, b"", "tsv: holds no examples. It is empty"),
        (_csv, "a,中\n1,2\n".encode("utf-16-be"), "tsv:1: is not UTF-8 but UTF-16"),
        (_tagged, gzip.compress(b"the\tDET\n", mtime=0), "tsv:1: is not text but compressed by gzip"),
        (_json, b"PK\x03\x04\x14\x00\xff", "tsv:1: is not text but a zip archive"),
        (_conllu, b"1\tthe\t_\tDET\n", "tsv:1: has 4 columns separated by tabs, not 10"),
        (
            _conllu,
            CONLLU.replace("VERB", "_").replace("NOUN", "_").encode(),
            "tsv:6: the label '_' is not one",
        ),
        (readers.keyed_lines, b"k\ta\nk\tb\n", "tsv:2: the key 'k' stands in line 1 already"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, read: Any, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read(_write(tmp_path, content)))


@pytest.mark.parametrize("read", [_columns, _json, _tagged, _conllu])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_told_at_the_first_line(
    tmp_path: Path, read: Callable[[Path], Iterable[Any]], encoding: str
) -> None:
    path = tmp_path / "rows.tsv"
    path.write_bytes("one\ttwo\tthree\nfour\tfive\tsix\n".encode(encoding))
    with pytest.raises(DataError, match=r"rows\.tsv:1: is not UTF-8 but UTF-16"):
        list(read(path))


def test_a_quoted_field_of_several_lines_does_not_hide_the_line_that_is_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b'a,b\n"one\ntwo",2\n"three\ncaf\xe9",3\n')
    with pytest.raises(DataError, match=r"rows\.csv:5: is not UTF-8 .*in Latin-1: 'café\",3'"):
        list(readers.csv_rows(path, ("a",)))
    path.write_bytes(b'{"a":\n "caf\xe9"}')
    with pytest.raises(DataError, match=r"rows\.csv:2: is not UTF-8"):
        list(readers.json_object(path, ()))
