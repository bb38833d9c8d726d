"""All figures of a report: which there are, in which order, and the words below them."""

from collections.abc import Callable

from xstilts.analysis import over_distances
from xstilts.analysis.findings import Findings
from xstilts.report import axes, charts, panels
from xstilts.report.drawing import Chart, Figure


def figures(findings: Findings) -> list[Figure]:
    """Draw all charts of the study, in the order of the page; those with nothing to show are left out."""
    backbones = findings.results.backbones
    drawn: list[Figure] = []

    def add(name: str, section: str, caption: str, backbone: str, chart: Chart | None) -> None:
        if len(backbones) > 1:
            name, caption = f"{name}-{backbone}", f"{backbone}. {caption}"
        if chart is not None:
            drawn.append(Figure(name, section, caption, chart))

    for section, caption, draw in _BY_BACKBONE:
        for backbone in backbones:
            add(section, section, caption, backbone, draw(findings, backbone))
    for name in over_distances.named(findings.quantities):
        for backbone in backbones:
            found = [one for one in findings.by_distance(backbone) if one.distance == name]
            add(f"distance-{name}", "distances", _DISTANCES, backbone, axes.over_distance(found))
    drawn += axes.figures(findings.axes, several=len(backbones) > 1)
    whole = [("truth", "planted", _TRUTH, charts.truth(findings.planted))]
    for measure, caption in _CURVES.items():
        whole.append((f"curves-{measure}", "curves", caption, charts.curves(findings.training, measure)))
    return drawn + [Figure(*parts) for parts in whole if parts[-1] is not None]


_BY_BACKBONE: tuple[tuple[str, str, Callable[[Findings, str], Chart | None]], ...] = (
    (
        "transfer",
        "Differences to none in points, on the mean of the languages without labels, with 95 % intervals; "
        "grey cells are scores. Blue helps, orange hurts, where that is significant after Holm's correction "
        "(bold); other differences have no colour.",
        lambda found, backbone: charts.heat_map(found.maps[backbone]),
    ),
    (
        "languages",
        "Scores by language, grouped by language family, with 95 % intervals. The bars are the references: "
        "whoever answers with the most frequent class, the same model with random weights, and for targets "
        "about images what is shown less of them.",
        lambda found, backbone: panels.by_language(found.results, found.effects, backbone),
    ),
    (
        "gains",
        "Differences to none in points, language by language, grouped by language family, with 95 % "
        "intervals, which are not corrected for the number of languages.",
        lambda found, backbone: panels.gains(found.results, found.effects, backbone),
    ),
    (
        "gap",
        "The source language (open), the mean of all other languages (filled), and the gap between them in "
        "points with its 95 % interval.",
        lambda found, backbone: charts.gaps(found.effects, backbone, found.results.targets),
    ),
    (
        "certainty",
        "The calibration error in every language, in points: how far the confidence of a model lies from the "
        "share of its answers that are right, with 95 % intervals. The lower, the better a model knows what "
        "it does not know. What chance adds is taken off: a calibrated model lies around zero.",
        lambda found, backbone: panels.measures(
            found.results, found.effects, backbone, "calibration_error", found.quantities.certainty.targets
        ),
    ),
    (
        "selective",
        "Accuracy of answers by the share that is given, the surest first: the area under that curve, in "
        "every language, with 95 % intervals. It rewards a model that knows when it errs.",
        lambda found, backbone: panels.measures(
            found.results, found.effects, backbone, "selective_accuracy", found.quantities.certainty.targets
        ),
    ),
    (
        "layers",
        "Retrieval by the layer whose states are compared, mean over languages and seeds; layer 0 are the "
        "embeddings. Without intervals: choosing a layer by this picture is choosing on the test data.",
        lambda found, backbone: charts.layers(found.layers, backbone),
    ),
    (
        "distance",
        "The score without an intermediate task over the planted distance of the language. In the title: the "
        "slope, in points from the nearest possible language to the farthest, with its 95 % interval.",
        lambda found, backbone: charts.planted_distances(found.distances(backbone)),
    ),
)
_DISTANCES = (
    "The languages without labels over their distance to the source language: scores without an intermediate "
    "task, their gap to the source language, and what arms add, with 95 % intervals; below the title the "
    "least-squares slope. Bands and slopes have the chance of language families too."
)
_TRUTH = (
    "Effects of intermediate tasks on targets, grouped by what the lab planted, with 95 % intervals. Seen is "
    "what the heat map shows as significant."
)
_CURVES = {
    "loss": "Training loss over the updates, a line for each phase.",
    "development": "Score on the source language's development data over the updates, a line for each phase.",
}
