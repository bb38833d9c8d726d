"""The bundled studies are clean, and so is the one on real files; what they need is said; audits are kept."""

import json
import os
from pathlib import Path

import pytest

from xstilts import __main__ as commands
from xstilts.analysis.methods import leaks
from xstilts.audit.audit import audit, audited, seen_languages, stored
from xstilts.audit.chains import chains
from xstilts.audit.finding import Audit, FindingGroup, groups, lines, reason, summary
from xstilts.errors import InputErrors
from xstilts.store import Store
from xstilts.study.load import bundled, load
from xstilts.study.plan import draft, plan
from xstilts.study.study import Allowed

from .planted import LANGUAGES, Planted, make

DATA = Path(os.environ["XSTILTS_DATA"]) if "XSTILTS_DATA" in os.environ else None
with_data = pytest.mark.skipif(DATA is None, reason="XSTILTS_DATA names no data folder")
LAB = [name for name in bundled() if name.startswith("lab-")]
QUICK = ("lab-quickstart", "lab-pretrain")
"""The others draw many more rows of the lab; they are looked at by `make test-slow`."""

REAL = Path(__file__).parents[2] / "examples"
GERMAN = ('other = ["./other.py"]', 'other = { tasks = ["./other.py"], languages = ["de"] }')
MEANT = '[[allowed]]\nkind = "language_seen"\ntask = "infer"\nwhy = "The question is whether German helps."\n'


@pytest.fixture
def world(tmp_path: Path) -> Planted:
    return make(tmp_path)


def refused(found: Audit, allowed: tuple[Allowed, ...]) -> list[FindingGroup]:
    """The leaks that nothing allows."""
    return [group for group in groups(found, allowed) if group.status == "leak"]


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in LAB]
)
def test_no_leak_is_told_of_a_study_of_the_lab(name: str) -> None:
    study = load(name)
    assert refused(audit(plan(study)), study.allowed) == []


@with_data
@pytest.mark.parametrize("name", ["real-all/study.toml", "real-small/study.toml"])
def test_no_leak_is_told_of_real_files(name: str) -> None:
    """What they have in common are formulas and names, as often as training rows have with each other."""
    found = audit(plan(load(REAL / name), DATA))
    assert refused(found, ()) == []
    assert {"udpos"} <= {one.task for one in found.findings if one.kind == "rows"}


@pytest.mark.parametrize("name", bundled())
def test_what_a_bundled_study_shows_of_other_languages_is_allowed_there(name: str) -> None:
    """And in the lab, where all data are there, nothing is allowed that is not needed. No rows are read."""
    study = load(name)
    found = [one for each in chains(draft(study)) for one in seen_languages(each)]
    assert [one for one in found if reason(one, study.allowed) is None] == []
    if name in LAB:
        assert {one.kind for one in study.allowed} == {one.kind for one in found}


def test_rows_that_are_not_fetched_are_said() -> None:
    """Where nothing could be looked at, nothing is said to have been found."""
    study = load("phang2020")
    found = audit(draft(study))
    assert any("not fetched yet" in text for text in found.unseen)
    assert any("pretrained on" in text for text in found.unseen)
    assert (found.evaluated, found.trained, found.looked) == (0, 0, ())
    assert "; no rows could be compared. Not looked at: " in summary(found, study)
    assert not [line for line in lines(found, study) if "nothing" in line.lower()]


def test_what_was_looked_at_is_named(world: Planted) -> None:
    study = load(world.study())
    found = audit(plan(study))
    assert found.looked == ("infer test in de, en, hi, zh",)
    assert summary(found, study).startswith("Leak audit: nothing found in 240 evaluated rows of infer, ")


def test_a_target_whose_rows_are_missing_is_named(world: Planted) -> None:
    """Nothing is found in the other one, and that is all that is said."""
    path = world.study(('tasks = ["./infer.py"]', 'tasks = ["./infer.py", "./ask.py"]'))
    for language in LANGUAGES:
        (world.folder / f"ask-test-{language}.jsonl").unlink()
    study = load(path)
    found = audit(draft(study))
    assert found.looked == ("infer test in de, en, hi, zh",)
    assert any(text.startswith("ask test in ") and text.endswith("no such files") for text in found.unseen)
    assert "evaluated rows of infer, " in summary(found, study)
    assert "Not looked at: ask test in " in summary(found, study)


def test_training_rows_that_are_missing_leave_nothing_to_look_at(world: Planted) -> None:
    for task in ("infer", "other", "words"):
        for path in world.folder.glob(f"{task}-train-*.jsonl"):
            path.unlink()
    study = load(world.study())
    found = audit(draft(study))
    assert found.looked == ()
    assert "no rows could be compared" in summary(found, study)


def test_rows_without_words_are_told_apart(world: Planted) -> None:
    """Treebanks without their text have underscores in its place: all alike, and the same as nothing."""
    for split, count in (("train", 120), ("test", 60)):
        rows = [{"text": "_ _ _", "text2": "_ _", "label": ("no", "yes")[row % 2]} for row in range(count)]
        world.write("infer", split, "en", rows)
    found = audit(plan(load(world.study())))
    assert found.findings == ()
    assert "60 of 60 rows of infer test en: they have no words" in found.unseen


def test_what_is_allowed_is_shown_and_trains(world: Planted, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    path = world.study(GERMAN)
    path.write_text(path.read_text() + MEANT)
    planned = plan(load(path))
    found = audited(planned, store)
    assert refused(found, planned.study.allowed) == []
    assert [one.severity for one in found.findings] == ["leak"]
    (group,) = groups(found, planned.study.allowed)
    assert (group.status, group.why) == ("allowed", "The question is whether German helps.")
    shown = leaks(planned, store)
    assert [one.why for one in shown.chosen("allowed")] == [group.why]
    assert shown.unused == []
    path.write_text(path.read_text() + MEANT.replace("language_seen", "rows"))
    assert leaks(plan(load(path)), store).unused == ["rows on infer"]


def test_an_audit_is_kept_until_rows_change(world: Planted, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    planned = plan(load(world.study(GERMAN)))
    assert stored(planned, store) is None
    assert leaks(planned, store).audit is None
    found = audited(planned, store)
    assert stored(planned, store) == found
    world.copy(("infer", "test", "en"), ("infer", "train", "en"))
    assert stored(plan(load(world.study(GERMAN))), store) is None


def run(*arguments: object) -> int:
    try:
        commands.app([str(one) for one in arguments], standalone_mode=False)
    except InputErrors as error:
        return error.exit_status
    return 0


def test_the_command_tells_and_a_run_refuses(
    world: Planted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, store = world.study(GERMAN), tmp_path / "store"
    assert run("audit", path, "--store", store) == 2
    assert "labels of another task in a language that is called zero-shot" in capsys.readouterr().out
    with pytest.raises(InputErrors) as refused:
        commands.app(["run", str(path), "--store", str(store)], standalone_mode=False)
    (error,) = refused.value.errors
    assert error.where.endswith("study.toml: leak")
    assert 'kind = "language_seen", task = "infer"' in error.now
    assert not any((store / "steps").iterdir())
    path.write_text(path.read_text() + MEANT)
    assert run("audit", path, "--store", store, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["allowed"] for one in told["findings"]] == ["The question is whether German helps."]


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ('[[allowed]]\nkind = "rows"\n', "allowed[1].why"),
        ('[[allowed]]\nwhy = "so"\n', "allowed[1].kind"),
        ('[[allowed]]\nkind = "rows"\ntask = "infr"\nwhy = "so"\n', "allowed[1].task"),
        ('[[allowed]]\nkind = "text_seen"\nwhy = "so"\n', "allowed[1].kind"),
    ],
)
def test_what_is_allowed_is_checked(world: Planted, table: str, place: str) -> None:
    path = world.study()
    path.write_text(path.read_text() + table)
    with pytest.raises(InputErrors) as refused:
        load(path)
    assert [place in one.where for one in refused.value.errors] == [True]
