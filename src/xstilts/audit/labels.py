"""Whether the labels of training rows tell those of the evaluated rows with the same text.

Names do not matter: `0` may stand for `no`. What matters is how much better the label of an evaluated row
is guessed from that of the training row than without it (Goodman and Kruskal 1954, lambda), each guessed from
all other rows. Other annotations of the same sentences tell little of each other.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from xstilts.audit.text import normal
from xstilts.data.examples import Choice, Example, Pair, Question, Seen, Tagged
from xstilts.plain import by_key

TELLS = 0.5
"""The share of wrong guesses that the training labels have to put right."""

CHANCE = 0.1
"""The probability of so many right guesses by chance, above which nothing is known."""

ENOUGH = 20
"""Guesses from which labels that tell nothing are known to do so."""

Both = Sequence[tuple[Example, Example]]
"""Evaluated rows, each with a training row of the same text."""


def any_tells(rows: Sequence[Example], trained: Sequence[Sequence[Example]]) -> bool | None:
    """Whether training labels tell those of evaluated rows, where some have several training rows of their
    text: the first of them, the last, or the label that most of them have; None if it cannot be known.

    Each of three tries has a third of the chance to be right by chance (Bonferroni).
    """
    choices: list[Callable[[Sequence[Example]], Example]] = [lambda some: some[0]]
    if any(len(some) > 1 for some in trained):
        choices += [lambda some: some[-1], _commonest]
    found = [
        labels_tell([(ours, choose(some)) for ours, some in zip(rows, trained, strict=True)], len(choices))
        for choose in choices
    ]
    return True if True in found else found[0]


def _commonest(rows: Sequence[Example]) -> Example:
    """The first of the rows with the commonest label."""
    labels = [repr([getattr(row, name, None) for name in ("label", "tags", "answers")]) for row in rows]
    return rows[labels.index(Counter(labels).most_common(1)[0][0])]


def labels_tell(rows: Both, tries: int = 1) -> bool | None:
    """Whether the labels of training rows tell those of evaluated ones, in one of so many tries; None if it
    cannot be known."""
    answered = [
        bool(_answers(ours) & _answers(theirs)) or _answers(ours) == _answers(theirs)
        for ours, theirs in rows
        if isinstance(ours, Question) and isinstance(theirs, Question | Pair)
    ]
    if answered:
        return 2 * sum(answered) >= len(answered)
    offered = [found for ours, theirs in rows if (found := _offered(ours, theirs)) is not None]
    if offered and 2 * len(offered) >= len(rows):
        by_label = _tells([(label, str(place == right)) for label, place, right in offered], 2 * tries)
        return by_label or _tells([(str(place), str(right)) for _, place, right in offered], 2 * tries)
    return _tells([pair for ours, theirs in rows for pair in _labels(ours, theirs)], tries)


def words_tell(rows: Sequence[tuple[str, Example]]) -> bool:
    """Whether what else stands in training rows tells the labels of evaluated ones: "... Answer: yes".

    Given are these words in normal form, and the evaluated rows.
    """
    answered = [
        any(answer and answer in words for answer in _answers(row))
        for words, row in rows
        if isinstance(row, Question)
    ]
    if answered:
        return 2 * sum(answered) >= len(answered)
    found = [(words, str(row.label)) for words, row in rows if isinstance(row, Pair | Seen | Choice)]
    return len({words for words, _ in found}) > 1 and _tells(found) is True


def _labels(ours: Example, theirs: Example) -> Iterator[tuple[str, str]]:
    """The labels of a training row, and of an evaluated one, that may correspond."""
    if isinstance(ours, Pair | Seen) and isinstance(theirs, Pair | Seen):
        yield theirs.label, str(ours.label)
    elif isinstance(ours, Pair | Seen | Choice) and isinstance(theirs, Pair | Seen | Choice | Question):
        right = normal(_right(theirs))
        options = ours.options if isinstance(ours, Choice) else ()
        held = (str(place) for place, option in enumerate(options) if normal(option) in right)
        yield next(held, right), str(ours.label)
    elif isinstance(ours, Tagged) and isinstance(theirs, Tagged) and len(ours.tags) == len(theirs.tags):
        yield from zip(theirs.tags, ours.tags, strict=True)


def _right(row: Pair | Seen | Choice | Question) -> str:
    """What a training row says is right, in words."""
    if isinstance(row, Choice):
        return row.options[row.label]
    if isinstance(row, Question):
        return row.answers[0].text if row.answers else ""
    return row.label


def _offered(ours: Example, theirs: Example) -> tuple[str, int, int] | None:
    """Of a choice whose options are asked one by one: the label of the training row, which option that has,
    and the right one; None if it has not just one of them."""
    if not isinstance(ours, Choice) or not isinstance(theirs, Pair):
        return None
    there = normal(theirs.text) + normal(theirs.text2 or "")
    rest = there.replace(normal(ours.context), "", 1)
    held = [place for place, option in enumerate(ours.options) if normal(option) in rest]
    return (theirs.label, held[0], ours.label) if len(held) == 1 else None


def _answers(row: Question | Pair) -> set[str]:
    return {normal(row.label)} if isinstance(row, Pair) else {normal(answer.text) for answer in row.answers}


def _tells(pairs: Sequence[tuple[str, str]], tries: int = 1) -> bool | None:
    """Whether the first of two labels tells the second; None if it cannot be known."""
    together = Counter(pairs)
    seconds = Counter(second for _, second in pairs)
    by_first = by_key((first, (second, count)) for (first, second), count in together.items())
    right = 0  # guesses: a label is guessed if it is the commonest one of all rows but its own
    for (first, second), count in together.items():
        others = (number for other, number in by_first[first] if other != second)
        right += count if count > 1 and count - 1 > max(others, default=0) else 0
    without = max(seconds.values(), default=0)
    if without == len(pairs):
        return None
    if right - without >= TELLS * (len(pairs) - without):
        from scipy.stats import binom

        if binom.sf(right - 1, len(pairs), without / len(pairs)) < CHANCE / tries:
            return True
    return False if len(pairs) >= ENOUGH else None
