"""Rows from the Hub: which file of which revision is asked for, how it is read, what a failure says."""

from pathlib import Path
from typing import Any

import huggingface_hub
import polars
import pytest
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from xstilts import tasks as registry
from xstilts.data import loader
from xstilts.data.examples import Bitext, Pair, Tagged, Text
from xstilts.errors import DataError

ROWS: dict[str, dict[str, list[Any]]] = {
    "mnli": {"premise": ["a", "x"], "hypothesis": ["b", "y"], "label": [2, -1], "pairID": ["7", "8"]},
    "xnli": {"premise": ["a"], "hypothesis": ["b"], "label": [0]},
    "udpos": {"tokens": [["Ja", "."]], "pos_tags": [[6, 12]]},
    "tatoeba": {"source_sentence": ["Ja.\n", "Nein.\n"], "target_sentence": ["Yes.\n", "No.\n"]},
}


@pytest.mark.parametrize(
    ("asked", "file", "expected"),
    [
        (("mnli", "dev", "en"), "data/validation_matched-", [Pair("a", "b", "contradiction", "7")]),
        (("xnli", "test", "sw"), "sw/test-", [Pair("a", "b", "entailment")]),
        (("udpos", "dev", "de"), "udpos.German/validation-", [Tagged(("Ja", "."), ("INTJ", "PUNCT"))]),
        (
            ("tatoeba", "test", "zh"),
            "tatoeba.cmn/validation-",
            [Bitext(("Ja.", "Nein."), ("Yes.", "No."), ((0, 0), (1, 1)))],
        ),
    ],
)
def test_rows_of_the_pinned_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, str, str], file: str, expected: Any
) -> None:
    name, split, language = asked
    found = registry.find(name)
    assert found.hub is not None
    hub = found.hub

    def fetch(dataset: str, filename: str, *, repo_type: str, revision: str) -> str:
        assert (dataset, repo_type, revision) == (hub.dataset, "dataset", hub.revision)
        assert filename == file + "00000-of-00001.parquet"
        path = tmp_path / "rows.parquet"
        polars.DataFrame(ROWS[name]).write_parquet(path)
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fetch)
    assert loader.load(found, split, language) == expected
    assert loader.identity(found, split, language) == f"hub:{hub.dataset}@{hub.revision}"


def test_a_file_whose_rows_all_lack_text_trains_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polars.DataFrame(ROWS["mnli"] | {"premise": ["", " "]}).write_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(tmp_path / "rows.parquet"))
    with pytest.raises(DataError, match="task 'mnli' on the Hub: its train rows in 'en' have no text"):
        loader.load(registry.find("mnli"), "train", "en")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            LocalEntryNotFoundError("offline"),
            "is not in the cache and the Hub cannot be reached. .*--data DIR",
        ),
        (EntryNotFoundError("404"), "has no file fr/test-00000-of-00001.parquet"),
        (OSError("disk quota exceeded"), r"cannot be fetched \(OSError: disk quota exceeded\)"),
    ],
)
def test_what_cannot_be_fetched(monkeypatch: pytest.MonkeyPatch, error: Exception, message: str) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(DataError, match=r"task 'xnli' on the Hub \(facebook/xnli\): .*" + message):
        loader.load(registry.find("xnli"), "test", "fr")


def test_a_file_that_is_no_parquet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"nothing of the kind")
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *_, **__: str(path))
    with pytest.raises(DataError, match=r"rows.parquet: is no Parquet file"):
        loader.load(registry.find("xnli"), "test", "fr")


def test_a_split_or_language_that_the_data_set_does_not_have() -> None:
    with pytest.raises(DataError, match="has no split 'train'; it has dev, test"):
        loader.load(registry.find("xnli"), "train", "en")
    with pytest.raises(DataError, match="has no language 'wo'"):
        loader.load(registry.find("udpos"), "test", "wo")


def test_a_file_whose_name_says_how_many_parts_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry.find("wikipedia")
    path = tmp_path / "20231101.sw" / "train-00000-of-00001.parquet"

    def fetch(dataset: str, *, repo_type: str, revision: str, allow_patterns: str) -> str:
        assert found.hub is not None
        assert (dataset, repo_type, revision) == (found.hub.dataset, "dataset", found.hub.revision)
        assert allow_patterns == "20231101.sw/train-00000-of-*.parquet"
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    with pytest.raises(DataError, match="is not in the cache"):
        loader.load(found, "train", "sw")
    path.parent.mkdir()
    texts = ["Kichwa\n" + "a" * 120 + "\n\n" + "b" * 99, "c" * 100] + ["d" * 100] * 3_000
    polars.DataFrame({"text": texts}).write_parquet(path)
    rows = loader.load(found, "train", "sw")
    assert rows[:2] == [Text("a" * 120), Text("c" * 100)]
    assert len(rows) == 2_000
