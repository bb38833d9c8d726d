"""Submission folders: the predictions of a study in the layouts that XTREME's `evaluate.py` reads.

One folder for each arm and seed, in it one for each target, in it `test-LANGUAGE.tsv`, for questions `.json`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xstilts.analysis import files
from xstilts.data import loader
from xstilts.data.examples import Bitext, Tagged
from xstilts.disk import writes
from xstilts.errors import DamageError, StudyError
from xstilts.store import REPAIR, Store
from xstilts.study.phase import Evaluation
from xstilts.study.plan import Plan


@dataclass(frozen=True)
class Export:
    """The folders that were written, one for each arm and seed, and the cells that are not computed yet.

    `lost` says which files lack rows because several questions have the same id: the layout has one answer
    for each. `unlike` says of which targets other rows were evaluated than those of a submission.
    """

    folders: tuple[Path, ...]
    missing: tuple[str, ...]
    lost: tuple[str, ...]
    unlike: tuple[str, ...]


def export(plan: Plan, store: Store, out: Path) -> Export:
    """Write the predictions of every arm and seed below `out`; references are no submissions.

    Raises DataError if the rows of a target whose layout depends on them cannot be read: the order of the
    sentences of a retrieval task, and the empty sentences among those that are tagged. Raises StudyError if
    the study asks a part of the rows only, InputError if the folder cannot be written.
    """
    if plan.study.target.test_examples is not None:
        what = "asks a part of the test rows (`target.test_examples`), and a submission has them all."
        raise StudyError(plan.study.shown, what, "Leave `test_examples` out and run the study again.")
    cells = [cell for cell in plan.cells if not cell.reference]
    several = len({cell.backbone for cell in cells}) > 1
    folders: dict[Path, None] = {}
    missing, lost, unlike = list[str](), list[str](), dict[str, None]()
    for cell in cells:
        name = f"{cell.arm}-seed{cell.seed}"
        folder = out / (f"{cell.backbone}-{name}" if several else name)
        if store.folder(cell.evaluation) is None:
            missing.append(f"{folder.name}/{cell.target}")
            continue
        path = store.file(cell.evaluation, "predictions.parquet")
        lost += _write_cell(plan, plan.evaluation(cell), path, folder / cell.target)
        folders[folder] = None
        split = plan.evaluation(cell).use.split
        if split != (right := plan.places.task(cell.target).evaluation_split):
            unlike[f"{cell.target}: these are the rows of {split}; a submission has those of {right}."] = None
    return Export(tuple(folders), tuple(missing), tuple(lost), tuple(unlike))


def _write_cell(plan: Plan, evaluation: Evaluation, source: Path, folder: Path) -> list[str]:
    """The files of a target, and what could not be told in them."""
    predictions = files.predictions(source, ("language", "index", "id", "predicted"))
    with writes(folder, "--out"):
        folder.mkdir(parents=True, exist_ok=True)
    suffix = "json" if evaluation.use.family == "span" else "tsv"
    lost = []
    for language in evaluation.use.languages:
        path = folder / f"test-{language}.{suffix}"
        rows = predictions.filter(language=language).sort("index")
        values = files.values(source, rows["predicted"].to_list(), evaluation.use.family, "predicted")
        try:
            text = _text(plan, evaluation, language, rows["id"].to_list(), values)
        except IndexError as error:
            raise DamageError(str(source), "answers for sentences that are not there.", REPAIR) from error
        with writes(path, "--out"):
            path.write_text(text, encoding="utf-8", newline="\n")
        repeated = len(rows) - rows["id"].n_unique() if evaluation.use.family == "span" else 0
        if repeated:
            lost.append(f"{path}: {repeated:,} of {len(rows):,} questions share their id with a later one.")
    return lost


def _text(
    plan: Plan, evaluation: Evaluation, language: str, ids: Sequence[str], values: Sequence[Any]
) -> str:
    family = evaluation.use.family
    if family == "span":
        return json.dumps(dict(zip(ids, values, strict=True)), ensure_ascii=False, indent=1) + "\n"
    if family not in ("tagging", "retrieval"):
        return "".join(f"{value}\n" for value in values)
    place = plan.places.task(evaluation.use.task)
    if family == "tagging":
        if loader.sources(place, evaluation.use.split, language, plan.places.data):
            # The official evaluator makes an empty sentence of every further blank line of the references.
            given = iter(values)
            rows = loader.load(place, evaluation.use.split, language, plan.places.data, empty=True)
            values = [next(given) if row.tokens else () for row in rows if isinstance(row, Tagged)]
        text = "\n".join("".join(f"{tag}\n" for tag in tags) for tags in values)
        return text if not values or values[-1] else text + "\n"
    bitext = loader.load(place, evaluation.use.split, language, plan.places.data)[0]
    assert isinstance(bitext, Bitext)
    if evaluation.metric == "mining_f1":  # the ids of what was paired; of data without ids, the rows
        source = bitext.source_ids or range(len(bitext.source))
        target = bitext.target_ids or range(len(bitext.target))
        pairs = ((source[row], target[found]) for row, each in enumerate(values) for found in each)
        return "".join(f"{one}\t{other}\n" for one, other in pairs)
    # XTREME sorts the English sentences; line r answers the r-th of them.
    order = sorted(range(len(values)), key=lambda row: bitext.target[row].strip())
    return "".join(f"{values[row]}\n" for row in order)
