"""Tagging: the state of each word's first sub-token is read, the tags are chosen among.

In a causal decoder the last one is, for only it has seen the whole word.

Sentences longer than the model takes are split at word boundaries and joined again, never cut, as XTREME
does (Hu et al. 2020, utils_tag.py of the official repository): a word that has more sub-tokens than fit, or
none, is replaced by the unknown token, so every word has exactly one prediction. That holds for an empty word
too, with which the official code stops; but what reads files (`xstilts.data.readers`) refuses one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xstilts.data.examples import Tagged
from xstilts.families.items import Family, Item, Layout, Numbers, Scores, frame, glue, most_frequent, unknown


def word_pieces(examples: Sequence[Tagged], tokenizer: Any) -> list[list[list[int]]]:
    """For each sentence, for each word, its sub-tokens; a word that has none becomes one unknown token."""
    if not examples:
        return []
    space = glue(tokenizer)
    encoding = tokenizer(
        [[*row.tokens[:1], *(space + token for token in row.tokens[1:])] for row in examples],
        is_split_into_words=True,
        add_special_tokens=False,
        return_attention_mask=False,
    )
    sentences = []
    for row, example in enumerate(examples):
        words: list[list[int]] = [[] for _ in example.tokens]
        for word, token in zip(encoding.word_ids(row), encoding["input_ids"][row], strict=True):
            words[word].append(token)
        sentences.append([pieces or [unknown(tokenizer)] for pieces in words])
    return sentences


class Tagging(Family):
    """Words with one tag each (UD part of speech, WikiAnn, CCG supertags, ...)."""

    name = "tagging"
    tokens = 25  # English UD has 23

    def encode(self, examples: Sequence[Tagged], tokenizer: Any, layout: Layout) -> list[Item]:
        """One item per sentence, or several if it is longer than `max_length`.

        Raises DataError if a tag is none of the layout's labels.
        """
        index = Numbers(layout)
        before, after = frame(tokenizer)
        room = layout.max_length - len(before) - len(after)
        items = []
        for row, words in enumerate(word_pieces(examples, tokenizer)):
            ids, reads, gold = list(before), list[int](), list[int]()
            for pieces, tag in zip(words, examples[row].tags, strict=True):
                kept = pieces if len(pieces) <= room else [unknown(tokenizer)]
                if reads and len(ids) - len(before) + len(kept) > room:
                    items.append(Item((ids + after,), (len(ids) + len(after),), (reads,), gold, row))
                    ids, reads, gold = list(before), list[int](), list[int]()
                reads.append(len(ids) if layout.pieces == "first" else len(ids) + len(kept) - 1)
                gold.append(index[tag])
                ids.extend(kept)
            if reads:
                items.append(Item((ids + after,), (len(ids) + len(after),), (reads,), gold, row))
        return items

    def decode(
        self, examples: Sequence[Tagged], items: Sequence[Item], scores: Scores, layout: Layout
    ) -> list[tuple[str, ...]]:
        """The best tag of each word, the pieces of a sentence joined."""
        tags: list[list[str]] = [[] for _ in examples]
        for item, score in zip(items, scores, strict=True):
            tags[item.example].extend(layout.labels[best] for best in score.argmax(axis=1))
        return [tuple(sentence) for sentence in tags]

    def gold(self, example: Tagged) -> tuple[str, ...]:
        """The tags of the sentence."""
        return example.tags

    def majority(self, training: Sequence[Tagged], examples: Sequence[Tagged]) -> list[tuple[str, ...]]:
        """The most frequent tag of the training data, for every word."""
        best = most_frequent(tag for row in training for tag in row.tags)
        return [(best,) * len(example.tokens) for example in examples]

    def shuffled(self, examples: Sequence[Tagged], rng: np.random.Generator) -> list[Tagged]:
        """Tags permuted over all words of all sentences."""
        tags = [tag for row in examples for tag in row.tags]
        order = iter(rng.permutation(len(tags)))
        return [replace(row, tags=tuple(tags[next(order)] for _ in row.tags)) for row in examples]


FAMILY = Tagging()
