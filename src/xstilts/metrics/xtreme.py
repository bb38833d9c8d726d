"""XTREME's nine tasks and its aggregate scores, as the official `evaluate.py` defines them (Hu et al. 2020).

A task's score is the plain mean over all its languages, English included. A group's score is the mean of its
tasks, and the score over all the mean of the nine tasks; neither is given unless all of them are there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from xstilts.errors import PredictionError
from xstilts.plain import by_key

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
"""task -> measure -> language -> percentage."""


@dataclass(frozen=True)
class XtremeTask:
    """A task of XTREME: its group, what is averaged, which of that is its score, and its languages."""

    group: str
    measures: tuple[str, ...]
    scored_by: tuple[str, ...]
    languages: tuple[str, ...]


_MEASURES = {
    "accuracy": (("accuracy",), ("accuracy",)),
    "f1": (("f1", "precision", "recall"), ("f1",)),
    "answers": (("exact_match", "f1"), ("exact_match", "f1")),
}
"""What is averaged, and which of that is the score."""
_TABLE = """
    xnli      classification  accuracy  ar bg de el en es fr hi ru sw th tr ur vi zh
    pawsx     classification  accuracy  de en es fr ja ko zh
    udpos     tagging         f1        af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt \
                                        ru ta te th tl tr ur vi yo zh
    panx      tagging         f1        af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko \
                                        ml mr ms my nl pt ru sw ta te th tl tr ur vi yo zh
    xquad     qa              answers   ar de el en es hi ru th tr vi zh
    mlqa      qa              answers   ar de en es hi vi zh
    tydiqa    qa              answers   ar bn en fi id ko ru sw te
    bucc2018  retrieval       f1        de fr ru zh
    tatoeba   retrieval       accuracy  af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml \
                                        mr nl pt ru sw ta te th tl tr ur vi zh
"""
XTREME: Mapping[str, XtremeTask] = {
    name: XtremeTask(group, *_MEASURES[kind], tuple(codes))
    for name, group, kind, *codes in map(str.split, _TABLE.strip().splitlines())
}

_GAP_MEASURES = {"classification": "accuracy", "qa": "exact_match", "tagging": "f1"}
_GAP_TASKS = ("xnli", "pawsx", "xquad", "mlqa", "tydiqa")


def aggregate(scores: Scores) -> dict[str, dict[str, Any]]:
    """The averages of each task ("avg_...", and "avg_metric", its score), and those of groups and of all.

    Gives {"overall": {group: percentage}, "tasks": {task: {...}}}. Names that are no task of XTREME are left
    out, and so are languages that the task has not. PredictionError if a language of a task is missing.
    """
    tasks = {}
    for name, part in XTREME.items():
        if name not in scores:
            continue
        averages = {}
        for measure in part.measures:
            values = scores[name].get(measure, {})
            if missing := [code for code in part.languages if code not in values]:
                what = f"no {measure} for {', '.join(missing)}."
                raise PredictionError(f"task '{name}'", what, "XTREME averages over all its languages.")
            averages[measure] = fmean(values[code] for code in part.languages)
        tasks[name] = {f"avg_{measure}": value for measure, value in averages.items()}
        tasks[name]["avg_metric"] = fmean(averages[measure] for measure in part.scored_by)
    groups = {"all_task": [*XTREME]} | by_key((part.group, name) for name, part in XTREME.items())
    overall = {
        group: fmean(tasks[name]["avg_metric"] for name in members)
        for group, members in groups.items()
        if all(name in tasks for name in members)
    }
    return {"overall": overall, "tasks": tasks}


def transfer_gaps(scores: Scores) -> dict[str, float]:
    """For each task that has English: its score there less the mean of all other languages, in points.

    Accuracy for sentence pairs, exact match for questions, F1 for tagging. "average" is over the five tasks
    of sentence pairs and questions, if all are there. No official code defines it; after Hu et al. (2020).
    """
    gaps = {}
    for name, part in XTREME.items():
        values = scores.get(name, {}).get(_GAP_MEASURES.get(part.group, ""), {})
        others = [value for code, value in values.items() if code != "en"]
        if "en" in values and others:
            gaps[name] = values["en"] - fmean(others)
    if all(name in gaps for name in _GAP_TASKS):
        gaps["average"] = fmean(gaps[name] for name in _GAP_TASKS)
    return gaps
