"""Words, sub-tokens and tags: against cases that the official code of XTREME answered, and on odd words."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.families.examples import Tagged
from xstilts.families.items import Layout
from xstilts.families.tagging import FAMILY, frame, word_pieces

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "tag_alignment.json").read_text())["cases"]
SPLITS = [case for case in GOLDEN if case["input"]["kind"] == "split"]
FEATURES = [case for case in GOLDEN if case["input"]["kind"] == "features"]


class Table:
    """A tokenizer that looks words up, with the special tokens of BERT or of XTREME's XLM-R."""

    unk_token_id = 1

    def __init__(self, words: dict[str, list[str]], special: str) -> None:
        pieces = sorted({piece for tokens in words.values() for piece in tokens})
        numbers = {piece: number for number, piece in enumerate(pieces, start=10)}
        self.words = {word: [numbers[piece] for piece in tokens] for word, tokens in words.items()}
        self.after = [3] if special == "bert" else [3, 3]

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


def _blocks(text: str) -> list[list[str]]:
    return [block.split("\n") for block in text.strip("\n").split("\n\n")]


@pytest.mark.parametrize("case", SPLITS, ids=lambda case: case["id"])
def test_sentences_are_split_where_the_official_code_splits_them(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    tag = "X" if given["task"] == "udpos" else "O"
    sentences = _blocks(given["test_file"])
    rows = [Tagged(tuple(words), (tag,) * len(words)) for words in sentences]
    tokenizer = Table(given["subtokens"], given["special"])
    items = FAMILY.encode(rows, tokenizer, Layout(labels=(tag,), max_length=given["max_len"]))

    pieces = [[line.split("\t")[0] for line in block] for block in _blocks(expected["pieces_file"])]
    assert [len(item.gold) for item in items] == [len(piece) for piece in pieces]
    assert [item.example for item in items] == [int(block[0]) for block in _blocks(expected["index_file"])]
    for item, piece in zip(items, pieces, strict=True):
        unknown = "[UNK]" if given["special"] == "bert" else "<unk>"
        body = [token for word in piece for token in (tokenizer.words[word] if word != unknown else [1])]
        assert item.sequences == ([2, *body, *tokenizer.after],)
        firsts = np.cumsum([1] + [len(tokenizer.words[w]) if w != unknown else 1 for w in piece])[:-1]
        assert item.reads == (firsts.tolist(),)


@pytest.mark.parametrize("case", FEATURES, ids=lambda case: case["id"])
def test_tags_sit_where_the_official_code_puts_them(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    row = Tagged(tuple(given["words"]), tuple(given["labels"]))
    layout = Layout(labels=tuple(given["label_list"]), max_length=given["max_seq_length"])
    (item,) = FAMILY.encode([row], Table(given["subtokens"], given["special"]), layout)
    at = [(place, label) for place, label in enumerate(expected["label_ids"]) if label != -100]
    assert list(zip(item.reads[0], item.gold, strict=True)) == at
    assert len(item.sequences[0]) == sum(expected["input_mask"])


def test_the_special_tokens_around_a_text(roberta: Any, bert: Any) -> None:
    assert frame(roberta) == ([roberta.cls_token_id], [roberta.sep_token_id])
    assert frame(bert) == ([bert.cls_token_id], [bert.sep_token_id])


def test_a_word_is_tokenized_as_if_it_followed_a_space(roberta: Any) -> None:
    (words,) = word_pieces([Tagged(("walks", "along"), ("", ""))], roberta)
    text = roberta("walks along", add_special_tokens=False)["input_ids"]
    assert [piece for word in words for piece in word] == text


WORD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SENTENCES = st.lists(st.lists(WORD, min_size=1, max_size=12), max_size=4)


@settings(max_examples=150, deadline=None)
@given(sentences=SENTENCES, longest=st.integers(8, 20))
def test_every_word_has_exactly_one_prediction(
    roberta: Any, sentences: list[list[str]], longest: int
) -> None:
    labels = tuple(f"T{number}" for number in range(12))
    rows = [Tagged(tuple(words), labels[: len(words)]) for words in sentences]
    layout = Layout(labels=labels, max_length=longest)
    items = FAMILY.encode(rows, roberta, layout)
    scores = [np.eye(12, dtype=np.float32)[item.gold] for item in items]
    assert FAMILY.decode(rows, items, scores, layout) == [row.tags for row in rows]
    assert all(len(item.sequences[0]) <= longest for item in items)


def test_the_majority_is_one_tag_for_every_word() -> None:
    training = [Tagged(("a", "b", "c"), ("N", "V", "V")), Tagged(("d",), ("N",)), Tagged(("e",), ("V",))]
    assert FAMILY.majority(training, [Tagged(("x", "y"), ("N", "N"))]) == [("V", "V")]
    assert FAMILY.majority(training[:2], [Tagged(("x",), ("N",))]) == [("N",)], "ties: the first by name"
