"""Rows to be evaluated are read once and encoded once, and give the answers that rows in memory give."""

import gc
import json
import shutil
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from toybox import BACKBONE, PLACES, Box, evaluation, phase

from xstilts import families
from xstilts.compute import checkpoint, predict, pretrained, rows, train, work
from xstilts.compute.data import Encoded
from xstilts.compute.rows import prepare
from xstilts.data import loader
from xstilts.data.loader import load as load_rows
from xstilts.families.items import Layout
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.step import Step

NAMES = ("pairs", "choices", "tags", "questions")


def results(box: Box, specification: Evaluation) -> dict[str, bytes]:
    box.compute(specification)
    return {
        name: (box.folder(specification) / name).read_bytes()
        for name in ("scores.json", "predictions.parquet")
    }


def forget(box: Box, specification: Evaluation) -> None:
    shutil.rmtree(box.folder(specification))


def encoding_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepared(*_: Any, **__: Any) -> rows.Prepared:
        pytest.fail("encoded again")

    monkeypatch.setattr(rows, "prepare", prepared)


@pytest.mark.parametrize("name", [*NAMES, "bitexts"])
def test_results_are_the_same_bytes_whoever_has_encoded_the_rows(
    box: Box, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    languages = ("de", "fr") if name == "bitexts" else ("en", "de")
    asked = evaluation(BACKBONE if name == "bitexts" else phase(name), name, languages)
    wanted = results(box, asked)
    forget(box, asked)
    with monkeypatch.context() as patched:
        encoding_fails(patched)
        assert results(box, asked) == wanted, "mapped"
    forget(box, asked)
    shutil.rmtree(box.store.root / "data")
    monkeypatch.setattr(rows, "PART", 7)
    assert results(box, asked) == wanted, "encoded in other parts"


@pytest.mark.parametrize("name", NAMES)
def test_answers_from_the_disk_are_those_of_rows_in_memory(box: Box, name: str) -> None:
    trained = phase(name)
    asked = evaluation(trained, name, ("de",))
    results(box, asked)
    model = checkpoint.load(box.checkpoint(trained))
    layout = Layout(labels=PLACES.task(name).labels, max_length=40, stride=16)
    found = load_rows(PLACES.task(name), "test", "de")
    answers = predict.predict(
        model, name, prepare(found, PLACES.task(name).family, model.tokenizer, layout), "fp32"
    )
    table = pl.read_parquet(box.folder(asked) / "predictions.parquet")
    assert [json.loads(one) for one in table["predicted"]] == json.loads(json.dumps(answers))


@pytest.mark.parametrize("family", ["classification", "choice", "tagging", "span"])
def test_items_hold_what_decoding_needs(family: str, first: Box, tmp_path: Path) -> None:
    model = checkpoint.load(first.checkpoint(BACKBONE))
    name = {"classification": "pairs", "choice": "choices", "tagging": "tags", "span": "questions"}[family]
    found = load_rows(PLACES.task(name), "test", "en")
    for readout in ("head",) if family == "tagging" else ("head", "text"):
        layout = Layout(labels=PLACES.task(name).labels, max_length=40, stride=16, readout=readout)
        kind = families.read_out(family, layout)
        wanted = prepare(found, family, model.tokenizer, layout).items

        def parts(kind: Any = kind, layout: Layout = layout) -> Iterator[tuple[int, Encoded]]:
            for start in range(0, len(found), 9):
                part: Sequence[Any] = found[start : start + 9]
                asking = kind.questions if layout.readout == "text" else kind.encode
                items = asking(part, model.tokenizer, layout)
                yield len(part), Encoded.of(items, kind.axis, decoded=True)

        encoded, count = rows.mapped(tmp_path, readout, parts, None)
        items = [encoded.item(number) for number in range(len(encoded))]
        assert count == len(found)
        assert [one.example for one in items] == [one.example for one in wanted]
        assert [one.reads for one in items] == [one.reads for one in wanted]
        notes = [None if one.note is None else [list(pair) for pair in one.note] for one in wanted]
        assert [one.note for one in items] == notes


def test_models_of_other_seeds_and_lengths_of_training_find_the_rows_encoded(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Phase] = [phase("pairs"), phase("pairs", seed=2), phase("pairs", max_length=24)]
    for one in trained:
        box.compute(one)
    box.compute(evaluation(trained[0], "pairs"))
    encoding_fails(monkeypatch)
    for one in trained[1:]:
        box.compute(evaluation(one, "pairs"))


def test_what_is_asked_of_other_rows_is_encoded_for_itself(box: Box) -> None:
    trained = phase("pairs")
    box.compute(evaluation(trained, "pairs"))
    before = {path.name for path in (box.store.root / "data").iterdir()}
    few = evaluation(trained, "pairs", ("en",), examples=5)
    box.compute(few)
    assert len({path.name for path in (box.store.root / "data").iterdir()} - before) == 1
    assert box.store.scores(few.fingerprint)["languages"]["en"]["n"] == 5


@pytest.mark.parametrize("column", ["tokens", "example", "spans"])
def test_damaged_rows_are_encoded_again(box: Box, column: str) -> None:
    asked = evaluation(phase("questions"), "questions")
    wanted = results(box, asked)
    forget(box, asked)
    folders = (box.store.root / "data").iterdir()
    paths = [one / f"{column}.bin" for one in folders if (one / "example.bin").stat().st_size]
    whole = {path: path.read_bytes() for path in paths}
    assert len(whole) == 2, "one for each language"
    for path, content in whole.items():
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert results(box, asked) == wanted
    assert {path: path.read_bytes() for path in paths} == whole


def test_rows_are_read_once(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = phase("pairs")
    box.compute(trained)
    asked, read, stream = evaluation(trained, "pairs"), list[tuple[str, str]](), loader.stream
    monkeypatch.setattr("xstilts.study.sources._counts", {})

    def noted(one: Any, split: str, language: str, *rest: Any, **others: Any) -> Iterator[Any]:
        read.append((split, language))
        return stream(one, split, language, *rest, **others)

    monkeypatch.setattr(loader, "stream", noted)
    assert work.compute(Step(asked), box.store, PLACES, lambda event: None) == "done"
    assert sorted(read) == [("test", "de"), ("test", "en")]
    record = box.store.record(asked.fingerprint)
    assert record is not None
    assert [source["rows"] for source in record["sources"]] == [80, 80]


def test_passes_on_a_processor_are_small_and_padded_little() -> None:
    lengths = np.random.default_rng(1).integers(4, 120, 900)
    data = Encoded.of(
        [rows.Item(([5] * length,), (length,), ([0],), [0], row) for row, length in enumerate(lengths)],
        "outputs",
    )
    passes = predict.parts(data, predict.torch.device("cpu"))
    assert sorted(np.concatenate(passes).tolist()) == list(range(900))
    padded = [int(lengths[part].max()) * len(part) for part in passes]
    assert max(padded) <= 2048
    assert 1 - lengths.sum() / sum(padded) < 0.05
    assert int(lengths[passes[0]].max()) == lengths.max(), "the largest first"


# Tokenizers


def test_a_tokenizer_is_read_once_as_long_as_its_files_are_the_same(first: Box, tmp_path: Path) -> None:
    folder = first.checkpoint(phase("pairs"))
    same = checkpoint.load(first.checkpoint(phase("tags"))).tokenizer
    assert checkpoint.load(folder).tokenizer is same
    other = shutil.copytree(folder, tmp_path / "other")
    settings = json.loads((other / "tokenizer_config.json").read_text())
    (other / "tokenizer_config.json").write_text(json.dumps(settings | {"model_max_length": 7}))
    changed = checkpoint.load(other).tokenizer
    assert changed is not same
    assert changed.model_max_length == 7


def test_how_the_last_call_cut_texts_is_no_part_of_a_tokenizer(first: Box, tmp_path: Path) -> None:
    words = checkpoint.load(first.checkpoint(BACKBONE)).tokenizer
    pretrained.tokenizer_identity.cache_clear()
    before = pretrained.tokenizer_identity(words)
    words(["a b c d e f"] * 2, truncation=True, max_length=3, padding=True)
    pretrained.tokenizer_identity.cache_clear()
    assert pretrained.tokenizer_identity(words) == before
    words(["a b c d e f"] * 2, truncation=True, max_length=3, padding=True)
    pretrained.save_tokenizer(words, tmp_path)
    saved = json.loads((tmp_path / "tokenizer.json").read_text())
    assert (saved["truncation"], saved["padding"]) == (None, None)


def test_a_training_frees_the_tokenizer_once_rows_are_encoded(first: Box, tmp_path: Path) -> None:
    model = checkpoint.load(first.checkpoint(BACKBONE))
    known = model.pad, model.start, model.vocabulary
    del model.pad, model.start, model.vocabulary
    held = weakref.ref(model.tokenizer)
    checkpoint.put_tokenizer_away(model, tmp_path / "checkpoint", writes=True)
    gc.collect()
    assert held() is None
    assert (model.pad, model.start, model.vocabulary) == known
    checkpoint.save(model, tmp_path / "checkpoint", {})
    whole = checkpoint.load(tmp_path / "checkpoint").tokenizer
    assert pretrained.tokenizer_identity(whole) == pretrained.tokenizer_identity(
        checkpoint.load(first.checkpoint(BACKBONE)).tokenizer
    )


def test_tables_become_whole_when_what_only_updates_need_is_gone(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, adamw, restore = [], train.adamw, train.embedding_rows.restore

    def optimizer(*inputs: Any) -> Any:
        made.append(adamw(*inputs))
        return made[-1]

    def restored(model: Any, decay: float) -> None:
        assert model.tokenizer is None
        assert not made[0].state
        assert all(parameter.grad is None for parameter in model.parameters())
        made.append(restore)
        restore(model, decay)

    monkeypatch.setattr(train, "adamw", optimizer)
    monkeypatch.setattr(train.embedding_rows, "restore", restored)
    box.compute(phase("pairs"))
    assert made[1:] == [restore]
