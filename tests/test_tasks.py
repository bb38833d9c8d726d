"""Contracts that every task file keeps, found by itself; and what bad data does.

With XSTILTS_DATA=DIR the declared languages are compared with what that folder holds, and every file is read.
"""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import xstilts.tasks
from xstilts import metrics
from xstilts import tasks as registry
from xstilts.data import languages, loader, task
from xstilts.data.examples import Bitext, Choice, Example, Pair, Question, Seen, Tagged, Text
from xstilts.data.task import FAMILIES, Task
from xstilts.errors import DataError, TaskError
from xstilts.families.visual import UNLABELLED

ROWS = {
    "classification": Pair,
    "choice": Choice,
    "tagging": Tagged,
    "span": Question,
    "visual": Seen,
    "retrieval": Bitext,
    "masked": Text,
}
DATA = Path(os.environ["XSTILTS_DATA"]) if "XSTILTS_DATA" in os.environ else None
with_data = pytest.mark.skipif(DATA is None, reason="XSTILTS_DATA names no data folder")
# The names in a data folder's manifest.json, where they are not the task's. A split may be there under
# another name, or under several.
MANIFEST_NAMES = {"ccg": "CCGbank", "ccg_questions": "ccg", "real_text": "text"}
MANIFEST_SPLITS: dict[str, dict[str, tuple[str, ...]]] = {
    "anli": {"train": ("R1.dev", "R2.dev", "R3.dev"), "dev": ("R3.test",)},
    "ccg_questions": {"dev": ("test",)},
    "mrpc": {"dev": ("test",)},
    "socialiqa": {"train": ("dev",), "dev": ("test",)},
    "squad2": {"train": ("sample",)},
}


@pytest.fixture(params=registry.names())
def found(request: pytest.FixtureRequest) -> Task:
    return registry.find(request.param)


def test_name_is_the_name_of_the_file(found: Task) -> None:
    assert found.name in registry.names()
    assert found.name == found.name.lower()


def test_family_and_metric_are_known(found: Task) -> None:
    assert found.family in FAMILIES
    if found.family == "masked":
        assert found.metric == ""
    else:
        assert metrics.find(found.metric).name == found.metric


def test_languages_are_known_and_distinct(found: Task) -> None:
    assert found.languages
    assert len(set(found.languages)) == len(found.languages)
    for code in (*found.languages, found.source_language):
        assert languages.find(code).code == code


def test_it_can_be_trained_in_its_source_language(found: Task) -> None:
    if found.trained_by is None and found.family != "masked":
        assert found.source_language in found.languages
    elif found.trained_by:
        trainer = registry.find(found.trained_by)
        assert trainer.family == found.family
        assert trainer.labels == found.labels
        assert found.source_language in trainer.languages


def test_labels_are_those_of_its_family(found: Task) -> None:
    assert len(set(found.labels)) == len(found.labels)
    assert bool(found.labels) == (found.family in ("classification", "tagging", "visual"))


def test_images_have_paths_unless_the_lab_draws_them(found: Task) -> None:
    assert bool(found.images) == (found.family == "visual" and found.made is None)
    assert all("{id}" in pattern or "{name}" in pattern for pattern in found.images)


def test_it_says_what_it_is_and_whose(found: Task) -> None:
    assert found.description
    assert found.citation
    assert found.licence
    assert found.version >= 1


def test_it_says_how_many_examples_its_release_has(found: Task) -> None:
    assert set(found.examples) <= set(_splits(found))
    assert all(number > 0 for number in found.sizes.values())
    if found.trained_by is None and found.family != "masked":
        assert "train" in found.sizes


def test_it_has_a_source(found: Task) -> None:
    assert found.files is not None or found.hub is not None or found.made is not None
    if found.made is None:
        assert found.family == "masked" or found.evaluation_split in _splits(found)
    if found.hub is not None:
        assert all(task.is_commit(hub.revision) for hub in found.hub.sources)
        assert set(found.hub.codes) <= set(found.languages)


def _splits(found: Task) -> set[str]:
    return {split for source in (found.files, found.hub) if source for split in _keys(source)}


def _keys(source: task.Files | task.Hub) -> tuple[str, ...]:
    return tuple(source.patterns if isinstance(source, task.Files) else source.files)


def _check(found: Task, example: Example) -> None:
    assert isinstance(example, ROWS[found.family])
    if isinstance(example, Pair):
        assert example.label in found.labels
        assert example.text.strip()
    elif isinstance(example, Tagged):
        assert len(example.tokens) == len(example.tags) > 0
        assert set(example.tags) <= set(found.labels)
    elif isinstance(example, Bitext):
        assert all(text for text in (*example.source, *example.target))
        rows = sorted(target for _, target in example.gold)
        assert rows == list(range(len(example.target))) if found.metric != "mining_f1" else rows
        assert all(source < len(example.source) for source, _ in example.gold)
    elif isinstance(example, Text):
        assert example.text.strip()
    elif isinstance(example, Seen):
        assert example.label in (*found.labels, UNLABELLED)
        assert example.text.strip()
        assert example.images
        assert bool(example.caption) == found.captions
    elif isinstance(example, Choice):
        assert 0 <= example.label < len(example.options)
    else:
        for answer in example.answers:
            assert example.context[answer.start :].startswith(answer.text)


@with_data
def test_every_file_of_the_data_folder_is_read_whole(found: Task) -> None:
    if found.files is None or not loader.from_files(found, DATA):
        pytest.skip("the task reads no files")
    for split in found.files.patterns:
        for language in loader.available(found, split, DATA):
            for example in loader.load(found, split, language, DATA):
                _check(found, example)


@with_data
def test_declared_languages_are_those_that_the_folder_holds(found: Task) -> None:
    for split, rows in _manifest(found).items():
        assert set(loader.available(found, split, DATA)) == {row["language"] for row in rows}, split


@with_data
def test_there_are_as_many_examples_as_the_manifest_says(found: Task) -> None:
    """Of several layouts of a split the task reads one; of several splits under another name it reads all."""
    for split, rows in _manifest(found).items():
        joined = len({row["split"] for row in rows}) > 1
        for language in loader.available(found, split, DATA):
            counts = [row["examples"] for row in rows if row["language"] == language]
            examples = loader.load(found, split, language, DATA)
            number = sum(len(one.gold) if isinstance(one, Bitext) else 1 for one in examples)
            assert number in ([sum(counts)] if joined else counts), (split, language)


def _manifest(found: Task) -> dict[str, list[dict[str, Any]]]:
    """For each split of the task the rows of the folder's manifest; skipped if it does not know the task.

    Left out are files without labels, and pairs of languages (question in one, context in the other).
    """
    assert DATA is not None
    manifest = DATA / "manifest.json"
    name = MANIFEST_NAMES.get(found.name, found.name)
    rows = json.loads(manifest.read_text()) if manifest.exists() else []
    rows = [row for row in rows if row["task"] == name]
    if found.files is None or not rows:
        pytest.skip("the folder's manifest does not know the task")
    called = {split: (split,) for split in found.files.patterns} | MANIFEST_SPLITS.get(found.name, {})
    known = {language.code for language in languages.all_languages()}
    return {
        split: [
            row
            for row in rows
            if row["split"] in names and row["language"] in known - set(found.files.unlabelled.get(split, ()))
        ]
        for split, names in called.items()
    }


# What is wrong with the data is said with the place and the way out.


def _folder(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return root


NLI = b"He sleeps.\tHe rests.\tentailment\n"


def test_plain_and_compressed_files_are_found(tmp_path: Path) -> None:
    data = _folder(tmp_path, {"target/xnli/test-de.tsv": NLI, "target/xnli/test-fr.tsv.gz": NLI * 2})
    xnli = registry.find("xnli")
    assert loader.available(xnli, "test", data) == ("de", "fr")
    assert loader.load(xnli, "test", "de", data) == [Pair("He sleeps.", "He rests.", "entailment")]
    assert len(loader.load(xnli, "test", "fr", data)) == 2
    assert loader.identity(xnli, "test", "de", data) != loader.identity(xnli, "test", "fr", data)


def test_mnli_skips_pairs_without_gold_label_and_reads_no_other_collection(tmp_path: Path) -> None:
    row = {"sentence1": "a", "sentence2": "b", "pairID": "7"}
    rows = [{**row, "gold_label": label} for label in ("-", "neutral")]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    mnli, mix = registry.find("mnli"), registry.find("nli_mix")
    data = _folder(tmp_path, {"intermediate/nli_mix/train.jsonl": lines * 2})
    assert not loader.from_files(mnli, data)
    assert len(loader.load(mix, "train", "en", data)) == 2
    _folder(tmp_path, {"intermediate/mnli/multinli_1.0_train.jsonl": lines})
    assert loader.load(mnli, "train", "en", data) == [Pair("a", "b", "neutral", "7")]


def test_udpos_reads_both_layouts_and_never_mixes_splits(tmp_path: Path) -> None:
    word = b"1\tKatze\t_\tNOUN" + b"\t_" * 6 + b"\n"
    data = _folder(
        tmp_path,
        {
            "target/udpos/xtreme/dev-nl.tsv": b"kat\tNOUN\n",
            "target/udpos/ud/de_gsd-ud-test.conllu.gz": word,
            "target/udpos/xtreme/test-fr.tsv": b"chat\n",
        },
    )
    udpos = registry.find("udpos")
    assert loader.load(udpos, "test", "de", data) == [Tagged(("Katze",), ("NOUN",))]
    assert loader.load(udpos, "dev", "nl", data) == [Tagged(("kat",), ("NOUN",))]
    assert loader.available(udpos, "test", data) == ("de", "fr")
    with pytest.raises(DataError, match=r"test-fr.tsv:1: has 1 column separated by tabs, not 2"):
        loader.load(udpos, "test", "fr", data)


def test_tatoeba_searches_the_other_language_for_english(tmp_path: Path) -> None:
    folder = "target/tatoeba/tatoeba.deu-eng"
    data = _folder(tmp_path, {f"{folder}.deu": b"Ja.\nNein.\n", f"{folder}.eng": b"Yes.\nNo.\n"})
    expected = Bitext(source=("Ja.", "Nein."), target=("Yes.", "No."), gold=((0, 0), (1, 1)))
    assert loader.load(registry.find("tatoeba"), "test", "de", data) == [expected]
    (data / f"{folder}.eng").write_bytes(b"Yes.\n")
    with pytest.raises(DataError, match=r"deu-eng.deu: has 2 lines, but .*eng-?.*has 1"):
        loader.load(registry.find("tatoeba"), "test", "de", data)
    (data / f"{folder}.eng").unlink()
    assert loader.available(registry.find("tatoeba"), "test", data) == ()


def test_parallel_text_joins_by_key(tmp_path: Path) -> None:
    english = b"b.GEN.1.1\tone\nw.1\tx\nn.3\ttwo\nn.4\tthree\n"
    swahili = b"w.1\ty\nb.GEN.1.1\tmoja\nn.3\tmbili\n"
    data = _folder(tmp_path, {"text/en.tsv": english, "text/sw.tsv": swahili})
    found = loader.load(registry.find("real_parallel"), "train", "sw", data)
    assert found == [Text("moja", "one"), Text("two", "mbili")]


def test_clauses_are_paired_where_there_are_as_many(tmp_path: Path) -> None:
    english = b"b.1\tOne, two.\nb.2\tThree; four: five.\nw.1\tsix, seven\n"
    swahili = b"b.1\tMoja, mbili.\nb.2\tTatu, nne.\nw.1\tsita, saba\n"
    data = _folder(tmp_path, {"text/en.tsv": english, "text/sw.tsv": swahili})
    found = loader.load(registry.find("real_phrases"), "train", "sw", data)
    twice = [Text(clause, clause) for clause in ("Moja", "mbili", "Tatu", "nne")]
    assert found == [*twice[:2], Text("One", "Moja"), Text("mbili", "two"), *twice[2:]]
    alone = loader.load(registry.find("real_phrases"), "train", "en", data)
    assert all(row.text == row.text2 for row in alone)
    assert len(alone) == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a\tb\tentailed\n",
            r"test-de.tsv:1: the label 'entailed' is not one of .*Did you mean 'entailment'",
        ),
        (NLI + b"a\tb\n", "test-de.tsv:2: has 2 columns"),
        (NLI + b"\xe4\tb\tneutral\n", "test-de.tsv:2: is not UTF-8"),
        (b"", "test-de.tsv: holds no examples"),
    ],
)
def test_a_broken_file(tmp_path: Path, content: bytes, message: str) -> None:
    data = _folder(tmp_path, {"target/xnli/test-de.tsv": content})
    with pytest.raises(DataError, match=message):
        loader.load(registry.find("xnli"), "test", "de", data)


@pytest.mark.parametrize("damage", ["short", "garbage"])
def test_a_damaged_gzip(tmp_path: Path, damage: str) -> None:
    data = _folder(tmp_path, {"target/xnli/test-de.tsv.gz": NLI * 500})
    path = data / "target/xnli/test-de.tsv.gz"
    path.write_bytes(path.read_bytes()[:60] if damage == "short" else b"no gzip at all")
    with pytest.raises(
        DataError, match=r"de.tsv.gz: the compressed file is damaged or cut short .* Fetch it again"
    ):
        loader.load(registry.find("xnli"), "test", "de", data)


def test_a_missing_folder_file_split_or_language(tmp_path: Path) -> None:
    xnli = registry.find("xnli")
    with pytest.raises(DataError, match=r"nowhere: no such data folder. .*--data DIR"):
        loader.load(xnli, "test", "de", tmp_path / "nowhere")
    _folder(tmp_path, {"target/xnli/test-fr.tsv": b""})
    with pytest.raises(
        DataError, match=r"no test data of task 'xnli' in 'de': looked for target/xnli/test-de.tsv"
    ):
        loader.load(xnli, "test", "de", tmp_path)
    with pytest.raises(DataError, match="has no split 'train'; it has dev, test"):
        loader.load(xnli, "train", "de", tmp_path)
    with pytest.raises(DataError, match="has no language 'fi'"):
        loader.load(xnli, "test", "fi", tmp_path)


def test_a_task_with_files_only_needs_a_data_folder() -> None:
    with pytest.raises(DataError, match="--data DIR"):
        loader.load(registry.find("real_text"), "train", "en", None)


def test_without_a_data_folder_the_languages_are_those_of_the_hub() -> None:
    assert len(loader.available(registry.find("udpos"), "test")) == 33
    assert len(loader.available(registry.find("xnli"), "test")) == 15


def test_a_task_file_copied_under_a_new_name_is_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the file: it is listed, found, and read like its original."""
    (original,) = (Path(folder) / "pawsx.py" for folder in xstilts.tasks.__path__)
    (tmp_path / "reworded.py").write_text(original.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(xstilts.tasks, "__path__", [*xstilts.tasks.__path__, str(tmp_path)])
    registry.of_package.cache_clear()
    try:
        assert "reworded" in registry.names()
        found = registry.find("reworded")
        assert (found.name, found.languages) == ("reworded", registry.find("pawsx").languages)
        rows = tmp_path / "target" / "pawsx" / "dev-de.tsv"
        rows.parent.mkdir(parents=True)
        rows.write_text("a b\tb a\t0\n", encoding="utf-8")
        read = loader.load(found, "dev", "de", tmp_path)
        assert read == loader.load(registry.find("pawsx"), "dev", "de", tmp_path)
    finally:
        registry.of_package.cache_clear()
        sys.modules.pop("xstilts.tasks.reworded", None)


def test_an_unknown_task() -> None:
    with pytest.raises(TaskError, match="Did you mean 'mnli'"):
        registry.find("mlni")


def test_tasks_load_no_heavy_library() -> None:
    program = (
        "import sys; from xstilts import tasks; [tasks.find(name) for name in tasks.names()];"
        "heavy = {'torch', 'transformers', 'datasets', 'polars', 'huggingface_hub'} & set(sys.modules);"
        "print(*sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
