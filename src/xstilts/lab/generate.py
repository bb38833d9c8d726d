"""All data of the lab by name, language and split."""

import hashlib
from collections.abc import Callable
from functools import lru_cache

from xstilts.errors import DataError, did_you_mean
from xstilts.families.examples import Example, Text
from xstilts.lab import corpus
from xstilts.lab.dice import Dice
from xstilts.lab.inventory import CONTENT_WORDS, FUNCTION_WORDS, NAMES, VERSION
from xstilts.lab.languages import LANGUAGES
from xstilts.lab.lexicon import features, lexicons

SPLITS = ("train", "dev", "test")
_CORPORA: dict[str, Callable[[str, Dice, int], list[Text]]] = {
    "text": corpus.documents,
    "parallel": corpus.pairs,
    "phrases": corpus.phrases,
}


def generate(name: str, language: str, split: str, size: int) -> list[Example]:
    """The first `size` examples of the lab's data of that name.

    Labelled data have the same meanings in every language: row i is parallel. Of the pretraining text
    (`text`, `parallel`, `phrases`) a training split has `size` times the language's share. The meanings of
    splits come from different seeds. Raises DataError if there is no such data, language or split.
    """
    where = f"lab data '{name}'"
    for word, known, what in ((language, tuple(LANGUAGES), "language"), (split, SPLITS, "split")):
        if word not in known:
            raise DataError(
                where, f"has no {what} '{word}'.", did_you_mean(word, known) or f"It has {known}."
            )
    if name in _CORPORA:
        count = round(size * LANGUAGES[language].share) if split == "train" else size
        return list(_CORPORA[name](language, Dice(VERSION, name, language, split), count))
    raise DataError(where, "the lab has none of that name.", did_you_mean(name, _CORPORA))


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
