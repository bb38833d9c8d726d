"""Whether rows are what their types say: what comes out of files is looked at once, where it is read.

Python reads any JSON value into any field. A row whose text is a number would break only much later, in a
tokenizer, a worker or a report, far from the line that is wrong.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from xstilts.data.examples import (
    Answer,
    Bitext,
    Caption,
    Choice,
    Example,
    Pair,
    Question,
    Seen,
    Tagged,
    Text,
)
from xstilts.errors import DataError

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
    a pair or a question of which one text is empty, or a choice of which all options are.

    Evaluated rows stay, for a submission has an answer for each; an empty sentence is a blank line there.
    """
    match row:
        case Tagged():
            return not row.tokens
        case Pair():
            return trained and (_is_empty(row.text) or (row.text2 is not None and _is_empty(row.text2)))
        case Question():
            return trained and (_is_empty(row.context) or _is_empty(row.question))
        case Choice():
            return trained and all(map(_is_empty, row.options))
    return False


def _is_empty(text: str) -> bool:
    """Whether a text has no visible sign: white space, joiners and marks of direction are none."""
    return all(sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf") for sign in text)


def misfit(row: object) -> str:
    """What is wrong with the fields of a row, in words; "" if nothing is."""
    checks = _CHECKS.get(type(row))
    if checks is None:
        return f"is no row of data but {row!r:.60}."
    for name, (is_right, kind) in checks.items():
        value = getattr(row, name)
        if not is_right(value):
            return f"the field '{name}' is not {kind}: {value!r:.60}."
    return _together(row)


def _together(row: Any) -> str:
    """What is wrong with fields that are right by themselves."""
    match row:
        case Choice() if row.label >= len(row.options):
            return f"the right option is number {row.label}, of {len(row.options)} that count from 0."
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


def _are_texts(values: Any) -> bool:
    return type(values) is tuple and all(type(value) is str for value in values)


def _is_place(value: Any) -> bool:
    return type(value) is int and value >= 0


def _are_answers(values: Any) -> bool:
    whole = type(values) is tuple and all(type(value) is Answer for value in values)
    return whole and all(type(one.text) is str and _is_place(one.start) for one in values)


def _are_pairs(values: Any) -> bool:
    return type(values) is tuple and all(
        type(pair) is tuple and len(pair) == 2 and _is_place(pair[0]) and _is_place(pair[1])
        for pair in values
    )


_Check = tuple[Callable[[Any], bool], str]
_TEXT: _Check = (_is_text, "a text")
_PERHAPS: _Check = (lambda value: value is None or type(value) is str, "a text or nothing")
_TEXTS: _Check = (_are_texts, "a list of texts")
_PLACE: _Check = (_is_place, "a number from 0 on")

_CHECKS: Mapping[type, Mapping[str, _Check]] = {
    Pair: {"text": _TEXT, "text2": _PERHAPS, "label": _TEXT, "id": _TEXT},
    Choice: {"context": _TEXT, "options": _TEXTS, "label": _PLACE, "id": _TEXT},
    Tagged: {"tokens": _TEXTS, "tags": _TEXTS, "id": _TEXT},
    Question: {
        "context": _TEXT,
        "question": _TEXT,
        "answers": (_are_answers, "a list of answers with their places"),
        "id": _TEXT,
    },
    Bitext: {
        "source": _TEXTS,
        "target": _TEXTS,
        "gold": (_are_pairs, "a list of pairs of rows"),
        "source_ids": _TEXTS,
        "target_ids": _TEXTS,
    },
    Text: {"text": _TEXT, "text2": _PERHAPS},
    Caption: {"text": _TEXT, "text2": _PERHAPS, "images": _TEXTS},
    Seen: {"images": _TEXTS, "text": _TEXT, "label": _TEXT, "caption": _TEXT, "id": _TEXT},
}
