"""How trainings went: the curves of phases, and retrieval by the layer whose states are compared."""

import polars as pl

from xstilts.analysis import files
from xstilts.analysis.results import Results
from xstilts.study.phase import Phase

CURVES: dict[str, pl.DataType] = {
    "tasks": pl.String(),
    "phase": pl.String(),
    "update": pl.Int64(),
    "loss": pl.Float64(),
    "development": pl.Float64(),
}


def curves(results: Results) -> pl.DataFrame:
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


def layers(results: Results) -> pl.DataFrame:
    """Average retrieval over languages and seeds in every layer: backbone, target, arm, layer, value."""
    rows = [
        (cell.backbone, cell.target, cell.arm, layer, value)
        for cell in results.plan.cells
        if not cell.reference and cell not in results.missing
        for scores in results.store.scores(cell.evaluation)["languages"].values()
        for layer, value in enumerate(scores.get("layers", ()))
    ]
    text, number = pl.String(), pl.Int64()
    schema = {"backbone": text, "target": text, "arm": text, "layer": number, "value": pl.Float64()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.group_by("backbone", "target", "arm", "layer", maintain_order=True).agg(
        pl.col("value").mean()
    )
