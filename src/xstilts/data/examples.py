"""What a row of data is, for each family of task. Frozen values; no model, no tokenizer.

What comes out of files is looked at once, where it is read (`fit`): Python reads any JSON value into any
field, and a row whose text is a number would break only much later, in a tokenizer, a worker or a report, far
from the line that is wrong.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from xstilts.errors import DataError


@dataclass(frozen=True, slots=True)
class Pair:
    """One text or a pair, and a label by name (`classification`)."""

    text: str
    text2: str | None
    label: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A context, its possible continuations, and the index of the right one (`choice`)."""

    context: str
    options: tuple[str, ...]
    label: int
    id: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Words with one tag each (`tagging`)."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context: its text and the character at which it starts."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a context and its gold answers; none at all if it cannot be answered (`span`)."""

    context: str
    question: str
    answers: tuple[Answer, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Bitext:
    """Sentences of a language, sentences of the source language, and which translate which (`retrieval`).

    `gold` holds pairs (row in `source`, row in `target`); `target` is in the task's source language. The ids
    are those of the release, if its sentences have some.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: tuple[tuple[int, int], ...]
    source_ids: tuple[str, ...] = ()
    target_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a text and its translation, for masked language modelling (`masked`).

    With `text2` this is translation language modelling (Conneau and Lample 2019, section 3.3).
    """

    text: str
    text2: str | None = None


@dataclass(frozen=True, slots=True)
class Caption(Text):
    """A text with the images that it is about, by name: they are seen while its tokens are masked."""

    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One or more images by name, a text about them, and a label by name (`visual`).

    `caption` says in words what the images show, where the release does: a control reads it in their place.
    A label that is none of the task's (`visual.OPEN`) is never trained on, and no prediction equals it.
    """

    images: tuple[str, ...]
    text: str
    label: str
    caption: str = ""
    id: str = ""


Example = Pair | Choice | Tagged | Question | Bitext | Text | Seen


def subject(example: object) -> object:
    """What several rows may be about, so that they are no independent witnesses; None if that is not known.

    The context of a question, the premise of a pair, the images of a statement.
    """
    match example:
        case Question() | Choice():
            return example.context or None
        case Pair(text2=str()):
            return example.text
        case Seen():
            return example.images or None
        case _:
            return None


BROKEN = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, AssertionError, RecursionError)
"""What a reader raises that takes a row for what it is not."""


def fit(rows: Iterable[Example], where: str) -> Iterator[Example]:
    """The rows, each looked at; DataError with the row's number if one is not fit or cannot be read."""
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            if wrong := misfit(row):
                raise DataError(f"{where}: row {number}", wrong, "Mend or remove the row.")
            yield row
    except UnicodeError:
        raise  # told of the file as a whole
    except BROKEN as error:
        what = f"cannot be read ({type(error).__name__}: {error})."
        raise DataError(f"{where}: row {number + 1}", what, "Mend or remove the row.") from error


def is_left_out(row: Example, *, trained: bool) -> bool:
    """Whether a row has nothing to be read: a sentence without words, and among rows that are trained on also
    a text, a pair or a question of which one text is empty, or a choice of which all options are.

    Evaluated rows stay, for a submission has an answer for each; an empty sentence is a blank line there.
    """
    match row:
        case Tagged():
            return not row.tokens
        case Pair() | Text():
            return trained and (_is_empty(row.text) or (row.text2 is not None and _is_empty(row.text2)))
        case Question():
            return trained and (_is_empty(row.context) or _is_empty(row.question))
        case Choice():
            return trained and all(map(_is_empty, row.options))
    return False


def _is_empty(text: str) -> bool:
    """Whether a text has no visible sign: white space, joiners and marks of direction are none."""
    return all(sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf") for sign in text)


def misfit(row: Any) -> str:
    """What is wrong with the fields of a row, or with what they say together, in words; "" if nothing is."""
    if type(row) not in _FIELDS:
        return f"is no row of data but {row!r:.60}."
    for name, (is_right, words) in _FIELDS[type(row)].items():
        if not is_right(value := getattr(row, name)):
            return f"the field '{name}' is not {words}: {value!r:.60}."
    match row:
        case Choice() if (count := len(row.options)) == 1 or row.label >= count:
            told = f"the right option is number {row.label}, of {count} that count from 0."
            return "has one option: there is nothing to choose." if count == 1 else told
        case Tagged() if len(row.tokens) != len(row.tags):
            return f"has {len(row.tokens)} words and {len(row.tags)} tags."
        case Bitext() if any(one >= len(row.source) or two >= len(row.target) for one, two in row.gold):
            return "pairs a sentence that is not there."
        case Bitext() if all(map(_is_empty, row.source)) or all(map(_is_empty, row.target)):
            return "has no sentences on one side."
        case Bitext() if not row.gold:
            return "has no pairs of sentences."
    return ""


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_place(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_answer(value: Any) -> bool:
    return type(value) is Answer and _is_text(value.text) and _is_place(value.start)


def _is_pair(value: Any) -> bool:
    return type(value) is tuple and len(value) == 2 and all(map(_is_place, value))


def _each(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: type(values) is tuple and all(map(is_right, values))


_KINDS: dict[Any, tuple[Callable[[Any], bool], str]] = {
    str: (_is_text, "a text"),
    str | None: (lambda value: value is None or _is_text(value), "a text or nothing"),
    int: (_is_place, "a number from 0 on"),
    tuple[str, ...]: (_each(_is_text), "a list of texts"),
    tuple[Answer, ...]: (_each(_is_answer), "a list of answers with their places"),
    tuple[tuple[int, int], ...]: (_each(_is_pair), "a list of pairs of rows"),
}
"""By the annotation of a field: what its value has to be, exactly, and in words."""

_FIELDS = {
    kind: {name: _KINDS[annotation] for name, annotation in get_type_hints(kind).items()}
    for kind in (*get_args(Example), Caption)
}
