"""What was measured, compared and judged, as tidy tables: docs/tables.md says what the columns mean.

No cell of text is empty: other programs take an empty cell for a missing value, and groups of missing values
get lost. A number is missing where a result is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import polars as pl

from xstilts.analysis import files, statistics
from xstilts.analysis.certainty import Certain
from xstilts.analysis.claims import Verdict, targets_of
from xstilts.analysis.collapse import Guesses, Runs
from xstilts.analysis.effects import BASELINE, EFFECT, GAP, SCORE, Effects, Quantity
from xstilts.analysis.results import (
    ARM,
    NOTHING,
    EvaluatedTarget,
    Results,
    columns,
    language,
    languages_by_family,
)
from xstilts.analysis.transfer import MEAN, Maps
from xstilts.plain import by_key
from xstilts.study.claim import COMPARING, DISTANCES, MEASURES, Plain
from xstilts.study.phase import Phase

ALL = "all"
"""In place of a language or a family: the languages without labels together."""
NUMBERS = columns("estimate low high p p_corrected smallest_effect seeds chains")
_EFFECT = "study backbone arm reference target family quantity against level language language_family"
EFFECTS = columns(f"{_EFFECT} languages metric") | NUMBERS
VERDICTS = columns(
    "study claim verdict quantity arms against targets languages relation margin estimate low high "
    "p_corrected smallest_effect seeds chains evidence source",
    languages=pl.String(),
)
CURVES = columns("tasks phase update loss development")
COMPARED: tuple[Plain, ...] = ("score", "difference")
"""What is asked in every scope."""


class Scope(NamedTuple):
    """Languages over which a mean is taken: one, those of a family, or all without labels."""

    level: str
    language: str
    family: str
    codes: tuple[str, ...]

    @property
    def languages(self) -> str | tuple[str, ...]:
        """As a quantity names them."""
        return "transfer" if self.level == "transfer" else self.codes


def scopes(target: EvaluatedTarget) -> list[Scope]:
    """Those of a target: the languages without labels, each family of them with its languages, the source."""
    found = [Scope("transfer", ALL, ALL, target.transfer)]
    for family, members in groupby(languages_by_family(target.transfer), key=lambda member: member.family):
        codes = tuple(member.code for member in members)
        found += [Scope("family", ALL, family, codes), *(_alone(code) for code in codes)]
    return [*found, *(_alone(code) for code in target.languages if code not in target.transfer)]


def _alone(code: str) -> Scope:
    return Scope("language", code, language(code).family, (code,))


def results_table(
    results: Results, runs: Runs, languages: Guesses, certain: Mapping[tuple[str, str], Certain]
) -> pl.DataFrame:
    """The scores of every cell by language; how sure the model is (MEASURES); and `at_chance`: whether the
    run guesses there, by its answers.

    That is missing where nothing tells: of references, retrieval, and what is missing itself.
    """
    sure = [certain.get(place) for place in results.table.select("fingerprint", "language").iter_rows()]
    measures = [
        pl.Series(name, [getattr(each, name, None) for each in sure], dtype=pl.Float64) for name in MEASURES
    ]
    guesses = []
    for cell in results.plan.cells:
        run = None if cell in results.missing else runs.get(cell)
        guessed = languages.get(cell, {})
        for code in results.plan.evaluation(cell).use.languages:
            guesses.append(None if run is None else run.why != "" or code in guessed)
    return results.table.with_columns(*measures, at_chance=pl.Series(guesses, dtype=pl.Boolean))


def effects_table(effects: Effects, maps: Maps) -> pl.DataFrame:
    """Scores, differences to `none`, gaps and their differences, of every arm and reference on every target:
    on the languages without labels, on each family of them, and on each language. Columns as in EFFECTS.

    Of targets whose models say how sure they are, also the MEASURES of that, and their differences.

    Differences on the languages without labels are corrected as in the heat map; others, and those of gaps,
    for their number in the study.
    """
    targets, rows = effects.results.targets, list[dict[str, Any]]()
    for target in targets:
        whole, *parts = scopes(target)
        asked = [(Quantity(kind, scope.languages), scope) for scope in (whole, *parts) for kind in COMPARED]
        gaps = [(GAP, whole), (Quantity("gap_difference"), whole)] if target.has_gap else []
        rows += _rows(effects, [*asked, *gaps], target)
    if len(targets) > 1:
        mean = Scope("transfer", ALL, ALL, ())
        rows += _rows(effects, [(SCORE, mean), (EFFECT, mean)])
    for target in effects.certainty.targets:
        asked = [
            (Quantity(kind, scope.languages, measure=measure), scope)
            for scope in scopes(target)
            if scope.level != "family"
            for measure in MEASURES
            for kind in COMPARED
        ]
        rows += _rows(effects, asked, target)
    tested = [row for row in rows if row["p"] is not None and row["reference"] == ARM]
    for together in by_key(((row["quantity"], row["level"]), row) for row in tested).values():
        for row, p in zip(together, statistics.holm([row["p"] for row in together]), strict=True):
            row["p_corrected"] = p
    in_the_map = {(*cell.line.written, cell.column): cell.corrected for row in maps.values() for cell in row}
    for row in rows:
        if (row["quantity"], row["level"]) == ("difference", "transfer"):
            place = (row["backbone"], row["arm"], row["reference"], row["target"])
            row["p_corrected"] = in_the_map.get(place)
    return pl.DataFrame(rows, schema=EFFECTS)


def verdicts_table(effects: Effects, verdicts: Sequence[Verdict]) -> pl.DataFrame:
    """The claims with what they compare and what became of them. Columns as in VERDICTS."""
    rows = []
    for one in verdicts:
        claim = one.claim
        languages = claim.languages if isinstance(claim.languages, str) else ", ".join(claim.languages)
        measured = one.effect is not None
        numbers = (one.effect, one.low, one.high, one.probability if measured else None)
        rows.append(
            (
                *(effects.results.study, claim.says or NOTHING, one.verdict),
                claim.quantity + f" of {claim.of}" * (claim.of in (*MEASURES, *DISTANCES)),
                *(", ".join(claim.arms) or claim.axis or NOTHING, ", ".join(claim.opponents) or NOTHING),
                *(", ".join(targets_of(effects.results, claim)) or NOTHING, languages),
                *(claim.relation, claim.margin),
                *(*numbers, one.smallest_effect, one.n_seeds if measured else None, one.n_chains),
                *(one.evidence or NOTHING, claim.source or NOTHING),
            )
        )
    return pl.DataFrame(rows, schema=VERDICTS, orient="row")


def _rows(
    effects: Effects, asked: Sequence[tuple[Quantity, Scope]], target: EvaluatedTarget | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of EFFECTS of all lines; without a target the means over all targets, as in the heat map.

    References say nothing of how sure they are. What is asked of single languages is not kept in memory.
    """
    results, unkept = effects.results, type(effects)(effects.results)
    unkept.certainty = effects.certainty
    names, name, family, metric = [each.name for each in results.targets], MEAN, NOTHING, NOTHING
    if target is not None:
        names, name, family, metric = [target.name], target.name, target.family, target.metric
    for line in (line for line in results.lines if all((line, name) in results.planned for name in names)):
        is_compared = effects.is_compared(line)
        for quantity, scope in asked:
            of_score, compares = quantity.measure == "score", quantity.kind in COMPARING
            if (compares and not is_compared) or (line.reference and not of_score):
                continue
            asking = effects if of_score and scope.level == "transfer" else unkept
            estimate = asking.estimate(quantity, line, *names)
            kind = quantity.kind if of_score else quantity.measure + "_difference" * compares
            what = (results.study, *line.written, name, family, kind, BASELINE if compares else NOTHING)
            where = (*scope[:3], len(scope.codes) or None, metric if of_score else quantity.measure)
            numbers: tuple[float | None, ...] = (None,) * len(NUMBERS)
            if estimate is not None:
                p, smallest = (estimate.probability, estimate.smallest_effect) if compares else (None, None)
                numbers = (estimate.value, estimate.low, estimate.high, p, None, smallest)
                numbers += (estimate.seeds, estimate.chains)
            yield dict(zip(EFFECTS, (*what, *where, *numbers), strict=True))


def curves_table(results: Results) -> pl.DataFrame:
    """Read the training curves of all finished phases. Columns as in CURVES; `phase` is a fingerprint."""
    rows = []
    for step in results.plan.steps:
        phase = step.specification
        if isinstance(phase, Phase) and results.store.folder(step.fingerprint) is not None:
            tasks = " + ".join(use.task for use in phase.uses)
            for point in files.curve(results.store.file(step.fingerprint, "curve.jsonl")):
                numbers = (point["update"], point.get("loss"), point.get("development"))
                rows.append((tasks, step.fingerprint, *numbers))
    return pl.DataFrame(rows, schema=CURVES, orient="row")


def layers_table(results: Results) -> pl.DataFrame:
    """Average retrieval over languages and seeds in every layer: backbone, target, arm, layer, value."""
    rows = [
        (cell.backbone, cell.target, cell.arm, layer, value)
        for cell in results.plan.cells
        if not cell.reference and cell not in results.missing
        for scores in results.store.scores(cell.evaluation)["languages"].values()
        for layer, value in enumerate(scores.get("layers", ()))
    ]
    frame = pl.DataFrame(rows, schema=columns("backbone target arm layer value"), orient="row")
    return frame.group_by(frame.columns[:-1], maintain_order=True).agg(pl.col("value").mean())
