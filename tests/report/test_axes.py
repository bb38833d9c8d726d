"""Charts over axes are valid, show every arm, and say which curve fits better."""

import re
from dataclasses import replace

import pytest

from analysis.numbered import AXES, MIXED, SHARE, SIZE, SIZES
from xstilts.analysis import statistics
from xstilts.analysis.curves import AxisPanel, by_family, over_axis
from xstilts.analysis.effects import Effects
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Results
from xstilts.report import axes, drawing, page
from xstilts.report.drawing import PALETTE
from xstilts.study.study import Axis

BACKBONE = "lab-mini"
TASKS = Axis(name="tasks", arms={"n125": 1, "n250": 1, "n500": 1, "n1000": 2, "n2000": 2, "n8000": 5})


@pytest.fixture(scope="module")
def effects(numbered_world):
    return Effects(numbered_world.results)


@pytest.fixture(scope="module")
def torn(numbered_world):
    cells = tuple(cell for cell in numbered_world.plan.cells if cell.arm not in ("n500", "g10"))
    return Effects(Results(replace(numbered_world.plan, cells=cells), numbered_world.store))


@pytest.fixture(scope="module")
def small(numbered_world):
    """One target alone."""
    cells = tuple(cell for cell in numbered_world.plan.cells if cell.target == "lab_tatoeba")
    return replace(numbered_world.plan, cells=cells)


@pytest.fixture(scope="module")
def drawn(effects):
    return {
        "size": axes.draw(over_axis(effects, SIZE, BACKBONE)),
        "share": axes.draw(over_axis(effects, SHARE, BACKBONE)),
        "tasks": axes.draw(over_axis(effects, TASKS, BACKBONE)),
        "families": axes.draw(by_family(effects, SHARE, BACKBONE)),
    }


@pytest.fixture(scope="module")
def svgs(drawn):
    return {name: drawing.svg(chart) for name, chart in drawn.items()}


def titles(svg):
    return [title.split(" · ") for title in re.findall(r"<title>([^<]*)</title>", svg)]


def points(chart, layer):
    """The rows behind a layer of the first panel."""
    found = chart.to_dict(validate=False)
    return found["datasets"][found["concat"][0]["layer"][layer]["data"]["name"]]


def test_charts_are_valid_vega_lite(drawn):
    for chart in drawn.values():
        chart.to_dict(validate=True)


def test_charts_load_nothing_and_are_the_same_twice(effects, svgs):
    for svg in svgs.values():
        assert not re.search(r'<script|<image|href="(?!#)|url\((?!#)', svg)
    assert drawing.svg(axes.draw(over_axis(effects, SHARE, BACKBONE))) == svgs["share"]


def test_every_arm_stands_over_its_number(svgs):
    """In three targets, of which two have a source language."""
    told = titles(svgs["size"])
    assert len(told) == 5 * len(SIZES)
    assert sum("source language" in words[1] for words in told) == 2 * len(SIZES)
    assert told[0][0] == "n125 (125) on lab_nli"
    assert re.fullmatch(r"languages without labels \d+\.\d \[\d+\.\d, \d+\.\d\]", told[0][1])
    assert told[0][2] == "3 seeds"


def test_an_arm_without_a_group_is_on_every_curve(svgs):
    told = [words for words in titles(svgs["share"]) if words[0] == "english (0) on lab_tatoeba"]
    assert [words[1].split(" ")[:2] for words in told] == [["Lab", "G"], ["Lab", "S"]]


def test_which_curve_fits_is_said_after_a_correction_for_all_of_them(numbered_world):
    """Ten panels of which each errs in one case of twenty would say it of one in two reports."""
    found = Findings.of(numbered_world.plan, numbered_world.store)
    alone = over_axis(found.quantities, SIZE, BACKBONE)
    together = next(figure.rows for figure in found.axes if figure.axis == SIZE)
    one, other = (
        [line.advantage for row in rows for panel in row for line in panel.lines]
        for rows in (alone, together)
    )
    assert len(one) == 3
    assert [each.probability for each in other] == statistics.holm([each.probability for each in one])
    assert [replace(each, probability=0.0) for each in other] == [
        replace(each, probability=0.0) for each in one
    ]
    borderline = replace(one[0], low=0.1, value=2.0, high=4.0, probability=0.04)
    assert "predicts better" in axes._better(borderline)
    assert "not told apart" in axes._better(replace(borderline, probability=0.12))


def test_arms_with_the_same_number_stand_side_by_side(drawn):
    found = [row for row in points(drawn["tasks"], -1) if not row["source"]]
    places = [row["x"] for row in found]
    assert len(set(places)) == len(TASKS.arms)
    for row, value in zip(found, TASKS.arms.values(), strict=True):
        assert abs(row["x"] - value) < 0.5


def test_the_curves_and_their_comparison_are_told(svgs):
    svg = svgs["size"]
    assert ">logarithm<" in svg
    assert ">power law<" in svg
    assert re.search(r">power law predicts better by \d\.\d \[\d\.\d, \d+\.\d\]<", svg)
    assert len(re.findall(r">[+−]\d\.\d \[[^]]*\] per doubling<", svg)) == 3
    assert "per unit" in svgs["tasks"]
    assert ">straight line<" in svgs["tasks"]
    assert "power law" not in svgs["share"]


def test_groups_have_a_colour_and_a_shape(drawn):
    encoded = drawn["share"].to_dict(validate=False)["concat"][0]["layer"][-1]["encoding"]
    assert encoded["color"]["scale"] == {"domain": ["Lab G", "Lab S"], "range": list(PALETTE[:2])}
    assert encoded["shape"]["scale"]["range"] == ["circle", "square"]


def test_more_lines_than_colours_differ_in_shape():
    panel = AxisPanel(SHARE, None, (), tuple(map(str, range(30))))
    colour, shape = (one.to_dict()["scale"]["range"] for one in axes._looks(panel))
    assert len(set(zip(colour, shape, strict=True))) == 30


def test_the_arm_none_is_a_rule(effects, svgs):
    assert svgs["size"].count(">none<") == 3
    assert ">none<" not in svgs["families"]
    on_it = SHARE.changed(arms={**MIXED, "none": -1.0})
    assert ">none<" not in drawing.svg(axes.draw(over_axis(effects, on_it, BACKBONE)))


def test_families_are_drawn_where_languages_are_mixed(effects, svgs):
    for family in ("Lab G", "Lab R", "Lab S", "Lab I"):
        assert f">{family}<" in svgs["families"]
    assert svgs["families"].count(">arms of Lab G<") == 3
    assert len(titles(svgs["families"])) == 3 * 4 * (len(MIXED) + 1)
    assert by_family(effects, SIZE, BACKBONE) == ()


def test_missing_arms_are_told_and_the_others_shown(torn):
    size = drawing.svg(axes.draw(over_axis(torn, SIZE, BACKBONE)))
    assert size.count(">results are missing<") == 3
    assert len(titles(size)) == 5 * (len(SIZES) - 1)
    share = drawing.svg(axes.draw(over_axis(torn, SHARE, BACKBONE)))
    assert share.count(">results are missing<") == 3
    assert share.count(">Lab S: ") == 3


def test_nothing_measured_is_nothing_drawn(numbered_world):
    empty = Effects(Results(replace(numbered_world.plan, cells=()), numbered_world.store))
    assert over_axis(empty, SIZE, BACKBONE) == ()
    assert by_family(empty, SHARE, BACKBONE) == ()


def test_the_page_has_a_section_for_axes(small, numbered_world):
    html = page.build(Findings.of(small, numbered_world.store))
    section = html.split('<section id="axes">')[1].split("</section>")[0]
    names = re.findall(r'<figure id="figure-([\w-]+)"', section)
    assert names == ["axis-1", "axis-2", "axis-2-families"]
    assert "Scores over English examples of lab_nli, with 95 % intervals" in section
    assert '<a href="#axes">' in html


def test_each_backbone_has_its_figures(small, numbered_world):
    found = Findings.of(small, numbered_world.store).axes
    both = [*found, *(replace(figure, backbone="other") for figure in found)]
    names = [one.name for one in axes.figures(both, several=True)]
    assert len(names) == len(set(names)) == 2 * (len(AXES) + 1)
    assert names[0] == "axis-1-lab-mini"
