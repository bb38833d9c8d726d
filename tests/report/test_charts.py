"""Charts are valid, show what is there, and draw what is missing as missing."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from scipy.special import ndtri

from xstilts.analysis.collapse import Collapses
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import EvaluatedTarget, Line, Results
from xstilts.analysis.statistics import Sample
from xstilts.report import charts, drawing, tables

BACKBONE = "lab-mini"


@pytest.fixture(scope="module")
def findings(world):
    return Findings(world.results)


@pytest.fixture(scope="module")
def torn(torn_world):
    return Findings(torn_world.results)


def drawn(found):
    return {
        "transfer": charts.heat_map(found.maps.get(BACKBONE, ())),
        "languages": charts.by_language(found, BACKBONE),
        "gap": charts.gaps(found.effects, BACKBONE, found.results.targets),
        "distance": charts.planted_distances(found.distances(BACKBONE)),
        "layers": charts.layers(found.layers, BACKBONE),
        "truth": charts.truth(found.planted),
        "loss": charts.curves(found.training, "loss"),
        "development": charts.curves(found.training, "development"),
    }


def test_all_charts_are_valid_vega_lite(torn):
    for chart in drawn(torn).values():
        chart.to_dict(validate=True)


@pytest.fixture(scope="module")
def svgs(findings):
    return {name: drawing.svg(chart) for name, chart in drawn(findings).items()}


def test_charts_become_svg_that_loads_nothing(svgs):
    for svg in svgs.values():
        assert svg.startswith("<svg")
        assert not re.search(r'<script|<image|href="(?!#)|url\((?!#)', svg)


def test_ids_of_two_charts_differ(svgs):
    ids = [name for svg in svgs.values() for name in set(re.findall(r'\bid="([^"]*)"', svg))]
    assert len(ids) == len(set(ids))


def test_drawing_twice_gives_the_same(findings, svgs):
    assert drawing.svg(charts.heat_map(findings.maps[BACKBONE])) == svgs["transfer"]


def test_charts_become_pdf(findings):
    chart = charts.heat_map(findings.maps[BACKBONE])
    assert drawing.pdf(chart).startswith(b"%PDF")


def test_the_heat_map_has_effects_scores_and_the_mean(findings):
    cells = {(cell.row, cell.column): cell for cell in findings.maps[BACKBONE]}
    assert cells["none", "lab_nli"].kind == "score"
    assert cells["nli", "lab_nli"].kind == "effect"
    assert cells["nli", "lab_nli"].strong
    assert not cells["nli", "lab_ner"].strong
    assert cells["tags", "lab_tatoeba"].text.startswith("−")
    assert ("majority class", "mean") in cells
    assert ("random weights", "mean") in cells


def test_only_what_is_significant_is_filled(svgs):
    """On dark paper a pale fill would be the brightest: there are no pale fills, only thin ones."""
    marks = re.findall(
        r'<path class="told"([^>]*)><title>([^<]* points against none[^<]*)</title>', svgs["transfer"]
    )
    fills = {told.split(" · ")[0]: re.findall(r'fill="([^"]*)"', mark) for mark, told in marks}
    assert fills["nli on lab_nli"] == [drawing.HELP]
    assert fills["tags on lab_tatoeba"] == [drawing.HARM]
    assert fills["nli on lab_ner"] in ([], ["none"], ["transparent"])
    opacity = {told.split(" · ")[0]: re.search(r'fill-opacity="([\d.]+)"', mark) for mark, told in marks}
    assert float(opacity["nli on lab_nli"][1]) > float(opacity["nli on mean"][1]) > 0.15


def test_missing_cells_are_drawn_as_missing(torn):
    cells = {(cell.row, cell.column): cell for cell in torn.maps[BACKBONE]}
    assert cells["nli", "lab_ner"].kind == "missing"
    assert cells["nli", "mean"].kind == "missing"
    svg = drawing.svg(charts.heat_map(torn.maps[BACKBONE]))
    assert svg.count(">missing<") == 4
    assert "missing: nli" in drawing.svg(charts.by_language(torn, BACKBONE))


def test_without_none_the_map_has_scores(world):
    kept = tuple(cell for cell in world.plan.cells if cell.arm != "none")
    cells = Findings.of(replace(world.plan, cells=kept), world.store).maps[BACKBONE]
    assert {cell.kind for cell in cells} == {"score"}


class Told(Results):
    """Four arms on each of some backbones, of which the first has an effect of 2.62 standard errors."""

    def __init__(self, backbones):
        lines = tuple(Line(backbone, arm) for backbone in backbones for arm in ("none", "a", "b", "c", "d"))
        errors = ndtri((np.arange(2000) + 0.5) / 2000)[:, None]
        values = {"none": 0 * errors, "a": 2.62 + errors}
        self.plan, self.store = SimpleNamespace(cells=(None,)), None
        self.__dict__["lines"] = lines
        self.__dict__["targets"] = (EvaluatedTarget("t", "classification", "accuracy", ("en", "de"), "en"),)
        self.__dict__["planned"] = frozenset((line, "t") for line in lines)
        draws = {line: values.get(line.arm, errors) for line in lines}
        samples = {
            (line, "t", "de"): Sample((1,), found.mean(axis=0), found) for line, found in draws.items()
        }
        self.__dict__["_samples"] = samples


def test_what_is_said_of_all_backbones_is_corrected_together(monkeypatch):
    """By Holm p = .0088 holds among four differences (.035) and not among sixteen (.14)."""
    monkeypatch.setattr(Findings, "collapses", Collapses())
    alone, four = (Findings(Told(names)) for names in (("one",), ("one", "two", "three", "four")))
    assert [cell.row for cell in alone.maps["one"] if cell.strong] == ["a"]
    assert alone.answer.startswith("Of 4 pairs of an intermediate arm and a target, 1 helps")
    assert not any(cell.strong for cell in four.maps["one"])
    assert four.answer.startswith("Of 16 pairs of an intermediate arm and a target, 0 help,")


def test_planted_and_measured_effects_stand_side_by_side(torn):
    pairs = {(pair.arm, pair.target): pair for pair in torn.planted}
    assert pairs["nli", "lab_nli"].planted == "help"
    assert pairs["nli", "lab_nli"].outcome == "as planted"
    assert pairs["tags", "lab_tatoeba"].outcome == "as planted"
    assert pairs["nli", "lab_tatoeba"].outcome == "as planted"  # nothing planted, nothing seen
    assert pairs["nli", "lab_ner"].outcome == "missing"


def test_the_distance_is_taken_apart(findings):
    grid = tables.distance_grid(findings.parts_of_distance)
    assert "distance" in grid.columns
    assert grid.rows[0][0] == "Lab English (x-en)"
    assert len(grid.rows) == 8


def test_contradictions_are_called_so(findings):
    helped = next(pair for pair in findings.planted if pair.arm == "nli" and pair.planted == "help")
    assert replace(helped, planted="none").outcome == "against the plan"
    assert replace(helped, planted="harm").outcome == "against the plan"


def test_only_some_arms_fit_into_a_row(findings, monkeypatch):
    monkeypatch.setattr(charts, "SHOWN_ARMS", 2)
    shown = charts.shown_arms(findings, BACKBONE)
    assert [line.arm for line in shown] == ["none", "nli"]
    captions = {figure.name: figure.caption for figure in charts.figures(findings)}
    said = "Of 3 arms the 2 that change scores most are drawn; the table has all."
    assert captions["languages"].endswith(said) and captions["gains"].endswith(said)
    assert "are drawn" not in captions["transfer"]


def test_a_study_without_results_has_no_charts(world):
    empty = Findings(Results(replace(world.plan, cells=(), steps=()), world.store))
    assert [chart for chart in drawn(empty).values() if chart is not None] == []


def test_many_training_curves_are_thinned_to_their_ends():
    """A study of many phases of one task has more points than anybody sees."""
    points = [
        {"phase": str(phase), "update": update, "value": 1.0 / update}
        for phase in range(60)
        for update in range(1, 102)
    ]
    rows = pl.DataFrame(points)
    chart = charts._curve_panel("task", rows)
    assert len(chart.data) <= charts.CURVE_POINTS < len(rows)
    assert set(chart.data.group_by("phase").max()["update"]) == {101}
    assert "<svg" in drawing.svg(chart)
    whole = charts._curve_panel("task", rows[:101]).data
    assert len(whole) == 101


def test_arms_look_different():
    """Colours come again after six arms, shapes after six: both together after thirty-six."""
    assert len({drawing.arm_look(place) for place in range(36)}) == 36
