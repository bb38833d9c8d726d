"""Rows of the English intermediate tasks and of SIB-200: from the layouts of their releases, from the Hub."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import huggingface_hub
import polars
import pytest

from xstilts import tasks as registry
from xstilts.data import loader, readers
from xstilts.data.examples import Answer, Choice, Example, Pair, Question, Tagged
from xstilts.errors import DataError


def _folder(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return root


def _json(*rows: Mapping[str, Any]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _nli(label: str, premise: str = "A dog runs.") -> dict[str, str]:
    return {"gold_label": label, "sentence1": premise, "sentence2": "It moves.", "pairID": "p1"}


SQUAD = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "Ada wrote a program.",
                    "qas": [
                        {
                            "id": "1",
                            "question": "Who wrote it?",
                            "answers": [{"text": "Ada", "answer_start": 0}],
                        },
                        {"id": "2", "question": "When?", "answers": [], "is_impossible": True},
                    ],
                }
            ]
        }
    ]
}
CSV = (
    b"id,context,question,answer0,answer1,answer2,answer3,label\r\n"
    b'x#1,"He said ""no"", and\nleft .",Why ?,tired,hungry,"late, again",None,2\r\n'
)
CSQA = {
    "id": "c1",
    "answerKey": "B",
    "question": {
        "stem": "Where does rain come from?",
        "question_concept": "rain",
        "choices": [{"label": "A", "text": "ground"}, {"label": "B", "text": "cloud"}],
    },
}
SOCIAL = {
    "context": "Kim lent Lou a tent.",
    "question": "How does Lou feel?",
    "answerA": "angry",
    "answerB": "thankful",
    "answerC": "cold",
    "correct": "B",
}
ENDINGS = ["falls.", "sings.", "reads.", "eats."]

LOCAL: list[tuple[str, str, str, bytes, list[Example]]] = [
    (
        "snli",
        "test",
        "intermediate/snli/snli_1.0_test.jsonl",
        _json(_nli("-"), _nli("entailment")),
        [Pair("A dog runs.", "It moves.", "entailment", "p1")],
    ),
    (
        "qqp",
        "train",
        "intermediate/qqp/train.tsv.gz",
        b'id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n5\t1\t2\t"Why?\tHow?"\t0\n6\t1\t2\tbroken\n7\t3\t4\ta\tb\t1\n',
        [Pair('"Why?', 'How?"', "0", "5"), Pair("a", "b", "1", "7")],
    ),
    (
        "mrpc",
        "dev",
        "intermediate/mrpc/msr_paraphrase_test.txt",
        b"\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n"
        b'1\t10\t11\tHe said "go.\tGo, he said.\r\n',
        [Pair('He said "go.', "Go, he said.", "1", "10-11")],
    ),
    (
        "squad2",
        "train",
        "intermediate/squad/sample-v2.0.json.gz",
        json.dumps(SQUAD).encode(),
        [
            Question("Ada wrote a program.", "Who wrote it?", (Answer("Ada", 0),), "1"),
            Question("Ada wrote a program.", "When?", (), "2"),
        ],
    ),
    (
        "hellaswag",
        "dev",
        "intermediate/hellaswag/hellaswag_val.jsonl",
        _json(
            {"ind": 3, "ctx": "A man stands. he", "endings": ENDINGS, "label": 2},
            {
                "ind": 4,
                "ctx": "A man stands. He",
                "ctx_a": "A man stands.",
                "ctx_b": "he",
                "endings": ENDINGS,
                "label": 0,
            },
        ),
        [
            Choice("A man stands. he", tuple(ENDINGS), 2, "3"),
            Choice("A man stands.", ("he falls.", "he sings.", "he reads.", "he eats."), 0, "4"),
        ],
    ),
    (
        "cosmosqa",
        "dev",
        "intermediate/cosmosqa/valid.csv",
        CSV,
        [Choice('He said "no", and\nleft . Why ?', ("tired", "hungry", "late, again", "None"), 2, "x#1")],
    ),
    (
        "commonsenseqa",
        "train",
        "intermediate/commonsenseqa/train_rand_split.jsonl",
        _json(CSQA),
        [Choice("Where does rain come from?", ("ground", "cloud"), 1, "c1")],
    ),
    (
        "socialiqa",
        "train",
        "intermediate/socialiqa/socialIQa_v1.4_dev.jsonl",
        _json(SOCIAL),
        [Choice("Kim lent Lou a tent. How does Lou feel?", ("angry", "thankful", "cold"), 1)],
    ),
    (
        "ccg_questions",
        "train",
        "intermediate/ccg/qus_train.staggedGold",
        b"# made by hand\n\nAda|NNP|N a|b|DT|NP[nb]/N (|LRB|LRB x/y|NN|((N/N)/N)\\(N\\PP) .|.|.\n",
        [Tagged(("Ada", "a|b", "(", "x/y", "."), ("N", "NP[nb]/N", "LRB", "other", "."))],
    ),
    (
        "sib200",
        "dev",
        "target/sib200/eng_Latn/dev.tsv",
        b"index_id\tcategory\ttext\n7\tscience/technology\tIt flies.\n",
        [Pair("It flies.", None, "science/technology", "7")],
    ),
]


@pytest.mark.parametrize(
    ("name", "split", "file", "content", "expected"), LOCAL, ids=[row[0] for row in LOCAL]
)
def test_rows_of_the_release(
    tmp_path: Path, name: str, split: str, file: str, content: bytes, expected: list[Example]
) -> None:
    data = _folder(tmp_path, {file: content})
    assert loader.load(registry.find(name), split, "en", data) == expected


@pytest.mark.parametrize("answered", [0, 1])
def test_squad_2_whose_answers_were_taken_out_is_refused(tmp_path: Path, answered: int) -> None:
    """Who never answers would be right in all of it."""
    given = [{"text": "Rome", "answer_start": 3}]
    rows = [
        {"id": str(row), "question": "?", "answers": given if row < answered else []} for row in range(20)
    ]
    content = json.dumps({"data": [{"paragraphs": [{"context": "In Rome.", "qas": rows}]}]}).encode()
    data = _folder(tmp_path, {"intermediate/squad/dev-v2.0.json": content})
    if answered:
        assert len(loader.load(registry.find("squad2"), "dev", "en", data)) == 20
        return
    with pytest.raises(DataError, match=r"dev-v2.0.json: 20 of 20 rows have no right answer"):
        loader.load(registry.find("squad2"), "dev", "en", data)


def test_squad_1_refuses_unanswerable_questions(tmp_path: Path) -> None:
    data = _folder(tmp_path, {"intermediate/squad/dev-v1.1.json": json.dumps(SQUAD).encode()})
    with pytest.raises(DataError, match=r"dev-v1.1.json: question '2': has no answer"):
        loader.load(registry.find("squad"), "dev", "en", data)


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        (
            "qqp",
            "qqp/dev.tsv",
            b"id\tquestion1\n",
            "dev.tsv:1: has no field 'question2'; it has id, question1",
        ),
        (
            "mrpc",
            "mrpc/msr_paraphrase_test.txt",
            b"Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t2\t3\tx\n",
            "test.txt:2: has 4 columns separated by tabs, not 5",
        ),
        (
            "cosmosqa",
            "cosmosqa/valid.csv",
            CSV.replace(b",2\r", b",4\r"),
            "valid.csv:3: the label '4' is not one of",
        ),
        (
            "cosmosqa",
            "cosmosqa/valid.csv",
            CSV.replace(b",2\r", b"\r"),
            "valid.csv:3: has 7 columns separated by com",
        ),
        ("cosmosqa", "cosmosqa/valid.csv", CSV.replace(b'again"', b"again"), "valid.csv:3: is no CSV"),
        (
            "hellaswag",
            "hellaswag/hellaswag_val.jsonl",
            _json({"ind": 1, "ctx": "x", "endings": ENDINGS[:2], "label": 2}),
            "jsonl:1: the label '2' is not one of 0, 1",
        ),
        (
            "commonsenseqa",
            "commonsenseqa/dev_rand_split.jsonl",
            _json({**CSQA, "question": {"stem": "x"}}),
            "jsonl:1: has no field 'choices'",
        ),
        (
            "socialiqa",
            "socialiqa/socialIQa_v1.4_tst.jsonl",
            _json({**SOCIAL, "correct": "D"}),
            "jsonl:1: the label 'D'",
        ),
        ("ccg", "ccg/wsj00.stagged", b"Ada|N\n", r"stagged:1: the token 'Ada\|N' is not word\|POS\|category"),
        (
            "ccg",
            "ccg/wsj00.stagged",
            b"Ada|NNP|N/\n",
            r"stagged:1: the label 'N/' is not one of the 231 labels",
        ),
        ("ccg", "ccg/wsj00.stagged", b"|NNP|N\n", r"stagged:1: the token is empty"),
        ("ccg", "ccg/wsj00.stagged", b"Ada|NNP|N\truns|VBZ|N\n", r"stagged:1: the token .* is not word\|POS"),
        (
            "hellaswag",
            "hellaswag/hellaswag_val.jsonl",
            _json({"ind": 1, "ctx": "x", "endings": ENDINGS, "label": ""}),
            r"jsonl:1: the label '' is not one of 0, 1, 2, 3. Lay in the labelled files of the data set",
        ),
        ("anli", "anli_v1.0/R1/dev.jsonl", _json({"uid": "u"}), "dev.jsonl:1: has no field 'context'"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, name: str, file: str, content: bytes, message: str) -> None:
    data = _folder(tmp_path, {f"intermediate/{file}": content})
    with pytest.raises(DataError, match=message):
        loader.load(registry.find(name), "dev", "en", data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N", True),
        ("S[dcl]\\NP", True),
        ("((S[dcl]\\NP)/PP)/(NP/N)", True),
        ("conj", True),
        (";", True),
        ("", False),
        ("NN", False),
        ("N/", False),
        ("(N)", False),
        ("S/NP/NP", False),
        ("(S\\NP", False),
        ("DT", False),
    ],
)
def test_what_a_category_is(text: str, expected: bool) -> None:
    assert readers.is_category(text) == expected


def test_questions_never_pass_for_ccgbank(tmp_path: Path) -> None:
    questions = {"intermediate/ccg/qus_train.staggedGold": b"Why|WRB|S[wq]/S[q]\n"}
    data = _folder(tmp_path, questions)
    with pytest.raises(DataError, match="no train data of task 'ccg' in 'en'"):
        loader.load(registry.find("ccg"), "train", "en", data)
    _folder(tmp_path, {"intermediate/ccg/wsj02-21.stagged": b"Ada|NNP|N\n"})
    assert loader.load(registry.find("ccg"), "train", "en", data) == [Tagged(("Ada",), ("N",))]
    asked = loader.load(registry.find("ccg_questions"), "train", "en", data)
    assert asked == [Tagged(("Why",), ("S[wq]/S[q]",))]
    with pytest.raises(DataError, match="CCGbank's licence forbids a copy on the Hub"):
        loader.load(registry.find("ccg"), "train", "en")


# ANLI+ joins several files, as many as are there.


def _round(letter: str, uid: str) -> bytes:
    return _json({"uid": uid, "context": "c", "hypothesis": "h", "label": letter, "reason": ""})


def _ids(found: list[Example]) -> list[tuple[str, str]]:
    return [(one.id, one.label) for one in found if isinstance(one, Pair)]


def test_anli_without_its_training_files(tmp_path: Path) -> None:
    files = {
        "R1/dev.jsonl": _round("e", "1"),
        "R2/dev.jsonl.gz": _round("n", "2"),
        "R3/dev.jsonl": _round("c", "3"),
        "R3/test.jsonl": _round("c", "4"),
    }
    data = _folder(tmp_path, {f"intermediate/anli/{name}": content for name, content in files.items()})
    _folder(tmp_path, {"intermediate/nli_mix/train.jsonl": _json(_nli("neutral"))})
    anli = registry.find("anli")
    rows = loader.load(anli, "train", "en", data)
    assert _ids(rows) == [("1", "entailment"), ("2", "neutral"), ("3", "contradiction")]
    assert _ids(loader.load(anli, "dev", "en", data)) == [("4", "contradiction")]


def test_anli_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    release = {
        f"intermediate/anli_v1.0/R{number}/{split}.jsonl": _round("e", f"{split}{number}")
        for number in (1, 2, 3)
        for split in ("train", "dev")
    }
    others = {
        "snli/snli_1.0_train": "s",
        "mnli/multinli_1.0_train": "m",
        "mnli/multinli_1.0_dev_matched": "d",
    }
    rows = {
        f"intermediate/{name}.jsonl": _json({**_nli("neutral"), "pairID": i}) for name, i in others.items()
    }
    data = _folder(tmp_path, {**release, **rows, "intermediate/anli/R1/dev.jsonl": _round("e", "unread")})
    anli = registry.find("anli")
    before = loader.identity(anli, "train", "en", data)
    found = [uid for uid, _ in _ids(loader.load(anli, "train", "en", data))]
    assert found == ["train1", "train2", "train3", "s", "m"]
    found = [uid for uid, _ in _ids(loader.load(anli, "dev", "en", data))]
    assert found == ["dev1", "dev2", "dev3", "d"]
    (data / "intermediate/mnli/multinli_1.0_train.jsonl").unlink()
    assert loader.identity(anli, "train", "en", data) != before


# The same tasks from the Hub, whose rows look different.

PREMISES = {
    "premise": ["p", "x"],
    "hypothesis": ["h", "y"],
    "label": [1, -1],
    "uid": ["u", "v"],
    "pairID": ["u", "v"],
}
STORY = {"id": ["i"], "context": ["c"], "question": ["q"]}
HUB: list[tuple[str, dict[str, list[Any]], list[Example]]] = [
    ("snli", PREMISES, [Pair("p", "h", "neutral")]),
    ("qqp", {"question1": ["a"], "question2": ["b"], "label": [1], "idx": [9]}, [Pair("a", "b", "1", "9")]),
    ("mrpc", {"sentence1": ["a"], "sentence2": ["b"], "label": [0], "idx": [9]}, [Pair("a", "b", "0", "9")]),
    (
        "squad",
        {**STORY, "answers": [{"text": ["c"], "answer_start": [0]}]},
        [Question("c", "q", (Answer("c", 0),), "i")],
    ),
    ("squad2", {**STORY, "answers": [{"text": [], "answer_start": []}]}, [Question("c", "q", (), "i")]),
    (
        "hellaswag",
        {"ind": [1], "ctx": ["a B"], "ctx_a": ["a"], "ctx_b": ["b"], "endings": [ENDINGS], "label": ["3"]},
        [Choice("a", tuple(f"b {ending}" for ending in ENDINGS), 3, "1")],
    ),
    (
        "cosmosqa",
        {**STORY, **{f"answer{number}": [str(number)] for number in range(4)}, "label": [2]},
        [Choice("c q", ("0", "1", "2", "3"), 2, "i")],
    ),
    (
        "commonsenseqa",
        {
            "id": ["i"],
            "question": ["q"],
            "choices": [{"label": ["A", "B"], "text": ["x", "y"]}],
            "answerKey": ["B"],
        },
        [Choice("q", ("x", "y"), 1, "i")],
    ),
    (
        "socialiqa",
        {**STORY, "answerA": ["x"], "answerB": ["y"], "answerC": ["z"], "label": ["1"]},
        [Choice("c q", ("x", "y", "z"), 0)],
    ),
]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[tuple[str, str, str]]]:
    """Serves that file whatever is asked for, and keeps what was asked for."""

    def serve(path: Path) -> list[tuple[str, str, str]]:
        asked = []

        def fetch(dataset: str, filename: str, *, repo_type: str, revision: str) -> str:
            assert repo_type == "dataset"
            asked.append((dataset, filename, revision))
            return str(path)

        monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
        return asked

    return serve


Serve = Callable[[Path], list[tuple[str, str, str]]]


@pytest.mark.parametrize(("name", "columns", "expected"), HUB, ids=[row[0] for row in HUB])
def test_rows_of_the_hub(
    tmp_path: Path, hub: Serve, name: str, columns: dict[str, list[Any]], expected: list[Example]
) -> None:
    polars.DataFrame(columns).write_parquet(tmp_path / "rows.parquet")
    asked = hub(tmp_path / "rows.parquet")
    found = registry.find(name)
    assert found.hub is not None
    assert loader.load(found, "dev", "en") == expected
    assert asked == [(found.hub.dataset, found.hub.files["dev"], found.hub.revision)]


def test_anli_reads_five_parts_of_three_data_sets(tmp_path: Path, hub: Serve) -> None:
    polars.DataFrame(PREMISES).write_parquet(tmp_path / "rows.parquet")
    asked = hub(tmp_path / "rows.parquet")
    anli = registry.find("anli")
    found = loader.load(anli, "train", "en")
    assert _ids(found) == [("u", "neutral")] * 3 + [("", "neutral"), ("u", "neutral")]
    assert [(dataset.split("/")[1], file.split("-")[0]) for dataset, file, _ in asked] == [
        *(("anli", f"plain_text/train_r{number}") for number in (1, 2, 3)),
        ("snli", "plain_text/train"),
        ("multi_nli", "data/train"),
    ]
    assert loader.identity(anli, "train", "en").count("@") == 3


def test_topics_from_the_hub_are_a_table(tmp_path: Path, hub: Serve) -> None:
    path = tmp_path / "test.tsv"
    path.write_text("index_id\tcategory\ttext\n3\tsports\tAna amekimbia.\n", encoding="utf-8")
    asked = hub(path)
    found = registry.find("sib200")
    assert loader.load(found, "test", "sw") == [Pair("Ana amekimbia.", None, "sports", "3")]
    assert [file for _, file, _ in asked] == ["data/swh_Latn/test.tsv"]


def test_topics_are_read_without_the_quotes_of_the_release(tmp_path: Path, hub: Serve) -> None:
    rows = 'index_id\tcategory\ttext\n1\tsports\t"A ""b"" c."\n2\ttravel\t"""D"" e"\n3\ttravel\tF\n'
    path, found = tmp_path / "target/sib200/deu_Latn/test.tsv", registry.find("sib200")
    path.parent.mkdir(parents=True)
    path.write_text(rows, encoding="utf-8")
    hub(path)
    texts = ['A "b" c.', '"D" e', "F"]
    assert [one.text for one in loader.load(found, "test", "de", tmp_path)] == texts  # type: ignore[union-attr]
    assert [one.text for one in loader.load(found, "test", "de")] == texts  # type: ignore[union-attr]
    path.write_text(rows + '4\ttravel\tThe 7" disc\n', encoding="utf-8")  # so quotes are text
    last = loader.load(found, "test", "de", tmp_path)[-2:]
    assert [one.text for one in last] == ["F", 'The 7" disc']  # type: ignore[union-attr]
