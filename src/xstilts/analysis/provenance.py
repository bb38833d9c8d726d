"""Where the numbers come from: the steps of the store behind each cell, and the cells behind each claim."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from xstilts.analysis.claims import Verdict, lines_of, targets_of
from xstilts.analysis.effects import Effects
from xstilts.analysis.results import Line, Results, line_of
from xstilts.analysis.wording import line_label
from xstilts.study.plan import Cell

Place = tuple[Line, str]
"""A line on a target."""


@dataclass(frozen=True)
class Origin:
    """A cell, whose steps are its evaluation and the phases before it, in order.

    `anchor` is the place in the page where the steps of all seeds of its line and target are listed.
    """

    cell: Cell
    anchor: str

    @property
    def name(self) -> str:
        return line_label(line_of(self.cell))


def origins(results: Results) -> list[Origin]:
    """The origins of all cells, those of a line on a target together."""
    known = anchors(results)
    return [Origin(cell, known[place]) for place, cells in results.by_place.items() for cell in cells]


def anchors(results: Results) -> Mapping[Place, str]:
    """For each line and target a name that is unique on the page, and depends on the study's plan only."""
    return {place: f"steps-{number}" for number, place in enumerate(results.by_place, 1)}


def of_claim(effects: Effects, verdict: Verdict) -> list[tuple[str, str]]:
    """(what, anchor) of everything that a verdict compares: its lines, and those they are compared with."""
    claim, known = verdict.claim, anchors(effects.results)
    targets = dict.fromkeys((*targets_of(effects.results, claim), *(claim.against_targets or ())))
    return [
        (f"{line_label(line)} on {target}", known[line, target])
        for line, target in itertools.product(lines_of(effects, claim), targets)
        if (line, target) in known
    ]
