"""Results on the Hub: the tables, the page and the claims are those of the report."""

from pathlib import Path

import polars as pl
import pytest
from huggingface_hub import DatasetCard

from shell import Shell
from xstilts.errors import InputError
from xstilts.report import page

from .conftest import Computed
from .hub import Hub


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page without its charts, which take time and have tests of their own."""
    monkeypatch.setattr(page, "figures", lambda findings: [])


@pytest.mark.usefixtures("drawn_once")
def test_results_are_a_private_data_set(computed: Computed, hub: Hub, tmp_path: Path) -> None:
    address = computed.study.share("org/results", computed.store)
    assert address == f"{hub.address}/datasets/org/results"
    assert hub.private == {"datasets/org/results": True}
    pushed = hub.folder / "datasets" / "org" / "results"
    names = {path.name for path in pushed.iterdir()}
    assert names == {"README.md", "report.html", "results.csv", "effects.csv", "verdicts.csv", "study.toml"}
    written = computed.study.report(tmp_path / "report", computed.store)
    for path in written:
        assert (pushed / path.name).read_bytes() == path.read_bytes()
    assert (pushed / "study.toml").read_bytes() == computed.path.read_bytes()


def test_a_report_is_asked_for_by_the_names_of_formats(computed: Computed, tmp_path: Path) -> None:
    written = computed.study.report(tmp_path, computed.store, to="csv")
    assert [path.name for path in written] == ["results.csv", "effects.csv", "verdicts.csv"]
    with pytest.raises(InputError, match=r"no format 'htm'\. Did you mean 'html'\?"):
        computed.study.report(tmp_path, computed.store, to=["csv", "htm"])
    assert str(computed.study.findings(computed.store)).startswith("Of 3 pairs of an intermediate arm")
    assert computed.study.compare("xtreme-baselines", computed.store).pairs == ()


@pytest.mark.usefixtures("drawn_once")
def test_its_card_names_tables_claims_and_limits(computed: Computed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert computed.study.share("org/results", computed.store, dry_run=out, licence="cc0-1.0") == str(out)
    card = DatasetCard.load(out / "README.md")
    assert (card.data.license, card.data.language) == ("cc0-1.0", ["de", "en", "fr"])
    for one in card.data.configs:
        assert pl.read_csv(out / one["data_files"]).height
    verdict = pl.read_csv(out / "verdicts.csv")["verdict"][0]
    (row,) = [line for line in card.text.splitlines() if line.startswith("| Mood helps temper |")]
    assert verdict in row
    for part in (
        "Does mood help temper?",
        'load_dataset("org/results", "results")',
        "## Limits",
        "2005.13013",
        "computes them again, with the files of the tasks mood, temper",
        "beside it: they are not part of this repository",
    ):
        assert part in card.text
    assert str(computed.store.parent) not in card.text


@pytest.mark.usefixtures("drawn_once")
def test_the_command_writes_a_folder(
    computed: Computed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shell, out = Shell(capsys, monkeypatch), tmp_path / "out"
    arguments = ["--store", computed.store, "--dry-run", out]
    assert shell("share", computed.path, "--to", "org/results", *arguments) == (0, f"{out}\n", "")
    assert (out / "verdicts.csv").is_file()
    status, _, err = shell("share", computed.path, "--to", "org/results", *arguments)
    assert status == 2 and "holds something already" in err
