"""Words and names that no text of the pretraining contains; each split has its own."""

from xstilts.lab.rng import Rng

_POOL = 400  # invented words of a sort in each split
_FIRST = {"train": 0, "dev": 1, "test": 2}


def invented(rng: Rng, sort: str, split: str) -> str:
    """An invented word of a sort ("noun", "verb", "adjective", "name"), for the lexicon to spell."""
    return f"~{sort}:{_FIRST[split] * _POOL + rng.below(_POOL)}"
