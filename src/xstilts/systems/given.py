"""Predictions and gold values as they are given: in files, or as rows of whatever holds such.

What a value may be, the family of the task says. A system is a file, a folder, or several for several seeds:
XTREME's layouts, read as `xstilts score` reads them; JSON lines; or the samples that lm-evaluation-harness
logs (`--log_samples`), `samples_TASK_DATE.jsonl`, a folder of which is a model in several languages. There an
answer is the option with the highest likelihood, or the text that was generated.
"""

import glob
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json import JSONDecodeError
from pathlib import Path
from typing import Any, NamedTuple

from xstilts import metrics
from xstilts.data.examples import Answer
from xstilts.data.languages import all_languages, by_word
from xstilts.data.task import Task
from xstilts.errors import PredictionError, TaskError, did_you_mean
from xstilts.plain import by_key, parse_json
from xstilts.study.load import find_task
from xstilts.xtreme import layouts
from xstilts.xtreme.score import check_label, check_option, is_number, json_of, text_of, uncompressed, within

KEYS = ("id", "prediction", "gold", "language", "cluster", "seed")
UNKNOWN = "unknown"
"""The language of rows that tell none, where the task has no list of languages."""
FAMILY_OF = {
    **dict.fromkeys(metrics.FITTING["classification"], "classification"),
    "mining_f1": "retrieval",
    "retrieval_accuracy": "retrieval",
    "span_f1": "tagging",
    "token_accuracy": "tagging",
}
"""The kind of values of a metric; of all others, texts."""
LINES = (".jsonl", ".ndjson")
SEED = re.compile(r"[-_.]?seed[-_=]?(\d+)", re.IGNORECASE)
SAMPLES = "samples_"
DATE = re.compile(r"_\d{4}-\d\d-\d\dT[\d:.-]+$")
OPTION = "option "
"""Before the number of an option, where the harness knows no label by name."""


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
            family=family,
            languages=(),
            metric=name,
            description="",
            citation="",
            licence="",
            name=name,
            source_language="",
        )
    try:
        task = find_task(name)
    except TaskError as error:
        near = error.now if "Did you mean" in error.now else did_you_mean(name, metrics.names()) or error.now
        declared = "" if ".toml" in name else " One that a study declares is STUDY.toml:NAME."
        now = f"{near}{declared} A metric will do for a task of your own: {', '.join(metrics.names())}."
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
        if not is_number(text):
            check_label(task, text, where)
        check_option(task, int(text), where)
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
    """The language in which a name ends: a code, a name, or what others write ("test-x-en", "xnli_deu_Latn").

    Without one that of a task with a single language; UNKNOWN for a metric; "" if it cannot be told.
    """
    known = {word: code for word, code in by_word().items() if not task.languages or code in task.languages}
    known |= {code.casefold(): code for code in task.languages}
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
        for key, texts in (("id", found.ids), ("cluster", found.clusters)):
            if key in keys:
                texts.append(_text(row[key], key, place))
    if not runs:
        raise PredictionError(where, "holds no rows.")
    return [GivenRun(where, own, languages) for own, languages in runs.items()]


def _text(raw: Any, key: str, where: str) -> str:
    if _is_hole(raw):
        raise PredictionError(where, f"'{key}' is empty (null or NaN).", "Give it in each row, or in none.")
    return str(raw)


def systems(arguments: Sequence[str]) -> dict[str, list[Path]]:
    """The files or folders of each system, from PATH or NAME=PATH,PATH; a path may have * and ?.

    Without a name it is that of the path without its seed, so that a-seed1 and a-seed2 are one system.
    Raises PredictionError if something is not there, or two systems have the same name.
    """
    found: dict[str, list[Path]] = {}
    named = set[str]()
    for argument in arguments:
        name, equals, rest = argument.partition("=")
        if equals and not Path(argument).exists():
            named.add(name)
            found.setdefault(name, []).extend(paths(rest))
        else:
            for path in paths(argument):
                stem = path.name if path.is_dir() else uncompressed(path).stem
                found.setdefault(SEED.sub("", stem) or stem, []).append(path)
    for name, own in found.items():
        by_seed = all(SEED.search(path.name) for path in own)
        if len(set(own)) < len(own) or (len(own) > 1 and name not in named and not by_seed):
            what = f"two systems are called '{name}': {', '.join(map(str, own))}."
            raise PredictionError(name, what, "Name them: NAME=PATH; several seeds of one: NAME=PATH,PATH.")
    return found


def paths(text: str) -> list[Path]:
    """The files and folders of PATH,PATH; a path may have * and ?. PredictionError if one is not there."""
    found: list[Path] = []
    for part in [text] if Path(text).expanduser().exists() else text.split(","):
        path = Path(part).expanduser()
        some = [path] if path.exists() else list(map(Path, sorted(glob.glob(str(path)))))  # noqa: PTH207
        if not some:
            now = "Give PATH, or NAME=PATH,PATH for several seeds."
            raise PredictionError(part, "no such file or folder.", now)
        found += some
    return found


def runs(task: Task, places: Sequence[Path], language: str = "", *, is_gold: bool = False) -> list[GivenRun]:
    """Every run in these files and folders. Raises PredictionError with what is wrong, and in which line."""
    found: list[GivenRun] = []
    for path in places:
        number, name = SEED.search(path.name), uncompressed(path)
        seed = int(number[1]) if number else None
        if path.is_dir():
            found += _folder(task, within(path, task.name), seed, is_gold=is_gold)
        elif name.suffix in LINES:
            found += _lines(task, path, language, seed)
        elif code := language or language_of(task, name.stem):
            found.append(GivenRun(str(path), seed, {code: _submission(task, path, is_gold=is_gold)}))
        else:
            what = f"tells no language of '{task.name}' in its name."
            raise PredictionError(str(path), what, "Call it test-LANGUAGE.tsv, or name it with --language.")
    return found


def _folder(task: Task, folder: Path, seed: int | None, *, is_gold: bool) -> list[GivenRun]:
    """The runs of a folder: a file for each language, samples of the harness, files or folders by seed."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    lines = [path for path in files if uncompressed(path).suffix in LINES]
    samples = [path for path in lines if path.name.startswith(SAMPLES)]
    own = [path for path in samples if path.name.startswith(f"{SAMPLES}{task.name}")]
    layout = "test-*.json*" if task.family == "span" else "test-*.tsv*"
    parts = own or samples or [path for path in files if path.match(layout) and path not in lines]
    if not parts and lines and not any(SEED.search(path.name) for path in lines):
        codes = {language_of(task, uncompressed(path).stem) for path in lines}
        if len(lines) > 1 and codes & {"", UNKNOWN}:
            what = f"holds {len(lines)} files that tell neither seed nor language in their names."
            raise PredictionError(str(folder), what, "Call them NAME-seed1.jsonl, or LANGUAGE.jsonl.")
        parts = lines
    if parts:
        languages: dict[str, GivenRows] = {}
        for run in runs(task, parts, is_gold=is_gold):
            for code, rows in sorted(run.languages.items()):
                if code in languages:
                    what = f"has '{code}', and so has {languages[code].where}."
                    raise PredictionError(rows.where, what, "Keep one of them in the folder.")
                languages[code] = rows
        return [GivenRun(str(folder), seed, languages)]
    inner = [path for path in (*lines, *sorted(folder.iterdir())) if SEED.search(path.name)]
    if not inner:
        what = f"holds no predictions of '{task.name}': no {layout.strip('*')}, no JSON lines, no samples."
        folders = [path.name for path in sorted(folder.iterdir()) if path.is_dir()]
        now = f"In it: {', '.join(folders[:8])}; name one." if folders else ""
        raise PredictionError(str(folder), what, now)
    return runs(task, list(dict.fromkeys(inner)), is_gold=is_gold)


def _submission(task: Task, path: Path, *, is_gold: bool) -> GivenRows:
    """A file in XTREME's layout: a value a line, tags with blank lines, SQuAD's JSON, pairs of ids."""
    where, rows = str(path), GivenRows(str(path), is_submission=True, is_ordered=True)
    found: list[Any]
    if task.family == "span":
        content = json_of(path)
        try:
            answers = layouts.questions(content) if is_gold else [*content.get("data", content).items()]
        except (KeyError, TypeError, AttributeError) as error:
            layout = "SQuAD's layout" if is_gold else "{question id: answer}"
            now = "docs/testing-predictions.md."
            raise PredictionError(where, f"is not {layout} ({error}).", now) from error
        rows.ids, rows.partial = [str(name) for name, _ in answers], not is_gold
        found = [
            answer if is_gold else value(task, answer, f"{where}: question '{name}'")
            for name, answer in answers
        ]
    elif task.metric == "mining_f1":
        pairs = []
        for number, line in enumerate(layouts.lines(text_of(path)), 1):
            pairs.append(line.split("\t"))
            if len(pairs[-1]) != 2:
                raise PredictionError(f"{where}:{number}", f"{line!r:.60} is not two ids with a tab between.")
        mined = by_key((source, target) for source, target in pairs)
        rows.ids, found, rows.partial = list(mined), list(map(tuple, mined.values())), True
    elif task.family == "tagging":
        text = text_of(path)
        for number, line in enumerate(layouts.lines(text), 1):
            if line and task.labels:
                value(task, [line], f"{where}:{number}")
        found = [tags for tags in layouts.sentences(text) if tags]
    else:
        numbered = enumerate(layouts.lines(text_of(path)), 1)
        found = [value(task, line, f"{where}:{number}", is_gold=is_gold) for number, line in numbered]
    if not found:
        raise PredictionError(where, "holds no examples.")
    (rows.gold if is_gold else rows.predicted).extend(found)
    return rows


def _lines(task: Task, path: Path, language: str, seed: int | None) -> list[GivenRun]:
    """The runs of JSON lines, of which those with `filtered_resps` are the harness's."""
    rows = list(_parsed(path))
    stem = uncompressed(path).stem
    if rows and "filtered_resps" in rows[0][1]:
        filters = sorted({str(row.get("filter")) for _, row in rows})
        if len(filters) > 1:
            what = f"has the answers of several filters: {', '.join(filters)}."
            now = f"""Keep one: grep '"filter": "{filters[0]}"' FILE > NEW."""
            raise PredictionError(str(path), what, now)
        rows = [(place, _sample(task, row, place)) for place, row in rows]
        stem = DATE.sub("", stem)
    code = language or language_of(task, SEED.sub("", stem))
    return records(task, rows, str(path), code, seed)


def _parsed(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if line.strip():
            where, now = f"{path}:{number}", "One object a line."
            try:
                row = parse_json(line)
            except JSONDecodeError as error:
                raise PredictionError(where, f"is no JSON ({error.msg}).", now) from error
            if not isinstance(row, Mapping):
                raise PredictionError(where, "is no JSON object.", now)
            yield where, row


def _sample(task: Task, row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A row of the harness as one of ours. Options are known by their number."""
    responses, target = row["filtered_resps"], str(row.get("target"))
    found: dict[str, Any] = {"id": row["doc_id"]} if "doc_id" in row else {}
    try:
        if isinstance(responses[0], list) and len(responses[0]) == 2 and len(responses) > 1:
            if "acc_mutual_info" in row.get("metrics", ()):  # the options again, without the question
                responses = responses[: len(responses) // 2]
            scores = [float(score) for score, _ in responses]
            options = [str(one["arg_1"]).strip() for one in row.get("arguments", {}).values()]
            said = scores.index(max(scores))
            right = int(target) if target.isdigit() else options.index(target.strip())
            before = "" if task.family == "choice" else OPTION
            return found | {"prediction": f"{before}{said}", "gold": f"{before}{right}"}
        (answer,) = responses
        if isinstance(answer, list):
            (answer,) = answer
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        what = f"has neither likelihoods of options with their target nor one text ({error})."
        now = "Tasks with options, and generated answers, can be tested."
        raise PredictionError(where, what, now) from error
    doc = row.get("doc")
    answers = doc.get("answers") if task.family == "span" and isinstance(doc, Mapping) else None
    return found | {"prediction": str(answer).strip(), "gold": answers or target.strip()}
