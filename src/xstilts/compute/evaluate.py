"""Evaluation: a model on one task, all its languages in one process."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from xstilts import families, metrics
from xstilts.compute import checkpoint
from xstilts.compute.context import Context, computes_on
from xstilts.compute.data import generator
from xstilts.compute.predict import MINING, decode, default_layer, mine, retrieve
from xstilts.compute.predict import answers as answers_of
from xstilts.compute.rows import MASKED_HEAD, Reader, asked, examples, has_nulls, head_name
from xstilts.errors import BackboneError, DataError
from xstilts.families.certainty import Numbers, certainties
from xstilts.families.gold import gold as right
from xstilts.families.items import Layout
from xstilts.families.text import TextReadout
from xstilts.plain import parse_json
from xstilts.store import checksums, write_json
from xstilts.study.architecture import CORRECT
from xstilts.study.phase import Evaluation, Prompt

STATE = "languages.json"
NOT_ASKED = "Take 'prompted' and 'few-shot' out of `references`."

SCHEMA: dict[str, Any] = {
    "language": pl.String,
    "index": pl.Int32,
    "id": pl.String,
    "cluster": pl.Int32,
    "gold": pl.String,
    "predicted": pl.String,
    "statistics": pl.List(pl.Float64),
    "doubt": pl.List(pl.Float32),
    "brier": pl.List(pl.Float32),
}
"""Columns of predictions.parquet: `cluster` is the first row about the same text, `gold` and `predicted` are
JSON, `statistics` the metric's numbers; `doubt` and `brier` of each decision are those of
xstilts.families.certainty. Files of earlier releases have not these two."""


@dataclass(frozen=True)
class LanguageAnswers:
    """What is predicted for the rows of a language, and by every layer if asked; what else was found out.

    `doubts` and `briers` say how sure the model is of each decision (families/certainty.py), if it says so.
    """

    predicted: list[Any]
    layers: list[list[Any]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    doubts: Numbers | None = None
    briers: Numbers | None = None


Answers = Callable[[str, Sequence[Any]], LanguageAnswers]
"""From a language and its rows to the answer."""


def evaluate(evaluation: Evaluation, context: Context) -> dict[str, Any]:
    """Predict and score every language; writes scores.json and predictions.parquet into `context.folder`.

    A killed evaluation goes on with the languages that were not kept yet; they are kept in `context.running`
    every `context.save_seconds`.
    """
    rows_of = _Rows(evaluation, context)
    answers = _answers(evaluation, context, rows_of)
    metric = context.places.metric(evaluation.use, evaluation.metric)
    finished = Finished.of(context)
    if evaluation.model is not None and (computer := computes_on()) not in finished.computed_on:
        finished.computed_on.append(computer)
    for language in evaluation.use.languages:
        if language in finished.scores:
            continue
        rows = rows_of(language)
        answer = answers(language, rows)
        gold, ids, clusters = right(evaluation.use.family, evaluation.metric, rows)
        statistics = metric.statistics(gold, answer.predicted, language)
        sums = statistics.sum(axis=0)
        scores = {"n": len(gold), "value": float(metric.value(sums)), "sums": sums.tolist()} | answer.facts
        scores["beside"] = {
            name: metrics.find(name, evaluation.use.label_set).score(gold, answer.predicted, language)
            for name in metrics.beside(metric.name)
        }
        if answer.layers:
            scores["layers"] = [metric.score(gold, layer, language) for layer in answer.layers]
        columns = {
            "language": [language] * len(gold),
            "index": range(len(gold)),
            "id": ids,
            "cluster": clusters,
            "gold": [_json(value) for value in gold],
            "predicted": [_json(value) for value in answer.predicted],
            "statistics": statistics.tolist(),
            "doubt": answer.doubts or [[]] * len(gold),
            "brier": answer.briers or [[]] * len(gold),
        }
        finished.add(language, scores, pl.DataFrame(columns, schema=SCHEMA))
        context.report({"kind": "evaluate", "language": language, "value": scores["value"]})
    told = {"task": evaluation.use.task, "metric": metric.name, "unit": metric.unit}
    content = json.dumps(told | {"languages": finished.scores}, indent=1, sort_keys=True)
    (context.folder / "scores.json").write_text(content + "\n")
    tables = [finished.predictions[language] for language in evaluation.use.languages]
    pl.concat(tables).write_parquet(
        context.folder / "predictions.parquet", compression="zstd", statistics=False
    )
    found = {"examples": sum(entry["n"] for entry in finished.scores.values())}
    return found | ({"computed_on": finished.computed_on} if finished.computed_on else {})


@dataclass
class _Rows:
    """The evaluated rows of a language; those of the source language stay: others are compared with it."""

    evaluation: Evaluation
    context: Context
    kept: Sequence[Any] | None = None

    @property
    def source(self) -> str:
        """The language of the training labels, if it is evaluated."""
        trained = self.evaluation.trained_by
        source = trained.languages[0] if trained else ""
        return source if source in self.evaluation.use.languages else ""

    def __call__(self, language: str) -> Sequence[Any]:
        if language == self.source and self.kept is not None:
            return self.kept
        rows = asked(self.context.examples(self.evaluation.use, language), self.evaluation.examples)
        self.kept = rows if language == self.source else self.kept
        return rows


def _answers(evaluation: Evaluation, context: Context, rows_of: _Rows) -> Answers:
    """The function that answers: the majority reference's, retrieval's, or that of a trained head."""
    family = families.find(evaluation.use.family)
    if evaluation.model is None:
        trained_by = evaluation.trained_by
        training = list(examples(trained_by, context, seed=0)) if trained_by is not None else []
        if evaluation.metric == MINING:
            return lambda language, rows: LanguageAnswers([()] * len(rows[0].source))
        return lambda language, rows: LanguageAnswers(family.majority(training, rows))
    inference = evaluation.inference
    assert inference is not None
    torch.set_num_threads(inference.threads)
    model = checkpoint.load(context.checkpoint(evaluation.model))
    model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    now = CORRECT if evaluation.prompt is None else NOT_ASKED
    model.check_able(evaluation.use, inference.readout, inference.attention, now)
    model.attend(inference.attention)
    layout = Layout(
        labels=evaluation.use.label_set,
        max_length=inference.max_length,
        stride=inference.stride,
        nulls=has_nulls(evaluation.metric),
    )
    reader = Reader(context, model, model.layout(layout, inference.readout))
    if not evaluation.use.kind.trained:
        return _translations(evaluation, reader)
    readers = dict.fromkeys(evaluation.use.languages, reader)
    if evaluation.prompt is not None:
        layouts = prompted(evaluation, evaluation.prompt, reader)
        head, readers = MASKED_HEAD, {code: replace(reader, layout=one) for code, one in layouts.items()}
    else:
        assert evaluation.trained_by is not None
        head = head_name(evaluation.trained_by, inference.readout)

    @cache
    def source_tokens() -> NDArray[np.int32] | None:
        """The tokens that occur in the evaluated rows of the source language; None if there are none."""
        if not rows_of.source:
            return None
        source = rows_of.source
        return np.unique(
            readers[source].asked(rows_of(source), evaluation.use, source, evaluation.examples).encoded.tokens
        )

    def predictions(language: str, rows: Sequence[Any]) -> LanguageAnswers:
        reader = readers[language]
        prepared = reader.asked(rows, evaluation.use, language, evaluation.examples)
        asked_alone = evaluation.prompt is not None
        found = answers_of(model, head, prepared, inference.precision, one_line=asked_alone)
        readout = families.read_out(prepared.family, reader.layout)
        doubts, briers = certainties(readout, prepared.examples, prepared.items, found, reader.layout)
        shots = len(reader.layout.shots) * (len(prepared.encoded.token_at) - 1)
        facts = {"tokens": len(prepared.encoded.tokens) - shots}
        if prepared.family == "tagging":
            facts["words"] = sum(len(row.tokens) for row in rows)
        if (own := source_tokens()) is not None:
            facts["shared"] = int(np.isin(prepared.encoded.tokens, own).sum())
        return LanguageAnswers(decode(prepared, found), facts=facts, doubts=doubts, briers=briers)

    return predictions


def prompted(evaluation: Evaluation, prompt: Prompt, reader: Reader) -> dict[str, Layout]:
    """The layout of a model that is asked in words, by language, with the shots that its seed draws before
    every question and in its words.

    Raises BackboneError if the model has no language head, or no room for the shots; DataError if there are
    too few rows for them.
    """
    context, model, layout = reader.context, reader.model, reader.layout
    where = f"the {model.encoder.config.model_type} model"
    if MASKED_HEAD not in model.heads:
        what = "has no language head, so it cannot be asked before it is trained."
        raise BackboneError(where, what, NOT_ASKED)
    languages = evaluation.use.languages
    wordings = prompt.wordings or (None,) * len(languages)
    layouts = {wording: replace(layout, wording=wording) for wording in wordings}
    by_language = dict(zip(languages, wordings, strict=True))
    if prompt.use is None:
        return {code: layouts[wording] for code, wording in by_language.items()}
    rows = list(examples(prompt.use.changed(examples=prompt.shots), context, prompt.seed))
    if len(rows) < prompt.shots:
        what = f"needs {prompt.shots} training rows of {prompt.use.task} as shots; there are {len(rows)}."
        raise DataError(context.step.name, what, "Lower `shots`.")
    order = generator("shots", prompt.seed, prompt.use.task).permutation(len(rows))
    family = families.read_out(evaluation.use.family, layout)
    assert isinstance(family, TextReadout)
    longest = model.known_length
    for wording, worded in layouts.items():
        shots = family.shots([rows[row] for row in order], model.tokenizer, worded)
        if longest is not None and len(shots) + layout.max_length > longest:
            told = f"{len(rows)} shots of {evaluation.use.task} take {len(shots)}"
            what = f"reads up to {longest} tokens at once; {told}, a question up to {layout.max_length}."
            raise BackboneError(where, what, "Lower `shots`, or `max_length` in the recipe.")
        layouts[wording] = replace(worded, shots=shots)
    return {code: layouts[wording] for code, wording in by_language.items()}


def _translations(evaluation: Evaluation, reader: Reader) -> Answers:
    """Retrieval: the nearest row of each sentence, or pairs that are mined; by every layer."""
    inference, thresholds = evaluation.inference, evaluation.thresholds
    assert inference is not None
    precision = inference.precision

    def translations(language: str, rows: Sequence[Any]) -> LanguageAnswers:
        sentences = reader.asked(rows, evaluation.use, language)
        if evaluation.metric == MINING:
            assert thresholds is not None, "a plan gives every mining evaluation the rows for its threshold"
            development = sentences
            if thresholds != evaluation.use:
                known = reader.context.examples(thresholds, language)
                development = reader.asked(known, thresholds, language)
            layers, chosen = mine(reader.model, sentences, development, precision, reader.context.folder)
        else:
            layers, chosen = retrieve(reader.model, sentences, precision), []
        layer = default_layer(len(layers) - 1) if inference.layer is None else inference.layer
        if layer >= len(layers):
            what = f"has {len(layers) - 1} layers, so there is no layer {layer}."
            raise BackboneError(f"the model of {evaluation.name}", what, "Correct `layer` in the recipe.")
        if thresholds is None:
            return LanguageAnswers(layers[layer], layers)
        facts = {"threshold": chosen[layer], "threshold_split": thresholds.split}
        return LanguageAnswers(layers[layer], layers, facts)

    return translations


def _json(value: Any) -> str:
    """Gold and predicted values as JSON; the answers of a question as their texts."""
    if isinstance(value, tuple) and value and hasattr(value[0], "text"):
        value = [answer.text for answer in value]
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Finished:
    """Scores and predictions by language, in the order in which they came."""

    folder: Path
    save_seconds: float
    scores: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, pl.DataFrame] = field(default_factory=dict)
    computed_on: list[dict[str, Any]] = field(default_factory=list)
    """The kinds of computers that have computed some, as `record.computes_on` tells them."""

    def __post_init__(self) -> None:
        self._saved = time.monotonic()

    @classmethod
    def of(cls, context: Context) -> "Finished":
        """What an interrupted run had kept; nothing if it is damaged, of an earlier release, or not there."""
        finished = cls(context.running, context.save_seconds)
        try:
            state = parse_json((finished.folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return finished
        whole = not checksums.broken(state) and checksums.SEAL in state
        if whole and all(set(one) == set(SCHEMA) for one in state["predictions"].values()):
            finished.scores = state["scores"]
            rows = state["predictions"].items()
            finished.predictions = {language: pl.DataFrame(one, schema=SCHEMA) for language, one in rows}
            finished.computed_on = state.get("computed_on", [])
        return finished

    def add(self, language: str, scores: dict[str, Any], predictions: pl.DataFrame) -> None:
        """One more; all are kept if the last time was long ago."""
        self.scores[language], self.predictions[language] = scores, predictions
        if time.monotonic() - self._saved < self.save_seconds:
            return
        rows = {name: one.to_dict(as_series=False) for name, one in self.predictions.items()}
        state = {"scores": self.scores, "predictions": rows, "computed_on": self.computed_on}
        write_json(self.folder / STATE, checksums.sealed(state))
        self._saved = time.monotonic()
