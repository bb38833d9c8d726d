"""Scores over distances between languages: which distance matters, and how far that can be told.

A score is regressed on distances of the evaluated languages to the source language. What its coefficients
would be with other languages is another chance than examples and seeds. Languages of a family are not
independent, so it is that of families: the jackknife leaves each out in turn (Tukey 1958; MacKinnon, Nielsen
and Webb 2023, "Cluster-robust inference"), and its spread is drawn from Student's t with one degree of
freedom less than there are families. All lines draw the same numbers for a family, so that arms are compared
on the same languages.

Axes: L languages, K distances, G families, R resamples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from xstilts.analysis import statistics
from xstilts.analysis.results import Line, Results, language, line_of
from xstilts.analysis.statistics import RESAMPLES, Array, Sample
from xstilts.data import typology
from xstilts.study.check_claims import LEAST_FAMILIES, SPARE
from xstilts.study.claim import PROMPTED
from xstilts.study.phase import seen_with_labels


@dataclass(frozen=True)
class Regression:
    """Scores of languages regressed on distances.

    coefficients: of each distance, in points from 0 to 1. intercept: the score at distance 0 of all. design:
    the distances, [L, K].
    """

    languages: tuple[str, ...]
    families: tuple[str, ...]
    design: Array
    intercept: Sample
    coefficients: tuple[Sample, ...]

    @property
    def inflation(self) -> Array:
        """By how much the others inflate each coefficient's variance, [K] (variance inflation factor)."""
        centred = self.design - self.design.mean(axis=0)
        return np.asarray(np.diag(np.linalg.inv(np.corrcoef(centred.T).reshape(2 * [centred.shape[1]]))))


def over(
    results: Results, line: Line, target: str, names: Sequence[str], codes: Sequence[str]
) -> Regression | None:
    """Regress the scores of a line on distances, in those of the languages of which all are known.

    None if results are missing, or too few languages or families tell the coefficients: they must also be
    told without any one family.
    """
    table = {name: distances(results, line, target, name, codes) for name in names}
    known = tuple(code for code in codes if all(code in found for found in table.values()))
    design = np.column_stack([[table[name][code] for code in known] for name in names])
    return regress(design, known, [results.score(line, target, (code,)) for code in known])


def regress(design: Array, codes: tuple[str, ...], samples: Sequence[Sample | None]) -> Regression | None:
    """Regress the scores of languages on distances [L, K]; None as for `over`."""
    whole = [sample for sample in samples if sample is not None]
    families = tuple(language(code).family for code in codes)
    groups = list(dict.fromkeys(families))
    if len(whole) < len(codes) or len(groups) < LEAST_FAMILIES or len(codes) < design.shape[1] + 1 + SPARE:
        return None
    if not statistics.common_seeds(whole):
        return None
    rows = np.column_stack([np.ones(len(codes)), design])
    without = [np.array([family != group for family in families]) for group in groups]
    if any(np.linalg.matrix_rank(rows[kept]) < rows.shape[1] for kept in without):
        return None
    weights = np.linalg.pinv(rows)  # [K + 1, L]
    changes = np.zeros((len(groups), *weights.shape))
    for place, kept in enumerate(without):
        changes[place][:, kept] = np.linalg.pinv(rows[kept])
    changes -= weights
    spread = np.sqrt((len(groups) - 1) / len(groups)) * _draws(tuple(groups))  # [R, G]
    coefficients = []
    for own, of_families in zip(weights, changes.transpose(1, 0, 2), strict=True):
        sample = statistics.combine(whole, own.tolist())
        means = np.array([statistics.pick(one, sample.seeds).observed.mean() for one in whole])
        draws = sample.draws + (spread @ (of_families @ means))[:, None]
        freedom = min(len(groups) - 1.0, sample.family_freedom or np.inf)  # also of few texts
        coefficients.append(replace(sample, draws=draws, family_freedom=freedom))
    return Regression(codes, families, design, coefficients[0], tuple(coefficients[1:]))


@lru_cache(maxsize=64)
def _draws(families: tuple[str, ...]) -> Array:
    """For each resample and family a number of Student's t with the families less one as freedom, [R, G].

    The normal numbers are of the family, whatever the target; their common divisor is of how many there are.
    """
    freedom = len(families) - 1
    divisor = statistics.generator("families", str(freedom)).chisquare(freedom, RESAMPLES) / freedom
    normal = [statistics.generator("family", name).standard_normal(RESAMPLES) for name in families]
    return np.asarray(np.column_stack(normal) / np.sqrt(divisor)[:, None])


def seen(results: Results, line: Line, target: str) -> tuple[str, ...]:
    """The languages that a line has seen with labels before it is asked, sorted."""
    models = (results.plan.evaluation(cell).model for cell in results.cells(line, target))
    return tuple(sorted({code for model in models for code in seen_with_labels(model)}))


def to_seen(results: Results, line: Line, target: str, name: str, codes: Sequence[str]) -> dict[str, float]:
    """How far languages lie from the nearest one that the line has seen with labels; not those themselves."""
    near_to = seen(results, line, target)
    unseen = tuple(code for code in codes if code not in near_to)
    every = [_between(name, source, unseen) for source in near_to]
    return {code: min(near) for code in unseen if (near := [found[code] for found in every if code in found])}


def distances(results: Results, line: Line, target: str, name: str, codes: Sequence[str]) -> dict[str, float]:
    """How far languages lie from the source language, of those of which it is known.

    Of retrieval, which has no training labels, that is the language that its task starts from.
    syntax, phonology, inventory, genealogy, geography: URIEL's (xstilts.data.typology). script: 0 for the
    same script and 1 for another. resources: how many times fewer articles Wikipedia has, in powers of 2: for
    multilingual BERT the text that it was pretrained on, for other models what there may be of it. fertility:
    how many times more tokens the model reads for the same, in powers of 2. vocabulary: the share
    of tokens that do not occur in the rows of the source language. The last two are of the evaluated rows.
    """
    source = results.target(target).source or results.plan.places.task(target).source_language
    if name in (*typology.TYPOLOGY, "script"):
        return _between(name, source, tuple(codes))
    if name == "resources":
        sizes = {code: size for code in (source, *codes) if (size := language(code).size)}
        known = [code for code in codes if {code, source} <= {*sizes}]
        return {code: float(np.log2(sizes[source] / sizes[code])) for code in known}
    facts = _facts(results, line, target)
    told = {code: facts[code] for code in codes if code in facts}
    if name == "vocabulary":
        return {code: 1 - own["shared"] / own["tokens"] for code, own in told.items() if "shared" in own}
    own = facts.get(source)
    return dict(_fertilities(told, own, results.translations(target, source))) if own else {}


def _between(name: str, source: str, codes: tuple[str, ...]) -> dict[str, float]:
    """Distances that are those of any two languages."""
    if name in typology.TYPOLOGY:
        return typology.distances(name, source, codes)
    scripts = {code: script for code in (source, *codes) if (script := language(code).script)}
    return {code: float(scripts[code] != scripts[source]) for code in codes if {code, source} <= {*scripts}}


def _facts(results: Results, line: Line, target: str) -> dict[str, dict[str, float]]:
    """What an evaluation says of its rows by language; all of a backbone and a target say the same.

    But models that are asked, whose options each have the question: of them, what the arms' evaluations say.
    """
    asked = line.reference in PROMPTED
    for cell in results.plan.cells:
        same = cell.backbone == line.backbone and not cell.reference if asked else line_of(cell) == line
        if same and cell.target == target and cell not in results.missing:
            languages = results.store.scores(cell.evaluation)["languages"]
            return {code: found for code, found in languages.items() if found.get("tokens")}
    return {}


def _fertilities(
    facts: Mapping[str, Mapping[str, float]], source: Mapping[str, float], translated: frozenset[str]
) -> Iterator[tuple[str, float]]:
    """Tokens for each word where words are known; else those of the rows, if these are translations."""
    for code, found in facts.items():
        if source.get("words") and found.get("words"):
            yield code, float(np.log2(found["tokens"] / found["words"] * source["words"] / source["tokens"]))
        elif code in translated and found["n"] == source["n"]:
            yield code, float(np.log2(found["tokens"] / source["tokens"]))
