"""Models on the Hub: what is pushed loads as its card says, and the card says what the store knows."""

import errno
import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import torch
from huggingface_hub import ModelCard

from xstilts.errors import HubError, InputError, MissingResultError
from xstilts.sharing import upload
from xstilts.store import Store

from .conftest import REVISION, Computed
from .hub import Hub

if TYPE_CHECKING:
    from shell import Shell

PEFT = "ignore:`is_gradient_checkpointing` is deprecated"  # peft asks for it


def loaded(folder: Path, base: Path | None = None) -> tuple[Any, Any]:
    """Tokenizer and model by the lines of the card, with folders in place of what the Hub would have."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    code = code.replace('snapshot_download("org/name")', repr(str(folder)))
    code = code.replace('"org/name"', repr(str(folder)))
    if base is not None:
        assert f'"org/tiny", revision="{REVISION}"' in code
        code = code.replace(f'"org/tiny", revision="{REVISION}"', repr(str(base)))
    names: dict[str, Any] = {}
    exec(code, names)
    return names["tokenizer"], names["model"].eval()


def logits(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(**tokenizer(texts, padding=True, return_tensors="pt")).logits
    return found


def predicted(computed: Computed, arm: str, target: str) -> dict[str, str]:
    """By its text, what the store says that the model answered."""
    (cell,) = [cell for cell in computed.plan.cells if (cell.arm, cell.target, cell.seed) == (arm, target, 1)]
    frame = pl.read_parquet(Store(computed.store).file(cell.evaluation, "predictions.parquet"))
    found = {}
    for language, index, answer in frame.select("language", "index", "predicted").iter_rows():
        found[f"test {index} {language}"] = json.loads(answer)
    return found


def check_merged(computed: Computed, folder: Path, target: str, base: Path | None = None) -> None:
    """With the adapter in the folder a model says what the whole one says; neither knows a path of here."""
    tokenizer, model = loaded(folder, base)
    whole = folder.with_name("whole")
    computed.study.push("mood", "org/name", computed.store, target=target or None, dry_run=whole, merged=True)
    again, merged = loaded(whole)
    rows = [f"train {number} {code}" for number in range(4) for code in ("de", "en")]
    found = logits(model, tokenizer, rows)
    assert found.std(dim=0).min() > 1e-4, "all rows alike prove nothing"
    torch.testing.assert_close(found, logits(merged, again, rows), atol=1e-5, rtol=1e-5)
    assert str(computed.store.parent) not in texts(folder) + texts(whole)


def check_answers(computed: Computed, folder: Path, target: str) -> None:
    tokenizer, model = loaded(folder)
    known = predicted(computed, "mood", target)
    assert set(known.values()) == {"no", "yes"}, "a model that always says the same proves nothing"
    answers = logits(model, tokenizer, list(known)).argmax(dim=1).tolist()
    assert [("no", "yes")[answer] for answer in answers] == list(known.values())


def texts(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".json", ".md", ".txt"))


def test_a_whole_model_loads_and_answers_as_in_the_store(computed: Computed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    told = computed.study.push("mood", "org/name", computed.store, target="mood", dry_run=out)
    assert told == str(out)
    check_answers(computed, out, "mood")
    assert json.loads((out / "config.json").read_text())["id2label"] == {"0": "no", "1": "yes"}
    assert str(computed.store.parent) not in texts(out)


@pytest.mark.filterwarnings(PEFT)
def test_an_adapter_is_pushed_as_such_and_loads_on_its_hub_model(computed: Computed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    computed.study.push("mood", "org/name", computed.store, dry_run=out)
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= {
        path.name for path in out.iterdir()
    }
    assert not (out / "model.safetensors").exists()
    settings = json.loads((out / "adapter_config.json").read_text())
    assert (settings["base_model_name_or_path"], settings["revision"]) == ("org/tiny", REVISION)
    check_merged(computed, out, "", computed.base)
    card = ModelCard.load(out / "README.md").data
    assert (card.library_name, card.base_model, card.base_model_relation) == ("peft", "org/tiny", "adapter")


@pytest.mark.filterwarnings(PEFT)
def test_an_adapter_on_another_phase_brings_that_along(computed: Computed, tmp_path: Path) -> None:
    out = tmp_path / "out"
    computed.study.push("mood", "org/name", computed.store, target="temper", dry_run=out)
    assert (out / "base" / "model.safetensors").is_file()
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] is None
    check_merged(computed, out, "temper")


@pytest.mark.filterwarnings(PEFT)
@pytest.mark.parametrize("on", ["hub", "folder"])
def test_an_adapter_knows_the_names_of_its_labels(
    computed: Computed, on_folder: Computed, tmp_path: Path, on: str
) -> None:
    if on == "hub":
        computed.study.push("mood", "org/name", computed.store, dry_run=tmp_path / "out")
        _, model = loaded(tmp_path / "out", computed.base)
    else:
        on_folder.study.push("none", "org/name", on_folder.store, target="mood", dry_run=tmp_path / "out")
        _, model = loaded(tmp_path / "out")
        settings = json.loads((tmp_path / "out" / "base" / "config.json").read_text())
        assert settings["id2label"] == {"0": "no", "1": "yes"}, "as the base had them the other way round"
    assert model.config.id2label == {0: "no", 1: "yes"}
    assert model.config.label2id == {"no": 0, "yes": 1}


def test_the_card_has_the_scores_with_intervals_and_all_that_is_known(
    computed: Computed, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    computed.study.push("mood", "org/name", computed.store, target="mood", dry_run=out, licence="cc-by-4.0")
    card = ModelCard.load(out / "README.md")
    facts = card.data
    assert facts.language == ["de", "en", "fr"]
    assert (facts.license, facts.library_name, facts.pipeline_tag) == (
        "cc-by-4.0",
        "transformers",
        "text-classification",
    )
    assert facts.base_model == "org/tiny"
    (evaluation,) = [
        cell.evaluation
        for cell in computed.plan.cells
        if (cell.arm, cell.target, cell.seed) == ("mood", "mood", 1)
    ]
    scores = Store(computed.store).scores(evaluation)["languages"]
    results = {one.dataset_config: one for one in facts.eval_results}
    assert set(results) == {"transfer", "de", "en", "fr"}
    for code, score in scores.items():
        one = results[code]
        assert one.metric_value == pytest.approx(score["value"], abs=0.01)
        assert one.metric_args["low"] <= one.metric_value <= one.metric_args["high"]
        assert (one.metric_args["examples"], one.metric_args["confidence"]) == (4, 0.95)
        assert (one.metric_type, one.dataset_type, one.task_type) == (
            "accuracy",
            "mood",
            "text-classification",
        )
    mean = (scores["de"]["value"] + scores["fr"]["value"]) / 2
    assert results["transfer"].metric_value == pytest.approx(mean, abs=0.01)
    text = card.text
    for part in (
        "Does mood help temper?",
        "org/tiny at revision c0ffee",
        "| 1 | mood | en |",
        "lora, rank 2",
        "all weights",
        "| mood | A test | trained and evaluated | None |",
        "arXiv 2005.13013",
        "mood: Nobody",
        "One model of 2 (seed 1)",
        "Texts were cut at 16 tokens.",
    ):
        assert part in text, part
    zero_shot = {
        row.split("|")[2].strip(): row.split("|")[6].strip()
        for row in text.splitlines()
        if "| mood (accuracy)" in row
    }
    assert zero_shot["English (en)"] == "no" and zero_shot["German (de)"] == "yes"


@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # huggingface_hub's own
def test_a_push_makes_a_private_repository_with_the_very_files(
    computed: Computed, hub: Hub, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    computed.study.push("none", "org/name", computed.store, target="mood", seed=2, dry_run=out)
    address = computed.study.push("none", "org/name", computed.store, target="mood", seed=2)
    assert address == f"{hub.address}/org/name"
    assert hub.private == {"models/org/name": True}
    assert hub.messages == ["mood-seed2 of shared"]
    pushed = hub.folder / "models" / "org" / "name"
    assert _contents(pushed) == _contents(out)
    computed.study.push("mood", "org/open", computed.store, public=True)
    assert not hub.private["models/org/open"]
    with pytest.raises(HubError, match=r"org/open: is public already\. Give --public"):
        computed.study.push("mood", "org/open", computed.store)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_the_hub_refuses_is_said(computed: Computed, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(to: str = "org/name") -> str:
        with pytest.raises(HubError) as caught:
            computed.study.push("mood", to, computed.store)
        return str(caught.value)

    assert re.search(r"other/name: the Hub refuses \(.*rights.*hf auth login", refused("other/name"))
    assert all("is no name of a repository" in refused(name) for name in ("org/na me", "name", "a/b/c"))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert re.search(r"the Hub refuses \(.*hf auth login", refused())
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert "the Hub cannot be reached" in refused()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refused()
    assert hub.private == {}


def test_a_dropped_checkpoint_is_trained_again_if_asked(computed: Computed, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(computed.store, store)
    (folder,) = store.glob("steps/mood-then-mood-seed1-*")
    before = (folder / "checkpoint" / "model.safetensors").read_bytes()
    shutil.rmtree(folder / "checkpoint")
    with pytest.raises(MissingResultError, match=r"dropped after its evaluations\. Give --retrain: .* min\."):
        computed.study.push("mood", "org/name", store, target="mood", dry_run=tmp_path / "out")
    computed.study.push("mood", "org/name", store, target="mood", dry_run=tmp_path / "out", retrain=True)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


def test_what_is_meant_must_be_clear(computed: Computed, tmp_path: Path) -> None:
    def refused(*arguments: Any, **options: Any) -> str:
        with pytest.raises(InputError) as caught:
            computed.study.push(*arguments, "org/name", computed.store, dry_run=tmp_path / "out", **options)
        return str(caught.value)

    assert refused("moods") == "study 'shared': no arm 'moods'. Did you mean 'mood'? There are none, mood."
    assert "no seed '3'. There are 1, 2." in refused("mood", seed=3)
    assert "a seed is a number, and '1' is none." in refused("mood", seed="1")
    assert "no target 'moot'. Did you mean 'mood'?" in refused("mood", target="moot")
    assert "trains nothing before the targets. Name a target with --target: mood, temper." in refused("none")
    assert "trains nothing for search" in refused("none", target="search")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    assert "holds something already" in refused("mood")
    for licence in ("CC BY", "", "-", "mit\n"):
        assert "is no name of a licence. They have small letters" in refused("mood", licence=licence)


@pytest.mark.parametrize("out", ["file/out", "file/some/out"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written \(.*\)\. Name another folder with --dry-run"):
        upload.write({"README.md": b""}, tmp_path / out)


def test_a_folder_that_may_not_be_looked_into_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        upload.write({"README.md": b""}, tmp_path)


def test_the_command_writes_a_folder(computed: Computed, shell: "Shell", tmp_path: Path) -> None:
    arguments = ["--to", "org/name", "--store", computed.store, "--dry-run", tmp_path / "out"]
    status, out, err = shell("push", computed.path, "mood", "--target", "mood", "--seed", "2", *arguments)
    assert (status, out) == (0, f"{tmp_path / 'out'}\n"), err
    assert "(seed 2)" in (tmp_path / "out" / "README.md").read_text()
    status, _, err = shell("push", computed.path, "mood", "--to", "name")
    assert status == 2 and "is no name of a repository" in err
