"""Findings: every number of a study, a function of its plan and the store, each computed once when asked for.

The page, the charts, the tables, LaTeX, Markdown, the terminal and notebooks render what stands here.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

import polars as pl

from xstilts.analysis import (
    claims,
    collapse,
    curves,
    frames,
    headline,
    methods,
    over_distances,
    planted,
    transfer,
)
from xstilts.analysis.effects import BASELINE, GAP, Effects
from xstilts.analysis.planted import DistancePanel, PlantedEffect
from xstilts.analysis.results import Line, Results
from xstilts.analysis.statistics import Estimate
from xstilts.analysis.wording import line_label
from xstilts.store import Store, checksums, read_json, schema, write_json
from xstilts.study import preregistered
from xstilts.study.plan import Cell, Plan
from xstilts.study.preregistered import Preregistration
from xstilts.study.sources import Source, differing

NOT_REPORTED = "Results have come or gone since the last report; `xstilts report` says what they show."
VERSION = 4
"""Raised by hand whenever the analysis would say something else of the same predictions."""


@dataclass(frozen=True)
class Headline:
    """The answer, the sentences on runs to be read with it, and a digest of what it was found in.

    It is kept in store/answers/<key>.json, one for each plan: to find the answer takes all resamples, to say
    it again none, as long as the cells have the same predictions.
    """

    answer: str
    of_runs: tuple[str, ...]
    found_in: str


class Origin(NamedTuple):
    """A cell, whose steps are its evaluation and the phases before it; the name of its line, and the place in
    the page where the steps of that line on that target are listed."""

    name: str
    cell: Cell
    anchor: str


class Findings:
    """What a study has found so far. Reads the store when asked, and does not notice what comes later."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.plan, self.store = results.plan, results.store
        self.quantities = Effects(results)

    @classmethod
    def of(cls, plan: Plan, store: Store) -> Self:
        """Make the findings of a plan whose steps are in the store, as far as they are."""
        return cls(Results(plan, store))

    def __repr__(self) -> str:
        cells = len(self.plan.cells)
        done = cells - len(self.results.missing)
        return f"Findings({self.plan.study.name!r}: {done} of {cells} cells measured)"

    def __str__(self) -> str:
        return "\n".join((self.answer, *self.conditions))

    # The tidy tables: docs/tables.md says what their columns mean.

    @cached_property
    def scores(self) -> pl.DataFrame:
        """The score of every cell in every language: `results.csv`."""
        certain = self.quantities.certainty.measured
        return frames.results_table(self.results, self.runs, self.guesses, certain)

    @cached_property
    def effects(self) -> pl.DataFrame:
        """Scores, differences and gaps with intervals and probabilities: `effects.csv`."""
        return frames.effects_table(self.quantities, self.maps)

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """The claims and what became of them: `verdicts.csv`."""
        return frames.verdicts_table(self.quantities, self.judged)

    # What they are made of

    @cached_property
    def maps(self) -> dict[str, list[transfer.MapCell]]:
        """The map of transfer on each backbone."""
        return transfer.maps(self.quantities)

    @cached_property
    def judged(self) -> list[claims.Verdict]:
        """The verdict on every claim, with all that it rests on."""
        return claims.judge(self.quantities)

    @cached_property
    def runs(self) -> collapse.Runs:
        """What every run that trained on its target knows of it in the source language."""
        return collapse.examined(self.plan, self.store)

    @cached_property
    def guesses(self) -> collapse.Guesses:
        """The other languages in which runs guess that learned the source language."""
        return collapse.at_chance(self.plan, self.store, self.runs)

    @cached_property
    def collapses(self) -> collapse.Collapses:
        """Collapsed runs with all they are part of, with and without; languages at chance; notes."""
        return collapse.collapses(self.quantities, self.maps, self.judged, self.runs, self.guesses)

    @cached_property
    def axes(self) -> list[curves.AxisFigure]:
        """Scores and fitted curves over the axes of the study."""
        return list(curves.figures(self.quantities))

    def by_distance(self, backbone: str) -> list[over_distances.OverDistance]:
        """Scores, gaps and gains over the distances that the study names."""
        return list(over_distances.panels(self.quantities, backbone))

    def separated(self, backbone: str) -> list[over_distances.Separated]:
        """All distances that the study names at once."""
        return list(over_distances.together(self.quantities, backbone))

    @cached_property
    def training(self) -> pl.DataFrame:
        """The training curves of all phases."""
        return frames.curves_table(self.results)

    def noise(self, line: Line, target: str) -> float | None:
        """The uncorrected calibration error of a calibrated model, in the languages without labels."""
        known = self.quantities.certainty.measured
        evaluations = dict.fromkeys(cell.evaluation for cell in self.results.cells(line, target))
        places = [(key, code) for key in evaluations for code in self.results.target(target).transfer]
        found = [known[place].noise for place in places if place in known]
        return sum(found) / len(found) if found else None

    @cached_property
    def layers(self) -> pl.DataFrame:
        """Retrieval by the layer whose states are compared."""
        return frames.layers_table(self.results)

    # The lab's truth

    @cached_property
    def planted(self) -> list[PlantedEffect]:
        """Planted effects beside measured ones."""
        return planted.planted_effects(self.results, self.maps)

    @cached_property
    def parts_of_distance(self) -> list[dict[str, float | str]]:
        """What makes up the planted distance of each language."""
        return planted.parts_of_distance(self.results)

    def distances(self, backbone: str) -> list[DistancePanel]:
        """Scores over the planted distance."""
        return list(planted.distance_panels(self.quantities, backbone))

    # What is said

    @cached_property
    def answer(self) -> str:
        """The study's answer in a sentence."""
        return headline.answer(self.results, self.maps, self.collapses)

    @cached_property
    def conditions(self) -> list[str]:
        """The sentences that have to be read with the answer."""
        return [*headline.of_runs(self.collapses), *self.conditions_of_study]

    @cached_property
    def conditions_of_study(self) -> list[str]:
        """Those of them that rest on no resamples."""
        found = list(headline.of_study(self.results, self.own_scores, self.leaks))
        frozen = self.preregistration
        return found if frozen is None or frozen.is_kept(self.plan) else [*found, frozen.told(self.plan)]

    @cached_property
    def preregistration(self) -> Preregistration | None:
        """What was frozen of the study before its results, if anything was."""
        return preregistered.read(self.plan.study)

    @property
    def known_headline(self) -> tuple[str, list[str]]:
        """Answer and conditions, as the last report of these very results kept them: no resample is drawn."""
        path = self._kept_at
        kept = schema.made(read_json(path, shape=Headline), Headline) if path.is_file() else None
        if kept is None or kept.found_in != self._digest():
            return NOT_REPORTED, self.conditions_of_study
        return kept.answer, [*kept.of_runs, *self.conditions_of_study]

    def keep(self) -> None:
        """Keep the answer for those who want to know it at once; not in a store that is only read."""
        kept = Headline(self.answer, tuple(headline.of_runs(self.collapses)), self._digest())
        if os.access(self.store.root, os.W_OK):
            with self.store.guarded():
                self._kept_at.parent.mkdir(exist_ok=True)
                write_json(self._kept_at, asdict(kept))

    @property
    def _kept_at(self) -> Path:
        return self.store.root / "answers" / f"{_hash([asdict(cell) for cell in self.plan.cells])[:16]}.json"

    def _digest(self) -> str:
        """Hash what an answer depends on: the analysis, and which steps are there with which files."""
        steps = dict.fromkeys(key for cell in self.plan.cells for key in (*cell.phases, cell.evaluation))
        records = [(step, self.store.record(step)) for step in steps]
        return _hash([VERSION, [(key, record and record.get(checksums.SEAL, "")) for key, record in records]])

    @cached_property
    def limitations(self) -> list[str]:
        """What a reader must keep in mind."""
        return [
            *headline.limitations(self.quantities, self.own_scores, self.collapses),
            *differing(self.sources),
            *methods.differences(self.plan, self.store),
        ]

    def gaps(self, backbone: str) -> Iterator[tuple[str, Estimate]]:
        """(target, gap between the source language and the others) of `none`."""
        line = next((one for one in self.results.lines if one[:2] == (backbone, BASELINE)), None)
        for target in self.results.targets:
            if line and (estimate := self.quantities.estimate(GAP, line, target.name)) is not None:
                yield target.name, estimate

    # What was done

    @cached_property
    def own_scores(self) -> list[methods.OwnScore]:
        """How well each arm learned its own tasks."""
        return methods.own_scores(self.results)

    @cached_property
    def seen(self) -> list[tuple[str, tuple[str, ...]]]:
        """The evaluated languages that each arm has seen with labels, besides the source."""
        return methods.seen(self.results)

    @cached_property
    def leaks(self) -> methods.Leaks:
        """What the leak audit found."""
        return methods.leaks(self.plan, self.store)

    @cached_property
    def sources(self) -> list[Source]:
        """What the rows of all steps are read from."""
        return methods.sources(self.plan, self.store)

    @cached_property
    def steps(self) -> list[Origin]:
        """The steps behind each cell: those of a line on a target together."""
        anchors = self.results.anchors
        return [
            Origin(line_label(place[0]), cell, anchors[place])
            for place, cells in self.results.by_place.items()
            for cell in cells
        ]


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()
