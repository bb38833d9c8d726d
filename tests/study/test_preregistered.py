"""Claims that were frozen: the file, what has changed since, an edited file, and where all that is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xstilts
from xstilts.analysis.findings import Findings
from xstilts.errors import InputErrors, StudyError
from xstilts.report.paper import Paper
from xstilts.store import Store
from xstilts.study import preregistered
from xstilts.study.load import load
from xstilts.study.plan import Plan, plan
from xstilts.study.study import StudyFile

if TYPE_CHECKING:
    from conftest import World
    from shell import Shell

DAY = datetime(2026, 5, 4, 12, 30, 15, 99, UTC)
HARM = """
[[claims]]
says = "Mood harms"
arms = ["mood"]
relation = "<"
"""


MARGIN = ('targets = ["mood"]', 'targets = ["mood"]\nmargin = 2.0')


MORE = ('mood = ["./mood.py"]', 'mood = ["./mood.py"]\nmore = ["./words.py"]')
ALONE = ('tasks = ["./mood.py", "./search.py"]', 'tasks = ["./mood.py"]')
QUESTION = 'question = "Does mood help?"'
AXIS = """
[[axes]]
name = "size"
arms = { none = 0, mood = 100 }
"""


def random_arms(*names: str) -> tuple[str, str]:
    return (QUESTION, f"{QUESTION}\nrandom_arms = {list(names)}")


def planned(world: "World", *changes: tuple[str, str], more: str = "") -> Plan:
    """The plan of the study file with these changes; the file has the same name."""
    path = world.study(*changes)
    path.write_text(path.read_text() + more)
    return plan(load(path))


def told(world: "World", *changes: tuple[str, str], more: str = "") -> str:
    found = planned(world, *changes, more=more)
    frozen = preregistered.read(found.study)
    assert frozen is not None
    return frozen.told(found)


def test_the_file_is_a_function_of_the_study_but_for_the_date(world: "World") -> None:
    found = planned(world)
    first = preregistered.freeze(found, 0, DAY)
    assert first.path == world.folder / "study.preregistered.json"
    text = first.path.read_text()
    first.path.unlink()
    assert preregistered.freeze(found, 0, DAY).path.read_text() == text
    content = json.loads(text)
    assert content["date"] == "2026-05-04T12:30:15+00:00"
    assert content["claims"] == {"Mood helps": {"says": "Mood helps", "arms": ["mood"], "targets": ["mood"]}}
    assert content["seeds"] == {"intermediate": [1], "target": [1, 2]}
    assert content["targets"]["mood"] == {"languages": ["de", "en", "fr"], "metric": "accuracy"}
    assert content["cells"]["scratch / mood / mood / seed 2"] in {cell.evaluation for cell in found.cells}
    assert len(content["cells"]) == len(found.cells)
    first.path.unlink()
    later = preregistered.freeze(found, 0, datetime(2026, 5, 5, tzinfo=UTC))
    assert json.loads(later.path.read_text()) | {"date": "", "sha256": ""} == content | {
        "date": "",
        "sha256": "",
    }
    assert later.hash != content["sha256"]


def test_what_is_as_frozen_is_told(world: "World") -> None:
    frozen = preregistered.freeze(planned(world), 0, DAY)
    assert told(world) == (
        f"Preregistered on 2026-05-04 (SHA-256 {frozen.hash[:16]}…); 0 of 14 cells were measured then, "
        "and claims, arms, seeds, targets and all fingerprints are those that were frozen."
    )


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ([], HARM, "Since then claims added: Mood harms."),
        ([("Mood helps", "Mood is fine")], "", "claims added: Mood is fine; claims removed: Mood helps."),
        ([MARGIN], "", "claims changed: Mood helps (margin default → 2.0)."),
        ([MORE], "", "arms added: more; cells added: scratch / more / "),
        ([("seeds = [1, 2]", "seeds = [1, 2, 3]")], "", "target seeds added: 3; cells added: scratch"),
        ([("seeds = [1, 2]", "seeds = [2]")], "", "target seeds removed: 1; cells removed: scratch"),
        ([ALONE], "", "targets removed: search; cells removed: scratch / none / search / "),
        ([("hidden_size = 16", "hidden_size = 32")], "", "backbones changed: scratch (shape "),
        ([random_arms("none", "mood")], "", "random arms added: mood; cells added: scratch / mood / random"),
        ([(QUESTION, f"shots = 8\n{QUESTION}")], "", "shots changed: 4 → 8."),
        ([(QUESTION, f'prompts = "source language"\n{QUESTION}')], "", "prompts changed: readout → source "),
        ([], AXIS, "axes added: size."),
        ([("Does mood help?", "Does mood harm?")], "", "the question has other words."),
    ],
)  # fmt: skip
def test_what_has_changed_since_is_told(
    world: "World", changes: list[tuple[str, str]], more: str, said: str
) -> None:
    preregistered.freeze(planned(world), 0, DAY)
    assert said in told(world, *changes, more=more)
    assert not told(world).endswith(said), "the study as it was"


def test_a_file_without_prompts_froze_those_of_the_readout(world: "World") -> None:
    """As releases wrote it that knew no others."""
    path = preregistered.freeze(planned(world), 0, DAY).path
    content = json.loads(path.read_text())
    assert content.pop("prompts") == "readout"
    path.write_text(json.dumps(content | {"sha256": preregistered.digest(content)}))
    assert told(world).endswith("are those that were frozen.")
    asked = (QUESTION, f'prompts = "test language"\n{QUESTION}')
    assert told(world, asked).endswith("Since then prompts changed: readout → test language.")


def test_axes_are_frozen(world: "World") -> None:
    """Arms that stand elsewhere on an axis, or not at all, turn its slope."""
    axis = AXIS.replace("100 }", "100, more = 50 }")
    frozen = preregistered.freeze(planned(world, MORE, more=axis), 0, DAY)
    for before, after in (("none = 0, mood = 100", "none = 100, mood = 0"), (", more = 50", "")):
        found = planned(world, MORE, more=axis.replace(before, after))
        assert not frozen.is_kept(found)
        assert "Since then axes changed: size (arms {" in frozen.told(found)
    assert frozen.is_kept(planned(world, MORE, more=axis))
    assert "axes removed: size" in told(world, MORE)


def test_another_recipe_or_other_data_change_fingerprints(world: "World") -> None:
    preregistered.freeze(planned(world), 3, DAY)
    (world.folder / "mood-test-fr.tsv").write_text("another row\tyes\n")
    found = told(world)
    assert (
        "3 of 14 cells were measured then. Since then cells with other fingerprints (another recipe, other"
        in found
    )
    assert "scratch / none / mood / seed 1" in found


def test_an_edited_file_proves_nothing(world: "World") -> None:
    path = preregistered.freeze(planned(world), 2, DAY).path
    path.write_text(path.read_text().replace('"measured": 2', '"measured": 0'))
    assert told(world).endswith(
        ": the file study.preregistered.json was edited after it was frozen and proves nothing."
    )
    for broken in ("{", "[]", '{"preregistration": 1}'):
        path.write_text(broken)
        with pytest.raises(StudyError, match=r"Put back the file that was frozen"):
            told(world)


def test_what_cannot_be_frozen(world: "World") -> None:
    found = planned(world)
    preregistered.freeze(found, 0, DAY)
    with pytest.raises(StudyError, match=r"was frozen already on 2026-05-04. What was frozen first counts"):
        preregistered.freeze(found, 0, DAY)
    study = found.study.changed(path=world.folder / "other.toml", claims=())
    with pytest.raises(StudyError, match="has no claims that could be frozen"):
        preregistered.freeze(replace(found, study=study), 0, DAY)
    bundled = found.study.changed(path=load("lab-quickstart").path)
    with pytest.raises(StudyError, match=r"Copy it first: xstilts studies lab-quickstart --copy mine\.toml"):
        preregistered.freeze(replace(found, study=bundled), 0, DAY)
    assert preregistered.read(StudyFile()) is None


def test_the_report_says_it(world: "World", tmp_path: Path) -> None:
    """In the method of page, LaTeX and Markdown; at the top where something changed or was known before."""
    store = Store(tmp_path / "store")
    store.prepare()

    def findings(*changes: tuple[str, str], more: str = "") -> Findings:
        return Findings.of(planned(world, *changes, more=more), store)

    assert findings().preregistration is None
    assert not any("reregistered" in text for text in (*Paper(findings()).method, *findings().conditions))
    frozen = preregistered.freeze(planned(world), 0, DAY)
    assert (
        Paper(findings()).method[-1].startswith(f"Preregistered on 2026-05-04 (SHA-256 {frozen.hash[:16]}…)")
    )
    assert not any("Preregistered" in text for text in findings().conditions)
    assert findings(more=HARM).conditions[-1].endswith("Since then claims added: Mood harms.")
    frozen.path.unlink()
    preregistered.freeze(planned(world), 2, DAY)
    assert "2 of 14 cells were measured then" in findings().conditions[-1]


def test_command_line_and_api(world: "World", shell: "Shell") -> None:
    path = world.study()
    status, out, err = shell("preregister", path)
    file = world.folder / "study.preregistered.json"
    assert (status, out) == (0, f"{file}\n")
    content = json.loads(file.read_text())
    assert err == f"SHA-256 {content['sha256']}. Publish it with the date; leave the file beside the study.\n"
    assert content["measured"] == 0
    status, _, err = shell("preregister", path)
    assert (status, "was frozen already on " in err) == (2, True)
    file.unlink()
    study = xstilts.Study.load(path)
    assert study.run("store", workers=1).complete
    assert study.preregister("store").content["measured"] == 14
    file.unlink()
    assert "14 of 14 cells are measured already: the file says so." in shell("preregister", path)[2]


def test_a_broken_file_is_told_before_anything_runs(world: "World") -> None:
    study = xstilts.Study(planned(world).study)
    (world.folder / "study.preregistered.json").write_text('{"claims": ')
    store = world.folder / "new"
    with pytest.raises(InputErrors, match=r"study\.preregistered\.json: cannot be read"):
        study.check(store=store)
    with pytest.raises(StudyError, match=r"study\.preregistered\.json: cannot be read"):
        study.run(store)
    assert not store.exists()
