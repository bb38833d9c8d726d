"""What a report says in words and tables, the same on the page, in Markdown and in LaTeX.

A report ends like a short paper: question, method, results, limitations, and the claims with their verdicts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from xstilts.audit.finding import MEANINGS
from xstilts.report import account, frames, planted, sections, statistics
from xstilts.report.charts import REFERENCE_NAMES, heat_cells
from xstilts.report.claims import Verdict, count, interval, judge
from xstilts.report.collapse import collapses
from xstilts.report.drawing import metric_label, number
from xstilts.report.effects import BASELINE, GAP, Effects
from xstilts.report.leaks import Leaks, leaks
from xstilts.report.results import language
from xstilts.report.statistics import Estimate
from xstilts.report.tables import Grid, Sheet, effect_grid, gain_grid, gap_grid, score_grid
from xstilts.store import Store
from xstilts.study.claim import CONTROLS
from xstilts.study.sources import Source, differing

DESIGN = (
    "The design: J. Phang, I. Calixto, P. M. Htut, Y. Pruksachatkun, H. Liu, C. Vania, K. Kann, S. R. "
    "Bowman. English Intermediate-Task Training Improves Zero-Shot Cross-Lingual Transfer Too. AACL 2020, "
    "arXiv 2005.13013."
)
STATISTICS = (
    "Intervals: A. B. Owen. The pigeonhole bootstrap. Annals of Applied Statistics 1, 2007. G. K. Smyth. "
    "Linear models and empirical Bayes methods. Statistical Applications in Genetics and Molecular Biology "
    "3, 2004.",
    "Correction: S. Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6, 1979.",
)
CONTROL_ROWS = tuple(REFERENCE_NAMES[name] for name in CONTROLS)
AT_CHANCE = ("arm", "target", "language", "seeds", "score", "guessing", "source language")
COLLAPSED = ("arm", "target", "seed", "score", "guessing", "mean with", "mean without")


@dataclass(frozen=True)
class Paper:
    """A study's report as text; computed from its results when asked for."""

    effects: Effects
    store: Store

    @property
    def name(self) -> str:
        return self.effects.results.study

    @property
    def question(self) -> str:
        return self.effects.results.plan.study.question

    @cached_property
    def answer(self) -> str:
        return sections.answer(self.effects)

    @cached_property
    def verdicts(self) -> list[Verdict]:
        return judge(self.effects)

    @cached_property
    def method(self) -> list[str]:
        """Paragraphs."""
        return [
            "A pretrained model is trained on the intermediate tasks of an arm, then on the target's "
            "training data in its source language, and evaluated in all languages of the target without "
            "having seen labels there. Retrieval targets compare sentences of the model itself and train "
            f"nothing. The arm {BASELINE} leaves the intermediate phase out; all comparisons with it are "
            "paired: same seeds, same test examples.",
            f"Intervals cover 95 % and come from {statistics.RESAMPLES:,} resamples of test examples (shared "
            "by all arms, and by languages whose test sets are translations of each other) crossed with the "
            "spread between seeds. Probabilities are two-sided; within the heat maps and within the claims "
            "they are corrected by Holm's procedure.",
        ]

    @cached_property
    def results(self) -> list[str]:
        """What was found, target by target; every sentence with its numbers."""
        found = [text for backbone in self.backbones for text in _found(self.effects, backbone)]
        return [*found, *([claims_counted(self.verdicts)] if self.verdicts else [])]

    @cached_property
    def _leaks(self) -> Leaks:
        return leaks(self.effects.results.plan, self.store)

    @property
    def audit(self) -> str:
        """What the leak audit found, in a sentence."""
        unknown = "Leaks were not looked for, or the study or its data have changed since."
        return self._leaks.summary or unknown

    @cached_property
    def sources(self) -> list[Source]:
        """What the rows of all steps are read from."""
        return account.sources(self.effects.results.plan, self.store)

    @cached_property
    def limitations(self) -> list[str]:
        return [*sections.limitations(self.effects, self.store), *differing(self.sources)]

    @cached_property
    def references(self) -> list[str]:
        plan = self.effects.results.plan
        cited = [f"{names}: {text}" for names, text in account.citations(plan) if text]
        return [DESIGN, *cited, *STATISTICS]

    @cached_property
    def backbones(self) -> tuple[str, ...]:
        return sections.backbones(self.effects.results)

    @cached_property
    def effect_grids(self) -> list[Grid]:
        return [effect_grid(self.effects, backbone) for backbone in self.backbones]

    @cached_property
    def score_grids(self) -> list[Grid]:
        results = self.effects.results
        return [score_grid(results, target) for target in results.targets]

    @cached_property
    def effects_table(self) -> pl.DataFrame:
        """Every score, difference and gap: `frames.effects_table`."""
        return frames.effects_table(self.effects)

    @cached_property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The tidy tables by name."""
        return {
            "results": self.effects.results.table,
            "effects": self.effects_table,
            "verdicts": frames.verdicts_table(self.effects, self.verdicts),
        }

    @cached_property
    def gain_grids(self) -> list[Grid]:
        targets = [target.name for target in self.effects.results.targets]
        places = [(target, backbone) for backbone in self.backbones for target in targets]
        found = [gain_grid(self.effects_table, *place) for place in places]
        return [grid for grid in found if grid is not None]

    @cached_property
    def gap_grids(self) -> list[Grid]:
        found = [gap_grid(self.effects, backbone) for backbone in self.backbones]
        return [grid for grid in found if grid is not None]

    @cached_property
    def claims(self) -> Sheet:
        """The table of the claims; no rows if the study has none."""
        rows = [(one.claim.says, one.verdict, confidence(one), evidence(one)) for one in self.verdicts]
        return Sheet("Claims", ("Claim", "Verdict", "Confidence", "Evidence"), tuple(rows))

    @cached_property
    def sheets(self) -> list[Sheet]:
        """What was learned, was planted, collapsed and leaked; the settings, the cost."""
        plan = self.effects.results.plan
        own = [
            (one.arm, one.task, one.metric, number(one.value), number(one.chance), _learned(one.learned))
            for one in sections.own_scores(plan, self.store)
        ]
        truth = [
            (pair.arm, pair.target, pair.planted, _measured(pair), pair.outcome)
            for pair in planted.truth_table(self.effects)
        ]
        found = collapses(self.effects)
        collapsed = [
            (
                *(one.arm, one.cell.target, str(one.cell.seed), number(one.found.score)),
                *(number(one.found.baseline), _score(one.whole), _score(one.without)),
            )
            for one in found.runs
        ]
        at_chance = [
            (
                *(one.arm, one.target, language(one.language).name, ", ".join(map(str, one.seeds))),
                *map(number, (one.score, one.baseline, one.source)),
            )
            for one in found.languages
        ]
        in_part = [
            (one.arm, one.cell.target, str(one.cell.seed), number(one.score), "; ".join(one.notes))
            for one in found.partial
        ]
        leaked = [
            (one.status, one.finding.task, MEANINGS[one.finding.kind], ", ".join(one.languages), one.amount)
            for one in self._leaks.groups
        ]
        recipes = account.recipes(plan)
        costs = [
            (f"{one.kind}s", f"{one.done} of {one.planned}", duration(one.seconds), f"{one.tokens:,}")
            for one in account.costs(plan, self.store)
        ]
        made = (
            ("Were the intermediate tasks learned?", ("arm", "task", "metric", "score", "chance", ""), own),
            ("Planted beside measured", ("arm", "target", "planted", "measured", "outcome"), truth),
            ("Collapsed runs", COLLAPSED, collapsed),
            ("Languages at chance", AT_CHANCE, at_chance),
            ("Learned in part", ("arm", "target", "seed", "score", "what is seen"), in_part),
            ("Leak audit", ("status", "target", "what was seen", "languages", "how much"), leaked),
            ("Data", account.DATA, account.data_rows(self.sources)),
            ("Phases", tuple(recipes[0]) if recipes else (), [tuple(row.values()) for row in recipes]),
            ("Where settings come from", ("setting", "origin"), list(plan.study.origins.items())),
            ("Cost", ("steps", "done", "time", "tokens trained on"), costs),
        )
        return [Sheet(title, columns, tuple(rows)) for title, columns, rows in made if rows]


def confidence(verdict: Verdict) -> str:
    """'+5.0 [3.1, 6.8], p < .01', of the arm that supports the claim least; "" if it was not measured."""
    if verdict.effect is None or verdict.low is None or verdict.high is None:
        return ""
    bounds = f"[{number(verdict.low)}, {number(verdict.high)}]"
    return f"{number(verdict.effect, signed=True)} {bounds}, {probability(verdict.probability)}"


def evidence(verdict: Verdict) -> str:
    """What was compared on what, what could have been seen, and who made the claim."""
    text = verdict.evidence
    if verdict.smallest_effect is not None:
        text += f" Smallest detectable effect: {number(verdict.smallest_effect)} points."
    return text + (f" Source of the claim: {verdict.claim.source}." if verdict.claim.source else "")


def probability(value: float) -> str:
    """'p < .01' or 'p = .03'.

    >>> probability(0.034)
    'p = .03'
    """
    return "p < .01" if value < 0.01 else f"p = {value:.2f}".replace("0.", ".")


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


def _found(effects: Effects, backbone: str) -> Iterator[str]:
    """What a backbone's results say: of each target, and of the gap."""
    results = effects.results
    cells = heat_cells(effects, backbone)
    arms = {line.arm for line in results.lines if line.backbone == backbone and not line.reference}
    several = len(sections.backbones(results)) > 1
    for target in results.targets:
        own = [cell for cell in cells if cell["column"] == target.name and cell["row"] in arms]
        if text := _on_target(own, f"{target.name} ({metric_label(target.metric)})"):
            yield f"{backbone}: {text}" if several else text
        controls = [cell for cell in cells if cell["column"] == target.name and cell["row"] in CONTROL_ROWS]
        told = [f"{one['row']} {one['text']} {one['interval']}" for one in controls if one["kind"] == "score"]
        if told:
            yield f"{backbone}: " * several + f"Controls on {target.name}: {', '.join(told)}."
    gaps = []
    for target in results.targets:
        line = next((one for one in results.lines if one[:2] == (backbone, BASELINE)), None)
        found = effects.estimate(GAP, line, target.name) if line is not None else None
        if found is not None:
            gaps.append(f"{interval(found, signed=False)} on {target.name}")
    if gaps:
        model = f"{backbone}: without" if several else "Without"
        yield (
            f"{model} an intermediate task, the others lie below the source language, in points: "
            f"{', '.join(gaps)}."
        )


def _on_target(cells: Sequence[dict[str, Any]], target: str) -> str:
    """The score of `none` and the arms that change it most; without `none` the best arm."""
    scores = [cell for cell in cells if cell["kind"] == "score"]
    changes = sorted((cell for cell in cells if cell["kind"] == "effect"), key=lambda cell: -cell["value"])
    if not scores:
        return ""
    if not changes:
        best = max(scores, key=lambda cell: float(cell["value"]))
        return f"On {target} the best score is that of {best['row']}: {best['text']} {best['interval']}."
    shown = changes[:1] if len(changes) == 1 else [changes[0], changes[-1]]
    told = [
        f"{cell['row']} {cell['text']} {cell['interval']}{' (significant)' if cell['strong'] else ''}"
        for cell in shown
    ]
    base = scores[0]
    words = "; differences to it: " if len(shown) == 1 else "; differences to it range from "
    listed = told[0] if len(told) == 1 else f"{told[1]} to {told[0]}"
    return f"On {target} {base['row']} scores {base['text']} {base['interval']}{words}{listed}."


def _measured(pair: planted.Pair) -> str:
    return planted.MISSING if pair.estimate is None else interval(pair.estimate)


def _score(found: Estimate | None) -> str:
    return "–" if found is None else interval(found, signed=False)


def _learned(learned: bool) -> str:
    return "learned" if learned else "at chance"
