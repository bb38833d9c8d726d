"""What was measured, compared and judged, as tidy tables: docs/tables.md says what the columns mean.

No cell of text is empty: other programs take an empty cell for a missing value, and groups of missing values
get lost. A number is missing where a result is.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from xstilts.analysis import statistics
from xstilts.analysis.certainty import Certain
from xstilts.analysis.claims import Verdict, targets_of
from xstilts.analysis.collapse import Guesses, Runs
from xstilts.analysis.effects import BASELINE, EFFECT, GAP, SCORE, Effects, Quantity
from xstilts.analysis.results import (
    ARM,
    NOTHING,
    EvaluatedTarget,
    Line,
    Results,
    language,
    languages_by_family,
)
from xstilts.analysis.statistics import Estimate
from xstilts.analysis.transfer import MEAN, MapCell
from xstilts.study.claim import COMPARING, DISTANCES, MEASURES

ALL = "all"
"""In place of a language or a family: the languages without labels together."""
_ESTIMATE = ("estimate", "low", "high", "p", "p_corrected", "smallest_effect")
NUMBERS: dict[str, pl.DataType] = dict.fromkeys(_ESTIMATE, pl.Float64()) | dict.fromkeys(
    ("seeds", "chains"), pl.Int64()
)
_EFFECT = (
    "study backbone arm reference target family quantity against level language language_family languages "
    "metric"
)
EFFECTS: dict[str, pl.DataType] = (
    dict.fromkeys(_EFFECT.split(), pl.String()) | {"languages": pl.Int64()} | NUMBERS
)
_VERDICT = "study claim verdict quantity arms against targets languages relation margin"
VERDICTS: dict[str, pl.DataType] = (
    dict.fromkeys(_VERDICT.split(), pl.String())
    | {"margin": pl.Float64()}
    | {name: kind for name, kind in NUMBERS.items() if name != "p"}
    | dict.fromkeys(("evidence", "source"), pl.String())
)


@dataclass(frozen=True)
class Scope:
    """Languages over which a mean is taken: one, those of a family, or all without labels (`languages`)."""

    level: str
    language: str
    family: str
    codes: tuple[str, ...]
    languages: str | tuple[str, ...]


def scopes(target: EvaluatedTarget) -> list[Scope]:
    """Those of a target: the languages without labels, each family of them with its languages, the source."""
    found = [Scope("transfer", ALL, ALL, target.transfer, "transfer")]
    for one in languages_by_family(target.transfer):
        if one.family not in {scope.family for scope in found}:
            codes = tuple(code for code in target.transfer if language(code).family == one.family)
            found.append(Scope("family", ALL, one.family, codes, codes))
        found.append(Scope("language", one.code, one.family, (one.code,), (one.code,)))
    source = [code for code in target.languages if code not in target.transfer]
    return found + [Scope("language", code, language(code).family, (code,), (code,)) for code in source]


def results_table(
    results: Results, runs: Runs, languages: Guesses, certain: Mapping[tuple[str, str], Certain]
) -> pl.DataFrame:
    """The scores of every cell by language; how sure the model is (MEASURES); and `at_chance`: whether the
    run guesses there, by its answers.

    That is missing where nothing tells: of references, retrieval, and what is missing itself.
    """
    sure = [certain.get(place) for place in results.table.select("fingerprint", "language").iter_rows()]
    measures = [
        pl.Series(name, [None if one is None else getattr(one, name) for one in sure], dtype=pl.Float64)
        for name in MEASURES
    ]
    guesses = []
    for cell in results.plan.cells:
        run = None if cell in results.missing else runs.get(cell)
        guessed = languages.get(cell, {})
        for code in results.plan.evaluation(cell).use.languages:
            guesses.append(None if run is None else run.why != "" or code in guessed)
    return results.table.with_columns(*measures, at_chance=pl.Series(guesses, dtype=pl.Boolean))


def effects_table(effects: Effects, maps: Mapping[str, Sequence[MapCell]]) -> pl.DataFrame:
    """Scores, differences to `none`, gaps and their differences, of every arm and reference on every target:
    on the languages without labels, on each family of them, and on each language. Columns as in EFFECTS.

    Of targets whose models say how sure they are, also the MEASURES of that, and their differences.

    Differences on the languages without labels are corrected as in the heat map; others, and those of gaps,
    for their number in the study.
    """
    rows = [row for target in effects.results.targets for row in _on_target(effects, target)]
    rows += _over_targets(effects)
    rows += [row for target in effects.certainty.targets for row in _certain(effects, target)]
    for quantity, level in (
        ("difference", "family"),
        ("difference", "language"),
        ("gap_difference", "transfer"),
        *((f"{measure}_difference", level) for measure in MEASURES for level in ("transfer", "language")),
    ):
        tested = [
            row
            for row in rows
            if (row["quantity"], row["level"], row["reference"]) == (quantity, level, ARM)
            and row["p"] is not None
        ]
        adjusted = statistics.holm([row["p"] for row in tested])
        for row, p in zip(tested, adjusted, strict=True):
            row["p_corrected"] = p
    in_the_map = {
        (cell.line.backbone, cell.line.arm, cell.line.reference or ARM, cell.column): cell.corrected
        for backbone, cells in maps.items()
        for cell in cells
        if cell.line.backbone == backbone
    }
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


def _on_target(effects: Effects, target: EvaluatedTarget) -> Iterator[dict[str, Any]]:
    """The rows of a target. What is asked of single languages is not kept in memory."""
    results, own = effects.results, type(effects)(effects.results)
    of_target = scopes(target)
    whole = of_target[0]
    for line in (line for line in results.lines if (line, target.name) in results.planned):
        compares = effects.against(line, BASELINE) not in (line, None)
        for scope in of_target:
            asking = effects if scope.level == "transfer" else own
            yield _row(asking, line, Quantity("score", scope.languages), scope, target)
            if compares:
                yield _row(asking, line, Quantity("difference", scope.languages), scope, target)
        if target.has_gap:
            yield _row(effects, line, GAP, whole, target)
            if compares:
                yield _row(effects, line, Quantity("gap_difference"), whole, target)


def _certain(effects: Effects, target: EvaluatedTarget) -> Iterator[dict[str, Any]]:
    """The rows of a target that say how sure the models of the arms are; none for families of languages."""
    results, own = effects.results, Effects(effects.results)
    own.certainty = effects.certainty
    for line in (line for line in results.lines if (line, target.name) in results.planned):
        if line.reference:
            continue
        kinds: list[Literal["score", "difference"]] = ["score"]
        if effects.against(line, BASELINE) not in (line, None):
            kinds.append("difference")
        for scope in (one for one in scopes(target) if one.level != "family"):
            for measure in MEASURES:
                for kind in kinds:
                    row = _row(own, line, Quantity(kind, scope.languages, measure=measure), scope, target)
                    name = measure if kind == "score" else f"{measure}_difference"
                    yield row | {"quantity": name, "metric": measure}


def _over_targets(effects: Effects) -> Iterator[dict[str, Any]]:
    """The means over all targets, as in the heat map."""
    results = effects.results
    if len(results.targets) < 2:
        return
    for line in results.lines:
        if all((line, target.name) in results.planned for target in results.targets):
            yield _row(effects, line, SCORE, Scope("transfer", ALL, ALL, (), "transfer"))
            if effects.against(line, BASELINE) not in (line, None):
                yield _row(effects, line, EFFECT, Scope("transfer", ALL, ALL, (), "transfer"))


def _row(
    effects: Effects, line: Line, quantity: Quantity, scope: Scope, target: EvaluatedTarget | None = None
) -> dict[str, Any]:
    """A row of EFFECTS; without a target the mean over all."""
    results = effects.results
    names = [target.name] if target is not None else [one.name for one in results.targets]
    estimate = effects.estimate(quantity, line, *names)
    compared = quantity.kind in COMPARING
    return {
        "study": results.study,
        "backbone": line.backbone or NOTHING,
        "arm": line.arm or NOTHING,
        "reference": line.reference or ARM,
        "target": MEAN if target is None else target.name,
        "family": NOTHING if target is None else target.family,
        "quantity": quantity.kind,
        "against": BASELINE if compared else NOTHING,
        "level": scope.level,
        "language": scope.language,
        "language_family": scope.family,
        "languages": len(scope.codes) or None,
        "metric": NOTHING if target is None else target.metric,
    } | _numbers(estimate, tested=compared)


def _numbers(estimate: Estimate | None, *, tested: bool) -> dict[str, Any]:
    numbers: dict[str, Any] = dict.fromkeys(NUMBERS)
    if estimate is not None:
        numbers |= {"estimate": estimate.value, "low": estimate.low, "high": estimate.high}
        numbers |= {"seeds": estimate.seeds, "chains": estimate.chains}
    if estimate is not None and tested:
        numbers |= {"p": estimate.probability, "smallest_effect": estimate.smallest_effect}
    return numbers
