"""From a plan and a store to what was measured: one tidy table, and a sample for every score.

Everything else in a report is a function of these two. The table has a row for each cell and language, in the
order of the plan; a cell that is not in the store has rows too, whose value is null.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from xstilts import metrics
from xstilts.analysis import files, statistics
from xstilts.analysis.pools import LanguageRows, Pool, by_pool, digest, pools, translations
from xstilts.analysis.statistics import Array, Counts, Sample, mean_of
from xstilts.data.languages import Language, by_code
from xstilts.errors import DamageError
from xstilts.metrics import Metric
from xstilts.plain import by_key
from xstilts.store import REPAIR, Store
from xstilts.study.claim import FAMILY
from xstilts.study.phase import seen_with_labels
from xstilts.study.plan import Cell, Plan

_FLOATS = "value estimate low high p p_corrected smallest_effect margin loss development"
_INTEGERS = "seed n languages seeds chains update layer"
_TYPES: dict[str, pl.DataType] = dict.fromkeys(_FLOATS.split(), pl.Float64()) | dict.fromkeys(
    _INTEGERS.split(), pl.Int64()
)


def columns(names: str, **others: pl.DataType) -> dict[str, pl.DataType]:
    """The columns of a table, with their types: text, but for numbers and for those that are others here."""
    return {name: _TYPES.get(name, pl.String()) for name in names.split()} | others


SCHEMA = columns(
    "study backbone arm reference target family language script language_family seed seen_with_labels metric "
    "value n fingerprint",
    seen_with_labels=pl.Boolean(),
)
"""The columns of the tidy table. `value` is a percentage, null where it is missing."""
ARM = "arm"
"""In the column `reference`, of cells that are none."""
NOTHING = "-"
"""In a column of text that says nothing of a row, for an empty cell would be read as a missing value."""


class Line(NamedTuple):
    """What is compared: an arm on a backbone, or a reference."""

    backbone: str
    arm: str
    reference: str = ""

    @property
    def written(self) -> tuple[str, str, str]:
        """As in tables, where no cell is empty."""
        return self.backbone or NOTHING, self.arm or NOTHING, self.reference or ARM


@dataclass(frozen=True)
class EvaluatedTarget:
    """A target as evaluated. `source` is the language of its training labels, "" where nothing trains it."""

    name: str
    family: str
    metric: str
    languages: tuple[str, ...]
    source: str
    own: Metric | None = None

    @property
    def measure(self) -> Metric:
        """The metric itself."""
        return self.own or metrics.find(self.metric)

    @property
    def transfer(self) -> tuple[str, ...]:
        """The languages without labels; where there is only the source language, that."""
        return tuple(code for code in self.languages if code != self.source) or self.languages

    @property
    def has_gap(self) -> bool:
        """Whether it is evaluated in the source language and in others."""
        return self.source in self.languages and len(self.languages) > 1

    def unknown(self, score: float, key: str) -> Array:
        """Draws of a score of which nothing is known, [R]: it could be any."""
        width = 200.0 if self.metric.endswith("_correlation") else 100.0
        return statistics.unknown(score, width, key)

    def select(self, languages: str | Sequence[str]) -> tuple[str, ...]:
        """The languages of this target that are meant by "source", "transfer", "all" or a list.

        A list has codes, and families ("family:Turkic") for their languages but for the source.
        """
        match languages:
            case "source":
                return (self.source,) if self.source in self.languages else ()
            case "transfer":
                return self.transfer
            case "all":
                return self.languages
        meant, of_families = {*languages}, [code for code in self.languages if code != self.source]
        meant |= {code for code in of_families if f"{FAMILY}{language(code).family}" in languages}
        return tuple(code for code in self.languages if code in meant)


class PerExample(NamedTuple):
    """The examples of a language: their numbers [N] and the statistics of the metric [N, K]."""

    rows: NDArray[np.int64]
    statistics: Array


class Resampled(NamedTuple):
    """The score of an evaluation in a language: observed, and on resampled examples [R]; the degrees of
    freedom of these draws if few texts tell them."""

    observed: float
    draws: Array
    freedom: float | None = None


class Results:
    """What a study has measured so far; reads the store when asked."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan = plan
        self.store = store
        self.study = plan.study.name

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Arms first, then references, each in the order of the study."""
        lines = dict.fromkeys(map(line_of, self.plan.cells))
        return tuple(sorted(lines, key=lambda line: line.reference != ""))

    @cached_property
    def backbones(self) -> tuple[str, ...]:
        """In the order of the study."""
        return tuple(dict.fromkeys(line.backbone for line in self.lines if not line.reference))

    def arms(self, backbone: str) -> list[Line]:
        """The arms on a backbone, in the order of the study."""
        return [line for line in self.lines if line.backbone == backbone and not line.reference]

    def name_of(self, line: Line) -> str:
        """Name the arm; with the backbone where the study has several."""
        return f"{line.arm} on {line.backbone}" if len(self.backbones) > 1 else line.arm

    @cached_property
    def sources(self) -> Mapping[Line, str]:
        """A name for what each line draws its seeds from: the same where lines ask the same trained models.

        Lines that share an earlier phase alone have more in common than the intervals of their difference
        assume, which are too wide rather than too short.
        """
        names: dict[Line, str] = {line: " ".join(line) for line in self.lines}
        first: dict[tuple[str, ...], Line] = {}
        for cell in (cell for cell in self.plan.cells if cell.phases):
            other = names[first.setdefault((cell.target, cell.phases[-1]), line_of(cell))]
            own = names[line_of(cell)]
            names = {line: other if name == own else name for line, name in names.items()}
        return names

    @cached_property
    def planned(self) -> frozenset[tuple[Line, str]]:
        """The lines with the targets that they are measured on: controls are not on all."""
        return frozenset(self.by_place)

    def cells(self, line: Line, target: str) -> list[Cell]:
        """The cells of a line on a target, one for each seed."""
        return self.by_place.get((line, target), [])

    @cached_property
    def by_place(self) -> Mapping[tuple[Line, str], list[Cell]]:
        """The cells of each line on each target, in the order in which these first occur."""
        return by_key(((line_of(cell), cell.target), cell) for cell in self.plan.cells)

    @cached_property
    def anchors(self) -> Mapping[tuple[Line, str], str]:
        """For each line and target the name of the place on the page where the steps of all seeds stand."""
        return {place: f"steps-{number}" for number, place in enumerate(self.by_place, 1)}

    @cached_property
    def targets(self) -> tuple[EvaluatedTarget, ...]:
        """In the order of the study."""
        targets: dict[str, EvaluatedTarget] = {}
        for cell in self.plan.cells:  # the first of a target: references may be asked without training rows
            if cell.target not in targets:
                evaluation = self.plan.evaluation(cell)
                use, trained = evaluation.use, evaluation.trained_by
                source = trained.languages[0] if trained is not None else ""
                measure = self.plan.places.metric(use, evaluation.metric)
                of_all = (evaluation.metric, use.languages, source, measure)
                targets[cell.target] = EvaluatedTarget(cell.target, use.family, *of_all)
        return tuple(targets.values())

    def target(self, name: str) -> EvaluatedTarget:
        """The target of that name."""
        return next(target for target in self.targets if target.name == name)

    @cached_property
    def table(self) -> pl.DataFrame:
        """The tidy table: columns as in SCHEMA."""
        rows = []
        for cell in self.plan.cells:
            evaluation = self.plan.evaluation(cell)
            shots = evaluation.prompt.use if evaluation.prompt is not None else None
            seen = (*seen_with_labels(evaluation.model), *(shots.languages if shots is not None else ()))
            scores = {} if cell in self.missing else self.store.scores(cell.evaluation)["languages"]
            for code in evaluation.use.languages:
                score = scores.get(code, {"value": None, "n": None})
                known = language(code)
                rows.append(
                    (
                        *(self.study, *line_of(cell).written, cell.target, evaluation.use.family),
                        *(code, known.script or NOTHING, known.family, cell.seed, code in seen),
                        *(evaluation.metric, score["value"], score["n"], cell.evaluation),
                    )
                )
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    @cached_property
    def missing(self) -> frozenset[Cell]:
        """The cells that are not in the store."""
        return frozenset(cell for cell in self.plan.cells if self.store.folder(cell.evaluation) is None)

    def score(self, line: Line, target: str, languages: Sequence[str]) -> Sample | None:
        """The mean score over languages; None if nothing is asked for or anything of it is missing."""
        return mean_over(self._samples, line, target, languages)

    def halves(
        self, lines: Sequence[Line], target: str, languages: Sequence[str]
    ) -> dict[Line, tuple[Sample | None, ...]]:
        """As `score`, on either half of the test examples; what is drawn together is in the same half."""
        both = [self.assembled(self._draw(self.target(target), lines, half)) for half in (0, 1)]
        return {line: tuple(mean_over(half, line, target, languages) for half in both) for line in lines}

    def per_example(self, fingerprint: str, width: int) -> dict[str, PerExample]:
        """Read the statistics of an evaluation, by language. Raises StoreError if the file is damaged."""
        path = self.store.file(fingerprint, "predictions.parquet")
        return {language: PerExample(*numbers) for language, numbers in files.statistics(path, width).items()}

    def certainty(self, fingerprint: str, family: str) -> pl.DataFrame | None:
        """Read how sure a model was of each decision; None if that was not kept."""
        return files.certainty(self.store.file(fingerprint, "predictions.parquet"), family)

    @cached_property
    def _samples(self) -> Mapping[tuple[Line, str, str], Sample]:
        """What was measured of each line on each target in each language."""
        return self.assembled(self.drawn)

    @cached_property
    def drawn(self) -> Mapping[tuple[str, str], Resampled]:
        """Each evaluation on resampled examples, by fingerprint and language."""
        drawn: dict[tuple[str, str], Resampled] = {}
        for target in self.targets:
            drawn |= self._draw(target, self.lines)
        return drawn

    @cached_property
    def pools(self) -> dict[str, dict[str, Pool]]:
        """For each target what the rows of each language are drawn from, as its first evaluation says."""
        rows = ((target.name, self._kept(target)) for target in self.targets)
        return {name: pools(own) if own else {} for name, own in rows}

    @cached_property
    def translations(self) -> Callable[[str, str], frozenset[str]]:
        """Of a target and a language: those whose rows are translations, as the first evaluation says."""

        def found(target: str, language: str) -> frozenset[str]:
            rows = self._kept(self.target(target))
            return translations(rows, language) if language in rows else frozenset()

        return cache(found)

    def _kept(self, target: EvaluatedTarget) -> dict[str, LanguageRows]:
        """The rows of each language, without their answers, as the first evaluation that is there says.

        Predictions without ids have the numbers of their rows, and without clusters each row for itself. Gold
        values tell which rows a set lacks; those of retrieval, the rows of translations, do not.
        """
        there = (cell for cell in self.plan.cells if cell.target == target.name and cell not in self.missing)
        if (cell := next(there, None)) is None:
            return {}
        path = self.store.file(cell.evaluation, "predictions.parquet")
        beside = ("id", "cluster", *(["gold"] if target.family != "retrieval" else []))
        frame = files.predictions(path, ("language", "index"), beside=beside).sort("index")
        kept = {}
        for (language,), rows in frame.group_by("language", maintain_order=True):
            numbers = np.arange(len(rows))
            ids = rows["id"].to_list() if "id" in rows.columns else numbers.astype(str).tolist()
            firsts = rows["cluster"].to_numpy().astype(np.int64) if "cluster" in rows.columns else numbers
            if not ((firsts >= 0) & (firsts <= numbers)).all():
                raise DamageError(str(path), "has rows that are about a row that is not there.", REPAIR)
            gold = rows["gold"].to_list() if "gold" in rows.columns else ()
            kept[str(language)] = LanguageRows(ids, firsts, gold)
        return kept

    def _draw(
        self, target: EvaluatedTarget, lines: Sequence[Line], half: int | None = None
    ) -> dict[tuple[str, str], Resampled]:
        """Resample the examples of a target, or a half of them, for all evaluations of these lines.

        Evaluations of the same rows are resampled at once, languages of the same pool one after the other.
        """
        measured_by: dict[str, Line] = {}
        for cell in self.plan.cells:
            if cell.target == target.name and line_of(cell) in lines and cell not in self.missing:
                measured_by.setdefault(cell.evaluation, line_of(cell))
        measured = {key: self.per_example(key, target.measure.width) for key in measured_by}
        of_languages = self.pools[target.name]
        name, part = (target.name, 1.0) if half is None else (f"{target.name} {half}", 0.5)
        drawn: dict[tuple[str, str], Resampled] = {}
        for language in by_pool(of_languages, target.languages):
            here = {key: found.pop(language) for key, found in measured.items() if language in found}
            pseudo = {
                key: statistics.pseudo_examples(" ".join(measured_by[key]), name, language, part)
                for key in here
            }
            for key, found in _resampled(target, here, pseudo, of_languages.get(language), half):
                if np.ptp(found.draws) <= statistics.LEAST:  # no answer to these rows would change the score
                    line = " ".join(measured_by[key])
                    draws = target.unknown(found.observed, f"{line} {name} {language}")
                    drawn[key, language] = found._replace(draws=draws, freedom=None)
                else:
                    drawn[key, language] = found
        return drawn

    def assembled(self, drawn: Mapping[tuple[str, str], Resampled]) -> Mapping[tuple[Line, str, str], Sample]:
        """Join the different evaluations of each line, each with the first of the seeds that share it.

        A single evaluation that is that of several seeds, or of no training, stands for every seed.
        """
        samples: dict[tuple[Line, str, str], Sample] = {}
        for (line, name), cells in self.by_place.items():
            target, first = self.target(name), dict[str, Cell]()
            for cell in sorted(cells, key=lambda cell: cell.seed):
                first.setdefault(cell.evaluation, cell)
            for code in target.languages:
                there = [cell for cell in first.values() if (cell.evaluation, code) in drawn]
                if present := [cell for cell in there if cell not in self.missing]:
                    found = [drawn[cell.evaluation, code] for cell in present]
                    chains = {cell.phases[:-1] if target.source else cell.phases for cell in present}
                    samples[line, name, code] = Sample(
                        tuple(cell.seed for cell in present),
                        np.array([one.observed for one in found]),
                        np.column_stack([one.draws for one in found]),
                        self.sources[line],
                        is_fixed=len(first) == 1 and (len(cells) > 1 or not cells[0].phases),
                        chains=len(chains) if any(chains) else None,
                        family_freedom=min(
                            (one.freedom for one in found if one.freedom is not None), default=None
                        ),
                    )
        return samples


def line_of(cell: Cell) -> Line:
    """The line that a cell is part of."""
    return Line(cell.backbone, cell.arm, cell.reference)


@lru_cache(maxsize=1024)
def language(code: str) -> Language:
    """The language of that code; what a user's own task calls a language may be in no table."""
    return by_code().get(code) or Language(code, code, "other", "", None)


def spoken(code: str) -> str:
    """Name a language with its code; one that is in no table by that alone."""
    name = language(code).name
    return name if name == code else f"{name} ({code})"


def languages_by_family(codes: Iterable[str]) -> list[Language]:
    """Languages grouped by family, the families in the order in which they first occur."""
    languages = [language(code) for code in codes]
    families = list(dict.fromkeys(language.family for language in languages))
    return sorted(languages, key=lambda language: families.index(language.family))


def mean_over(
    samples: Mapping[tuple[Line, str, str], Sample], line: Line, target: str, languages: Sequence[str]
) -> Sample | None:
    """The mean of samples over languages; None if nothing is asked for or anything of it is missing."""
    return mean_of([samples.get((line, target, code)) for code in languages])


def _resampled(
    target: EvaluatedTarget,
    measured: Mapping[str, PerExample],
    pseudo: Mapping[str, Array],
    pool: Pool | None,
    half: int | None,
) -> Iterator[tuple[str, Resampled]]:
    """Observed score and draws of each evaluation; rows that the pool does not know have one of their own."""
    metric = target.measure
    for name, keys in by_key((digest(found.rows), key) for key, found in measured.items()).items():
        rows, own = measured[keys[0]].rows, pool
        if own is None or not np.array_equal(rows, np.arange(len(own.units))):
            own = Pool(name, len(rows), np.arange(len(rows)))
        numbers = np.stack([measured[key].statistics for key in keys])
        if half is not None:
            kept, own = own.half(half)
            numbers = numbers[:, kept]
        if numbers.shape[1]:
            weights = _weights(f"{target.name} {own.name}", own.size, own.units.tobytes())
            with_pseudo = metric.is_share or metric.imagined is not None
            beside = np.stack([pseudo[key] for key in keys], axis=1) if with_pseudo else None
            observed = metric.value(numbers.sum(axis=1))
            draws = statistics.resample(numbers, metric.value, weights, beside, metric.imagined)
            size, units = len(own.units), len(np.unique(own.units))
            if units < size:
                centre = draws.mean(axis=0)  # a single text tells nothing of others
                draws = centre + (draws - centre) * (statistics.wider(units, size) if units > 1 else 0.0)
            freedom = statistics.freedom_of(units, size)
            for place, key in enumerate(keys):
                yield key, Resampled(float(observed[place]), draws[:, place], freedom)


@lru_cache(maxsize=1)
def _weights(key: str, size: int, units: bytes) -> Counts:
    """How often each row occurs in each resample; kept for the next language, whose rows are often the same.

    Where a language has few units of a large pool, a resample may have none of its rows; it has each once.
    """
    rows, drawn = np.frombuffer(units, dtype=np.int64), statistics.multiplicities(key, size)
    weights = drawn if np.array_equal(rows, np.arange(size)) else drawn[:, rows]
    empty = weights.max(axis=1, initial=0.0) == 0
    return np.where(empty[:, None], np.float32(1), weights) if empty.any() else weights
