"""Rows of files whose columns somebody names: CSV, TSV, JSON lines, Parquet, CoNLL, SQuAD's JSON.

So a task is read that a study declares. Each family takes its columns by role (ROLES); labels are those that
the files write; a column may hold the language of a row. What is wrong names file and row.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xstilts.data import readers
from xstilts.data.examples import Answer, Bitext, Choice, Example, Pair, Question, Tagged, Text
from xstilts.errors import DataError, did_you_mean
from xstilts.plain import first_of

READING = 3
"""Raised by hand whenever this module reads other rows of the same files: it is in the identity of rows."""

Columns = Mapping[str, str | int | tuple[str, ...]]
"""By role: the name of a column, its number in CoNLL files, or the names of several."""

ROLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "classification": (("text", "label"), ("text2", "id")),
    "choice": (("options", "label"), ("context", "id")),
    "tagging": (("tokens", "tags"), ("id",)),
    "span": (("context", "question", "answers"), ("start", "id")),
    "retrieval": (("text", "text2"), ("id",)),
    "masked": (("text",), ("text2",)),
}
"""By family the columns that it needs, and those that it may have besides `language`."""

ENDINGS = {
    "csv": (".csv",),
    "tsv": (".tsv",),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "conll": (".conll", ".bio", ".iob"),
    "conllu": (".conllu",),
    "squad": (),
}
"""The formats, and the endings of files by which each is known."""

OF_FAMILY = {"conll": "tagging", "conllu": "tagging", "squad": "span"}
"""Formats of one family, whose columns are known."""

FIRST_AND_LAST = {"tokens": 1, "tags": -1}
"""The columns of CoNLL files, unless others are named."""

SHOWN = 5
"""Unknown labels that a message names."""


def format_of(name: str) -> str:
    """The format of a file by its name, which may end in `.gz`; "" if it says nothing."""
    ending = Path(name.removesuffix(".gz")).suffix.lower()
    return next((form for form, endings in ENDINGS.items() if ending in endings), "")


Placed = Iterator[tuple[str, Mapping[str, Any]]]


def rows(path: Path, form: str) -> Placed:
    """The rows of a table with their places: FILE:LINE, in Parquet FILE: row NUMBER, from 1."""
    if form == "parquet":
        return ((f"{path}: row {number}", row) for number, row in enumerate(_parquet(path), 1))
    numbered: Iterator[tuple[int, Mapping[str, Any]]] = readers.json_lines(path, ())
    if form in ("csv", "tsv"):
        numbered = readers.csv_rows(path, ()) if form == "csv" else readers.written_table(path, ())
    return ((f"{path}:{number}", row) for number, row in numbered)


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import polars
    from polars.exceptions import PanicException, PolarsError

    try:
        return polars.read_parquet(path).iter_rows(named=True)
    except (PolarsError, PanicException, OSError) as error:
        what = f"is no Parquet file, or a damaged one ({error})."
        raise DataError(str(path), what, "Remove it and fetch it again.") from error


@dataclass(frozen=True)
class _Row:
    """A row, where it stands, and the column of each role."""

    values: Mapping[str, Any]
    place: str
    columns: Columns

    def value(self, role: str) -> Any:
        """What the column holds; DataError if that is nothing."""
        value = self.values[str(self.columns[role])]
        if value is None:
            raise DataError(self.place, f"the column '{self.columns[role]}' is empty.", "Fill it in.")
        return value

    def text(self, role: str) -> str:
        value = self.value(role)
        if not isinstance(value, str):
            raise DataError(self.place, f"the column '{self.columns[role]}' holds no text but {value!r:.60}.")
        return value

    def parts(self, role: str) -> list[Any]:
        """The list in a column, or what is in each of several; words in a text are split at white space."""
        columns = self.columns[role]
        if isinstance(columns, tuple):
            return [self.values[column] for column in columns]
        value = self.value(role)
        found = value.split() if isinstance(value, str) and role != "options" else value
        if not isinstance(found, list):
            raise DataError(self.place, f"the column '{columns}' holds no list but {value!r:.60}.")
        return found

    @property
    def id(self) -> str:
        return written(self.value("id")) if "id" in self.columns else ""


def written(value: Any) -> str:
    """A label, a code or an id as text: `true` and `1` for those values of JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@dataclass(frozen=True, kw_only=True)
class Tabular:
    """How files become examples.

    `paths` are those of the splits, with {lang}. `labels` has the name of each label by what the files write;
    of a choice what they write for its options, by default 0, 1 and so on. `codes` maps a language to what
    stands for it in paths and columns. `form` is the format, where the ending of a file does not say it.
    """

    family: str
    paths: Mapping[str, str]
    columns: Columns
    labels: Mapping[str, str]
    codes: Mapping[str, str]
    form: str = ""
    unanswerable: bool = False
    on_hub: bool = False

    def read(self, paths: tuple[Path, ...], language: str) -> Iterator[Example]:
        """The examples of files in a language, one file after the other."""
        others, empty = set[str](), True
        examples = (example for path in paths for example in self._of_file(path, language, others))
        for example in self._bitext(examples) if self.family == "retrieval" else examples:
            empty = False
            yield example
        if empty and others:
            column, known = self.columns["language"], ", ".join(map(repr, sorted(others)[:SHOWN]))
            what = f"has no rows in '{language}': the column '{column}' holds {known}."
            raise DataError(str(paths[0]), what, f"Correct `languages`, or take '{language}' out.")

    def _bitext(self, pairs: Iterator[Example]) -> Iterator[Bitext]:
        """All pairs of texts as one example, if there are any."""
        if found := [one for one in pairs if isinstance(one, Pair)]:
            ids = tuple(one.id for one in found) if "id" in self.columns else ()
            texts, second = tuple(one.text for one in found), tuple(str(one.text2) for one in found)
            yield Bitext(texts, second, tuple((row, row) for row in range(len(found))), ids, ids)

    def identity(self, split: str, language: str) -> str:
        """A digest of what decides which rows are read of files, besides what the files hold."""
        path, code = self.paths.get(split, ""), self.codes.get(language, language)
        content = {
            "reading": READING,
            "form": self.form or format_of(path),
            "columns": dict(self.columns),
            "labels": list(self.labels.items()),
            "code": code if "language" in self.columns else "",
            "unanswerable": self.unanswerable,
            "path": path.replace("{lang}", code) if self.on_hub else "",
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def _of_file(self, path: Path, language: str, others: set[str]) -> Iterator[Example]:
        form = self.form or format_of(path.name)
        match form:
            case "squad":
                yield from readers.squad(path, unanswerable=self.unanswerable)
            case "conllu":
                for sentence in readers.conllu(path, self.labels):
                    yield replace(sentence, tags=tuple(self.labels[tag] for tag in sentence.tags))
            case "conll":
                yield from self._sentences(path)
            case _:
                yield from self._of_table(path, form, language, others)

    def _of_table(self, path: Path, form: str, language: str, others: set[str]) -> Iterator[Example]:
        """The rows in a language; what else the column of languages holds goes into `others`."""
        columns = self.columns.values()
        needed = [name for one in columns for name in (one if isinstance(one, tuple) else [str(one)])]
        code, lines = self.codes.get(language, language), rows(path, form)
        known = {other.casefold(): other for other in reversed(tuple(self.codes.values()))}
        for place, values in lines:
            row = _Row(values, place, self.columns)
            if lacking := [name for name in needed if name not in values]:
                there = ", ".join(map(repr, values))
                what = f"has no column {', '.join(map(repr, lacking))}; it has {there}."
                near = " ".join(filter(None, (did_you_mean(name, values) for name in lacking)))
                now = readers.divided_otherwise(list(values)) or near or "Name the columns under `columns`."
                raise DataError(place if form == "jsonl" else str(path), what, now)
            if "language" in self.columns and (other := written(row.value("language"))) != code:
                meant = known.get(other.strip().casefold(), other)  # but for capitals and spaces
                if other not in self.codes.values() and meant != other:
                    what = f"the language {other!r} is not {meant!r}, which `languages` names."
                    raise DataError(place, what, "Write all alike, or the row would be passed by.")
                others.add(other)
            else:
                yield self._example(row, lines)

    def elsewhere(self, paths: tuple[Path, ...]) -> Counter[str]:
        """How many rows of tables are in languages that the task has not, by what their column holds."""
        column, known = str(self.columns["language"]), set(self.codes.values())
        tables = (rows(path, self.form or format_of(path.name)) for path in paths)
        codes = (written(values[column]) for table in tables for _, values in table)
        return Counter(code for code in codes if code not in known)

    def _example(self, row: _Row, rest: Placed) -> Example:
        second = row.text("text2") if "text2" in self.columns else None
        match self.family:
            case "classification":
                (label,) = self._labels(row, "label", rest)
                return Pair(row.text("text"), second, label, row.id)
            case "choice":
                context = row.text("context") if "context" in self.columns else ""
                options = row.parts("options")
                names = list(self.labels) or [str(number) for number in range(len(options))]
                right = written(row.value("label"))
                if right not in names:
                    what = f"the label {right!r} is not one of {', '.join(names)}, which number the options."
                    raise DataError(row.place, what, "Say with `labels` how the options are numbered.")
                return Choice(context, tuple(options), names.index(right), row.id)
            case "tagging":
                tokens = tuple(row.parts("tokens"))
                if not all(isinstance(token, str) and token.strip() for token in tokens):
                    raise DataError(row.place, f"holds a token that is no text or empty: {tokens!r:.60}.")
                return Tagged(tokens, self._labels(row, "tags", rest), row.id)
            case "span":
                question = Question(row.text("context"), row.text("question"), _answers(row), row.id)
                return readers.checked(question, row.place, unanswerable=self.unanswerable)
            case "retrieval":
                return Pair(row.text("text"), second, "", row.id)
            case _:
                return Text(row.text("text"), second)

    def _labels(self, row: _Row, role: str, rest: Placed) -> tuple[str, ...]:
        """The names of the labels of a row; DataError with all in it and in the rest that are none."""
        found = [written(value) for value in (row.parts(role) if role == "tags" else [row.value(role)])]
        if all(value in self.labels for value in found):
            return tuple(self.labels[value] for value in found)
        column = str(self.columns[role])
        unknown: dict[str, str] = {}
        for place, values in ((row.place, row.values), *rest):
            value = values.get(column)
            value = value.split() if role == "tags" and isinstance(value, str) else value
            for one in map(written, value if isinstance(value, list) else [value]):
                if one not in self.labels:
                    unknown.setdefault(one, place)
        raise self._no_label(unknown)

    def _no_label(self, unknown: Mapping[str, str]) -> DataError:
        """What is said of labels that are none, each with the place where it first stands."""
        (first, place), *others = unknown.items()
        known = ", ".join(self.labels) if len(self.labels) <= 30 else f"the {len(self.labels)} labels"
        more = [f"{label!r} ({_line(where)})" for label, where in others]
        told = f"; nor {first_of(more, SHOWN)}" if more else ""
        now = f"{did_you_mean(first, self.labels)} Correct the rows, or `labels`.".strip()
        return DataError(place, f"the label {first!r} is not one of {known}{told}.", now)

    def _sentences(self, path: Path) -> Iterator[Tagged]:
        """Sentences of a CoNLL file: columns between tabs, or else spaces; blank lines between.

        A document's first line is no sentence, and ends the one before it.
        """
        token, tag = (int(str(self.columns.get(role, FIRST_AND_LAST[role]))) for role in FIRST_AND_LAST)
        unknown: dict[str, str] = {}
        for block in readers.blocks(path):
            sentences: list[list[tuple[str, str]]] = [[]]
            for number, line in block:
                # A space that is no end of a word (U+00A0, U+3000) may be part of a token.
                values = re.split("\t" if "\t" in line else " +", line.strip(" "))
                if DOCUMENT in values:
                    sentences.append([])
                    continue
                if max(abs(token), abs(tag), 2) > len(values):
                    what = f"has {len(values)} columns, so no token in number {token} with a tag in {tag}."
                    raise DataError(f"{path}:{number}", what, "A blank line ends a sentence.")
                word, label = (values[at - (at > 0)].strip() for at in (token, tag))
                if not word:
                    raise DataError(f"{path}:{number}", "the token is empty.")
                sentences[-1].append((word, label))
                if label not in self.labels:
                    unknown.setdefault(label, f"{path}:{number}")
            for words in sentences:
                if not unknown and (words or not block):
                    tags = tuple(self.labels[label] for _, label in words)
                    yield Tagged(tuple(word for word, _ in words), tags)
        if unknown:
            raise self._no_label(unknown)


DOCUMENT = "-DOCSTART-"
"""In place of a word where a document of CoNLL 2003 begins."""


def _line(place: str) -> str:
    """'line 4' of FILE:4, 'row 4' of FILE: row 4."""
    last = place.rpartition(":")[2].strip()
    return f"line {last}" if last.isdecimal() else last


def _answers(row: _Row) -> tuple[Answer, ...]:
    """The answers of a question: as SQuAD writes them, or in a column of texts and one of their places."""
    value = row.value("answers")
    texts = starts = None
    if "start" in row.columns:
        texts, starts = (one if isinstance(one, list) else [one] for one in (value, row.value("start")))
    elif isinstance(value, Mapping):
        texts, starts = value.get("text"), value.get("answer_start", value.get("start"))
    elif isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        texts = [one.get("text") for one in value]
        starts = [one.get("answer_start", one.get("start")) for one in value]
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        what = f"the column '{row.columns['answers']}' holds no answers with their places but {value!r:.60}."
        now = 'An answer is {"text": ..., "answer_start": ...}, or a text with a column `start`.'
        raise DataError(row.place, what, now)
    starts = [int(one) if isinstance(one, str) and one.isdecimal() else one for one in starts]
    return tuple(Answer(text, start) for text, start in zip(texts, starts, strict=True))
