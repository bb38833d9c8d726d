"""Predictions in files: XTREME's layouts, JSON lines, and the samples that lm-evaluation-harness logs.

A system is a file, a folder, or several for several seeds. XTREME's layouts are read as `xstilts score` reads
them. Of the harness (`--log_samples`) `samples_TASK_DATE.jsonl` is read, a folder of which is a model in
several languages; an answer is the option with the highest likelihood, or the text that was generated.
"""

import glob
import re
from collections.abc import Iterator, Mapping, Sequence
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from xstilts.data.task import Task
from xstilts.errors import PredictionError
from xstilts.plain import by_key, parse_json
from xstilts.systems.values import OPTION, UNKNOWN, GivenRows, GivenRun, language_of, records, value
from xstilts.xtreme import layouts
from xstilts.xtreme.score import json_of, text_of, uncompressed, within

SEED = re.compile(r"[-_.]?seed[-_=]?(\d+)", re.IGNORECASE)
DATE = re.compile(r"_\d{4}-\d\d-\d\dT[\d:.-]+$")
SAMPLES = "samples_"
LINES = (".jsonl", ".ndjson")


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
                found.setdefault(_name(path), []).append(path)
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


def _name(path: Path) -> str:
    stem = path.name if path.is_dir() else uncompressed(path).stem
    return SEED.sub("", stem) or stem


def runs(task: Task, places: Sequence[Path], language: str = "", *, is_gold: bool = False) -> list[GivenRun]:
    """Every run in these files and folders. Raises PredictionError with what is wrong, and in which line."""
    return [run for path in places for run in _runs(task, path, language, is_gold=is_gold)]


def _runs(task: Task, path: Path, language: str, *, is_gold: bool) -> list[GivenRun]:
    number = SEED.search(path.name)
    seed = int(number[1]) if number else None
    if path.is_dir():
        return _folder(task, within(path, task.name), seed, is_gold=is_gold)
    if uncompressed(path).suffix in LINES:
        return _lines(task, path, language, seed)
    code = language or language_of(task, uncompressed(path).stem)
    if not code:
        what = f"tells no language of '{task.name}' in its name."
        raise PredictionError(str(path), what, "Call it test-LANGUAGE.tsv, or name it with --language.")
    return [GivenRun(str(path), seed, {code: _submission(task, path, is_gold=is_gold)})]


def _folder(task: Task, folder: Path, seed: int | None, *, is_gold: bool) -> list[GivenRun]:
    """The runs of a folder: a file for each language, samples of the harness, files or folders by seed."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    lines = [path for path in files if uncompressed(path).suffix in LINES]
    samples = [path for path in lines if path.name.startswith(SAMPLES)]
    own = [path for path in samples if path.name.startswith(f"{SAMPLES}{task.name}")]
    layout = "test-*.json*" if task.family == "span" else "test-*.tsv*"
    parts = own or samples or [path for path in files if path.match(layout) and path not in lines]
    if not parts and lines and not any(SEED.search(path.name) for path in lines):
        if len(lines) > 1 and any(
            language_of(task, uncompressed(path).stem) in ("", UNKNOWN) for path in lines
        ):
            what = f"holds {len(lines)} files that tell neither seed nor language in their names."
            raise PredictionError(str(folder), what, "Call them NAME-seed1.jsonl, or LANGUAGE.jsonl.")
        parts = lines
    if parts:
        languages: dict[str, GivenRows] = {}
        for path in parts:
            for run in _runs(task, path, "", is_gold=is_gold):
                if twice := languages.keys() & run.languages.keys():
                    other = languages[min(twice)].where
                    what = f"has '{min(twice)}', and so has {other}."
                    raise PredictionError(str(path), what, "Keep one of them in the folder.")
                languages |= run.languages
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
    if not rows:
        raise PredictionError(str(path), "holds no rows.")
    stem = uncompressed(path).stem
    if "filtered_resps" in rows[0][1]:
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
