"""Evaluation: a model on one task, all its languages in one process."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from xstilts import families, metrics
from xstilts.compute import checkpoint
from xstilts.compute.context import Context
from xstilts.compute.finished import SCHEMA, Finished
from xstilts.compute.mining import MINING, mine
from xstilts.compute.model import Model
from xstilts.compute.predict import answers as answers_of
from xstilts.compute.predict import decode, default_layer, retrieve
from xstilts.compute.record import computes_on
from xstilts.compute.rows import asked, examples, has_nulls, head_name, prepare_once
from xstilts.data.examples import Bitext, subject
from xstilts.errors import BackboneError
from xstilts.families.certainty import Numbers, certainties
from xstilts.families.items import Layout
from xstilts.metrics.mining import gold_rows
from xstilts.study.phase import Evaluation


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
    metric = metrics.find(evaluation.metric)
    finished = Finished.of(context)
    if evaluation.model is not None and (computer := computes_on()) not in finished.computed_on:
        finished.computed_on.append(computer)
    for language in evaluation.use.languages:
        if language in finished.scores:
            continue
        rows = rows_of(language)
        answer = answers(language, rows)
        gold, ids = _gold(evaluation, rows)
        statistics = metric.statistics(gold, answer.predicted, language)
        sums = statistics.sum(axis=0)
        scores = {"n": len(gold), "value": float(metric.value(sums)), "sums": sums.tolist()} | answer.facts
        scores["beside"] = {
            name: _value(name, gold, answer.predicted, language) for name in metrics.beside(evaluation.metric)
        }
        if answer.layers:
            scores["layers"] = [_value(metric.name, gold, layer, language) for layer in answer.layers]
        columns = {
            "language": [language] * len(gold),
            "index": range(len(gold)),
            "id": ids,
            "cluster": _clusters(rows, len(gold)),
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
    model.check_able(evaluation.use, inference.readout, inference.attention)
    model.attend(inference.attention)
    layout = Layout(
        labels=evaluation.use.label_set,
        max_length=inference.max_length,
        stride=inference.stride,
        nulls=has_nulls(evaluation.metric),
    )
    layout = model.layout(layout, inference.readout)
    if evaluation.use.family == "retrieval":
        return _translations(evaluation, context, model, layout)
    assert evaluation.trained_by is not None
    head = head_name(evaluation.trained_by, inference.readout)

    @cache
    def source_tokens() -> NDArray[np.int32] | None:
        """The tokens that occur in the evaluated rows of the source language; None if there are none."""
        if not rows_of.source:
            return None
        chosen = evaluation.use, rows_of.source, evaluation.examples
        return np.unique(
            prepare_once(rows_of(rows_of.source), *chosen, context, model, layout).encoded.tokens
        )

    def predictions(language: str, rows: Sequence[Any]) -> LanguageAnswers:
        chosen = evaluation.use, language, evaluation.examples
        prepared = prepare_once(rows, *chosen, context, model, layout)
        found = answers_of(model, head, prepared, inference.precision)
        readout = families.read_out(prepared.family, layout)
        doubts, briers = certainties(readout, prepared.examples, prepared.items, found, layout)
        facts = {"tokens": len(prepared.encoded.tokens)}
        if prepared.family == "tagging":
            facts["words"] = sum(len(row.tokens) for row in rows)
        if (own := source_tokens()) is not None:
            facts["shared"] = int(np.isin(prepared.encoded.tokens, own).sum())
        return LanguageAnswers(decode(prepared, found), facts=facts, doubts=doubts, briers=briers)

    return predictions


def _translations(evaluation: Evaluation, context: Context, model: Model, layout: Layout) -> Answers:
    """Retrieval: the nearest row of each sentence, or pairs that are mined; by every layer."""
    inference, thresholds = evaluation.inference, evaluation.thresholds
    assert inference is not None
    precision = inference.precision

    def translations(language: str, rows: Sequence[Any]) -> LanguageAnswers:
        sentences = prepare_once(rows, evaluation.use, language, None, context, model, layout)
        if evaluation.metric == MINING:
            assert thresholds is not None, "a plan gives every mining evaluation the rows for its threshold"
            development = sentences
            if thresholds != evaluation.use:
                known = context.examples(thresholds, language)
                development = prepare_once(known, thresholds, language, None, context, model, layout)
            layers, chosen = mine(model, sentences, development, precision, context.folder)
        else:
            layers, chosen = retrieve(model, sentences, precision), []
        layer = default_layer(len(layers) - 1) if inference.layer is None else inference.layer
        if layer >= len(layers):
            what = f"has {len(layers) - 1} layers, so there is no layer {layer}."
            raise BackboneError(f"the model of {evaluation.name}", what, "Correct `layer` in the recipe.")
        if thresholds is None:
            return LanguageAnswers(layers[layer], layers)
        facts = {"threshold": chosen[layer], "threshold_split": thresholds.split}
        return LanguageAnswers(layers[layer], layers, facts)

    return translations


def _gold(evaluation: Evaluation, rows: Sequence[Any]) -> tuple[list[Any], list[str]]:
    """Gold values and ids. Of sentences that are retrieved, which have other numbers in other languages, the
    ids are those of the source language's, or these sentences themselves."""
    family = families.find(evaluation.use.family)
    if evaluation.use.family == "retrieval":
        bitext: Bitext = rows[0]
        if evaluation.metric == MINING:
            gold: list[Any] = gold_rows(bitext)
            return gold, [str(row) for row in range(len(gold))]
        return family.gold(bitext), list(bitext.target_ids or bitext.target)
    return [family.gold(row) for row in rows], [row.id or str(number) for number, row in enumerate(rows)]


def _clusters(rows: Sequence[Any], n: int) -> list[int]:
    """For each row the first about the same text; sentences that are retrieved stand for themselves."""
    if len(rows) != n:
        return list(range(n))
    firsts: dict[object, int] = {}
    subjects = ((row, subject(example)) for row, example in enumerate(rows))
    return [row if about is None else firsts.setdefault(about, row) for row, about in subjects]


def _value(name: str, gold: Sequence[Any], predicted: Sequence[Any], language: str) -> float:
    metric = metrics.find(name)
    return float(metric.value(metric.statistics(gold, predicted, language).sum(axis=0)))


def _json(value: Any) -> str:
    """Gold and predicted values as JSON; the answers of a question as their texts."""
    if isinstance(value, tuple) and value and hasattr(value[0], "text"):
        value = [answer.text for answer in value]
    return json.dumps(value, ensure_ascii=False)
