"""What a newcomer asks first: which tasks, studies and stores there are, and what the answers look like."""

import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import xstilts
from shell import Shell
from xstilts import tasks as registry
from xstilts.cli import show_tasks
from xstilts.metrics.xtreme import XTREME
from xstilts.store import write_json
from xstilts.store.leases import owner
from xstilts.study.load import bundled, load
from xstilts.study.plan import draft, plan

if TYPE_CHECKING:
    from conftest import World


def test_the_version(shell: Shell) -> None:
    assert shell("--version") == (0, f"xstilts {xstilts.__version__}\n", "")


def test_the_list_of_commands_cuts_no_sentence(shell: Shell) -> None:
    assert "..." not in shell("--help")[1].partition("Commands:")[2]


# Tasks


def test_a_task_tells_where_its_rows_come_from(shell: Shell) -> None:
    status, out, _ = shell("tasks", "tatoeba")
    assert status == 0
    for said in (
        "tatoeba: Retrieval of translations",
        "rows          test 205 to 1,000",
        "licence       CC BY 2.0 FR",
        "citation      Artetxe and Schwenk (2019)",
        "metric        retrieval_accuracy",
        "test        target/tatoeba/tatoeba.{lang}-eng.{lang}  ({lang} of af is afr)",
        "test, with  target/tatoeba/tatoeba.{lang}-eng.eng",
        "On the Hub, google/xtreme at ec5f1f46e9af79639a90684a7a70a956c4998f04:",
    ):
        assert said in out
    assert "Not read from the Hub: CCGbank's licence forbids a copy" in shell("tasks", "ccg")[1]
    assert "train 21,253 in en; dev 3,974 in en" in shell("tasks", "udpos")[1]
    found = json.loads(shell("tasks", "tatoeba", "--json")[1])
    assert found["layout"]["files"][0][1].startswith("target/tatoeba/tatoeba.{lang}-eng.{lang}")
    status, out, err = shell("tasks", "nmli")
    assert (status, out) == (2, "")
    assert "Did you mean 'xnli'?" in err


def test_a_users_own_task_is_told_alike(world: "World", shell: Shell) -> None:
    out = shell("tasks", str(world.folder / "mood.py"))[1]
    assert "Files beside the task file (each may end in .gz):" in out
    assert ["test", "mood-test-{lang}.tsv"] in [line.split() for line in out.splitlines()]


@pytest.mark.parametrize("name", registry.names())
def test_every_file_that_is_looked_for_is_told(name: str) -> None:
    one = registry.find(name)
    told = "\n".join(show_tasks.about(one))
    files = [one.files] if one.files is not None else []
    wanted = [path for each in files for paths in each.patterns.values() for path in paths]
    wanted += [
        path
        for each in files
        for part in (each.paired, each.gold)
        for paths in part.values()
        for path in paths
    ]
    wanted += [
        path for each in files for several in each.also.values() for paths in several for path in paths
    ]
    wanted += [path for hub in (one.hub.sources if one.hub else ()) for path in hub.files.values()]
    assert [path for path in (*wanted, *one.images) if path not in told] == []
    assert one.licence in told and one.citation in told


@pytest.mark.parametrize("width", [20, 40, 80, 100, 160])
def test_the_tasks_fit_a_screen_and_no_name_is_cut(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    wide = shell("tasks")[1].splitlines()
    assert wide[0].split() == [
        "task",
        "family",
        "languages",
        "train",
        "evaluated",
        "metric",
        "description",
        "licence",
    ]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(show_tasks, "get_terminal_size", lambda: os.terminal_size((width, 24)))
    lines = shell("tasks")[1].splitlines()
    assert max(map(len, lines[:-1])) <= width
    assert [line.split()[0] for line in lines[1:-1]] == list(registry.names())
    assert set(lines[0].split()) <= set(wide[0].split())


# Studies


def test_a_benchmark_lists_its_tasks(shell: Shell) -> None:
    rows = shell("tasks", "xtreme")[1].splitlines()
    assert [row.split()[0] for row in rows[1:]] == list(XTREME)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine", "Did you mean 'mine.toml'?"),
        ("mime.toml.", "Did you mean 'mine.toml'?"),
        ("LAB-QUICKSTART", "Did you mean 'lab-quickstart'?"),
        ("", "study: is named by nothing."),
    ],
)
def test_a_study_file_whose_name_is_misspelt_is_told(shell: Shell, name: str, said: str) -> None:
    shell("studies", "lab-quickstart", "--copy", "mine.toml")
    status, out, err = shell("check", name)
    assert (status, out) == (2, "")
    assert said in err


def test_a_bundled_study_is_shown_and_copied(shell: Shell) -> None:
    text = bundled()["lab-scaling"].read_text()
    assert shell("studies", "lab-scaling") == (0, text, "")
    assert shell("studies", "lab-scaling", "--copy", "mine.toml") == (0, "mine.toml\n", "")
    assert load("mine.toml").name == "mine"
    assert load("mine.toml").changed(name="", path=Path()) == load("lab-scaling").changed(
        name="", path=Path()
    )
    status, out, err = shell("studies", "lab-scaling", "--copy", "mine.toml")
    assert (status, out) == (2, "")
    assert err == "mine.toml: is there already. Name a file that is not there yet.\n"
    Path("folder").mkdir()
    assert shell("studies", "phang2020", "--copy", "folder")[1] == "folder/phang2020.toml\n"
    assert shell("studies", "--copy", "x.toml")[0] == 2
    assert "Did you mean 'lab-scaling'?" in shell("studies", "lab-scalin")[2]
    assert json.loads(shell("studies", "lab-scaling", "--json")[1])["name"] == "lab-scaling"


@pytest.mark.parametrize("name", bundled())
def test_every_bundled_study_takes_another_name(name: str, shell: Shell) -> None:
    assert shell("studies", name, "--copy", "other.toml")[0] == 0
    assert tomllib.loads(Path("other.toml").read_text())["name"] == "other"


# The store


def test_the_store_tells_its_studies(world: "World", shell: Shell) -> None:
    path = world.study()
    shell("run", path)
    other = world.study(
        ('name = "small"', 'name = "other"'), ("seeds = [1, 2]", "seeds = [3]"), name="other.toml"
    )
    (Path("store") / "instructions.json").write_text(json.dumps({"mood-seed3": "fail"}))
    shell("run", other)
    status, out, _ = shell("status")
    assert status == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["study", "cells", "done", "steps", "failed", "last", "run", "file"]
    assert [line[0] for line in lines[1:]] == ["other", "small"]
    assert lines[2][1:5] == ["14", "of", "14", "0"]
    assert lines[2][-1] == str(path)
    found = json.loads(shell("status", "--json")[1])
    assert [(one["study"], one["failed"] > 0) for one in found] == [("other", True), ("small", False)]
    told = json.loads((Path("store") / "studies" / "other.json").read_text())
    write_json(Path("store") / "studies" / "other.json", told | {"file": "\x1b[31mred"})
    assert "\\x1b[31mred" in shell("status")[1], "what a store holds does not steer the terminal"
    (Path("store") / "studies" / "other.json").unlink()
    assert "finished steps belong to none of these" in shell("status")[1]


@pytest.mark.parametrize(
    "command", [["status"], ["status", "STUDY"], ["report", "STUDY"], ["export", "STUDY"], ["store"]]
)
def test_a_store_that_is_none_is_told(world: "World", shell: Shell, command: list[str]) -> None:
    asked = [str(world.study()) if word == "STUDY" else word for word in command]
    status, out, err = shell(*asked, "--store", "stoer")
    assert (status, out) == (2, "")
    assert "stoer: no such store. Did you mean 'store'?" in err
    status, out, err = shell(*asked)
    assert (status, out) == (2, "")
    assert "store: holds no results. `xstilts run STUDY --store DIR` computes into one" in err
    Path("folder").mkdir()
    assert "folder: is no store: it has no version.json." in shell(*asked, "--store", "folder")[2]
    assert not Path("reports").exists()


@pytest.mark.parametrize("command", ["check", "audit", "run", "status"])
def test_a_file_is_no_store(world: "World", shell: Shell, command: str) -> None:
    Path("file").touch()
    assert shell(command, world.study(), "--store", "file") == (
        2,
        "",
        f"{Path('file').absolute()}: is no folder. Name another folder with --store.\n",
    )


def test_a_second_run_in_the_same_store_is_told_of_the_first(world: "World", shell: Shell) -> None:
    path = world.study()
    made = plan(load(path))
    step = next(one for one in made.steps if one.kind == "phase")
    lease = Path("store") / "leases" / f"{step.fingerprint}.json"
    lease.write_text(f"token {owner()}")
    shell("run", path, "--retry")  # nothing failed, so nothing is computed and nothing waits
    assert lease.exists()
    err = shell("run", path, "--retry")[2]
    told = f"Another run is at work in this store (process {os.getpid()} on "
    assert told in err
    assert f": {made.names[step.fingerprint]}). This one takes other steps, or waits for those." in err
    lease.unlink()
    assert told not in shell("run", path, "--retry")[2]


# Names


@pytest.mark.parametrize("name", bundled())
def test_steps_that_differ_are_named_differently(name: str) -> None:
    made = draft(load(name))
    names = list(made.names.values())
    assert len(set(names)) == len(names) == len(made.steps)
    assert all(made.names[step.fingerprint].startswith(step.name) for step in made.steps)


def test_a_name_says_what_tells_steps_apart() -> None:
    made = draft(load("phang2020"))
    alike = [made.names[step.fingerprint] for step in made.steps if step.name == "mnli-seed1"]
    arms = ("none", "mnli", "mnli-in-de", "mnli-in-ru", "mnli-in-sw")
    assert alike == [f"mnli-seed1 (arm {arm})" for arm in arms]
    names = set(draft(load("lab-quickstart")).names.values())
    assert {"lab_entail-seed1", "lab_entail-seed1 (random weights)"} <= names
