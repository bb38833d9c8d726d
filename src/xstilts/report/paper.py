"""What a report says in words and tables, the same on the page, in Markdown and in LaTeX.

A report ends like a short paper: question, method, results, limitations, and the claims with their verdicts.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from xstilts.analysis import methods, over_distances
from xstilts.analysis.claims import Verdict
from xstilts.analysis.effects import BASELINE
from xstilts.analysis.findings import Findings
from xstilts.analysis.planted import MISSING
from xstilts.analysis.results import language
from xstilts.analysis.statistics import LEVEL, RESAMPLES, Estimate
from xstilts.analysis.transfer import MapCell
from xstilts.analysis.wording import CONTROL_NAMES, bounds, count, detectable, interval, metric_label, number
from xstilts.report.bibliography import DESIGN, STATISTICS
from xstilts.report.tables import (
    Grid,
    Sheet,
    certainty_grid,
    distance_grid,
    effect_grid,
    gain_grid,
    gap_grid,
    score_grid,
    separated_grids,
    slope_grid,
)
from xstilts.report.templates import asset
from xstilts.study.phase import Phase

METHOD: dict[str, Any] = tomllib.loads(asset("method.toml"))
INFLATED = 5.0
"""Variance inflation from which a report says that distances cannot be told apart."""
AT_CHANCE = ("arm", "target", "language", "seeds", "score", "guessing", "source language")
COLLAPSED = ("arm", "target", "seed", "score", "guessing", "mean with", "mean without")
STEPS = ("backbone", "arm", "target", "seed", "evaluation", "phases, first to last")


@dataclass(frozen=True)
class Paper:
    """A study's findings as text and tables; written when asked for."""

    findings: Findings

    @cached_property
    def method(self) -> list[str]:
        """Paragraphs."""
        frozen, numbers = self.findings.preregistration, {"baseline": BASELINE, "resamples": RESAMPLES}
        told = [text.format_map(numbers) for text in METHOD["method"]]
        return [*told, *([frozen.told(self.findings.plan)] if frozen else [])]

    @cached_property
    def results(self) -> list[str]:
        """What was found, target by target; every sentence with its numbers."""
        verdicts = self.findings.judged
        found = [text for backbone in self.backbones for text in _found(self.findings, backbone)]
        return [*found, *([claims_counted(verdicts)] if verdicts else [])]

    @property
    def audit(self) -> str:
        """What the leak audit found, in a sentence."""
        unknown = "Leaks were not looked for, or the study or its data have changed since."
        return self.findings.leaks.summary or unknown

    @cached_property
    def seen(self) -> list[str]:
        """What is not zero-shot, a sentence for each arm."""
        return [
            f"Not zero-shot: {arm} has seen labels in {', '.join(language(code).name for code in codes)}."
            for arm, codes in self.findings.seen
        ]

    @cached_property
    def references(self) -> list[str]:
        """What the study cites, in words."""
        return [DESIGN, *(f"{names}: {text}" for names, text in self.citations), *STATISTICS]

    @cached_property
    def citations(self) -> list[tuple[str, str]]:
        """Tasks with what they ask to be cited."""
        return [(names, text) for names, text in methods.citations(self.findings.plan) if text]

    @cached_property
    def glossary(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """What the arms, the tasks and the terms are, for a reader who knows none; titles with entries."""
        plan = self.findings.plan
        phases = {step.fingerprint: step.specification for step in plan.steps}
        arms: dict[str, str] = {}
        for cell in plan.cells:
            if cell.reference or cell.arm in arms:
                continue
            chain = [phase for key in plan.intermediate(cell) if isinstance(phase := phases.get(key), Phase)]
            trained = ", then ".join(" + ".join(use.title for use in phase.uses) for phase in chain)
            arms[cell.arm] = f"Trained on {trained}." if trained else "No intermediate training."
        tasks = {}
        for name in methods.task_names(plan):
            task = plan.places.task(name)
            description = task.description.rstrip(".") or f"A task of the family {task.family}"
            tasks[name] = f"{description}. Scored by {metric_label(task.metric)}."
        terms = tomllib.loads(asset("terms.toml"))
        parts = (("Arms", arms), ("Tasks", tasks), ("Terms", terms))
        return [(title, list(entries.items())) for title, entries in parts if entries]

    @property
    def backbones(self) -> tuple[str, ...]:
        """The names of the backbones."""
        return self.findings.results.backbones

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tidy tables by name."""
        findings = self.findings
        return {"results": findings.scores, "effects": findings.effects, "verdicts": findings.verdicts}

    @cached_property
    def grids(self) -> dict[str, list[Grid]]:
        """The tables of numbers, by what they show."""
        found, backbones, targets = self.findings, self.backbones, self.findings.results.targets
        sure = found.quantities.certainty.targets
        named = over_distances.named(found.quantities)
        made: dict[str, list[Grid | None]] = {
            "effects": [effect_grid(found, backbone) for backbone in backbones],
            "scores": [score_grid(found, target) for target in targets],
            "gains": [gain_grid(found, one.name, backbone) for backbone in backbones for one in targets],
            "gap": [gap_grid(found, backbone) for backbone in backbones],
            "certainty": [certainty_grid(found, one, backbone) for backbone in backbones for one in sure],
            "slopes": [slope_grid(found, name, backbone) for name in named for backbone in backbones],
            "separated": [grid for backbone in backbones for grid in separated_grids(found, backbone)],
            "planted": [distance_grid(found.parts_of_distance)],
        }
        return {name: [grid for grid in grids if grid is not None] for name, grids in made.items()}

    @cached_property
    def separation(self) -> str:
        """What a regression on several distances at once can say, and what it cannot."""
        found = [one for backbone in self.backbones for one in self.findings.separated(backbone)]
        if not found:
            return ""
        told = [(one.inflation, one) for one in found if one.inflation is not None]
        fewest = min((one for _, one in told), key=lambda one: one.languages)
        names = len({one.distance for _, one in told if one.target == fewest.target})
        inflation, worst = max(told, key=lambda pair: pair[0])
        size = {"languages": fewest.languages, "families": fewest.families, "distances": names}
        text: str = METHOD["separation"].format_map(size)
        if inflation >= INFLATED:
            place = {"distance": worst.distance, "target": worst.target, "times": number(inflation)}
            text += METHOD["inflated"].format_map(place)
        untold = dict.fromkeys(f"{one.distance} on {one.target}" for one in found if one.together is None)
        return text + (METHOD["untold"].format(untold=", ".join(untold)) if untold else "")

    @cached_property
    def claims(self) -> Sheet:
        """The table of the claims; no rows if the study has none."""
        rows = [(one.claim.says, one.verdict, confidence(one), evidence(one)) for one in self.findings.judged]
        return Sheet("Claims", ("Claim", "Verdict", "Confidence", "Evidence"), tuple(rows))

    @cached_property
    def steps(self) -> Sheet:
        """Every cell with the fingerprints of its evaluation and its phases."""
        rows = [
            (cell.backbone, name, cell.target, str(cell.seed), cell.evaluation, " → ".join(cell.phases))
            for name, cell in ((one.name, one.cell) for one in self.findings.steps)
        ]
        return Sheet("Steps of the store", STEPS, tuple(rows))

    @cached_property
    def sheets(self) -> list[Sheet]:
        """What was learned, was planted, collapsed and leaked; the settings, the cost."""
        plan, found = self.findings.plan, self.findings.collapses
        own = [
            _row(one.arm, one.task, one.metric, one.value, one.chance, one.outcome)
            for one in self.findings.own_scores
        ]
        truth = [
            _row(
                *(pair.arm, pair.target, pair.planted),
                *(MISSING if pair.estimate is None else interval(pair.estimate), pair.outcome),
            )
            for pair in self.findings.planted
        ]
        collapsed = [
            _row(
                *(run.arm, run.cell.target, run.cell.seed),
                *(run.found.score, run.found.baseline, run.whole, run.without),
            )
            for run in found.runs
        ]
        at_chance = [
            _row(
                *(one.arm, one.target, language(one.language).name, ", ".join(map(str, one.seeds))),
                *(one.score, one.baseline, one.source),
            )
            for one in found.languages
        ]
        in_part = [
            _row(one.arm, one.cell.target, one.cell.seed, one.score, "; ".join(one.notes))
            for one in found.partial
        ]
        leaked = [
            (one.status, one.finding.task, one.meaning, ", ".join(one.languages), one.amount)
            for one in self.findings.leaks.groups
        ]
        recipes = methods.recipes(plan)
        costs = [
            (f"{one.kind}s", f"{one.done} of {one.planned}", duration(one.seconds), f"{one.tokens:,}")
            for one in methods.costs(plan, self.findings.store)
        ]
        made = (
            ("Were the intermediate tasks learned?", ("arm", "task", "metric", "score", "chance", ""), own),
            ("Planted beside measured", ("arm", "target", "planted", "measured", "outcome"), truth),
            ("Collapsed runs", COLLAPSED, collapsed),
            ("Languages at chance", AT_CHANCE, at_chance),
            ("Learned in part", ("arm", "target", "seed", "score", "what is seen"), in_part),
            ("Leak audit", ("status", "target", "what was seen", "languages", "how much"), leaked),
            ("Data", methods.DATA, methods.data_rows(self.findings.sources)),
            ("Phases", tuple(recipes[0]) if recipes else (), [tuple(row.values()) for row in recipes]),
            ("Where settings come from", ("setting", "origin"), list(plan.study.origins.items())),
            ("Cost", ("steps", "done", "time", "tokens trained on"), costs),
        )
        return [Sheet(title, columns, tuple(rows)) for title, columns, rows in made if rows]


def _row(*values: str | int | float | Estimate | None) -> tuple[str, ...]:
    """A row of a sheet: numbers and scores as reports write them, a dash for what is not known."""

    def shown(value: str | int | float | Estimate | None) -> str:
        match value:
            case None:
                return "–"
            case Estimate():
                return interval(value, signed=False)
            case float():
                return number(value)
        return str(value)

    return tuple(map(shown, values))


def confidence(verdict: Verdict) -> str:
    """'+5.0 [3.1, 6.8], p < .01', of the arm that supports the claim least; "" if it was not measured."""
    if verdict.effect is None or verdict.low is None or verdict.high is None:
        return ""
    shown = f"{number(verdict.effect, signed=True)} {bounds(verdict.low, verdict.high)}"
    return f"{shown}, {probability(verdict.probability)}"


def evidence(verdict: Verdict) -> str:
    """What was compared on what, what could have been seen, and who made the claim."""
    text = verdict.evidence
    if verdict.smallest_effect is not None:
        text += f" Smallest detectable effect: {detectable(verdict.smallest_effect)}."
    return text + (f" Source of the claim: {verdict.claim.source}." if verdict.claim.source else "")


def probability(value: float) -> str:
    """'p < .01' or 'p = .03'; near .05 so that it shows on which side.

    >>> probability(0.034), probability(0.0484), probability(0.04996), probability(0.0501)
    ('p = .03', 'p = .048', 'p < .05', 'p = .050')
    """
    if 1 - LEVEL - 5e-4 <= value < 1 - LEVEL:
        return "p < .05"
    digits = 3 if 0.045 <= value < 0.055 else 2
    return "p < .01" if value < 0.01 else f"p = {value:.{digits}f}".replace("0.", ".")


def duration(seconds: float) -> str:
    """'42 s', '3.5 min', '2.1 h'.

    >>> duration(209)
    '3.5 min'
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def claims_counted(verdicts: Sequence[Verdict]) -> str:
    """'Of 6 claims, 4 are confirmed, 1 is refuted and 1 is undecided.'"""
    words = [one.verdict for one in verdicts]
    parts = [
        f"{words.count(word)} {'is' if words.count(word) == 1 else 'are'} {word}"
        for word in ("confirmed", "refuted", "undecided")
    ]
    return f"Of {count(len(words), 'claim')}, {parts[0]}, {parts[1]} and {parts[2]}."


def _found(findings: Findings, backbone: str) -> Iterator[str]:
    """Say what a backbone's results are: of each target, and of the gap."""
    several = len(findings.results.backbones) > 1
    before = f"{backbone}: " * several
    for target in findings.results.targets:
        cells = [cell for cell in findings.maps[backbone] if cell.column == target.name]
        own = [cell for cell in cells if not cell.line.reference]
        if text := _on_target(own, f"{target.name} ({metric_label(target.metric)})"):
            yield f"{before}{text}"
        controls = [cell for cell in cells if cell.kind == "score" and cell.row in CONTROL_NAMES]
        if controls:
            told = ", ".join(f"{cell.row} {cell.text} {cell.interval}" for cell in controls)
            yield f"{before}Controls on {target.name}: {told}."
    if gaps := [f"{interval(gap, signed=False)} on {name}" for name, gap in findings.gaps(backbone)]:
        model = f"{backbone}: without" if several else "Without"
        yield (
            f"{model} an intermediate task, the others lie below the source language, in points: "
            f"{', '.join(gaps)}."
        )


def _on_target(cells: Sequence[MapCell], target: str) -> str:
    """Say the score of `none` and the arms that change it most; without `none` the best arm."""
    scores = [cell for cell in cells if cell.kind == "score"]
    changes = sorted((cell for cell in cells if cell.kind == "effect"), key=lambda cell: -cell.value)
    if not scores:
        return ""
    if not changes:
        best = max(scores, key=lambda cell: cell.value)
        return f"On {target} the best score is that of {best.row}: {best.text} {best.interval}."
    shown = changes[:1] if len(changes) == 1 else [changes[0], changes[-1]]
    told = [f"{cell.row} {cell.text} {cell.interval}{' (significant)' * cell.strong}" for cell in shown]
    words = "; differences to it: " if len(shown) == 1 else "; differences to it range from "
    listed = told[0] if len(told) == 1 else f"{told[1]} to {told[0]}"
    return f"On {target} {scores[0].row} scores {scores[0].text} {scores[0].interval}{words}{listed}."
