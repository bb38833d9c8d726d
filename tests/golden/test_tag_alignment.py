"""Words, sub-tokens and tags: the cases that XTREME's official code answered, on the package's own way.

That way is: reader, `encode`, the model's reads, `decode`, `xstilts export`. XTREME cuts training sentences
and splits test sentences; the package splits both, so a feature that was cut is compared with a first piece.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from predictions import LAB, predicted
from xstilts.compute.data import Encoded
from xstilts.compute.model import Model
from xstilts.compute.predict import predict
from xstilts.compute.rows import Prepared
from xstilts.data import readers
from xstilts.data.examples import Tagged
from xstilts.errors import DataError
from xstilts.families.items import IGNORED, Item, Layout
from xstilts.families.tagging import FAMILY
from xstilts.store import Store
from xstilts.study.load import load
from xstilts.study.plan import plan
from xstilts.xtreme import layouts
from xstilts.xtreme.export import export

from .cases import cases

if TYPE_CHECKING:
    from conftest import World


def _of(kind: str) -> list[Any]:
    return [case for case in cases("tag_alignment") if case.values[1]["input"]["kind"] == kind]


class Table:
    """A tokenizer that looks words up, with the special tokens of BERT or of XTREME's XLM-R."""

    unk_token_id = 1

    def __init__(self, words: dict[str, list[str]], special: str) -> None:
        pieces = sorted({piece for tokens in words.values() for piece in tokens})
        numbers = {piece: number for number, piece in enumerate(pieces, start=10)}
        self.words = {word: [numbers[piece] for piece in tokens] for word, tokens in words.items()}
        self.after = [3] if special == "bert" else [3, 3]
        self.words["[UNK]" if special == "bert" else "<unk>"] = [self.unk_token_id]

    def __call__(self, text: Any, *, add_special_tokens: bool = True, **_: Any) -> Any:
        if isinstance(text, str):
            ids = self.words.get(text, [self.unk_token_id])
            return {"input_ids": [2, *ids, *self.after] if add_special_tokens else ids}
        return Looked([[self.words[word] for word in words] for words in text])


class Looked(dict[str, Any]):
    """The encoding of sentences that are split into words."""

    def __init__(self, sentences: Sequence[Sequence[list[int]]]) -> None:
        super().__init__(input_ids=[[token for word in words for token in word] for words in sentences])
        self.words = [[at for at, word in enumerate(words) for _ in word] for words in sentences]

    def word_ids(self, row: int) -> list[int]:
        return self.words[row]


@pytest.mark.parametrize(("family", "case"), _of("features"))
def test_tags_sit_where_the_official_code_puts_them(
    family: str, case: dict[str, Any], tmp_path: Path
) -> None:
    given, expected = case["input"], case["expected"]
    layout = Layout(labels=tuple(given["label_list"]), max_length=given["max_seq_length"])
    row = Tagged(tuple(given["words"]), tuple(given["labels"]))
    tokenizer = Table(given["subtokens"], given["special"])
    if "error" in expected:
        path = tmp_path / "rows.tsv"
        path.write_text("".join(f"{word}\t{tag}\n" for word, tag in zip(row.tokens, row.tags, strict=True)))
        with pytest.raises(DataError):
            list(readers.tagged_columns(path, layout.labels))
    if expected.get("error") == "KeyError":
        with pytest.raises(DataError, match=row.tags[-1]):
            FAMILY.encode([row], tokenizer, layout)
        return

    first, *rest = FAMILY.encode([row], tokenizer, layout)
    assert [layout.labels[gold] for item in (first, *rest) for gold in item.gold] == given["labels"]
    if "error" in expected:
        # The official code loses count of an empty word. Readers refuse one; met here, it is a word without
        # sub-tokens like any other: one unknown token that has the word's tag.
        assert row.tokens[0] == "" and first.sequences[0][first.reads[0][0]] == Table.unk_token_id
        return
    official = [(place, label) for place, label in enumerate(expected["label_ids"]) if label != IGNORED]
    found = list(zip(first.reads[0], first.gold, strict=True))
    assert found == official[: len(found)]
    # Of a word that it cut the official code reads the first sub-token; here that word opens the next piece.
    cut = [label for _, label in official[len(found) :]]
    if cut:
        assert cut == rest[0].gold[:1]
        word = tokenizer.words[row.tokens[len(found)]]
        assert official[-1][0] + len(word) + len(tokenizer.after) > sum(expected["input_mask"])
    else:
        assert len(first.sequences[0]) == sum(expected["input_mask"])
    assert bool(rest) == (len(official) < len(row.tokens) or bool(cut))


class Known(torch.nn.Module):
    """An encoder that knows the state of every token."""

    def __init__(self, states: torch.Tensor) -> None:
        super().__init__()
        self.states = torch.nn.Parameter(states)
        self.config = SimpleNamespace(model_type="xlm-roberta")

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        return SimpleNamespace(last_hidden_state=self.states[input_ids])


@pytest.mark.parametrize(("family", "case"), _of("collect"))
def test_the_tags_of_first_sub_tokens_are_collected(family: str, case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    layout = Layout(labels=tuple(given["label_list"]))
    items: list[Item] = []
    states: list[NDArray[np.float64]] = []
    for row, (label_ids, pred_ids) in enumerate(zip(given["label_ids"], given["pred_ids"], strict=True)):
        reads = [place for place, label in enumerate(label_ids) if label != IGNORED]
        tokens = list(range(len(states), len(states) + len(label_ids)))
        items.append(Item((tokens,), (len(tokens),), (reads,), [label_ids[at] for at in reads], row))
        states += [np.eye(len(layout.labels))[tag] for tag in pred_ids]
    rows = [Tagged((), ()) for _ in items]
    tokenizer = SimpleNamespace(model_input_names=(), pad_token_id=0)
    model = Model(Known(torch.tensor(np.array(states))), tokenizer)  # type: ignore[arg-type]
    model.heads["tags"] = torch.nn.Identity()
    model.heads["tags"].family = "tagging"
    prepared = Prepared("tagging", layout, rows, items, Encoded.of(items, FAMILY.axis))
    assert predict(model, "tags", prepared, "fp32") == list(map(tuple, expected["predicted"]))
    right = [np.eye(len(layout.labels), dtype=np.float32)[item.gold] for item in items]
    assert FAMILY.decode(rows, items, right, layout) == list(map(tuple, expected["gold"]))


def _blocks(text: str) -> list[list[str]]:
    return [block.split("\n") for block in re.split(r"\n{2,}", text.strip("\n"))]


def _with_tags(line: str, tag: str) -> str:
    """A line as it is if it has two columns; else its first word and the tag that the official code gives."""
    return line if not line or len(line.split("\t")) == 2 else f"{line.split(maxsplit=1)[0]}\t{tag}"


@pytest.mark.parametrize(("family", "case"), _of("split"))
def test_sentences_are_split_where_the_official_code_splits_them(
    family: str, case: dict[str, Any], tmp_path: Path
) -> None:
    given, expected = case["input"], case["expected"]
    pieces = [[line.split("\t") for line in block] for block in _blocks(expected["pieces_file"])]
    labels = sorted({tag for piece in pieces for _, tag in piece})
    path = tmp_path / "test.tsv"
    path.write_text(given["test_file"], encoding="utf-8")
    with pytest.raises(DataError, match="separated by tabs, not 2"):
        # Words without tags cannot be scored: such files are refused, and only the official code fills in.
        list(readers.tagged_columns(path, labels))
    tag = "X" if given["task"] == "udpos" else "O"
    lines = [_with_tags(line, tag) for line in given["test_file"].split("\n")]
    path.write_text("\n".join(lines), encoding="utf-8")
    rows = list(readers.tagged_columns(path, labels))

    tokenizer = Table(given["subtokens"], given["special"])
    layout = Layout(labels=tuple(labels), max_length=given["max_len"])
    items = FAMILY.encode(rows, tokenizer, layout)
    found = [[layout.labels[gold] for gold in item.gold] for item in items]
    assert found == [[tag for _, tag in piece] for piece in pieces]
    numbers = [int(block[0]) for block in _blocks(expected["index_file"])]
    assert [item.example for item in items] == numbers
    for item, piece in zip(items, pieces, strict=True):
        words = [tokenizer.words[word] for word, _ in piece]
        assert item.sequences == ([2, *(token for word in words for token in word), *tokenizer.after],)
        assert item.reads == (np.cumsum([1, *map(len, words)])[:-1].tolist(),)


def _exported(tags: list[tuple[str, ...]], world: "World") -> str:
    """The file that `xstilts export` writes where a model predicted these tags."""
    found = plan(load(world.study(text=LAB.replace('"lab_qa", "lab_pos", "lab_tatoeba"', '"lab_pos"'))))
    store = Store(world.folder / "store")
    store.prepare()
    predicted(found, store, {"lab_pos": tags})
    (folder,) = export(found, store, world.folder / "out").folders
    return (folder / "lab_pos" / "test-x-ga.tsv").read_bytes().decode()


@pytest.mark.parametrize(("family", "case"), _of("merge"))
def test_the_tags_of_pieces_are_joined_in_the_file_that_is_submitted(
    family: str, case: dict[str, Any], world: "World"
) -> None:
    given, expected = case["input"], case["expected"]["prediction_file"]
    pieces = given["predictions_per_piece"]
    layout = Layout(labels=tuple(sorted({tag for piece in pieces for tag in piece})))
    numbers = [int(block[0]) for block in _blocks(given["index_file"])]
    items, scores = [], []
    for words, number, piece in zip(_blocks(given["pieces_file"]), numbers, pieces, strict=True):
        reads = list(range(1, len(words) + 1))
        items.append(Item(([2, *reads, 3],), (len(reads) + 2,), (reads,), [0] * len(reads), number))
        tags = [layout.labels.index(tag) for tag in piece]
        scores.append(np.eye(len(layout.labels), dtype=np.float32)[tags])
    rows = [Tagged((), ()) for _ in range(numbers[-1] + 1)]
    joined = FAMILY.decode(rows, items, scores, layout)
    assert _exported(joined, world) == expected
    assert layouts.sentences(expected) == joined
