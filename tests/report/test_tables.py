"""Files for other programs: the same bytes for the same results, and readable by those programs."""

import io

import polars as pl

from analysis.example import make
from xstilts.analysis.findings import Findings
from xstilts.analysis.results import SCHEMA
from xstilts.report import page, tables
from xstilts.study.claim import MEASURES

FORMATS = ["csv", "parquet", "latex", "markdown", "html"]


def test_two_runs_give_identical_bytes(tmp_path):
    written = []
    for number in (1, 2):
        world = make(tmp_path / f"{number}", (1,))
        paths = page.write(Findings.of(world.plan, world.store), FORMATS, tmp_path / f"out{number}")
        folder = tmp_path / f"out{number}"
        same = [path for path in paths if path.suffix != ".pdf"]  # whose converter orders objects at random
        written.append({path.relative_to(folder).as_posix(): path.read_bytes() for path in same})
    names = [name for name in written[0] if "/" not in name]
    tidy = [f"{name}.{kind}" for kind in ("csv", "parquet") for name in ("results", "effects", "verdicts")]
    assert names == [*tidy, "report.md", "report.html"]
    assert "latex/main.tex" in written[0]
    assert written[0] == written[1]


def test_csv_reads_back(torn_world):
    results = torn_world.results
    written = tables.csv("results", Findings(results).scores)
    table = pl.read_csv(io.BytesIO(written))
    assert table.columns == [*SCHEMA, *MEASURES, "at_chance"]
    assert table["value"].null_count() == results.table["value"].null_count() > 0
    first = written.decode().splitlines()[1].split(",")
    assert first[:5] == ["example", "lab-mini", "none", "arm", "lab_nli"]
    assert len(first[12].split(".")[1]) == tables.DECIMALS["results"]


def test_parquet_reads_back(world):
    assert pl.read_parquet(io.BytesIO(tables.parquet("results", world.results.table))).equals(
        world.results.table
    )
