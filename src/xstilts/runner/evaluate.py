"""Evaluation: a model on one task, all its languages in one process."""

import json
from collections.abc import Sequence
from typing import Any

import polars as pl
import torch

from xstilts import families, metrics
from xstilts.errors import BackboneError
from xstilts.families.examples import Bitext
from xstilts.families.items import Layout
from xstilts.runner import model as models
from xstilts.runner.context import Context
from xstilts.runner.predict import default_layer, predict, retrieve
from xstilts.runner.rows import examples, has_nulls, head_name, prepare
from xstilts.study.phase import Evaluation

SCHEMA: dict[str, Any] = {
    "language": pl.String,
    "index": pl.Int32,
    "id": pl.String,
    "gold": pl.String,
    "predicted": pl.String,
    "statistics": pl.List(pl.Float64),
}
"""Columns of predictions.parquet; `gold` and `predicted` are JSON, `statistics` the metric's numbers."""


def evaluate(evaluation: Evaluation, context: Context) -> dict[str, Any]:
    """Predict and score every language; writes scores.json and predictions.parquet into `context.folder`."""
    answers = _answers(evaluation, context)
    metric = metrics.find(evaluation.metric)
    languages: dict[str, Any] = {}
    tables = []
    for language in evaluation.use.languages:
        rows = context.examples(evaluation.use, language)
        predicted, layers = answers(rows)
        gold, ids = _gold(evaluation.use.family, rows)
        statistics = metric.statistics(gold, predicted, language)
        sums = statistics.sum(axis=0)
        languages[language] = {"n": len(gold), "value": float(metric.value(sums)), "sums": sums.tolist()}
        languages[language]["beside"] = {
            name: _value(name, gold, predicted, language) for name in metrics.beside(evaluation.metric)
        }
        if layers:
            languages[language]["layers"] = [_value(metric.name, gold, layer, language) for layer in layers]
        tables.append(
            pl.DataFrame(
                {
                    "language": [language] * len(gold),
                    "index": range(len(gold)),
                    "id": ids,
                    "gold": [_json(value) for value in gold],
                    "predicted": [_json(value) for value in predicted],
                    "statistics": statistics.tolist(),
                },
                schema=SCHEMA,
            )
        )
        context.report({"kind": "evaluate", "language": language, "value": languages[language]["value"]})
    scores = {"task": evaluation.use.task, "metric": metric.name, "unit": metric.unit, "languages": languages}
    (context.folder / "scores.json").write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n")
    pl.concat(tables).write_parquet(
        context.folder / "predictions.parquet", compression="zstd", statistics=False
    )
    return {"examples": sum(entry["n"] for entry in languages.values())}


def _answers(evaluation: Evaluation, context: Context) -> Any:
    """A function from rows to (predictions, predictions of every layer or nothing)."""
    family = families.find(evaluation.use.family)
    if evaluation.model is None:
        trained_by = evaluation.trained_by
        training = examples(trained_by, context, seed=0) if trained_by is not None else []
        return lambda rows: (family.majority(training, rows), [])
    inference = evaluation.inference
    assert inference is not None
    model = models.load(context.checkpoint(evaluation.model))
    model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    layout = Layout(
        labels=evaluation.use.label_set,
        max_length=inference.max_length,
        stride=inference.stride,
        nulls=has_nulls(evaluation.metric),
    )
    if evaluation.use.family == "retrieval":

        def translations(rows: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
            layers = retrieve(model, rows[0], layout, inference.precision)
            layer = default_layer(len(layers) - 1) if inference.layer is None else inference.layer
            if layer >= len(layers):
                what = f"has {len(layers) - 1} layers, so there is no layer {layer}."
                raise BackboneError(f"the model of {evaluation.name}", what, "Correct `layer` in the recipe.")
            return layers[layer], layers

        return translations
    assert evaluation.trained_by is not None
    head = head_name(evaluation.trained_by)

    def predictions(rows: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        prepared = prepare(rows, family.name, model.tokenizer, layout)
        return predict(model, head, prepared, inference.precision), []

    return predictions


def _gold(family_name: str, rows: Sequence[Any]) -> tuple[list[Any], list[str]]:
    family = families.find(family_name)
    if family_name == "retrieval":
        bitext: Bitext = rows[0]
        gold: list[Any] = family.gold(bitext)
        return gold, [str(row) for row in range(len(gold))]
    return [family.gold(row) for row in rows], [row.id or str(number) for number, row in enumerate(rows)]


def _value(name: str, gold: Sequence[Any], predicted: Sequence[Any], language: str) -> float:
    metric = metrics.find(name)
    return float(metric.value(metric.statistics(gold, predicted, language).sum(axis=0)))


def _json(value: Any) -> str:
    """Gold and predicted values as JSON; the answers of a question as their texts."""
    if isinstance(value, tuple) and value and hasattr(value[0], "text"):
        value = [answer.text for answer in value]
    return json.dumps(value, ensure_ascii=False)
