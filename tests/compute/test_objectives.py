"""What is hidden of text from each kind of model, and that it can be told from what is left."""

import re
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from eight import EXAMPLES, Folder, layout, opened, placed
from numpy.typing import NDArray
from toybox import Box, phase

from formats import FORMATS, TEXT_NAMES
from xstilts import families
from xstilts.compute import checkpoint
from xstilts.compute.data import Encoded, generator
from xstilts.compute.objective import SPAN, Objective
from xstilts.compute.predict import objective
from xstilts.data.examples import Text
from xstilts.errors import BackboneError
from xstilts.families.masked import Vocabulary

DENOISED = tuple(name for name in TEXT_NAMES if FORMATS[name].kind == "encoder-decoder")
CONTINUED = tuple(name for name in TEXT_NAMES if FORMATS[name].kind == "decoder")
LONG = Text(" ".join(row.text for row in EXAMPLES["masked"][:4]))
RATES = (0.15, 0.5, 0.9)
Hidden = tuple[Objective, list[list[int]], Encoded]


def _hidden(folder: Path, rate: float, seed: str = "") -> Hidden:
    """The objective of a format, its texts as token ids, and those with tokens hidden."""
    model = opened(folder, "masked")
    family = families.find("masked")
    items = family.encode([*EXAMPLES["masked"], LONG], model.tokenizer, layout(model, "masked"))
    data = Encoded.of(items, family.axis)
    known = objective(model)
    return (
        known,
        [item.sequences[0] for item in items],
        known.hide(data, np.arange(len(items)), rate, generator("hiding", seed)),
    )


def _rows(tokens: NDArray[Any], at: NDArray[Any]) -> list[list[int]]:
    return [part.tolist() for part in np.split(tokens, at[1:-1])]


@pytest.mark.parametrize("name", DENOISED)
def test_what_is_left_and_what_is_written_give_the_text_back(name: str, real_format: Folder) -> None:
    for rate in RATES:
        known, texts, hidden = _hidden(real_format(name), rate)
        sources, written = _rows(hidden.tokens, hidden.token_at), _rows(hidden.gold, hidden.gold_at)
        assert len(texts) == len(hidden)
        for text, source, target in zip(texts, sources, written, strict=True):
            assert target[-1] == known.end
            if known.sentinels:
                assert _filled(source, target, known.sentinels) == text
            else:  # mBART: the whole text is written
                assert target[:-1] == [token for token in text if token not in known.words.special]
                assert _fits(text, source, known.words.mask)


def _filled(source: list[int], target: list[int], sentinels: tuple[int, ...]) -> list[int]:
    """The source with the spans that were written in place of their sentinels, which come in order."""
    spans: dict[int, list[int]] = {}
    for token in target[:-1]:
        if token in sentinels:
            spans[token] = []
        else:
            spans[list(spans)[-1]].append(token)
    assert tuple(spans) == sentinels[: len(spans)]
    assert all(spans.values()), "a span is not empty"
    places = [at for at, token in enumerate(source) if token in spans]
    assert [source[at] for at in places] == list(spans)
    assert all(two - one > 1 for one, two in pairwise(places)), "two spans never touch"
    return [piece for token in source for piece in spans.get(token, [token])]


def _fits(text: list[int], source: list[int], mask: int) -> bool:
    """Whether the text is the source with one or more tokens in place of each mask."""
    places = [at for at, token in enumerate(source) if token == mask]
    assert places
    assert all(two - one > 1 for one, two in pairwise(places)), "two spans never touch"
    pattern = "".join("( \\d+)+" if token == mask else f" {token}" for token in source)
    return re.fullmatch(pattern, "".join(f" {token}" for token in text)) is not None


@pytest.mark.parametrize("name", DENOISED)
def test_a_decoder_is_given_what_it_should_have_written(name: str, real_format: Folder) -> None:
    known, _, hidden = _hidden(real_format(name), 0.5)
    starts = {"mt5": "<pad>", "umt5": "<pad>", "mbart": "en_XX", "t5gemma": "<bos>"}
    tokenizer, _ = checkpoint.load_parts(real_format(name))
    assert known.start == tokenizer.convert_tokens_to_ids(starts[name])
    assert known.end == tokenizer.eos_token_id
    given, written = _rows(hidden.targets, hidden.target_at), _rows(hidden.gold, hidden.gold_at)
    reads = _rows(hidden.reads, hidden.read_at)
    for inputs, outputs, places in zip(given, written, reads, strict=True):
        assert inputs == [known.start, *outputs[:-1]]
        assert places == list(range(len(outputs)))


def test_the_sentinels_of_real_vocabularies_are_found(real_format: Folder) -> None:
    for name, first in (("mt5", "▁<extra_id_0>"), ("umt5", "<extra_id_0>")):
        tokenizer, _ = checkpoint.load_parts(real_format(name))
        sentinels = Objective.of("encoder-decoder", tokenizer, 0).sentinels
        names = tokenizer.convert_ids_to_tokens(list(sentinels))
        assert names[0] == first
        assert len(names) > 5
        assert [int("".join(filter(str.isdigit, one))) for one in names] == list(range(len(names)))


def test_spans_have_the_length_and_share_that_they_should() -> None:
    words = Vocabulary(1000, -1, (0, 1))
    known = Objective("encoder-decoder", words, 0, 1, tuple(range(900, 1000)))
    data = Encoded(
        "outputs",
        np.arange(2, 802, dtype=np.int32),
        np.asarray([0, 400, 800]),
        np.asarray([400, 400], np.int32),
        np.zeros(0, np.int32),
        np.zeros(3, np.int64),
        np.zeros(0, np.int64),
        np.zeros(3, np.int64),
        np.arange(3),
    )
    hidden = known.hide(data, np.arange(2), 0.15, generator("spans"))
    cut = [token for token in hidden.gold.tolist() if 1 < token < 900]
    spans = [token for token in hidden.gold.tolist() if token >= 900]
    assert len(cut) == 0.15 * 800
    assert len(spans) == len(cut) / SPAN
    lengths = np.diff(np.flatnonzero(np.append(hidden.gold >= 900, True)))
    assert lengths.min() == 2 < lengths.max(), "spans have random lengths"


@pytest.mark.parametrize("name", CONTINUED)
def test_a_decoder_guesses_every_next_token(name: str, real_format: Folder) -> None:
    _, texts, hidden = _hidden(real_format(name), 0.15)
    assert _rows(hidden.tokens, hidden.token_at) == texts
    assert _rows(hidden.gold, hidden.gold_at) == [text[1:] for text in texts]
    assert _rows(hidden.reads, hidden.read_at) == [list(range(len(text) - 1)) for text in texts]
    assert not len(hidden.targets)


@pytest.mark.parametrize("name", ["xlm-r", "mt5", "mbart", "bloom"])
def test_the_seed_decides_what_is_hidden(name: str, real_format: Folder) -> None:
    _, _, first = _hidden(real_format(name), 0.3)
    _, _, same = _hidden(real_format(name), 0.3)
    _, _, other = _hidden(real_format(name), 0.3, "another")
    assert _content(first) == _content(same)
    assert (_content(first) == _content(other)) == (name == "bloom")


def _content(data: Encoded) -> list[bytes]:
    return [value.tobytes() for value in vars(data).values() if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("name", ["mt5", "bloom"])
def test_the_split_into_micro_batches_moves_no_weight(name: str, real_format: Folder, box: Box) -> None:
    """What is hidden from an update is drawn before it is split."""
    backbone, places = placed(real_format(name))
    trained = phase("texts", parent=backbone, updates=3, batch_tokens=200, learning_rate=1e-3)
    losses = []
    for tokens in (60, 4000):
        box.compute(trained, places=places, micro_tokens=tokens)
        losses.append([point["loss"] for point in box.curve(trained)])
        shutil.rmtree(box.folder(trained))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_tokenizer_without_the_tokens_is_refused(real_format: Folder) -> None:
    tokenizer, _ = checkpoint.load_parts(real_format("qwen2"))
    with pytest.raises(BackboneError, match="lacks the tokens with which text is hidden from an encoder"):
        Objective.of("encoder", tokenizer, None)
    with pytest.raises(BackboneError, match="It needs a mask token, or <extra_id_0>"):
        Objective.of("encoder-decoder", tokenizer, 0)
    assert Objective.of("decoder", tokenizer, None).sentinels == ()


@torch.inference_mode()
def test_a_text_of_one_token_has_nothing_to_guess(real_format: Folder) -> None:
    model = opened(real_format("bloom"), "masked")
    data = Encoded.of(
        families.find("masked").encode([Text("a")], model.tokenizer, layout(model, "masked")), "outputs"
    )
    hidden = objective(model).hide(data, np.arange(1), 0.15, generator("one"))
    assert (len(hidden.gold), len(hidden.reads), len(hidden)) == (0, 0, 1)
