"""Reading the rows of original releases: lines, columns, JSON lines, CoNLL-U, line-aligned files.

All readers share these rules. Text is UTF-8; a byte order mark at the start of a file is dropped. Only a
line feed ends a line (U+2028 and its like are text); a carriage return before it is dropped. A file whose
name ends in `.gz` is decompressed, within bounds. Whatever is wrong with a line raises DataError, which names
file and line.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from xstilts.data.examples import Answer, Question, Tagged
from xstilts.data.unpacked import unpacked
from xstilts.errors import DataError, NoGoldError, did_you_mean
from xstilts.plain import parse_json, undecodable

Line = tuple[int, str]
Values = tuple[int, list[str]]

EMPTY = "holds no examples.", "It is empty: fetch it again."
BLANK = "the line is empty.", "Remove it."

LONGEST_FIELD = 2**24
"""Characters of a field of a CSV file, at the most: Python's own limit is lower than some texts are long."""
csv.field_size_limit(LONGEST_FIELD)


def lines(path: Path) -> Iterator[Line]:
    """The lines of a text file with their numbers, from 1, without their ends; DataError if it has none."""
    number = 0
    with _open(path) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as error:
                raise not_utf8(path) from error
            if number == 1 and undecodable([raw]):
                raise not_utf8(path)
            yield number, line.removeprefix("\ufeff") if number == 1 else line
    if number == 0:
        raise DataError(str(path), *EMPTY)


def not_utf8(*paths: Path) -> DataError:
    """What is wrong with files that cannot be decoded: the first line of theirs that is not UTF-8."""
    for path in paths:
        with _open(path) as stream:
            if wrong := undecodable(stream):
                return DataError(_place(path, wrong[0]), *wrong[1:])
    return DataError(str(paths[0]), "is not UTF-8.", "Convert it to UTF-8.")


def columns(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a tab-separated file without header or quoting; each must have exactly these columns."""
    for number, line in lines(path):
        yield number, _split(path, number, line, names)


def written_columns(path: Path, names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a tab-separated file that XTREME's script may have written with Python's `csv.writer`.

    That quotes a field in which a quote stands, and doubles the quotes inside. In a file whose every field
    with a quote is so, the quotes around are taken away and those inside halved; else quotes are text: also
    in a file where quotes stand only around whole fields, which that script would have doubled.
    """
    rows = list(columns(path, names))
    quoted = are_quoted(value for _, values in rows for value in values)
    for number, values in rows:
        yield number, [unquoted(value) for value in values] if quoted else values


def written_table(path: Path, names: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of `table`, in a file that a `csv.writer` or pandas may have written: `written_columns`."""
    quoted = are_quoted(value for _, row in table(path, names) for value in row.values())
    for number, row in table(path, names):
        yield number, {name: unquoted(value) for name, value in row.items()} if quoted else row


def are_quoted(values: Iterator[str]) -> bool:
    """Whether every field with a quote is as `csv.writer` writes it."""
    return all(_QUOTED.fullmatch(value) for value in values if '"' in value)


def unquoted(value: str) -> str:
    return value[1:-1].replace('""', '"') if '"' in value else value


_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


def table(
    path: Path, names: Sequence[str], *, skip_short: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a tab-separated file without quoting, whose first line names columns, these among them.

    Raises DataError for a row with more or fewer columns than the first line, unless `skip_short` lets those
    with fewer pass by unread.
    """
    rows = ((number, line.split("\t")) for number, line in lines(path))
    return _by_name(path, rows, names, "tabs", skip_short=skip_short)


def csv_rows(path: Path, names: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a comma-separated file with quoting, whose first line names columns, these among them.

    A quoted field may hold line ends; the number is that of the row's last line. Raises DataError for a row
    with more or fewer columns than the first line, or where a quote is not closed.
    """
    next(lines(path))  # which tells an empty file, and one in another encoding
    with _open(path) as stream, io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text, strict=True)
        numbered = ((rows.line_num, values) for values in rows if values)  # others are blank lines
        try:
            yield from _by_name(path, numbered, names, "commas")
        except csv.Error as error:
            now = "A field with commas, quotes or line ends stands in quotes, those within doubled: "
            now += "is a quote missing, here or before?"
            raise DataError(_place(path, rows.line_num), f"is no CSV ({error}).", now) from error
        except UnicodeDecodeError as error:
            raise not_utf8(path) from error


def json_lines(
    path: Path, fields: Sequence[str], texts: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with one JSON object a line; each must have these fields, `texts` as texts."""
    for number, line in lines(path):
        if not line.strip():
            raise DataError(_place(path, number), *BLANK)
        row = _parse(path, line, "Mend or remove the line.", number)
        yield number, require(row, (*texts, *fields), _place(path, number), texts)


def json_object(
    path: Path, fields: Sequence[str], texts: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a file that is one JSON object of them, by their keys; fields as in `json_lines`."""
    for key, row in _json(path, ()).items():
        yield key, require(row, (*texts, *fields), f"{path}: '{key}'", texts)


def require(row: Any, fields: Sequence[str], where: str, texts: Sequence[str] = ()) -> dict[str, Any]:
    """A JSON object that has these fields, those of `texts` as texts; DataError if it is none or has not."""
    if not isinstance(row, dict):
        raise DataError(where, "is no JSON object.", f"Needed: {', '.join(fields)}." if fields else "")
    for field in fields:
        if field in row and row[field] is None:
            raise DataError(where, f"the field '{field}' is null.", "Fill it in.")
        if field not in row:
            what = f"has no field '{field}'; it has {', '.join(sorted(row)) or 'none'}."
            raise DataError(where, what, did_you_mean(field, row))
    for field in texts:
        if not isinstance(row[field], str):
            raise DataError(where, f"the field '{field}' is no text but {row[field]!r:.60}.")
    return row


def parts(row: Any, field: str, where: str) -> list[Any]:
    """The list in a field of a JSON object; DataError if there is none."""
    found = require(row, (field,), where)[field]
    if not isinstance(found, list):
        raise DataError(where, f"the field '{field}' is no list.")
    return found


def texts(row: Any, field: str, where: str) -> list[str]:
    """The list of texts in a field of a JSON object; DataError if there is none."""
    found = parts(row, field, where)
    if wrong := [one for one in found if not isinstance(one, str)]:
        raise DataError(where, f"the field '{field}' holds what is no text: {wrong[0]!r:.60}.")
    return found


def squad(path: Path, *, unanswerable: bool = False, misplaced: bool = True) -> Iterator[Question]:
    """The questions of a SQuAD file (v1.1 or v2.0), in its order, with all their answers.

    The file is one JSON object: data, paragraphs (context), qas (id, question, answers: text, answer_start).
    Offsets count code points of the context. Raises DataError, which names file and id, if an answer does not
    stand at its offset, and if a question has no answer, unless there may be `unanswerable` ones (v2.0).
    Without `misplaced`, such questions are passed by instead.
    """
    for article in parts(_json(path, ("data",)), "data", str(path)):
        for paragraph in parts(article, "paragraphs", f"{path}: an article"):
            context = require(paragraph, ("context", "qas"), f"{path}: a paragraph", ("context",))["context"]
            for row in parts(paragraph, "qas", f"{path}: a paragraph"):
                require(row, ("id", "question"), f"{path}: a question", ("question",))
                where = f"{path}: question '{row['id']}'"
                if row.get("answers") is None:
                    raise NoGoldError(where, "has no answers.")
                answers = [
                    require(one, ("text", "answer_start"), where, ("text",))
                    for one in parts(row, "answers", where)
                ]
                spans = tuple(Answer(one["text"], one["answer_start"]) for one in answers)
                if spans and row.get("is_impossible"):
                    raise DataError(where, "is marked impossible, but has answers.")
                question = Question(context, row["question"], spans, str(row["id"]))
                if misplaced or (spans and all(_stands(question, span) for span in spans)):
                    yield checked(question, where, unanswerable=unanswerable)


def squad_row(row: Mapping[str, Any], *, unanswerable: bool = False) -> Question:
    """A question of a SQuAD-like data set on the Hub, whose answers are two lists, of texts and of offsets.

    Raises DataError, which names the id, where `squad` does.
    """
    answers = row["answers"]
    spans = zip(answers["text"], answers["answer_start"], strict=True)
    question = Question(
        row["context"], row["question"], tuple(Answer(*span) for span in spans), str(row["id"])
    )
    return checked(question, f"question '{row['id']}'", unanswerable=unanswerable)


def checked(question: Question, where: str, *, unanswerable: bool = False) -> Question:
    """The question, if each answer stands at its offset and there is one; else DataError."""
    if not unanswerable and not any(answer.text.strip() for answer in question.answers):
        raise NoGoldError(where, "has no answer." if not question.answers else "has an empty answer.")
    for answer in question.answers:
        if not answer.text.strip():
            raise DataError(where, "has an empty answer.", "Take it out.")
        if not _stands(question, answer):
            what = f"the answer {answer.text!r} does not stand at character {answer.start} of its context."
            raise DataError(where, what, "Offsets count code points, not bytes or UTF-16 units.")
    return question


def _stands(question: Question, answer: Answer) -> bool:
    inside = isinstance(answer.start, int) and answer.start >= 0
    return bool(inside and answer.text.strip() and question.context.startswith(answer.text, answer.start))


def label(path: Path, number: int, value: object, labels: Collection[str]) -> str:
    """The label of a row; DataError if it is not one of the task's labels, NoGoldError if there is none."""
    if not isinstance(value, str) or value not in labels:
        near = did_you_mean(str(value), labels)
        known = ", ".join(labels) if len(labels) <= 30 else f"the {len(labels)} labels of the task"
        what = f"the label {value!r} is not one of {known}."
        raise (NoGoldError if value in ("", "_") else DataError)(_place(path, number), what, near)
    return value


def position(path: Path, number: int, value: object, names: Sequence[str]) -> int:
    """The index of a row's right option among the names of all; DataError if it is none of them."""
    return names.index(label(path, number, str(value), names))


def blocks(path: Path) -> Iterator[list[Line]]:
    """The lines between blank lines, block by block; every further blank line is a block without lines.

    XTREME's `evaluate.py` (read_tag) counts such a block as a sentence, so readers of sentences give one
    without words for it; `xstilts.data.loader.stream` leaves it out, and `xstilts export` writes it.
    """
    block: list[Line] = []
    for number, line in lines(path):
        if line.strip():
            block.append((number, line))
        else:
            yield block
            block = []
    if block:
        yield block


def tagged_columns(path: Path, labels: Collection[str], language: str = "") -> Iterator[Tagged]:
    """Sentences of a file with `token TAB tag` on each line and a blank line between sentences.

    The original WikiANN has `vi:` before every token of its Vietnamese files: with `language`, that prefix is
    taken away from a file whose every token has it. DataError if most have it, but not all.
    """
    prefix = _prefix(path, language) if language else ""
    first = None
    for block in blocks(path):
        rows = []
        for number, line in block:
            first = first or number
            if "\t" not in line and len(line.split()) > 1 and line.split()[-1] in labels:
                what = "the token and its tag are divided by a space."
                raise DataError(_place(path, number), what, "Put a tab between them, in all lines.")
            token, tag = _split(path, number, line.removeprefix(prefix), ("token", "tag"), first)
            rows.append((_token(path, number, token), label(path, number, tag, labels)))
        yield Tagged(tuple(token for token, _ in rows), tuple(tag for _, tag in rows))


def _prefix(path: Path, language: str) -> str:
    """The prefix if every token of a file has it; "" if half of them, or more, have not."""
    prefix, tokens, without, others = f"{language}:", 0, list[int](), set[str]()
    for number, line in lines(path):
        tokens += bool(line.strip())
        if line.strip() and not line.startswith(prefix):
            without.append(number)
            others.add(line.partition(":")[0] if _OTHER_CODE.match(line) else "")
    if 1 < tokens == len(without) and len(others) == 1 and (other := others.pop()):
        what = f"every token has '{other}:' before it, not '{prefix}'."
        raise DataError(str(path), what, "Is the file in another language? Else take it away.")
    if without and 2 * len(without) < tokens:
        what = f"the token has no '{prefix}' before it, as most others of the file have."
        raise DataError(_place(path, without[0]), what, "Take it away from all, or give it to all.")
    return "" if without else prefix


_OTHER_CODE = re.compile(r"[a-z]{2,3}(-[a-z]+)*:\S")

_ATOM = re.compile(r"(?:S|NP?|PP)(?:\[\w+\])?|conj|[LR]RB|[LR]QU|[.,:;]")


def is_category(text: str) -> bool:
    """Whether a text is a lexical category in CCGbank's notation, such as `(S[dcl]\\NP)/NP`."""
    rest = _ATOM.sub("X", text)
    while (shorter := rest.replace("(X/X)", "X").replace("(X\\X)", "X")) != rest:
        rest = shorter
    return rest in ("X", "X/X", "X\\X")


def supertags(path: Path, labels: Collection[str], other: str = "") -> Iterator[Tagged]:
    """Sentences of a C&C file: one a line, tokens `word|POS|category` between single spaces.

    A word may hold a bar, so a token is split from the right. The comments that C&C writes first (`# ...`)
    and blank lines are skipped. A category that is none of the labels is read as `other` if that is given
    and the category is well-formed; DataError otherwise.
    """
    known = frozenset(labels)
    for number, line in lines(path):
        if not line.strip() or line.startswith("# "):
            continue
        tokens, tags = [], []
        for token in line.strip().split(" "):
            parts = token.rsplit("|", 2)
            if len(parts) != 3 or "\t" in token:
                raise DataError(_place(path, number), f"the token {token!r} is not word|POS|category.")
            word, _, tag = parts
            tokens.append(_token(path, number, word))
            if tag not in known:
                tag = other if other and is_category(tag) else label(path, number, tag, labels)
            tags.append(tag)
        yield Tagged(tuple(tokens), tuple(tags))


_CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
_NO_WORD = re.compile(r"\d+[-.]\d+")


def conllu(path: Path, labels: Collection[str]) -> Iterator[Tagged]:
    """Sentences of a CoNLL-U file: the syntactic words (FORM) and their universal tags (UPOS).

    Comments, multiword tokens (`1-2`) and empty nodes (`1.1`) are skipped; the id is the `sent_id`. Words
    count from 1 in each sentence; DataError if one is missing, also one that is a HEAD, or comes again. A
    sentence whose words are withheld is passed by, whatever its tags are.
    """
    name = ""
    for block in blocks(path):
        rows, last = list[tuple[int, str, str]](), 0
        for number, line in block:
            if line.startswith("#"):
                key, _, value = line[1:].partition("=")
                name = value.strip() if key.strip() == "sent_id" else name
                continue
            row = dict(zip(_CONLLU, _split(path, number, line, _CONLLU), strict=True))
            if _NO_WORD.fullmatch(row["ID"]):
                last = max(last, int(row["ID"].partition("-")[2] or 0))
                continue
            if row["ID"] != str(len(rows) + 1):
                what = f"the word has the ID {row['ID']!r}, not {len(rows) + 1}."
                now = "Words count from 1 in each sentence: a blank line or a word may be missing before it."
                raise DataError(_place(path, number), what, now)
            last = max(last, int(row["HEAD"]) if row["HEAD"].isdecimal() else 0)
            rows.append((number, _token(path, number, row["FORM"]), row["UPOS"]))
        if len(rows) < last:
            raise DataError(_place(path, block[-1][0]), f"the word {last} is missing.", "Fetch it again.")
        tokens = tuple(token for _, token, _ in rows)
        if not withheld(tokens):
            yield Tagged(tokens, tuple(label(path, number, tag, labels) for number, _, tag in rows), name)
        name = "" if rows else name


def withheld(tokens: Sequence[str]) -> bool:
    """Whether the words of a sentence are withheld: all of them, or all but one, are `_`.

    Some treebanks may not publish their words. The rule is XTREME's, which keeps a sentence without `_`, or
    with fewer than one less than it has words (google-research/xtreme, utils_preprocess.py).
    """
    missing = sum(token == "_" for token in tokens)
    return missing > 0 and missing >= len(tokens) - 1


def paired_lines(first: Path, second: Path) -> Iterator[tuple[str, str]]:
    """The lines of two files side by side, without blank ones at the end; DataError if one has more."""
    left, right = ([line for _, line in lines(path)] for path in (first, second))
    for path, side in ((first, left), (second, right)):
        while side and not side[-1].strip():
            side.pop()
        if not side:
            raise DataError(str(path), *EMPTY)
    if len(left) != len(right):
        what = f"has {len(left)} lines, but {second} has {len(right)}: they should be line-aligned."
        raise DataError(str(first), what, "Fetch both again.")
    return zip(left, right, strict=True)


def keyed_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Key and text of a file with `key TAB text` on each line; DataError if a key comes twice."""
    seen: dict[str, int] = {}
    for number, (key, text) in columns(path, ("key", "text")):
        if key in seen:
            raise DataError(_place(path, number), f"the key '{key}' stands in line {seen[key]} already.")
        seen[key] = number
        yield key, text


def _open(path: Path) -> BinaryIO:
    return unpacked(path) if path.suffix == ".gz" else path.open("rb")


def _json(path: Path, fields: Sequence[str]) -> dict[str, Any]:
    """A file that is one JSON object with these fields."""
    try:
        with _open(path) as stream:
            content = stream.read()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error
    if undecodable([content.partition(b"\n")[0]]):
        raise not_utf8(path)
    if not text.strip():
        raise DataError(str(path), *EMPTY)
    return require(_parse(path, text, "Fetch the file again."), fields, str(path))


def _parse(path: Path, text: str, now: str, first: int = 1) -> Any:
    """The value of a JSON text that begins in line `first` of a file; DataError if it is none."""
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        what = f"is no JSON ({error.msg} at column {error.colno})."
        raise DataError(_place(path, first + error.lineno - 1), what, now) from error


def _place(path: Path, number: int) -> str:
    return f"{path}:{number}"


def _split(path: Path, number: int, line: str, names: Sequence[str], first: int = 1) -> list[str]:
    """The columns of a line; NoGoldError if the `first` line with columns lacks that of the gold values."""
    values = line.split("\t")
    _check_width(path, number, values, names, "tabs", first)
    return values


def _check_width(
    path: Path, number: int, values: list[str], names: Sequence[str], between: str, first: int = 0
) -> None:
    if len(values) == len(names):
        return
    if values == [""]:
        raise DataError(_place(path, number), *BLANK)
    found = f"has {len(values)} column{'s' if len(values) > 1 else ''}"
    what = f"{found} separated by {between}, not {len(names)} ({', '.join(names)})."
    if number == first and len(values) == len(names) - 1 and names[-1] in ("label", "tag"):
        raise NoGoldError(_place(path, number), f"{what} The {names[-1]}s are not there.")
    raise DataError(_place(path, number), what, divided_otherwise(names))


def divided_otherwise(header: Sequence[str]) -> str:
    """What to do if the only column's name holds what divides columns in other files; "" if it does not."""
    for sign, signs, now in (
        ("\t", "tabs", 'write format = "tsv" in the task'),
        (";", "semicolons", "save it with commas"),
        (",", "commas", 'write format = "csv" in the task'),
    ):
        if len(header) == 1 and sign in header[0]:
            return f"Its columns seem to be divided by {signs}: {now}."
    return ""


def _by_name(
    path: Path, rows: Iterator[Values], names: Sequence[str], between: str, *, skip_short: bool = False
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by the columns that the first one names, these among them; DataError if two have one name."""
    header: list[str] = []
    for number, values in rows:
        if not header:
            header = values
            for name in header:
                if name and header.count(name) > 1:
                    raise DataError(_place(path, number), f"names the column '{name}' twice.", "Rename one.")
            require(dict.fromkeys(header, ""), names, _place(path, number))
        elif not skip_short or len(values) >= len(header):
            _check_width(path, number, values, header, between)
            yield number, dict(zip(header, values, strict=True))


def _token(path: Path, number: int, token: str) -> str:
    if not token.strip():
        raise DataError(_place(path, number), "the token is empty.")
    return token
