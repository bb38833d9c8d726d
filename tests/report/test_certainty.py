"""The page says how sure the models are: charts, tables with differences to `none`; nothing of old stores."""

from dataclasses import replace

import pytest

from analysis.certain import make
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import Results
from xstilts.report import charts, drawing, latex, markdown, page
from xstilts.report.drawing import Figure
from xstilts.report.paper import Paper


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """Of one target: the page is quick to make."""
    world = make(tmp_path_factory.mktemp("certain"), examples=150)
    cells = tuple(cell for cell in world.plan.cells if cell.target == "lab_nli")
    study = world.plan.study.changed(claims=())
    return Paper(Findings(Results(replace(world.plan, study=study, cells=cells), world.store)))


def test_the_page_has_a_section_with_charts_and_tables(paper, monkeypatch):
    found = paper.findings
    pictures = {
        name: charts.measures(found, "lab-mini", name) for name in ("calibration_error", "selective_accuracy")
    }
    for chart in pictures.values():
        chart.to_dict(validate=True)
    assert "calibration error" in drawing.svg(pictures["calibration_error"])
    drawn = [
        Figure(section, section, "What it shows", chart)
        for section, chart in zip(("certainty", "selective"), pictures.values(), strict=True)
    ]
    monkeypatch.setattr(page, "figures", lambda _: drawn)
    html = page.build(found)
    assert '<section id="certainty">' in html
    assert '<a href="#certainty">' in html
    assert html.count('id="figure-selective"') == 1
    assert "how sure the models are in the languages without labels" in html


def test_tables_have_values_differences_and_the_noise(paper):
    (grid,) = paper.grids["certainty"]
    assert grid.columns[:2] == ("calibration error", "less none")
    assert grid.columns[-2:] == ("calibration error, x-en", "noise")
    rows = dict(grid.rows)
    assert list(rows) == ["none", "nli", "tags"]
    assert rows["none"][1].text == "–"
    assert rows["nli"][1].text.startswith("+")
    noise, error = float(rows["none"][-1].text), float(rows["none"][0].text.replace("−", "-"))
    assert abs(error) < 0.3 * noise, "which is taken off"
    assert all(len(entries) == len(grid.columns) for entries in rows.values())
    text = markdown.markdown(paper).decode()
    assert "## How sure the models are" in text
    names = latex.folder(paper, [])
    assert any(name.startswith("tables/certainty-lab-nli") for name in names)


def test_a_store_without_probabilities_has_no_such_section(world):
    found = Findings(world.results)
    assert Paper(found).grids["certainty"] == []
    assert charts.measures(found, "lab-mini", "brier_score") is None
