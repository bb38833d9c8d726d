"""All data of the lab by name, language and split."""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xstilts.data.examples import Example, Text
from xstilts.errors import DataError, did_you_mean
from xstilts.lab import bitext, choices, corpus, drawing, pairs, questions, scenes, supertags, tags
from xstilts.lab.grammar import Grammar, grammar
from xstilts.lab.inventory import CONTENT_WORDS, FUNCTION_WORDS, NAMES, VERSION
from xstilts.lab.languages import LANGUAGES
from xstilts.lab.lexicon import features, lexicons
from xstilts.lab.rng import Rng

SPLITS = ("train", "dev", "test")
# Pretraining text: a function of language, rng and size.
_CORPORA: dict[str, Callable[[str, Rng, int], list[Text]]] = {
    "text": corpus.documents,
    "parallel": corpus.pairs,
    "phrases": corpus.phrases,
}

# Labelled data: what draws the meanings, and what says one of them in a language.
_LABELLED: dict[
    str, tuple[Callable[[Rng, str, int], Sequence[Any]], Callable[[Any, Grammar, str], Example]]
] = {
    "nli": (pairs.inferences, pairs.say),
    "entail": (pairs.entailments, pairs.say),
    "para": (pairs.paraphrases, pairs.say),
    "pos": (tags.ambiguous, tags.parts_of_speech),
    "ner": (tags.naming, tags.entities),
    "ccg": (supertags.sentences, supertags.supertags),
    "qa": (questions.answerable, questions.say),
    "qa2": (questions.answerable_or_not, questions.say),
    "event": (choices.next_events, choices.say),
    "common": (choices.common_knowledge, choices.say),
    "vnli": (scenes.inferences, scenes.say),
    "captions": (scenes.captions, scenes.say_caption),
}
_DRAWN = ("vnli", "captions")
_BITEXTS: dict[str, Callable[[Rng, str, int], bitext.Mixed]] = {
    "tatoeba": bitext.translations,
    "bucc": bitext.mining,
}


def generate(name: str, language: str, split: str, size: int) -> list[Example]:
    """The first `size` examples of the lab's data of that name.

    Labelled data have the same meanings in every language: row i is parallel. Retrieval data (`tatoeba`,
    `bucc`) are one example with `size` sentences on each side. Of the pretraining text (`text`, `parallel`,
    `phrases`), a training split has `size` times the language's share. Splits have different meanings.
    Raises DataError if there is no such data, language or split.
    """
    where = f"lab data '{name}'"
    for word, known, what in ((language, tuple(LANGUAGES), "language"), (split, SPLITS, "split")):
        if word not in known:
            near = did_you_mean(word, known) or f"It has {', '.join(known)}."
            raise DataError(where, f"has no {what} '{word}'.", near)
    if name in _CORPORA:
        count = round(size * LANGUAGES[language].share) if split == "train" else size
        return list(_CORPORA[name](language, Rng(VERSION, name, language, split), count))
    if name not in _LABELLED and name not in _BITEXTS:
        known = (*_CORPORA, *_LABELLED, *_BITEXTS)
        raise DataError(where, "the lab has none of that name.", did_you_mean(name, known))
    drawn = meanings(name, split, size)
    own = grammar(language)
    if isinstance(drawn, bitext.Mixed):
        return [bitext.say(drawn, own)]
    say = _LABELLED[name][1]
    return [say(meaning, own, f"{split}-{row}") for row, meaning in enumerate(drawn)]


@lru_cache(maxsize=64)
def meanings(name: str, split: str, size: int) -> Sequence[Any] | bitext.Mixed:
    """What the rows mean, in whatever language; a longer list begins with a shorter one."""
    rng = Rng(VERSION, name, split)
    return _BITEXTS[name](rng, split, size) if name in _BITEXTS else _LABELLED[name][0](rng, split, size)


def render(name: str, image: str) -> NDArray[np.uint8]:
    """The picture of that name, which says all that is on it, in the lab's data of that name [32, 32, 3].

    Raises DataError if there are no such data, if they have no pictures, or none of that name.
    """
    where = f"lab data '{name}'"
    if name not in _DRAWN:
        raise DataError(where, "the lab draws no pictures for them.", did_you_mean(name, _DRAWN))
    try:
        return drawing.draw(scenes.scene(image))
    except ValueError:
        raise DataError(where, f"has no picture '{image}'.", "Name one of a row's `images`.") from None


@lru_cache(maxsize=1)
def identity() -> str:
    """The checksum of every word form of every language.

    A checkpoint that was pretrained on the lab keeps it, and is refused where it differs.
    """
    digest = hashlib.sha256(str(VERSION).encode())
    for code, lexicon in lexicons().items():
        for word in (*FUNCTION_WORDS, *CONTENT_WORDS, *NAMES):
            for feature in features(word):
                digest.update(f"{code} {word} {feature} {lexicon.form(word, feature)}\n".encode())
    return digest.hexdigest()[:16]
