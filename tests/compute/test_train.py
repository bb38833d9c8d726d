"""A phase: what it learns, what it must not depend on, what it refuses, what it records."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode
from toybox import BACKBONE, FAST, PLACES, Box, evaluation, phase, use
from transformers import AutoConfig, LlamaModel, T5EncoderModel

from xstilts.compute import checkpoint, embedding_rows, train, training_data
from xstilts.compute import model as models
from xstilts.compute.rows import parted
from xstilts.data import loader, task
from xstilts.data.examples import Pair
from xstilts.errors import BackboneError, DataError, LossError
from xstilts.study.phase import Phase
from xstilts.study.recipe import Recipe


def weights(box: Box, specification: Phase) -> dict[str, torch.Tensor]:
    folder = box.checkpoint(specification)
    return {**load_file(folder / "model.safetensors"), **load_file(folder / "heads.safetensors")}


def assert_close(one: Any, other: Any, **tolerance: float) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], **tolerance)


# What a phase learns and leaves


def test_a_phase_learns_and_records_how_well(first: Box) -> None:
    trained = phase("pairs", updates=60)
    record = first.compute(trained)
    score = record["source_score"]["pairs"]
    assert score["metric"] == "accuracy"
    assert score["n"] == 60
    assert score["value"] > 90
    assert 50 <= score["chance"] < 65, "the share of the most frequent label"
    assert record["updates"] == record["planned_updates"] == record["selected_update"] == 60
    assert record["examples"] == {"pairs": 160}
    assert record["tokens"] > 60 * 100
    assert 0 <= record["padding"] < 0.3
    curve = first.curve(trained)
    assert [point["update"] for point in curve] == list(range(1, 61))
    assert record["loss"] == curve[-1]["loss"]
    assert curve[-1]["loss"] < 0.3 * curve[0]["loss"]
    assert curve[-1]["tokens"] == record["tokens"]
    encoder = checkpoint.load(first.checkpoint(BACKBONE)).encoder
    total = sum(p.numel() for p in encoder.parameters())
    words = encoder.get_input_embeddings().weight.numel()
    assert record["parameters"] == total
    assert record["parameters_without_embeddings"] == total - words
    matrices = sum(p.numel() for name, p in encoder.named_parameters() if p.ndim == 2 and "layer" in name)
    assert record["forward_flops_per_token"] > 2 * matrices, "each weight multiplies each token once"
    assert record["forward_flops_per_token"] < 2 * 2 * matrices


@pytest.mark.parametrize(
    ("name", "metric", "least"),
    [("choices", "accuracy", 80), ("tags", "span_f1", 80), ("questions", "squad_f1", 60)],
)
def test_every_family_learns(first: Box, name: str, metric: str, least: float) -> None:
    score = first.compute(phase(name, updates=60))["source_score"][name]
    assert score["metric"] == metric
    assert score["value"] > least > score["chance"]


def test_masked_text_is_learned_and_scored_on_fixed_masks(first: Box) -> None:
    trained = phase("texts", updates=60)
    score = first.compute(trained)["source_score"]["texts"]
    assert score["metric"] == "masked_accuracy"
    assert score["value"] > score["chance"] + 30
    assert list(checkpoint.load(first.checkpoint(trained)).heads) == ["masked"]


def test_several_tasks_train_a_head_each(first: Box) -> None:
    trained = phase("tags", "texts", updates=80)
    record = first.compute(trained)
    assert record["examples"] == {"tags": 160, "texts": 160}
    scores = record["source_score"]
    assert sorted(scores) == ["tags", "texts"]
    assert all(score["value"] > score["chance"] + 20 for score in scores.values())
    assert sorted(checkpoint.load(first.checkpoint(trained)).heads) == ["masked", "tags"]


def test_a_phase_continues_its_parent_and_keeps_the_encoder_only(first: Box) -> None:
    masked = phase("texts", updates=60)
    first.compute(masked)
    target = phase("pairs", parent=masked, updates=1, learning_rate=1e-9)
    before, after = weights(first, masked), weights(first, target)
    shared = [name for name in before if name in after]
    assert len(shared) > 20
    for name in shared:
        torch.testing.assert_close(after[name], before[name])
    assert not [name for name in after if name.startswith(("lm_head", "masked."))]
    assert list(checkpoint.load(first.checkpoint(target)).heads) == ["pairs"]


def test_the_language_models_head_goes_on_from_phase_to_phase(first: Box) -> None:
    masked = phase("texts", updates=60)
    again = phase("texts", parent=masked, updates=1, learning_rate=1e-9)
    before, after = weights(first, masked), weights(first, again)
    assert_close(before, after)
    assert first.curve(again)[0]["loss"] < 1.5 * first.curve(masked)[-1]["loss"]


def test_the_same_task_twice_in_a_chain_has_a_fresh_head(first: Box) -> None:
    once = phase("pairs", updates=60)
    first.compute(once)
    twice = phase("pairs", parent=once, updates=1, learning_rate=1e-9)
    assert first.curve(twice)[0]["loss"] > 0.5
    name = "classifier.out_proj.weight"
    assert not torch.allclose(weights(first, once)[name], weights(first, twice)[name])


def test_shuffled_labels_teach_nothing(first: Box) -> None:
    rows = use("pairs", labels="shuffled")
    record = first.compute(phase(rows, updates=60))
    assert abs(record["source_score"]["pairs"]["value"] - 50) < 20
    assert record["loss"] > 0.5
    real = first.compute(phase("pairs", updates=60))
    assert record["tokens"] == real["tokens"], "the same texts in the same order"


def test_examples_are_capped_by_nested_subsets(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[int, set[str]] = {}

    def watched(found: Iterable[Pair]) -> Any:
        rows = list(found)
        seen[len(rows)] = {row.id for row in rows}
        assert [row.id for row in rows] == sorted((row.id for row in rows), key=lambda i: int(i[3:]))
        return parted(rows)

    monkeypatch.setattr("xstilts.compute.rows.parted", watched)
    for cap in (20, 50, 1000):
        record = box.compute(phase(use("pairs", examples=cap), updates=1))
        assert record["examples"] == {"pairs": min(cap, 160)}
    assert seen[20] < seen[50] < seen[160]


def test_another_seed_is_another_run_and_the_same_seed_the_same(box: Box, first: Box) -> None:
    one = phase("pairs", updates=5)
    assert box.weights(one) == first.weights(one)
    other = weights(first, phase("pairs", updates=5, seed=2))
    assert not torch.equal(other["pairs.out.weight"], weights(first, one)["pairs.out.weight"])


# What must change nothing


@pytest.mark.parametrize("name", ["pairs", "choices", "tags", "questions", "texts"])
def test_micro_batches_change_no_number(box: Box, first: Box, name: str) -> None:
    """With a large epsilon: else AdamW makes steps of the rounding where the true gradient is nothing."""
    trained = phase(name, updates=6, epsilon=1e-3)
    first.compute(trained)
    box.compute(trained, micro_tokens=48)
    whole, parts = first.curve(trained), box.curve(trained)
    assert [point["loss"] for point in parts] == pytest.approx([p["loss"] for p in whole], rel=1e-5)
    assert [point["tokens"] for point in parts] == [point["tokens"] for point in whole]
    assert_close(weights(box, trained), weights(first, trained), atol=5e-6, rtol=1e-5)


def test_a_loss_is_the_mean_over_the_decisions_of_its_update(first: Box) -> None:
    """The first loss of a phase by hand: all items of the first batch, before any weight has moved."""
    trained = phase("tags", updates=1, learning_rate=1e-9, batch_size=1000, batch_tokens=None)
    (point,) = first.curve(trained)
    model = checkpoint.load(first.checkpoint(trained)).eval()
    rows = loader.load(PLACES.task("tags"), "train", "en")
    losses = []
    for row in rows:
        encoding = model.tokenizer(list(row.tokens), is_split_into_words=True, return_tensors="pt")
        if encoding["input_ids"].shape[1] > FAST["max_length"]:
            continue  # four sentences are split
        states = model.encoder(**encoding).last_hidden_state[0]
        firsts = [encoding.word_ids().index(word) for word in range(len(row.tokens))]
        scores = torch.log_softmax(model.heads["tags"](states[firsts]), 1)
        gold = [PLACES.task("tags").labels.index(tag) for tag in row.tags]
        losses += (-scores[range(len(gold)), gold]).tolist()
    assert len(rows) - 4 == 156
    assert point["loss"] == pytest.approx(np.mean(losses), abs=0.01)


# Learning rate, stopping, selection


@pytest.mark.parametrize(
    ("decay", "expected"),
    [
        ("linear", [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
        ("constant", [0.5] + [1.0] * 9),
        ("cosine", [0.5, 1.0] + [0.5 * (1 + math.cos(math.pi * step / 8)) for step in range(8)]),
    ],
)
def test_the_learning_rate_warms_up_and_decays(decay: Any, expected: list[float]) -> None:
    recipe = Recipe(learning_rate=1e-3, warmup=0.2, decay=decay)
    rates = [train.rate(recipe, update, 10) for update in range(10)]
    assert rates == pytest.approx([1e-3 * share for share in expected])


def test_the_curve_holds_the_rates(first: Box) -> None:
    trained = phase("pairs", updates=5, warmup=0.0)
    assert [point["rate"] for point in first.curve(trained)] == pytest.approx(
        [1e-2 * share for share in (1.0, 0.8, 0.6, 0.4, 0.2)]
    )


class Scripted:
    """Development scores that are told beforehand, in place of those of the model."""

    def __init__(self, *scores: float) -> None:
        self.scores = iter(scores)
        self.weights: list[dict[str, torch.Tensor]] = []

    def __call__(self, model: models.Model, *_: Any) -> float:
        self.weights.append({name: p.detach().clone() for name, p in model.named_parameters()})
        return next(self.scores)


def test_the_best_point_is_kept(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(10, 30, 30, 20)
    monkeypatch.setattr(train, "mean_score", scripted)
    monkeypatch.setattr(embedding_rows, "WORTH", 0.0)
    trained = phase("pairs", updates=8, evaluations=4, select="best")
    record = box.compute(trained)
    assert record["updates"] == 8
    assert record["selected_update"] == 4, "of equal scores the first"
    points = [(p["update"], p["development"]) for p in box.curve(trained) if "development" in p]
    assert points == [(2, 10), (4, 30), (6, 30), (8, 20)]
    kept = dict(checkpoint.load(box.checkpoint(trained)).named_parameters())
    assert_close(kept, scripted.weights[1], atol=0, rtol=0)


def test_the_last_point_is_kept_unless_the_recipe_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "mean_score", Scripted(10, 30, 30, 20))
    watched = phase("pairs", updates=8, evaluations=4)
    assert box.compute(watched)["selected_update"] == 8
    plain = phase("pairs", updates=8)
    assert_close(weights(box, watched), weights(box, plain), atol=0, rtol=0)


def test_patience_stops(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "mean_score", Scripted(10, 30, 20, 30, 50))
    trained = phase("pairs", updates=20, evaluations=10, patience=2)
    record = box.compute(trained)
    assert (record["updates"], record["planned_updates"]) == (8, 20)
    assert box.curve(trained)[-1]["update"] == 8


def test_selection_sees_the_source_language_only(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, str, str]] = []
    stream = loader.stream

    def watched(found: task.Task, split: str, language: str, *rest: Any, **options: Any) -> Any:
        read.append((found.name, split, language))
        return stream(found, split, language, *rest, **options)

    monkeypatch.setattr(loader, "stream", watched)
    box.compute(phase("pairs", "tags", updates=4, evaluations=2, select="best"))
    assert sorted(set(read)) == [(t, s, "en") for t in ("pairs", "tags") for s in ("dev", "train")]


def test_at_most_so_many_development_examples_are_looked_at(box: Box) -> None:
    record = box.compute(phase("pairs", updates=1, development_examples=7))
    assert record["source_score"]["pairs"]["n"] == 7


def test_development_rows_are_drawn_by_the_seed_or_the_first_of_the_file(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a file often stand in some order: the first of one sorted by label have one label."""
    looked_at: list[list[int]] = []
    prepare = training_data.prepare

    def watched(rows: Any, *rest: Any) -> Any:
        looked_at.append([int(row.id.removeprefix("en-")) for row in rows])
        return prepare(rows, *rest)

    monkeypatch.setattr(training_data, "prepare", watched)
    for seed, rows in ((1, "first"), (2, "first"), (1, "drawn"), (2, "drawn")):
        box.compute(phase("pairs", seed=seed, updates=1, development_examples=20, development_rows=rows))
    box.compute(phase("pairs", updates=2, development_examples=20))
    *first, one, other, again = looked_at
    count = len(loader.load(PLACES.task("pairs"), "dev", "en"))
    assert first == [list(range(20))] * 2
    assert one == again == sorted(set(one)) != other
    assert len(one) == len(other) == 20
    assert max(*one, *other) >= count / 2


@pytest.mark.parametrize("wish", [{"select": "best"}, {"patience": 1}])
def test_selection_without_development_rows_is_refused(box: Box, wish: dict[str, Any]) -> None:
    blind = use("pairs", development=None)
    with pytest.raises(DataError, match="no trained task has development rows"):
        box.compute(phase(blind, updates=4, evaluations=2, **wish))


def test_a_task_without_development_rows_has_no_score(box: Box) -> None:
    trained = phase(use("pairs", development=None), updates=2, evaluations=2)
    assert box.compute(trained)["source_score"] == {}
    assert not [point for point in box.curve(trained) if "development" in point]


# Dropout and precision


@pytest.mark.parametrize(("share", "moves"), [(0.0, False), (0.5, True)])
def test_the_recipe_sets_every_dropout(
    box: Box, monkeypatch: pytest.MonkeyPatch, share: float, moves: bool
) -> None:
    """Two forward passes of the training model: with dropout they differ, without they do not."""
    passes = []
    forward = models.Model.forward

    def twice(self: models.Model, batch: Any, head: str) -> torch.Tensor:
        found = forward(self, batch, head)
        if self.training:
            passes.append((found.detach(), forward(self, batch, head).detach()))
        return found

    monkeypatch.setattr(models.Model, "forward", twice)
    box.compute(phase("pairs", updates=1, dropout=share))
    assert [torch.equal(one, two) for one, two in passes] == [not moves] * len(passes) != []


@pytest.mark.parametrize("architecture", ["t5", "llama"])
def test_dropout_that_a_model_keeps_as_a_number_is_set_too(architecture: str) -> None:
    shape = {
        "hidden_size": 16,
        "d_model": 16,
        "d_kv": 8,
        "d_ff": 16,
        "intermediate_size": 16,
        "vocab_size": 9,
    }
    heads = {"num_layers": 1, "num_hidden_layers": 1, "num_heads": 2, "num_attention_heads": 2}
    config = AutoConfig.for_model(architecture, **shape, **heads)
    torch.manual_seed(1)
    model = (T5EncoderModel if architecture == "t5" else LlamaModel)(config).train()
    tokens = torch.arange(8).reshape(2, 4)
    for share in (0.0, 0.5):
        train.set_dropout(model, share)
        one, two = (model(input_ids=tokens).last_hidden_state for _ in range(2))
        assert torch.equal(one, two) is (share == 0)


def test_without_an_override_the_models_own_dropout_counts(first: Box) -> None:
    plain, none = (phase("pairs", updates=3, dropout=share) for share in (None, 0.0))
    tenth = phase("pairs", updates=3, dropout=0.1)
    losses = [[point["loss"] for point in first.curve(p)] for p in (plain, tenth, none)]
    assert losses[0] == losses[1], "XLM-R's own is a tenth"
    assert losses[0] != losses[2]


def test_bfloat16_trains_float32_weights(first: Box) -> None:
    trained = phase("pairs", updates=6, precision="bf16")
    exact = [point["loss"] for point in first.curve(phase("pairs", updates=6))]
    rough = [point["loss"] for point in first.curve(trained)]
    assert rough == pytest.approx(exact, rel=0.05)
    assert rough != exact
    assert {tensor.dtype for tensor in weights(first, trained).values()} == {torch.float32}


class Casts(TorchDispatchMode):
    """Counts how often each weight is cast to bfloat16."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func is torch.ops.aten._to_copy.default and given.get("dtype") is torch.bfloat16:
            self.counts[id(args[0])] += isinstance(args[0], torch.nn.Parameter)
        return func(*args, **given)


def test_weights_are_cast_once_in_an_update_of_several_passes(box: Box) -> None:
    with Casts() as casts:
        record = box.compute(phase("pairs", updates=3, precision="bf16"), micro_tokens=64)
    assert record["tokens"] > 3 * 64, "an update is several passes"
    assert set(casts.counts.values()) - {0} == {3}


# What is refused


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_the_phase_by_name(
    box: Box, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    loss_sum, calls = models.loss_sum, iter(range(99))

    def broken(*arguments: Any) -> torch.Tensor:
        found = loss_sum(*arguments)
        return found * value if next(calls) == 3 else found

    monkeypatch.setattr("xstilts.compute.train.loss_sum", broken)
    trained = phase("pairs", updates=6, batch_tokens=None, batch_size=1)  # one pass for each update
    with pytest.raises(LossError) as caught:
        box.compute(trained)
    assert caught.value.where == "pairs-seed1, update 4 of 6"
    assert "learning rate" in caught.value.now
    assert box.store.folder(trained.fingerprint) is None, "nothing half-written"
    assert not list((box.store.root / "temporary").iterdir())


def test_a_gradient_that_is_not_finite_stops_the_phase_too(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the last update, no later loss would show that the weights are lost."""
    loss_sum = models.loss_sum

    def steep(scores: torch.Tensor, batch: Any) -> torch.Tensor:
        found = loss_sum(scores, batch)
        return found + 0 * (scores - scores.detach()).abs().sqrt().sum()  # the slope of a root at 0

    monkeypatch.setattr("xstilts.compute.train.loss_sum", steep)
    with pytest.raises(LossError, match=r"update 1 of 1: .* the norm of its gradient nan"):
        box.compute(phase("pairs", updates=1))


def test_weights_of_a_backbone_that_are_not_finite_are_found_out(box: Box) -> None:
    path = box.checkpoint(BACKBONE) / "model.safetensors"
    from safetensors.torch import save_file

    tensors = load_file(path)
    tensors["encoder.layer.0.output.dense.bias"][0] = math.inf
    save_file(tensors, path, {"format": "pt"})
    (box.folder(BACKBONE) / "record.json").write_text("{}")  # as if the pretrained weights were so
    with pytest.raises(LossError, match="update 1 of 24"):
        box.compute(phase("pairs"))


def test_a_text_longer_than_the_model_reads_is_refused(box: Box) -> None:
    with pytest.raises(BackboneError, match="reads up to 48 tokens at once, but a text has 52"):
        box.compute(phase("tags", max_length=64))
    assert box.compute(phase("tags", max_length=48, updates=1))["updates"] == 1


def test_signs_of_life(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    events: list[Any] = []
    box.compute(phase("pairs", updates=3), report=events.append)
    assert [event["update"] for event in events] == [1, 2, 3]
    assert {event["kind"] for event in events} == {"train"}
    assert {event["updates"] for event in events} == {3}
    assert all(event["tokens_per_second"] > 0 and math.isfinite(event["loss"]) for event in events)


def test_a_phase_on_a_phase_is_evaluated(first: Box) -> None:
    chain = phase("tags", parent=phase("texts", updates=60), updates=30)
    first.compute(evaluation(chain, "tags"))
    scores = first.store.scores(evaluation(chain, "tags").fingerprint)
    assert scores["languages"]["de"]["value"] > 85


def test_heads_are_carried_only_if_the_recipe_says_so() -> None:
    before = phase("pairs", "tags")
    assert train.carried(phase("pairs", parent=before)) == {}
    assert train.carried(phase("pairs", "tags", carry="heads")) == {}  # a backbone has no heads of tasks
    both = phase("pairs", "tags", parent=before, carry="heads")
    assert train.carried(both) == {"pairs": "pairs", "tags": "tags"}
    assert train.carried(phase("choices", parent=before, carry="heads")) == {}
    other = use("pairs").changed(task="couples")
    assert train.carried(phase(other, parent=before, carry="heads")) == {"couples": "pairs"}
    more_labels = other.changed(label_set=("no", "perhaps", "yes"))
    assert train.carried(phase(more_labels, parent=before, carry="heads")) == {}
    twice = phase("pairs", use("pairs").changed(task="others"))
    assert train.carried(phase(other, parent=twice, carry="heads")) == {}  # which one?


def test_a_carried_head_goes_on_where_it_was(box: Box) -> None:
    """After so many updates at rate almost 0, what was learned is there with the head and gone without it."""
    before = phase("pairs", updates=60)
    nothing = {"parent": before, "learning_rate": 1e-9, "updates": 1}
    scores = {
        carry: box.compute(phase("pairs", carry=carry, **nothing))["source_score"]["pairs"]
        for carry in ("heads", "encoder")
    }
    learned = box.compute(before)["source_score"]["pairs"]["value"]
    assert scores["heads"]["value"] == pytest.approx(learned, abs=2.0)
    assert scores["encoder"]["value"] < learned - 10
