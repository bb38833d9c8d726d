"""Training the embedding rows that a phase reads ends where training the whole table does."""

from typing import Any

import numpy as np
import pytest
import torch
from eight import Folder, opened, placed
from safetensors.torch import load_file
from test_resume import StoppedError, stopping
from toybox import Box, encoded, phase, use

from xstilts.compute import embedding_rows, state, train
from xstilts.study.recipe import Adapter

READING = ("xlm-r", "mbert", "mt5", "mbart", "gemma3", "modernbert")
WAYS: dict[str, dict[str, Any]] = {
    "the last": {},
    "the best": {"select": "best", "evaluations": 3},
}
RECIPE = {"weight_decay": 0.1, "updates": 12, "dropout": 0.1}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", READING)
def test_losses_and_weights_are_those_of_dense_training(
    name: str, way: str, real_format: Folder, first: Box, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, places = placed(real_format(name))
    trained = phase(use("pairs", examples=5), parent=backbone, **RECIPE, **WAYS[way])
    monkeypatch.setattr(embedding_rows, "WORTH", 0.0)
    assert first.compute(trained, places=places)["embedding_rows"] is None
    monkeypatch.setattr(embedding_rows, "WORTH", 1.0)
    rows = box.compute(trained, places=places)["embedding_rows"]
    dense, sparse = (load_file(one.checkpoint(trained) / "model.safetensors") for one in (first, box))
    vocabulary = max(len(tensor) for name, tensor in dense.items() if tensor.ndim == 2)
    assert 0 < rows < vocabulary, "some rows are not read"
    losses = [[point["loss"] for point in one.curve(trained)] for one in (first, box)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)
    assert dense.keys() == sparse.keys()
    for key, tensor in dense.items():
        torch.testing.assert_close(sparse[key], tensor, rtol=0, atol=1e-6)


def test_a_killed_phase_continues_with_the_same_bits_and_keeps_only_what_is_trained(
    real_format: Folder, first: Box, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_rows, "WORTH", 1.0)
    backbone, places = placed(real_format("xlm-r"))
    trained = phase(use("pairs", examples=5), parent=backbone, **RECIPE | {"updates": 11})
    rows = first.compute(trained, places=places)["embedding_rows"]
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    with pytest.raises(StoppedError):
        box.compute(trained, places=places, report=stopping(5), save_seconds=0)
    kept = load_file(box.store.running(trained.fingerprint) / state.STATE)
    (name,) = [name for name in kept if name.startswith("exp_avg.") and "word_embeddings" in name]
    assert len(kept[name]) == rows
    box.compute(trained, places=places)
    assert box.weights(trained) == first.weights(trained)


@pytest.mark.parametrize(
    ("task", "worth", "recipe"),
    [("texts", 1.0, {}), ("pairs", 1.0, {"adapter": Adapter()}), ("pairs", 0.01, {})],
    ids=["written from", "frozen", "mostly read"],
)
def test_there_are_tables_that_are_trained_whole(
    task: str,
    worth: float,
    recipe: dict[str, Any],
    real_format: Folder,
    box: Box,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedding_rows, "WORTH", worth)
    backbone, places = placed(real_format("xlm-r"))
    trained = phase(use(task, examples=12), parent=backbone, updates=2, **recipe)
    assert box.compute(trained, places=places)["embedding_rows"] is None


def test_a_token_that_was_not_counted_is_refused(real_format: Folder) -> None:
    model = opened(real_format("xlm-r"), "classification")
    del model.heads["masked"]
    table = model.embeddings
    data = encoded(model, "classification", 1)[1]
    count = embedding_rows.reduce(model, [data])
    assert len(model.embeddings) == count
    other = np.setdiff1d(
        np.arange(len(table)), np.concatenate([data.tokens, model.tokenizer.all_special_ids])
    )
    with pytest.raises(IndexError):
        model.encoder(input_ids=torch.tensor([[int(other[0])]]))
    embedding_rows.restore(model, 0.5)
    assert model.embeddings is table
