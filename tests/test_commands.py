"""The commands: exit statuses, what goes to which stream, and that options change no science."""

import inspect
import itertools
import json
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from predictions import TARGETS
from shell import Shell
from xstilts import __main__ as commands
from xstilts.api import Study
from xstilts.run import launch, local
from xstilts.store import write_json
from xstilts.study.load import load
from xstilts.study.plan import plan

if TYPE_CHECKING:
    from conftest import World


def test_run_computes_and_says_where_the_report_is(world: "World", shell: Shell) -> None:
    status, out, err = shell("run", world.study(), "--workers", "2")
    assert (status, out) == (0, "reports/small/html\nreports/small/csv\n")
    assert "14 of 14 cells" in err
    told = "21 steps computed, 0 were in the store."
    assert err.splitlines()[-3:] == [told, "The answer.", "A condition."]
    shutil.rmtree("reports")
    status, out, err = shell("run", world.study())
    assert (status, err.splitlines()[-3]) == (0, "0 steps computed, 21 were in the store.")


@pytest.mark.parametrize("option", [[], ["--save-memory"]])
def test_how_much_memory_a_training_takes_is_told_to_the_workers(
    world: "World", shell: Shell, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    seen = []

    def run(wanted: launch.Run, *_: Any, **__: Any) -> launch.Result:
        settings = wanted.settings(local.PACE, 1, divide=False)
        seen.append(settings["means"]["save_memory"])
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run", run)
    shell("run", world.study(), *option)
    assert seen == [bool(option)]


def test_a_failed_step_is_status_one_and_the_report_is_written(world: "World", shell: Shell) -> None:
    (Path("store") / "instructions.json").write_text(json.dumps({"mood-seed2": "fail"}))
    status, out, err = shell("run", world.study(), "--out", "there")
    assert (status, out) == (1, "there/html\nthere/csv\n")
    assert "failed: mood-seed2" in err
    assert "the loss is nan. Lower the learning rate." in err
    assert "could not be tried" in err.splitlines()[-3]
    status, out, err = shell("status", world.study())
    assert status == 0
    assert "failed: mood-seed2" in out
    assert "failed" in [
        cell["state"] for cell in json.loads(shell("status", world.study(), "--json")[1])["cells"]
    ]


def test_a_full_disk_is_status_two(world: "World", shell: Shell) -> None:
    (Path("store") / "instructions.json").write_text(json.dumps({"mood-seed2": "full"}))
    status, out, err = shell("run", world.study())
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == f"{Path('store').absolute()}: the disk is full."


def test_ctrl_c_says_how_to_continue(world: "World", shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run", interrupted)
    path = world.study()
    status, out, err = shell("run", path)
    assert (status, out) == (130, "")
    assert err.splitlines()[-1] == f"Stopped: 0 of 14 cells. The same command continues: xstilts run {path}"


IN_THE_BACKGROUND = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does for what ends in `&`
from xstilts.study import sources
sources.check_rows = lambda *_: (print("ready", flush=True), time.sleep(60))
from xstilts.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_before_its_first_training_says_how_to_continue(
    world: "World", shell: Shell, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", IN_THE_BACKGROUND, "run", str(world.study())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        running.send_signal(number)
        _, err = running.communicate(timeout=50)
    assert (running.returncode, err.splitlines()[-1]) == (
        130,
        f"Stopped. The same command continues: xstilts run {world.study()}",
    )


def test_what_ctrl_c_says_is_the_whole_command(
    world: "World", shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted into a shell it means the same, whatever the names of the folders."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "run", interrupted)
    Path("my data").mkdir()
    Path("my images").mkdir()
    Path("engine.toml").write_text("")
    monkeypatch.setenv("XSTILTS_IMAGES", "my images")
    path = world.study().rename(world.folder / "it's mine.toml")
    options = ["--store", "a $tore", "--data", "my data", "--workers", "3", "--out", "o", "--save-memory"]
    options += [
        "--keep-checkpoints",
        "--limit",
        "2.5",
        "--engine",
        "local",
        "--engine-options",
        "engine.toml",
    ]
    status, _, err = shell("run", path, *options)
    assert status == 130, err
    told = shlex.split(err.splitlines()[-1].partition("The same command continues: ")[2])
    assert told[:2] == ["xstilts", "run"]
    assert str(path) in told
    told.remove(str(path))
    given = [*options, "--images", "my images"]
    assert sorted(told[2:]) == sorted(given)
    for option, value in itertools.pairwise(given):
        if option.startswith("--") and not value.startswith("--"):
            assert told[told.index(option) + 1] == value


def test_what_export_says_comes_first_is_about_the_same_study(world: "World", shell: Shell) -> None:
    Path("my data").mkdir()
    Path("other/steps/x").mkdir(parents=True)
    status, _, err = shell("export", world.study(), "--store", "other", "--data", "my data", "--out", "o")
    first = f"First: xstilts run {world.folder / 'study.toml'} --store other --data 'my data'"
    assert (status, err.splitlines()[-1].endswith(first)) == (1, True), err


def test_broken_rows_stop_a_run_before_it_begins(world: "World", shell: Shell) -> None:
    (world.folder / "mood-test-fr.tsv").write_bytes(b"\xff")
    status, out, err = shell("run", world.study())
    assert (status, out) == (2, "")
    assert err.startswith(f"{world.folder}/mood-test-fr.tsv:1: is not UTF-8")
    assert list(Path("store/steps").iterdir()) == []


@pytest.mark.parametrize("command", ["run", "check", "status", "report"])
def test_a_bad_study_is_status_two_with_all_errors(world: "World", shell: Shell, command: str) -> None:
    path = world.study(('mood = ["./mood.py"]', 'mood = ["mlni"]'), ('name = "small"', "nam = 1"))
    status, out, err = shell(command, path)
    assert (status, out) == (2, "")
    assert [line.split(": ")[1] for line in err.splitlines()] == ["nam", "name", "intermediate.arms.mood"]
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["run", "check", "status", "report"])
def test_an_unknown_study_is_status_two(shell: Shell, command: str) -> None:
    status, out, err = shell(command, "lab-quikstart")
    assert (status, out) == (2, "")
    assert err.startswith("study 'lab-quikstart': no study named 'lab-quikstart'.")


def test_a_newer_store_is_status_two(world: "World", shell: Shell) -> None:
    write_json(Path("store/version.json"), {"layout": 99})
    status, _, err = shell("check", world.study())
    assert status == 2
    assert "Upgrade xstilts" in err


def test_check_lists_cells_shared_phases_and_cost(world: "World", shell: Shell) -> None:
    status, out, err = shell("check", world.study())
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "small: Does mood help?",
        "Cells: 14, of which 0 are done "
        "(1 backbone, 2 arms, 2 targets, 2 seeds; references: majority, random).",
        "To do: 3 backbones to make, 6 phases to train (1 shared by cells), 12 evaluations; "
        "0 of 21 steps are in the store.",
        "Training: about 6,100 tokens (estimate).",
        "Time: under 0.1 GPU hours, or 0 s of a core, evaluations left out: stated, not measured "
        "(an A100 at 40 % of its peak). Once a phase is in the store, it is as measured.",
        "Memory: about 50.2 kB a worker (stated: weights and moments; activations add).",
        "Note: one intermediate training of each arm for all seeds (`intermediate.seeds`): "
        "its own chance is in no interval.",
        "`xstilts check STUDY --steps` lists arms, targets, all that is read, and every phase.",
    ]
    out = shell("check", world.study(), "--steps")[1]
    assert "none (random weights)" in out
    content = json.loads(shell("check", world.study(), "--json")[1])
    assert len(content["cells"]) == 14
    assert {step["kind"] for step in content["steps"]} == {"backbone", "phase", "evaluation"}
    assert {step["done"] for step in content["steps"]} == {False}
    assert max(step["cells"] for step in content["steps"]) == 5
    assert content["estimate"]["tokens"] > 0


def test_check_sums_trainings_by_arm_and_target_or_lists_them(world: "World", shell: Shell) -> None:
    """Two arms with two seeds; the intermediate trainings are shared by the cells of the targets."""
    steps = json.loads(shell("check", world.study(), "--json")[1])["steps"]
    phases = [step for step in steps if step["kind"] == "phase"]
    out = shell("check", world.study(), "--steps")[1]
    for head in ("arm", "target"):
        (line,) = [line for line in out.splitlines() if f"{head} " in line and "trainings" in line]
        rows = out.partition(line)[2].splitlines()[1:]
        place = line.index("trainings")
        counts = []
        for row in rows:
            if not row[place:].strip() or not row[place:].split()[0].isdigit():
                break
            counts.append(int(row[place:].split()[0]))
        assert sum(counts) == len(phases)
    assert phases[0]["fingerprint"] not in shell("check", world.study())[1]
    assert phases[0]["fingerprint"] in out


def test_check_sees_what_the_store_has(world: "World", shell: Shell) -> None:
    shell("run", world.study())
    content = json.loads(shell("check", world.study(), "--json")[1])
    assert {step["done"] for step in content["steps"]} == {True}
    assert content["estimate"]["tokens"] == 0
    content = json.loads(shell("check", world.study(), "--store", "elsewhere", "--json")[1])
    assert {step["done"] for step in content["steps"]} == {False}
    assert not Path("elsewhere").exists(), "a dry run writes nothing"


def test_report_writes_the_formats_that_are_asked_for(world: "World", shell: Shell) -> None:
    shell("run", world.study())
    status, out, _ = shell("report", world.study(), "--to", "csv", "--to", "latex", "--out", "there")
    assert (status, out) == (0, "there/csv\nthere/latex\n")
    status, _, err = shell("report", world.study(), "--to", "word")
    assert status == 2
    assert "'word' is not one of" in err


def test_a_study_that_only_pretrains_says_where_the_checkpoints_are(world: "World", shell: Shell) -> None:
    text = world.study().read_text()
    path = world.study(text=text.split("[target]")[0])
    assert plan(load(path)).cells == ()
    status, out, _ = shell("run", path)
    assert status == 0
    assert [Path(line).is_dir() for line in out.splitlines()] == [True, True]


def test_tasks_for_machines(shell: Shell) -> None:
    status, out, _ = shell("tasks", "--json")
    assert status == 0
    found = {one["name"]: one for one in json.loads(out)}
    assert found["xnli"]["family"] == "classification"
    assert "sw" in found["xnli"]["languages"]
    assert found["xnli"]["trained_by"] == "mnli"
    assert found["pawsx"]["prompts"] == ["de", "en", "es", "fr", "ja", "ko", "zh"]
    assert found["mnli"]["prompts"] == []
    assert all(one["licence"] and one["citation"] for one in found.values())


@pytest.mark.parametrize("command", ["tasks", "languages", "studies"])
def test_lists_for_people_and_machines(shell: Shell, command: str) -> None:
    status, out, err = shell(command)
    assert (status, err) == (0, "")
    machine = json.loads(shell(command, "--json")[1])
    assert isinstance(machine, list)
    assert len(out.splitlines()) == len(machine) + 1
    key = "code" if command == "languages" else "name"
    assert [line.split()[0] for line in out.splitlines()[1:]] == [one[key] for one in machine]


def test_store_and_data_come_from_the_environment_too(
    world: "World", shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XSTILTS_DATA", str(tmp_path / "absent"))
    status, _, err = shell("check", world.study())
    assert (status, err) == (
        2,
        f"{tmp_path / 'absent'}: no such data folder. Name it with --data DIR or XSTILTS_DATA.\n",
    )


def test_no_option_says_what_is_computed() -> None:
    """Options say where and how much; what is computed stands in the study file. Decided, not to erode."""
    allowed = {
        "context",  # no option: what the command was given
        "study",
        "store",
        "data",
        "images",
        "workers",
        "out",
        "to",
        "json",
        "save_memory",
        "keep_checkpoints",
        "steps",
    }
    allowed |= {"retry", "repair", "limit", "engine", "engine_options", "address", "track"}
    allowed |= {"arm", "target", "seed", "backbone", "dry_run", "public", "merged", "licence", "retrain"}
    for command in commands.app.registered_commands:
        assert command.callback is not None
        if command.callback.__name__ in ("score", "test", "translate", "compare", "tasks", "studies"):
            continue
        code = command.callback.__code__  # those above compute nothing of a study
        assert set(code.co_varnames[: code.co_argcount]) <= allowed


@pytest.mark.parametrize("name", ["run", "push", "share"])
def test_options_of_a_command_are_called_as_those_of_the_api(name: str) -> None:
    (command,) = (one.callback for one in commands.app.registered_commands if one.callback.__name__ == name)
    options = (
        set(inspect.signature(command).parameters)
        - {"context", "study"}
        - ({"out"} if name == "run" else set())
    )
    own = set(inspect.signature(getattr(Study, name)).parameters)
    assert own == options | {"self"} | ({"begun"} if name == "run" else set())


def test_help_and_a_check_answer_at_once(world: "World", tmp_path: Path) -> None:
    """The aims of 0.3 s and 2 s are measured by benchmarks/overhead.py; here their order of magnitude."""
    for arguments in (["--help"], ["check", str(world.study()), "--store", str(tmp_path / "store")]):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([sys.executable, "-m", "xstilts", *arguments], capture_output=True, check=True)
        assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 5


def _laid(world: "World", **files: str) -> Path:
    for name, text in files.items():
        path = world.folder / "data/target" / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return world.folder / "data"


def test_check_run_and_audit_refuse_an_empty_file_by_name(world: "World", shell: Shell) -> None:
    study = world.study(("TASK", "bucc2018"), ("LANGUAGE", "de"), text=TARGETS)
    sides = {
        f"bucc2018__de-en_DOT_{split}_DOT_{side}": "x-1\ta\n"
        for split in ("dev", "test")
        for side in ("de", "en")
    }
    gold = {f"bucc2018__de-en_DOT_{split}_DOT_gold": "" for split in ("dev", "test")}
    data = _laid(world, **sides, **gold)
    for command in ("check", "run", "audit"):
        status, _, err = shell(command, study, "--data", data)
        assert status == 2, command
        assert "de-en.test.gold: holds no examples." in err, command


def test_check_says_which_treebank_is_read_and_which_rows_are_passed_by(world: "World", shell: Shell) -> None:
    line = "1\t{}\t_\tNOUN\t_\t_\t0\t_\t_\t_\n\n"
    data = _laid(
        world,
        **{
            "udpos__xtreme__train-en_DOT_tsv": "a\tDET\n",
            "udpos__ud__de_a-ud-test_DOT_conllu": line.format("_"),
            "udpos__ud__de_b-ud-test_DOT_conllu": line.format("Haus"),
            "pawsx__train-en_DOT_tsv": "a\tb\t1\n\t\t0\n",
            "pawsx__test-de_DOT_tsv": "a\tb\t1\n\t\t0\n",
        },
    )
    _, out, _ = shell(
        "check", world.study(("TASK", "udpos"), ("LANGUAGE", "de"), text=TARGETS), "--data", data
    )
    said = " ".join(out.split())
    assert "udpos: test in 'de' is read from de_b-ud-test.conllu, not de_a-ud-test.conllu." in said
    status, out, _ = shell(
        "check", world.study(("TASK", "pawsx"), ("LANGUAGE", "de"), text=TARGETS), "--data", data
    )
    said = " ".join(out.split())
    assert status == 0
    assert "pawsx: 1 rows of train in 'en' have no text and are passed by." in said
    assert "rows of test" not in said


def test_a_note_on_several_languages_is_told_once(world: "World", shell: Shell) -> None:
    rows = "a\tB-PER\n\n\nb\tO\n"
    names = ("train-en", "dev-en", "dev-de", "dev-fr")
    data = _laid(world, **{f"panx__{name}_DOT_tsv": rows for name in names})
    study = world.study(("TASK", "panx"), ("LANGUAGE", 'de", "fr'), text=TARGETS)
    out = shell("check", study, "--data", data)[1]
    assert "Note: panx: 3 rows of dev in 'de', 'en', 'fr' have no text and are passed by." in out
    lines = [line for line in out.splitlines() if line.startswith("Note: ")]
    assert len(set(lines)) == len(lines)
