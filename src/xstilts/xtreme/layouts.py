"""XTREME's layouts of predictions and references, as the plain values that the metrics take.

The rules are those of the official `evaluate.py`: white space around a line is stripped; LF, CRLF and CR
end a line and nothing else does; a byte order mark is part of the first line.
"""

from collections.abc import Mapping
from typing import Any

from xstilts.data.examples import Answer
from xstilts.errors import PredictionError


def lines(text: str) -> list[str]:
    """One value a line; an empty line is a value too."""
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [row.strip() for row in (rows if rows[-1] else rows[:-1])]


def sentences(text: str) -> list[tuple[str, ...]]:
    """One tag a line, a blank line after each sentence; one final blank line more or less does not matter."""
    found: list[tuple[str, ...]] = []
    tags: list[str] = []
    for line in lines(text):
        if line:
            tags.append(line)
        else:
            found.append(tuple(tags))
            tags = []
    return [*found, tuple(tags)] if tags else found


def pairs(text: str) -> list[tuple[str, ...]]:
    """The distinct lines, each split at tabs (two sentence ids), in order."""
    return list(dict.fromkeys(tuple(line.split("\t")) for line in lines(text)))


def answers(
    references: Any, predictions: Mapping[str, Any], unanswerable: bool = False
) -> tuple[list[tuple[Answer, ...]], list[str | None]]:
    """Gold answers and predictions, question by question, from SQuAD JSON and `{question id: answer}`.

    A question without prediction gets None. With `unanswerable` (SQuAD 2.0) every question needs a prediction
    and of a repeated id the last counts; otherwise each occurrence counts. PredictionError if an answer is
    no text or is missing where it must not be.
    """
    predictions = predictions.get("data", predictions)
    if not isinstance(predictions, Mapping):
        raise PredictionError("predictions", "'data' holds no object.", "Give {question id: answer}.")
    rows = questions(references)
    if unanswerable:
        rows = list(dict(rows).items())
    for name, _ in rows:
        if (unanswerable or name in predictions) and not isinstance(predictions.get(name), str):
            what = "has no answer that is text." if name in predictions else "has no prediction."
            raise PredictionError(f"question '{name}'", what, "Give an answer, or an empty text.")
    return [gold for _, gold in rows], [predictions.get(name) for name, _ in rows]


def questions(references: Any) -> list[tuple[str, tuple[Answer, ...]]]:
    """The ids, as texts, and gold answers of SQuAD JSON, in order. KeyError or TypeError if it is none."""
    articles = references["data"] if isinstance(references, Mapping) else references
    return [
        (str(question["id"]), tuple(_answer(question["id"], gold) for gold in question["answers"]))
        for article in articles
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]


def _answer(name: Any, gold: Mapping[str, Any]) -> Answer:
    if not isinstance(gold["text"], str):
        raise PredictionError(
            f"question '{name}'", "has a gold answer that is no text.", "Mend the references."
        )
    return Answer(gold["text"], gold["answer_start"])
