"""All figures of a report: which there are, and in which order."""

from collections.abc import Callable

from xstilts.analysis import over_distances
from xstilts.analysis.findings import Findings
from xstilts.report import axes, charts, panels
from xstilts.report.drawing import CAPTIONS, Chart, Figure


def figures(findings: Findings) -> list[Figure]:
    """Draw all charts of the study, in the order of the page; those with nothing to show are left out."""
    backbones, drawn = findings.results.backbones, list[Figure]()

    def add(name: str, section: str, words: str, chart: Chart | None, backbone: str = "") -> None:
        caption = CAPTIONS[words]
        if backbone and len(backbones) > 1:
            name, caption = f"{name}-{backbone}", f"{backbone}. {caption}"
        if chart is not None:
            drawn.append(Figure(name, section, caption, chart))

    for section, draw in _BY_BACKBONE.items():
        for backbone in backbones:
            add(section, section, section, draw(findings, backbone), backbone)
    for name in over_distances.named(findings.quantities):
        for backbone in backbones:
            found = [one for one in findings.by_distance(backbone) if one.distance == name]
            add(f"distance-{name}", "distances", "distances", axes.over_distance(found), backbone)
    drawn += axes.figures(findings.axes, several=len(backbones) > 1)
    add("truth", "planted", "truth", charts.truth(findings.planted))
    for measure in ("loss", "development"):
        name = f"curves-{measure}"
        add(name, "curves", name, charts.curves(findings.training, measure))
    return drawn


_BY_BACKBONE: dict[str, Callable[[Findings, str], Chart | None]] = {
    "transfer": lambda found, backbone: charts.heat_map(found.maps[backbone]),
    "languages": panels.by_language,
    "gains": panels.gains,
    "gap": lambda found, backbone: charts.gaps(found.effects, backbone, found.results.targets),
    "certainty": lambda found, backbone: panels.measures(found, backbone, "calibration_error"),
    "selective": lambda found, backbone: panels.measures(found, backbone, "selective_accuracy"),
    "layers": lambda found, backbone: charts.layers(found.layers, backbone),
    "distance": lambda found, backbone: charts.planted_distances(found.distances(backbone)),
}
"""The figures that each backbone has, by their section and name."""
