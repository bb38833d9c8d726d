"""What makes a GPU fast changes no number, and asks the GPU for little; all of it without one."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from test_resume import StoppedError, stopping
from toybox import Box, phase
from transformers import AutoConfig, AutoModel, PreTrainedModel

from xstilts.compute import attention, distributed, embedding_rows, state, train
from xstilts.compute import model as models
from xstilts.compute.attention import Packed
from xstilts.compute.data import Batch
from xstilts.compute.device import AHEAD, WAIT, Execution, Unread, ahead
from xstilts.errors import LossError
from xstilts.study.architecture import TYPES
from xstilts.study.recipe import Adapter, Recipe

PACKED = [name for name, facts in TYPES.items() if facts.packed]

CPU = torch.device("cpu")


def execute(monkeypatch: pytest.MonkeyPatch, **execution: Any) -> None:
    """Let phases be computed in that way on the processor, or on the device that is named."""
    chosen = Execution(**{"device": CPU} | execution)
    monkeypatch.setattr(Execution, "chosen", lambda *_: chosen)


# Batches made ahead


def test_what_is_made_ahead_comes_in_order_and_is_only_so_much() -> None:
    made: list[int] = []
    asked = threading.Semaphore(0)

    def make(number: int) -> int:
        assert threading.current_thread() is not threading.main_thread()
        made.append(number)
        asked.release()
        return number

    with ahead(make, range(20), 3) as numbers:
        for expected in range(20):
            for _ in range(3 if expected == 0 else expected < 18):
                assert asked.acquire(timeout=10)
            assert len(made) <= expected + 3
            assert next(numbers) == expected
        assert list(numbers) == []
    assert made == list(range(20))


@pytest.mark.parametrize("depth", [0, 3])
def test_an_error_comes_where_its_item_would(depth: int) -> None:
    def make(number: int) -> int:
        if number == 4:
            raise ValueError("of the fifth")
        return number

    read = []
    with pytest.raises(ValueError, match="of the fifth"), ahead(make, range(9), depth) as numbers:
        for number in numbers:
            read.append(number)
    assert read == [0, 1, 2, 3]


def test_the_thread_ends_with_the_block_however_that_ends() -> None:
    made: list[int] = []
    before = threading.active_count()
    with contextlib.suppress(KeyError), ahead(lambda n: made.append(n) or n, range(10**9), 4) as numbers:
        next(numbers)
        raise KeyError
    assert threading.active_count() == before
    assert len(made) <= 5


# Losses read together


def steps(gradients: list[float], wait: int) -> tuple[torch.Tensor, Any, list[float]]:
    """A weight after updates with these gradients, what AdamW keeps of it, and what was read."""
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = state.AdamW([weight], lr=0.1, weight_decay=0.1, fused=True)
    unread, read = Unread(optimizer, wait), []
    for number, gradient in enumerate(gradients):
        weight.grad = torch.full((3,), gradient)
        unread.add(torch.tensor([1.0, gradient]), (number, number))
        read += [values[1] for values, _ in unread.read(due=False)]
        optimizer.step()
    return weight.detach(), dict(optimizer.state[weight]), read


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_an_update_that_is_not_finite_is_skipped_on_the_device_and_all_after_it(bad: float) -> None:
    weight, kept, read = steps([0.5, -0.2, bad, 0.3, 0.4], wait=9)
    expected, moments, _ = steps([0.5, -0.2], wait=9)
    assert read == []
    assert torch.equal(weight, expected)
    for name, tensor in moments.items():
        assert torch.equal(kept[name], tensor), name


def test_values_are_read_together_or_when_they_are_due() -> None:
    assert steps([1.0, 2.0, 3.0, 4.0, 5.0], wait=3)[2] == [1, 2, 3]
    assert steps([1.0, 2.0, 3.0, 4.0, 5.0], wait=1)[2] == [1, 2, 3, 4, 5]
    unread = Unread(state.AdamW([torch.nn.Parameter(torch.ones(1))]), 9)
    unread.add(torch.tensor([1.0, 2.0, 3.0]), (4, 5))
    unread.add(torch.tensor([6.0]), (7, 8))
    assert unread.read(due=True) == [([1.0, 2.0, 3.0], (4, 5)), ([6.0], (7, 8))]


LONG = {"dropout": 0.1, "updates": 23, "evaluations": 2, "batch_tokens": 512}


def test_no_number_depends_on_what_is_made_ahead_or_read_together(
    first: Box, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "POINTS", 4)
    monkeypatch.setattr(train, "REPORT_SECONDS", 0.0)
    trained = phase("pairs", "texts", **LONG)
    expected = first.compute(trained)
    execute(monkeypatch, ahead=3, wait=4)
    with pytest.raises(StoppedError):
        box.compute(trained, report=stopping(12), save_seconds=0)
    assert (box.store.running(trained.fingerprint) / state.STATE).is_file()
    found = box.compute(trained)
    assert box.weights(trained) == first.weights(trained)
    same = ("updates", "tokens", "padding", "loss", "source_score")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
    assert "losses read every 4 updates" in found["execution"]


def test_a_loss_that_is_not_finite_is_found_within_a_few_updates_and_named_exactly(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "POINTS", 1)
    loss_sum, calls, optimizers, before = models.loss_sum, iter(range(99)), [], {}

    def broken(*arguments: Any) -> torch.Tensor:
        loss, call = loss_sum(*arguments), next(calls)
        if call == 3:
            (optimizer,) = optimizers
            before.update(
                {one: one.detach().clone() for group in optimizer.param_groups for one in group["params"]}
            )
        return loss * float("nan") if call == 3 else loss

    adamw = train.adamw
    monkeypatch.setattr(train, "loss_sum", broken)
    monkeypatch.setattr(train, "adamw", lambda *inputs: optimizers.append(adamw(*inputs)) or optimizers[0])
    execute(monkeypatch, ahead=2, wait=5)
    with pytest.raises(LossError, match="the loss is nan") as caught:
        box.compute(phase("pairs", updates=12, batch_tokens=None, batch_size=1))
    assert caught.value.where == "pairs-seed1, update 4 of 12"
    assert next(calls) == 5, "the fifth update was computed, the sixth was not"
    assert before
    for parameter, value in before.items():
        assert torch.equal(parameter, value), "as it was before the fourth update"


# What is asked of the device


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("dropped", [0.0, 0.1])
def test_the_host_waits_for_the_device_when_it_reads_losses_and_never_else(
    packed: bool, dropped: float, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On torch's device without values: it gives none, and mixes with no other device."""
    execute(monkeypatch, device=torch.device("meta"), ahead=2, wait=5, overhead=None, packed=packed)
    monkeypatch.setattr(train, "POINTS", 1)
    monkeypatch.setattr(train, "autocast", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(distributed, "placed", lambda model, ranks, device: model.to(device, torch.bfloat16))
    taken = []
    monkeypatch.setattr(state.AdamW, "step", lambda self: taken.append(self.found_inf))
    with pytest.raises(NotImplementedError, match="meta tensor"):
        box.compute(phase("pairs", dropout=dropped))
    assert len(taken) == 4, "the values of the first five updates are read before the fifth step"
    assert all(bad is not None and bad.device.type == "meta" for bad in taken)


class Gpu:
    """What torch says of a GPU that is not there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int]) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: True)


@pytest.mark.parametrize(
    ("capability", "precision", "model_type", "line"),
    [
        ((9, 0), "bf16", "xlm-roberta", "cuda: sequences packed, with FlashAttention; batches collated"),
        ((7, 5), "bf16", "xlm-roberta", "padded (this GPU is too old for FlashAttention); batches"),
        ((9, 0), "fp32", "xlm-roberta", "padded (FlashAttention computes in bf16 only); batches"),
        ((9, 0), "bf16", "deberta-v2", "padded (deberta-v2 models are given padded ones); batches"),
    ],
)
def test_a_line_says_how_a_phase_is_computed(
    capability: tuple[int, int],
    precision: Any,
    model_type: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Holder:
        encoder = small(model_type)

    recipe: Any = Recipe(learning_rate=1e-3, updates=1, precision=precision)
    attention.keep_little(Holder.encoder)
    assert Execution.chosen(Holder, recipe, 1) == Execution(CPU)  # type: ignore[arg-type]
    Gpu(monkeypatch, capability)
    chosen = Execution.chosen(Holder, recipe, 1)  # type: ignore[arg-type]
    assert line in str(chosen)
    assert (chosen.device.type, chosen.ahead, chosen.wait, chosen.overhead) == ("cuda", AHEAD, WAIT, None)
    assert Execution.chosen(Holder, recipe, 2).wait == 1  # type: ignore[arg-type]
    monkeypatch.setattr(torch.backends.cuda, "is_flash_attention_available", lambda: False)
    assert "packed" not in str(Execution.chosen(Holder, recipe, 1))  # type: ignore[arg-type]


def test_rows_that_were_not_trained_follow_the_model_to_its_device(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were left where the model was loaded; scores and checkpoint want all on the model's device."""
    monkeypatch.setattr(embedding_rows, "WORTH", 1.0)
    calls: list[Any] = []
    restore, move, score = embedding_rows.restore, models.Model.to, train.source_scores

    def noted(name: str, function: Any) -> Any:
        def call(*inputs: Any) -> Any:
            calls.append((name, *inputs[1:2]))
            return function(*inputs)

        return call

    monkeypatch.setattr(embedding_rows, "restore", noted("restore", restore))
    monkeypatch.setattr(models.Model, "to", noted("to", move))
    monkeypatch.setattr(train, "source_scores", noted("score", score))
    assert box.compute(phase("pairs", updates=1))["embedding_rows"] is not None
    after = calls[[name for name, *_ in calls].index("restore") + 1 :]
    assert after[0] == ("to", CPU)
    assert "score" in [name for name, *_ in after]


# Packed sequences


SMALL = {
    "vocab_size": 40,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
    "pad_token_id": 1,
    "attn_implementation": "sdpa",
}
OWN: dict[str, dict[str, Any]] = {
    "gemma": {"num_key_value_heads": 2, "head_dim": 8},
    "gemma3_text": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "mistral": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    "modernbert": {"local_attention": 6, "global_attn_every_n_layers": 2},
    "llama": {"num_key_value_heads": 2},
    "qwen2": {
        "num_key_value_heads": 2,
        "use_sliding_window": True,
        "sliding_window": 4,
        "max_window_layers": 1,
    },
    "qwen3": {"num_key_value_heads": 2, "head_dim": 8},
    "deberta-v2": {"attn_implementation": "eager"},
}
LENGTHS = (3, 11, 1, 7)


def small(model_type: str) -> PreTrainedModel:
    settings = SMALL | OWN.get(model_type, {})
    implementation = settings.pop("attn_implementation")
    torch.manual_seed(1)
    config = AutoConfig.for_model(model_type, **settings)
    model: PreTrainedModel = AutoModel.from_config(config, attn_implementation=implementation)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


class Reader:
    """What `Model.hidden` needs of a tokenizer."""

    model_input_names = ("input_ids", "token_type_ids", "attention_mask")


def batch_of(lengths: tuple[int, ...]) -> Batch:
    rng = np.random.default_rng(1)
    filled = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    ids = torch.from_numpy(rng.integers(2, 40, filled.shape)).masked_fill(~filled, 1)
    row, column = filled.nonzero(as_tuple=True)
    attended = filled.long()
    return Batch(
        ids, attended, torch.zeros_like(ids), row, column, row, None, None, np.ones(0, int), len(row)
    )


@pytest.mark.parametrize(
    ("model_type", "sees"), [*((name, "causal") for name in PACKED), ("qwen3", "bidirectional")]
)
def test_packed_sequences_have_the_states_and_gradients_of_padded_ones(model_type: str, sees: str) -> None:
    encoder, batch, found = small(model_type), batch_of(LENGTHS), []
    model = models.Model(encoder, Reader())
    model.attend(sees)
    upstream = torch.randn(sum(LENGTHS), 32, generator=torch.Generator().manual_seed(2))
    for given in (batch, batch.packed()):
        encoder.zero_grad()
        states = model.hidden(given)[given.row, given.column]
        states.backward(upstream)
        found.append(
            (states.detach(), {n: p.grad for n, p in encoder.named_parameters() if p.grad is not None})
        )
        attention.keep_little(encoder)
    assert attention.unpackable(encoder) == ""
    assert given.ids.shape == (1, sum(LENGTHS))
    assert given.padded_tokens == given.real_tokens == sum(LENGTHS)
    (states, gradients), (packed, packed_gradients) = found
    torch.testing.assert_close(packed, states, rtol=1e-4, atol=1e-4)
    largest = max(float(gradient.abs().max()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        torch.testing.assert_close(packed_gradients[name], gradient, rtol=1e-4, atol=1e-5 * largest)


@pytest.mark.parametrize("model_type", PACKED)
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_no_model_asks_the_device_for_anything(model_type: str, packed: bool, training: bool) -> None:
    """FlashAttention's own check of shapes is passed, too, with and without dropout."""
    encoder, batch = small(model_type), batch_of(LENGTHS)
    for module in encoder.modules():
        if hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.1
    attention.keep_little(encoder)
    model = models.Model(encoder, Reader()).to("meta", torch.bfloat16).train(training)
    given = (batch.packed() if packed else batch).to(torch.device("meta"))
    model.hidden(given)[given.row, given.column].sum().backward()
    assert next(encoder.parameters()).grad is not None


def test_phases_of_every_family_have_the_losses_of_padded_batches(
    first: Box, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = phase("pairs", "choices", "tags", "questions", "texts", updates=10)
    expected = first.curve(trained)
    adapted = phase("pairs", updates=4, adapter=Adapter())
    padded = first.curve(adapted)
    execute(monkeypatch, overhead=None, packed=True)
    found = box.curve(trained)
    assert [point["loss"] for point in found] == pytest.approx([one["loss"] for one in expected], rel=1e-4)
    losses = [[point["loss"] for point in curve] for curve in (box.curve(adapted), padded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    record = box.compute(trained)
    assert record["padding"] == 0
    assert record["execution"].startswith("cpu: sequences packed")


def reference(query: Any, key: Any, value: Any, cuts: Any, cuts_of_keys: Any, *_: Any, **options: Any) -> Any:
    """What the documentation of `varlen_attn` says, a sequence after the other."""
    assert cuts.dtype == cuts_of_keys.dtype == torch.int32
    assert options["enable_gqa"] == (query.shape[1] != key.shape[1])
    left, right = options["window_size"]

    def parts() -> Iterator[torch.Tensor]:
        for start, end in zip(cuts[:-1].tolist(), cuts_of_keys[1:].tolist(), strict=True):
            places = torch.arange(end - start)
            away = places - places[:, None]
            seen = (left < 0) | (away >= -left)
            seen &= (right < 0) | (away <= right)
            states = [one[start:end].transpose(0, 1).float() for one in (query, key, value)]
            yield torch.nn.functional.scaled_dot_product_attention(
                *states, seen, scale=options["scale"], enable_gqa=options["enable_gqa"]
            ).transpose(0, 1)

    return torch.cat([*parts()])


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("heads", [4, 2])
def test_flash_attention_is_asked_for_what_the_mask_of_a_processor_says(
    causal: bool, window: int | None, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "varlen_attn", reference)
    cuts = torch.tensor([0, 3, 14, 15, 22], dtype=torch.int32)
    torch.manual_seed(1)
    query = torch.randn(1, 4, 22, 8)
    key, value = torch.randn(2, 1, heads, 22, 8)
    side = -1 if window is None else window - 1
    found = attention.flash(query, key, value, Packed(cuts, 11, (side, 0 if causal else side), 0.0, 0.3))
    mask = attention.blocks(cuts, window, causal=causal)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, mask, scale=0.3, enable_gqa=heads != 4
    ).transpose(1, 2)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05)
