"""Every format learns eight examples in both readouts and answers as before when saved; writing is greedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from eight import EXAMPLES, Folder, answered, columns, done, head_of, learned, opened

from formats import FORMATS, TEXT_NAMES
from xstilts import families
from xstilts.compute import checkpoint, predict
from xstilts.compute.data import Encoded, collate
from xstilts.compute.model import Model
from xstilts.families.items import Item

WRITERS = tuple(name for name in TEXT_NAMES if FORMATS[name].kind != "encoder")
TOKENS = 8
"""Tokens of a text that is written."""

WHOLE = ("mbert", "mt5", "bloom")
"""One format of each kind, of which every family is tried; of the others, one in each readout."""


def _combinations() -> list[tuple[str, str, str]]:
    found = []
    for number, name in enumerate(TEXT_NAMES):
        for readout in ("head", "text"):
            known = [family for family in done(name, readout) if family != "masked" or name in WHOLE]
            chosen = known if name in WHOLE else known[number % len(known) :][:1] if known else []
            found += [(name, readout, family) for family in chosen]
    return found


def test_every_kind_and_every_format_is_tried() -> None:
    tried = _combinations()
    for kind in ("encoder", "encoder-decoder", "decoder"):
        own = {(readout, family) for name, readout, family in tried if FORMATS[name].kind == kind}
        assert own == {
            (readout, family) for readout in ("head", "text") for family in done(*_any(kind, readout))
        }
    assert {name for name, readout, _ in tried if readout == "head"} == set(TEXT_NAMES)
    assert {name for name, readout, _ in tried if readout == "text"} == set(WRITERS)


def _any(kind: str, readout: str) -> tuple[str, str]:
    return next(name for name in WHOLE if FORMATS[name].kind == kind), readout


@pytest.mark.parametrize(("name", "readout", "family"), _combinations())
def test_eight_examples_are_learned_and_saved(
    name: str, readout: str, family: str, real_format: Folder, tmp_path: Path
) -> None:
    model = opened(real_format(name), family, head_of(family, readout))
    learned(model, family, readout)
    checkpoint.save(model, tmp_path / "saved", {})
    again = checkpoint.load(tmp_path / "saved").eval()
    head = head_of(family, readout)
    with torch.inference_mode():
        data = columns(model, family, readout)
        batch = collate(data, np.arange(len(data)), model.pad)
        scores = model(batch, head)
        assert torch.equal(again(batch, head), scores)
    if family == "masked":
        right = (scores.argmax(dim=1) == batch.gold).float().mean()
        assert right > (0.9 if model.kind == "decoder" else 0.99), "some texts begin alike"
        return
    gold = [families.find(family).gold(row) for row in EXAMPLES[family]]
    found = predict.predict(again, head, answered(again, family, readout), "fp32")
    assert found == ([answers[0].text for answers in gold] if family == "span" else gold)


# Writing


@pytest.mark.parametrize("name", WRITERS)
@torch.inference_mode()
def test_what_is_written_is_what_transformers_generates(
    name: str, real_format: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "MAX_ANSWER", TOKENS)
    model = opened(real_format(name), "masked")
    prepared = answered(model, "span", "text")
    batch = collate(prepared.encoded, np.arange(3), model.pad)
    assert batch.attention.sum(dim=1).unique().numel() == 3
    end = model.tokenizer.eos_token_id
    found, values = predict._greedy(model, "masked", batch, end)
    answers = [_until(row, end) for row in found.tolist()]
    assert answers == _generated(real_format(name), model, batch)
    for row, answer in enumerate(answers):
        kept = [*answer, end] if len(answer) < TOKENS else answer
        item = _continued(prepared.items[row].sequences[0], kept, model.start)
        (logs,) = predict.likelihoods(model, "masked", Encoded.of([item], "outputs"), "fp32")
        assert logs.sum() == pytest.approx(values[row].item(), abs=1e-4)


def _continued(prompt: list[int], answer: list[int], start: int | None) -> Item:
    """The item that asks how likely each token of an answer is."""
    if start is None:
        ids, places = [*prompt, *answer[:-1]], [len(prompt) - 1 + at for at in range(len(answer))]
        return Item((ids,), (len(ids),), (places,), answer, 0)
    places = list(range(len(answer)))
    return Item((prompt,), (len(prompt),), (places,), answer, 0, targets=([start, *answer[:-1]],))


def _generated(folder: Path, model: Model, batch: Any) -> list[list[int]]:
    auto = (
        transformers.AutoModelForSeq2SeqLM if model.start is not None else transformers.AutoModelForCausalLM
    )
    own = auto.from_pretrained(folder).eval()
    own.generation_config = transformers.GenerationConfig(
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=model.tokenizer.eos_token_id,
        pad_token_id=model.pad,
        decoder_start_token_id=model.start,
    )
    rows = []
    for ids, seen in zip(batch.ids, batch.attention, strict=True):
        alone = ids[None, : int(seen.sum())]
        made = own.generate(alone, attention_mask=torch.ones_like(alone))[0].tolist()
        made = made[1:] if model.start is not None else made[alone.shape[1] :]
        rows.append(_until(made, model.tokenizer.eos_token_id))
    return rows


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids


@pytest.mark.parametrize("name", WRITERS)
@torch.inference_mode()
def test_an_option_is_as_likely_as_transformers_says(name: str, real_format: Folder) -> None:
    model = opened(real_format(name), "masked")
    prepared = answered(model, "choice", "text")
    found = predict.likelihoods(model, "masked", prepared.encoded, "fp32")
    auto = (
        transformers.AutoModelForSeq2SeqLM if model.start is not None else transformers.AutoModelForCausalLM
    )
    own = auto.from_pretrained(real_format(name)).eval()
    for item, values in zip(prepared.items[:3], found, strict=False):
        wanted, gold = [], iter(item.gold)
        for option, (ids, prompt) in enumerate(zip(item.sequences, item.second, strict=True)):
            answer = [next(gold) for _ in item.reads[option]]
            assert answer[-1] == model.tokenizer.eos_token_id
            text = EXAMPLES["choice"][item.example].options[option]
            assert model.tokenizer.decode(answer[:-1]).strip() == text
            if model.start is None:
                assert ids[prompt:] == answer[:-1]
                logits = own(torch.tensor([ids])).logits[0, prompt - 1 :]
            else:
                given = torch.tensor([[model.start, *answer[:-1]]])
                logits = own(torch.tensor([ids]), decoder_input_ids=given).logits[0]
            logits = logits * (32**0.5 if name == "umt5" else 1)
            wanted += logits.log_softmax(dim=1)[range(len(answer)), answer].tolist()
        np.testing.assert_allclose(values, wanted, atol=1e-4, rtol=1e-5)
