"""The page draws scores, gaps and gains over the distances that a study names; of several it warns."""

import pytest

import uriel
from analysis import distant
from xstilts.analysis.findings import Findings
from xstilts.report import axes, latex, markdown, page
from xstilts.report.drawing import Figure
from xstilts.report.paper import Paper


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(uriel.make(tmp_path_factory.mktemp("package")))
        named = ("syntax", "phonology", "script", "vocabulary")
        yield Paper(Findings(distant.make(tmp_path_factory.mktemp("distant"), distances=named).results))


def test_charts_have_score_gap_and_gains_with_slopes(paper):
    found = [one for one in paper.findings.by_distance("real") if one.distance == "syntax"]
    assert [(one.target, one.kind) for one in found] == [
        ("lab_nli", kind) for kind in ("score", "gap", "gain", "near")
    ]
    score, gap, gain, near = (one.lines[0] for one in found)
    assert [line.name for line in found[2].lines] == ["nli", "mixed"]
    assert [line.name for line in found[3].lines] == ["mixed"]
    assert near.slope.high < 0, "what is near to what was seen gains"
    assert score.slope.high < 0
    assert gap.slope.value == pytest.approx(-score.slope.value), "what is lost is the gap"
    assert gain.slope.low > 0, "the arm helps those that are far away"
    assert [point.code for point in score.points] == list(distant.TRANSFER)
    assert all(place.low < place.value < place.high for _, place in score.fit)
    middle, end = score.fit[len(score.fit) // 2][1], score.fit[-1][1]
    assert end.high - end.low > middle.high - middle.low
    chart = axes.over_distance(found)
    chart.to_dict(validate=True)
    assert axes.over_distance([]) is None


def test_the_page_has_a_section_with_slopes_and_a_caution(paper, monkeypatch):
    found = [one for one in paper.findings.by_distance("real") if one.distance == "syntax"]
    drawn = [Figure("distance-syntax", "distances", "What it shows", axes.over_distance(found))]
    monkeypatch.setattr(page, "figures", lambda _: drawn)
    html = page.build(paper.findings)
    assert '<section id="distances">' in html
    assert "Slopes over the phonology distance" in html
    assert "23 languages of 12 families cannot separate 3 distances that go together" in html
    text = markdown.markdown(paper).decode()
    assert "## Which distance matters?" in text
    assert any(name.startswith("tables/slopes-over-the-syntax") for name in latex.folder(paper, []))


def test_tables_tell_the_planted_distance(paper):
    (syntax, *_) = paper.grids["slopes"]
    rows = dict(syntax.rows)
    assert rows["none"][0].text.startswith("−")
    assert rows["none"][1].text == "–"
    assert rows["nli"][1].text.startswith("+")
    (grid,) = paper.grids["separated"]
    rows = dict(grid.rows)
    assert list(rows) == ["syntax", "phonology", "script", "vocabulary"]
    assert rows["syntax"][1].interval.startswith("[−")
    assert "−" not in rows["syntax"][1].interval.split(", ")[0].replace("[−", "")
    assert grid.columns == ("alone", "with the others", "inflation")
    assert [entry.text for entry in rows["vocabulary"]] == [
        "–",
        "–",
        "–",
    ]  # the rows' tokens were not counted
    assert "do not tell even alone: vocabulary on lab_nli." in paper.separation


def test_a_study_that_names_none_has_no_such_section(world):
    found = Paper(Findings(world.results))
    assert found.grids["slopes"] == found.grids["separated"] == []
    assert found.separation == ""
    assert found.findings.by_distance("lab-mini") == []
