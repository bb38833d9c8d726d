"""The report as text: the same content as Markdown and as a LaTeX folder that compiles."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from xstilts.analysis.collapse import CollapsedRun, Collapses
from xstilts.analysis.findings import Findings
from xstilts.analysis.permutation import Examined
from xstilts.analysis.statistics import Estimate
from xstilts.report import latex, page
from xstilts.report.bibliography import bibliography
from xstilts.report.markdown import markdown
from xstilts.report.paper import Paper, claims_counted
from xstilts.report.tables import Grid, TableEntry

LETTERS = (
    "Yorùbá Åland Đặng Łódź İzmir naïve größer ą 中文 \U0001f600 α−β “q” <a> |b| --c ~^\\{}#$%&_ `d` [e] *f*"
)


@pytest.fixture(scope="module")
def paper(world):
    return Paper(Findings(world.results))


def wide(columns, rows=3, interval=""):
    names = tuple(f"x-{number}" for number in range(columns))
    lines = tuple((f"arm {row}", (TableEntry("12.3", interval),) * columns) for row in range(rows))
    return Grid("title", names, lines)


def test_results_are_told_target_by_target(paper):
    told = {text.split(" ")[1]: text for text in paper.results}
    assert re.fullmatch(
        r"On lab_nli \(accuracy\) none scores [\d.]+ \[[\d., ]+\]; differences to it range from "
        r"tags \S+ \[.*\] to nli \+\S+ \[.*\] \(significant\)\.",
        told["lab_nli"],
    )
    assert told["an"].startswith("Without an intermediate task, the others lie below the source language")
    assert "lab_tatoeba" not in told["an"]  # it is not evaluated in the source language
    assert paper.results[-1] == "Of 6 claims, 4 are confirmed, 1 is refuted and 1 is undecided."
    assert (
        claims_counted(paper.findings.judged[:1])
        == "Of 1 claim, 1 is confirmed, 0 are refuted and 0 are undecided."
    )


def test_markdown_says_what_the_page_says(world, paper):
    text = markdown(paper).decode()
    html = page.build(Findings.of(world.plan, world.store))
    for limitation in paper.findings.limitations:
        assert limitation in text
        assert limitation.split("'")[0] in html
    for one in paper.findings.judged:
        assert f"| {one.claim.says} | {one.verdict} |" in text
    for cell in world.plan.cells:
        assert cell.evaluation in text
    sections = re.findall("^## (.*)$", text, re.MULTILINE)
    assert [name for name in sections if name != "Planted distances"] == [
        "Claims",
        "Transfer",
        "Language by language",
        "Gains by language",
        "Cross-lingual gap",
        "Method, settings, cost",
        "Results",
        "Limitations",
        "Steps",
        "Arms",
        "Tasks",
        "Terms",
        "References",
    ]


def test_collapses_and_leaks_are_told_too(world, monkeypatch):
    cell = world.plan.cells[0]
    whole = Estimate(34.0, 30.0, 38.0, 1.0, 5.0, 1)
    run = CollapsedRun("nli", cell, Examined(34.2, 33.9, "it guesses"), whole, None)
    monkeypatch.setattr(Findings, "collapses", Collapses((run,)))
    text = markdown(Paper(Findings(world.results))).decode()
    row = f"| nli | {cell.target} | {cell.seed} | 34.2 | 33.9 | 34.0 [30.0, 38.0] | – |"
    assert "### Collapsed runs\n\n| arm | target |" in text
    assert row in text
    assert "- Leaks were not looked for" in text


def test_markdown_has_a_row_for_each_arm(torn_world):
    text = markdown(Paper(Findings(torn_world.results))).decode()
    assert "| nli | **+" in text
    assert "| missing |" in text
    assert "### lab_tatoeba, retrieval accuracy" in text
    assert "The loss is nan." in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count(" | ") for line in table.splitlines()}) == 1


def test_latex_is_escaped():
    assert latex.escape("50 % of {x} & ~y") == r"50 \% of \{x\} \& \textasciitilde{}y"
    assert latex.escape("Yorùbá İ ą") == r"Yor\`{u}b\'{a} \.{I} a"
    assert latex.escape("naïve") == r"na\"{\i}ve"
    assert latex.escape("ệ 中") == r"\^{\d{e}} {\scriptsize U+4E2D}"
    assert latex.escape("a--b\nc") == "a-{}-b c"
    assert latex.escape(LETTERS).isascii()


def test_narrow_tables_stay_whole():
    assert latex.split(wide(8)) == [wide(8)]


def test_wide_tables_are_turned():
    (found,) = latex.split(wide(40))
    assert found.columns == ("arm 0", "arm 1", "arm 2")
    assert [name for name, _ in found.rows] == list(wide(40).columns)


def test_a_wide_table_without_rows_has_nothing_to_split():
    assert latex.split(replace(wide(40), rows=())) == []


def test_tables_that_stay_too_wide_are_split_without_loss():
    grid = wide(60, rows=60, interval="[10.0, 20.0]")
    parts = latex.split(grid)
    assert all(len(part.rows) <= latex.ROWS for part in parts)
    shown = [(name, column) for part in parts for name, _ in part.rows for column in part.columns]
    assert sorted(shown) == sorted((name, column) for name, _ in grid.rows for column in grid.columns)


def test_the_folder_has_all_that_main_reads(world, tmp_path):
    paths = page.write(Findings.of(world.plan, world.store), ["latex"], tmp_path)
    main = (tmp_path / "latex" / "main.tex").read_text()
    read = {f"{name}.tex" for name in re.findall(r"\\input\{(.*?)\}", main)}
    read |= set(re.findall(r"\\drawn\{(figures.*?)\}", main))
    assert {"main.tex", "references.bib", *read} == {
        path.relative_to(tmp_path / "latex").as_posix() for path in paths
    }
    assert main.isascii()


def test_a_table_can_be_read_into_another_paper(world, tmp_path):
    page.write(Findings.of(world.plan, world.store), ["latex"], tmp_path)
    tables = {path.stem: path.read_text() for path in (tmp_path / "latex" / "tables").iterdir()}
    main = (tmp_path / "latex" / "main.tex").read_text()
    own = set(re.findall(r"\\newcommand\{(\\\w+)\}", main))
    assert own
    labels = [label for text in tables.values() for label in re.findall(r"\\label\{(.*?)\}", text)]
    assert len(labels) == len(set(labels))
    for name, text in tables.items():
        assert not own & set(re.findall(r"\\[a-zA-Z]+", text)), name
        assert f"\\label{{tab:{name}}}" in text
        assert re.match(r"% Needs \\usepackage\{[a-z,]+\}", text)
    scores = re.findall(r"^    Lab Ga.*$", tables["scores-lab-nli"], re.MULTILINE)
    assert len(scores) == 1
    assert len(re.findall(r"[\d.]+ \{\\scriptsize \{\[\}[\d.]+, [\d.]+\{\]\}\}", scores[0])) == 5


def test_parts_of_a_table_have_labels_of_their_own():
    text = latex.grid_table(wide(12, 60, "[10.0, 20.0]"), "gap")
    assert re.findall(r"\\label\{(.*?)\}", text)[:3] == ["tab:gap", "tab:gap-2", "tab:gap-3"]


def test_the_bibliography_has_what_is_cited():
    text = bibliography(
        [
            "Conneau et al. (2018), XNLI: Evaluating Sentences. EMNLP",
            "Le Bras and Choi (2019), Can It Finish {50 %}? ACL; Wikimedia, dump of 2023",
        ]
    )
    assert re.findall(r"@(\w+)\{(\w+),", text) == [
        ("inproceedings", "phang2020english"),
        ("article", "owen2007pigeonhole"),
        ("article", "smyth2004linear"),
        ("article", "holm1979simple"),
        ("inproceedings", "conneau2018xnli"),
        ("inproceedings", "bras2019finish"),
        ("misc", "note6"),
    ]
    assert "author = {Conneau and others}," in text
    assert r"title = {Can It Finish (50 \%)?}," in text
    assert "author = {Le Bras and Choi}," in text
    assert text.count("{") == text.count("}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_pdflatex_compiles_it(world, tmp_path):
    study = world.plan.study.changed(question=LETTERS, claims=world.plan.study.claims)
    page.write(Findings.of(replace(world.plan, study=study), world.store), ["latex"], tmp_path)
    folder = tmp_path / "latex"
    (folder / "tables" / "gap.tex").write_text(
        "\n".join(
            latex.grid_table(grid, f"gap-{len(grid.rows)}")
            for grid in (wide(40), wide(40, 30), wide(12, 60, "[10.0, 20.0]"))
        )
    )
    tables = [rf"\input{{tables/{path.stem}}}" for path in sorted((folder / "tables").iterdir())]
    begin = [r"\documentclass{article}\usepackage{array,booktabs,graphicx,longtable}", r"\begin{document}"]
    (folder / "other.tex").write_text("\n".join([*begin, *tables, r"\end{document}"]))
    for paper in ("main", "other"):
        command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{paper}.tex"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
        log = (folder / f"{paper}.log").read_text(errors="replace")
        assert ran.returncode == 0, log[-3000:]
        assert (folder / f"{paper}.pdf").stat().st_size > 10_000
        if paper == "main":  # the steps of the store are wider than another paper's line
            assert not re.findall(r"Overfull \\hbox \((?:[2-9]\d|\d{3,})[.\d]*pt", log)
            assert "Float too large" not in log


def test_origins_of_settings_are_printed(world):
    origins = {"intermediate.recipe.warmup": "jiant's default & <b>ours</b>"}
    plan = replace(world.plan, study=world.plan.study.changed(origins=origins))
    shown = markdown(Paper(Findings.of(plan, world.store))).decode()
    assert "### Where settings come from" in shown
    assert "intermediate.recipe.warmup" in shown
    html = page.build(Findings.of(plan, world.store))
    assert "<h3>Where settings come from</h3>" in html
    assert "&lt;b&gt;ours" in html
    assert "Where settings come from" not in page.build(Findings.of(world.plan, world.store))
