"""What a prediction or a gold value may be, by the family of the task; rows of them, by language and run."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from xstilts import metrics
from xstilts.data.examples import Answer
from xstilts.data.languages import all_languages
from xstilts.data.task import Task
from xstilts.errors import PredictionError, TaskError, did_you_mean
from xstilts.study.load import find_task
from xstilts.xtreme.score import check_label

UNKNOWN = "unknown"
"""The language of rows that tell none, where the task has no list of languages."""
OPTION = "option "
"""Before the number of an option, where the harness knows no label by name."""
KEYS = ("id", "prediction", "gold", "language", "cluster", "seed")
FAMILY_OF = {
    **dict.fromkeys(metrics.FITTING["classification"], "classification"),
    "mining_f1": "retrieval",
    "retrieval_accuracy": "retrieval",
    "span_f1": "tagging",
    "token_accuracy": "tagging",
}
"""The kind of values of a metric; of all others, texts."""


@dataclass
class GivenRows:
    """The rows of a language, of a run or of the gold values, each by its place where there are no ids.

    `partial`: of questions in XTREME's layout some may be left out, which count as wrong. `is_ordered`: they
    stand in the order of the gold values, as submissions and plain sequences do, which cannot have ids.
    """

    where: str
    predicted: list[Any] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    gold: list[Any] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    partial: bool = False
    is_submission: bool = False
    is_ordered: bool = False

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.predicted) or len(self.gold)


class GivenRun(NamedTuple):
    """What a system predicts with one seed, by language; `seed` is None where nothing tells it."""

    where: str
    seed: int | None
    languages: dict[str, GivenRows]


def task_of(name: str) -> Task:
    """The task as `find_task` finds it; a metric's name stands for any task that it measures.

    Raises TaskError if there is none, or if it has no metric.
    """
    if name in metrics.names():
        family = FAMILY_OF.get(name, "span")
        return Task(
            family=family, languages=(), metric=name, description="", citation="", licence="", name=name,
            source_language="",
        )  # fmt: skip
    try:
        task = find_task(name)
    except TaskError as error:
        near = error.now if "Did you mean" in error.now else did_you_mean(name, metrics.names()) or error.now
        now = f"{near} A metric will do for a task of your own: {', '.join(metrics.names())}."
        raise TaskError(error.where, error.what, now) from error
    if not task.metric:
        raise TaskError(f"task '{task.name}'", "has no metric: nothing is predicted.", "Name another.")
    return task


def value(task: Task, raw: Any, where: str, *, is_gold: bool = False) -> Any:
    """The value as metrics take it. PredictionError if it is none of the task."""
    if task.family == "span" and not is_gold and (raw is None or isinstance(raw, str)):
        return raw
    if _is_hole(raw):
        raise PredictionError(where, "is empty (null or NaN).", "Give a value in each row.")
    if task.family == "tagging":
        tags = tuple(raw.split() if isinstance(raw, str) else _listed(raw, where, "tags"))
        for tag in tags:
            _check(task, tag, where)
        return tags
    if task.family == "span":
        texts = raw.get("text", raw) if isinstance(raw, Mapping) else raw
        texts = [texts] if isinstance(texts, str) else texts
        if is_gold and isinstance(texts, Sequence) and all(isinstance(text, str) for text in texts):
            return tuple(Answer(text, 0) for text in texts)
        raise PredictionError(where, f"{raw!r:.60} is no {'list of answers' if is_gold else 'answer'}.")
    if task.metric == "mining_f1":
        return tuple(_listed(raw, where, "ids"))
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    text = str(raw) if isinstance(raw, str | int) and not isinstance(raw, bool) else repr(raw)
    if task.family in ("choice", "retrieval"):
        if not (text.isascii() and text.isdigit()):
            check_label(task, text, where)
        if task.options and int(text) >= task.options:
            what = (
                f"{text} is none of the {task.options} options of '{task.name}', which are numbered from 0."
            )
            raise PredictionError(where, what, "Give the number of an option.")
        return int(text)
    if not (task.family == "visual" and is_gold):
        _check(task, text, where)
    return text


def _is_hole(raw: Any) -> bool:
    """Whether it is what data frames hold where nothing is."""
    is_nan = isinstance(raw, float) and math.isnan(raw)
    return raw is None or is_nan or type(raw).__name__ in ("NAType", "NaTType")


def _check(task: Task, label: str, where: str) -> None:
    if task.labels and not re.fullmatch(f"{OPTION}[0-9]+", label):
        check_label(task, label, where)


def _listed(raw: Any, where: str, noun: str) -> Sequence[str]:
    is_list = isinstance(raw, Sequence) and not isinstance(raw, str)
    if not is_list or not all(isinstance(each, str) for each in raw):
        raise PredictionError(where, f"{raw!r:.60} is no list of {noun}.", f"Give a list of {noun}.")
    return list(raw)


def language_of(task: Task, name: str) -> str:
    """The language in which a name ends: a code, or what others write for it ("test-x-en", "xnli_deu_Latn").

    Without one that of a task with a single language; UNKNOWN for a metric; "" if it cannot be told.
    """
    known = {
        other.casefold(): language.code
        for language in reversed(all_languages())
        for other in (*language.also, language.code)
        if not task.languages or language.code in task.languages
    } | {code.casefold(): code for code in task.languages}
    last = re.split(r"[-_.]", name.casefold())[-2:]
    if len(last) == 2 and last[1] in {language.script.casefold() for language in all_languages()}:
        last = last[:1]
    for word in ("-".join(last), last[-1]):
        if word in known:
            return known[word]
    return only_language(task)


def only_language(task: Task) -> str:
    """That of a task with a single one; UNKNOWN for a metric, which has no list; "" if it cannot be told."""
    return UNKNOWN if not task.languages else task.languages[0] if len(task.languages) == 1 else ""


def records(
    task: Task, rows: Iterable[tuple[str, Mapping[str, Any]]], where: str, language: str, seed: int | None
) -> list[GivenRun]:
    """The runs in rows with the keys KEYS; `language` is that of rows that tell none.

    Raises PredictionError for the first row that lacks something, or whose value is none of the task.
    """
    runs: dict[int | None, dict[str, GivenRows]] = {}
    keys: set[str] = set()
    for place, given in rows:
        row = {
            key: raw.tolist() if hasattr(raw, "tolist") else raw for key, raw in given.items() if key in KEYS
        }
        keys = keys or {*row}
        if {*row} != keys:
            lacking = ", ".join(sorted(keys ^ {*row}))
            raise PredictionError(place, f"has not the same keys as the first row ({lacking}).")
        if not keys & {"prediction", "gold"}:
            meant = [key for key in given if str(key).lower().startswith(("pred", "answer", "output"))]
            what = f"has no 'prediction'; it has {', '.join(map(str, given)) or 'nothing'}."
            now = f"Call '{meant[0]}' 'prediction'." if meant else f"The keys are {', '.join(KEYS)}."
            raise PredictionError(place, what, now)
        code = _text(row["language"], "language", place) if "language" in keys else language
        if not code or (task.languages and code not in task.languages):
            what = f"is in language '{code}', which '{task.name}' has not." if code else "tells no language."
            now = did_you_mean(code, task.languages) or f"It has {', '.join(task.languages)}."
            raise PredictionError(place, what, now if code else f"Give 'language' in each row. {now}")
        own = row.get("seed", seed)
        if "seed" in keys and (isinstance(own, bool) or not isinstance(own, int)):
            raise PredictionError(place, f"the seed {own!r:.40} is no whole number.")
        found = runs.setdefault(own, {}).setdefault(code, GivenRows(where))
        if "prediction" in keys:
            found.predicted.append(value(task, row["prediction"], place))
        if "gold" in keys:
            found.gold.append(value(task, row["gold"], place, is_gold=True))
        if "id" in keys:
            found.ids.append(_text(row["id"], "id", place))
        if "cluster" in keys:
            found.clusters.append(_text(row["cluster"], "cluster", place))
    if not runs:
        raise PredictionError(where, "holds no rows.")
    return [GivenRun(where, own, languages) for own, languages in runs.items()]


def _text(raw: Any, key: str, where: str) -> str:
    if _is_hole(raw):
        raise PredictionError(where, f"'{key}' is empty (null or NaN).", "Give it in each row, or in none.")
    return str(raw)
