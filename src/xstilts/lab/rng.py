"""Chance that is the same in every process: draws that depend on a seed's words and on nothing else."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
_BLOCK = 4096


class Rng:
    """A stream of random draws, named by words (a world, a task, a split).

    The draws come from NumPy's PCG64, seeded with the SHA-256 of the words, and are fetched in blocks:
    a single draw costs about as much as a list access.

    >>> Rng("world", 1).below(6) == Rng("world", 1).below(6)
    True
    """

    __slots__ = ("_generator", "_next", "_units")

    def __init__(self, *words: str | int) -> None:
        digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).digest()
        self._generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
        self._units: list[float] = []
        self._next = 0

    def unit(self) -> float:
        """A number in [0, 1)."""
        if self._next == len(self._units):
            # The first block is small: many streams are asked for a few draws only.
            size = 64 if not self._units else _BLOCK
            self._units = self._generator.random(size).tolist()
            self._next = 0
        self._next += 1
        return self._units[self._next - 1]

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1."""
        return int(self.unit() * count)

    def pick(self, things: Sequence[T]) -> T:
        return things[int(self.unit() * len(things))]

    def other(self, things: Sequence[T], *these: T) -> T:
        """A thing that is none of these; there must be one."""
        assert any(thing not in these for thing in things), "no other thing to pick"
        while True:
            thing = self.pick(things)
            if thing not in these:
                return thing

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """The things in a random order (Fisher and Yates)."""
        result = list(things)
        for last in range(len(result) - 1, 0, -1):
            chosen = self.below(last + 1)
            result[last], result[chosen] = result[chosen], result[last]
        return result

    def sample(self, things: Sequence[T], count: int) -> list[T]:
        """So many different things, in a random order."""
        return self.shuffled(things)[:count]
