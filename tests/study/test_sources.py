"""What was read is said: files, rows, and the rows of the release; no other data passes for a task's own."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from xstilts import tasks as registry
from xstilts.data import loader, task
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import draft, plan
from xstilts.study.sources import Part, differing, grouped, look, parts_of, source
from xstilts.study.step import Places

ROW = {"gold_label": "neutral", "sentence1": "A dog runs.", "sentence2": "It is late."}
PAIR = "A dog runs.\tIt is late.\tneutral\n"
STUDY = """
name = "told"
question = "?"
references = []
[backbones]
tiny = {{ model = "lab" }}
[intermediate.recipe]
max_length = 64
stride = 16
[target.recipe]
max_length = 64
stride = 16
[intermediate.arms]
none = []
nli = ["{task}"]
[target]
tasks = ["xnli"]
languages = ["en", "de"]
trained_by = {{ xnli = "{task}" }}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with five pairs of another collection, three of MultiNLI, and two and one of XNLI."""
    folder = tmp_path / "data"
    for name, count in (("nli_mix/train", 5), ("nli_mix/dev", 2), ("mnli/multinli_1.0_train", 3)):
        path = folder / "intermediate" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((json.dumps(ROW) + "\n") * count)
    (folder / "intermediate/mnli/multinli_1.0_dev_matched.jsonl").write_text(json.dumps(ROW))
    (folder / "target" / "xnli").mkdir(parents=True)
    (folder / "target/xnli/test-en.tsv").write_text(PAIR * 2)
    (folder / "target/xnli/test-de.tsv.gz").write_bytes(gzip.compress(PAIR.encode()))
    return folder


def told(name: str, data: Path) -> list[str]:
    """What is said of the sources of a study on a task of NLI."""
    path = data.parent / "study.toml"
    path.write_text(STUDY.format(task=name))
    planned = plan(load(path), data)
    counts, errors, _ = look(planned.steps, planned.places)
    assert not errors
    found = [source(part, planned.places, counts[part]) for part in parts_of(planned.steps)]
    return [str(group) for group in grouped(found)]


def test_files_rows_and_the_rows_of_the_release_are_told(data: Path) -> None:
    assert told("mnli", data) == [
        "mnli, dev, en: intermediate/mnli/multinli_1.0_dev_matched.jsonl, 1 row; the release has 9,815",
        "mnli, train, en: intermediate/mnli/multinli_1.0_train.jsonl, 3 rows; the release has 392,702",
        "xnli, test, de: target/xnli/test-de.tsv.gz, 1 row; the release has 5,010",
        "xnli, test, en: target/xnli/test-en.tsv, 2 rows; the release has 5,010",
    ]


def test_another_collection_has_a_name_of_its_own(data: Path) -> None:
    assert told("nli_mix", data)[:2] == [
        "nli_mix, dev, en: intermediate/nli_mix/dev.jsonl, 2 rows; the release has 1,463",
        "nli_mix, train, en: intermediate/nli_mix/train.jsonl, 5 rows; the release has 17,244",
    ]
    assert "Kaushik" in registry.find("nli_mix").citation
    assert "MultiNLI" not in registry.find("nli_mix").citation


def test_no_two_tasks_read_the_same_labelled_file() -> None:
    """Else one would cite the other's data as its own. ANLI+ is ANLI, SNLI and MultiNLI by its definition."""
    readers: dict[str, set[str]] = {}
    for name in registry.names():
        one = registry.find(name)
        if one.files is None or one.family == "masked" or name == "anli":
            continue
        for patterns in one.files.patterns.values():
            for pattern in patterns:
                readers.setdefault(pattern, set()).add(name)
    assert {pattern: names for pattern, names in readers.items() if len(names) > 1} == {}


@pytest.mark.parametrize(
    ("name", "split", "language", "file", "instead"),
    [
        ("socialiqa", "train", "en", "intermediate/socialiqa/socialIQa_v1.4_dev.jsonl", "development rows"),
        ("socialiqa", "dev", "en", "intermediate/socialiqa/socialIQa_v1.4_tst.jsonl", "test rows"),
        ("anli", "train", "en", "intermediate/anli/R1/dev.jsonl", "development rows of ANLI"),
        ("anli", "dev", "en", "intermediate/anli/R3/test.jsonl", "test rows of ANLI's third round"),
        ("squad2", "train", "en", "intermediate/squad/sample-v2.0.json", "a sample of the release"),
        ("mrpc", "dev", "en", "intermediate/mrpc/msr_paraphrase_test.txt.gz", "test rows"),
        ("ccg_questions", "dev", "en", "intermediate/ccg/qus_test.staggedGold", "the test questions"),
        ("udpos", "test", "ar", "target/udpos/ud/ar_padt-ud-test.conllu", "not XTREME's"),
        ("udpos", "test", "de", "target/udpos/xtreme/test-de.tsv", ""),
        ("xcopa", "train", "en", "target/xcopa/train.en.jsonl", "COPA"),
        ("xcopa", "test", "et", "target/xcopa/test.et.jsonl", ""),
        ("marvl", "test", "en", "target/marvl/marvl-en.jsonl", "NLVR2"),
        ("snli_ve", "train", "en", "datasets/XVNLI/annotations/en/train.jsonl", "IGLUE's own division"),
        ("snli_ve", "train", "en", "intermediate/snli_ve/train.jsonl", ""),
        ("qqp", "train", "en", "intermediate/qqp/train.tsv", ""),
    ],
)
def test_other_splits_and_parts_of_a_release_are_called_so(
    tmp_path: Path, name: str, split: str, language: str, file: str, instead: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.touch()
    found = source(Part(name, split, language, ""), Places(data=tmp_path))
    assert found.files == (file,)
    assert instead in found.instead
    assert bool(found.instead) == bool(instead)


def test_rows_of_the_hub_name_repository_revision_config_and_split() -> None:
    found = source(Part("udpos", "test", "de", "hub:x"), Places())
    (path,) = found.files
    assert path == "hub:google/xtreme@ec5f1f46e9af79639a90684a7a70a956c4998f04/" + (
        "udpos.German/test-00000-of-00001.parquet"
    )
    parts = [Part("pawsx", "test", code, "hub:x") for code in ("de", "fr")]
    (group,) = grouped([source(part, Places()) for part in parts])
    assert group.files == (
        "hub:google/xtreme@ec5f1f46e9af79639a90684a7a70a956c4998f04/PAWS-X.{lang}/test-00000-of-00001.parquet",
    )
    assert len(source(Part("anli", "train", "en", "hub:x"), Places()).files) == 5


def test_languages_are_told_together_where_their_paths_are_alike(tmp_path: Path) -> None:
    for code, count in (("deu", 3), ("fra", 2), ("kat", 1)):
        for side in (code, "eng"):
            path = tmp_path / f"target/tatoeba/tatoeba.{code}-eng.{side}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("Ja.\n" * count)
    places = Places(data=tmp_path)
    found = [
        source(Part("tatoeba", "test", code, ""), places, n)
        for code, n in (("de", 3), ("fr", 2), ("ka", 746))
    ]
    (group,) = grouped(found)
    assert str(group) == (
        "tatoeba, test, de fr ka: target/tatoeba/tatoeba.{lang}-eng.{lang}, "
        "target/tatoeba/tatoeba.{lang}-eng.eng, 2 to 746 rows, in all 751; "
        "the release has 1,000 each in de fr"
    )
    assert differing(found) == [
        "Not the whole release: tatoeba, test, de fr: 2 to 3 rows, in all 5; the release has 1,000 each."
    ]
    assert not differing(found[2:])


def test_releases_know_their_rows() -> None:
    """By the tables of XTREME (Hu et al. 2020) and TyDi QA (Clark et al. 2020), and the authors' files."""
    known = {
        ("mnli", "train", "en"): 392_702,
        ("xnli", "test", "sw"): 5_010,
        ("pawsx", "train", "en"): 49_401,
        ("pawsx", "train", "de"): None,
        ("panx", "test", "yo"): 100,
        ("panx", "dev", "de"): 10_000,
        ("panx", "dev", "qu"): None,
        ("mlqa", "test", "de"): 4_517,
        ("udpos", "train", "en"): 21_253,
        ("udpos", "test", "de"): None,
        ("tatoeba", "test", "jv"): 205,
        ("squad", task.TRANSLATED, "de"): 87_599,
        ("xvnli", task.TEST_TRANSLATED, "ar"): 1_164,
    }
    assert {key: registry.find(key[0]).released(*key[1:]) for key in known} == known
    tydiqa = registry.find("tydiqa")
    for split, rows in (("train", 49_881), ("dev", 5_077)):
        assert sum(tydiqa.released(split, code) or 0 for code in tydiqa.languages) == rows


def test_check_tells_files_that_nobody_may_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(paths: Iterable[Path]) -> str:
        raise PermissionError(13, "Permission denied", str(next(iter(paths))))

    (data.parent / "study.toml").write_text(STUDY.format(task="nli_mix"))
    monkeypatch.setattr(loader, "digest", forbidden)
    said = [str(error) for error in draft(load(data.parent / "study.toml"), data).errors]
    assert len(said) == 4 and all("cannot be read (Permission denied)" in line for line in said)


def test_check_tells_broken_rows_and_counts_the_others(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from xstilts.cli import show

    (data / "target/xnli/test-en.tsv").write_text(PAIR + "no pair\n")
    (data.parent / "study.toml").write_text(STUDY.format(task="nli_mix"))
    planned = plan(load(data.parent / "study.toml"), data)
    rows, (error,), _ = look(planned.steps, planned.places)
    assert "test-en.tsv:2: has 1 column" in str(error)
    read = [source(part, planned.places, rows.get(part)) for part in parts_of(planned.steps)]
    show.checked(planned, Store(data / "store"), read, as_json=False)
    out = capsys.readouterr().out
    assert (
        "Data: nli_mix, train, en: intermediate/nli_mix/train.jsonl, 5 rows; the release has 17,244." in out
    )
    assert "Data: xnli, test, en: target/xnli/test-en.tsv; the release" not in out
    show.checked(planned, Store(data / "store"), read, as_json=True)
    told = json.loads(capsys.readouterr().out)["data"]
    assert all(str(data) not in path for one in told for path in one["files"])
