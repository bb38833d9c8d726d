"""A pretrained decoder that is asked in words answers as transformers' own class does; what shots change."""

import dataclasses
import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import torch
import transformers
from eight import EXAMPLES, Folder, layout, opened

from xstilts.analysis.claims import lines_of, targets_of
from xstilts.analysis.effects import Effects, Quantity
from xstilts.analysis.results import Line, Results
from xstilts.compute import checkpoint, predict, work
from xstilts.compute.context import Context
from xstilts.compute.data import Encoded
from xstilts.compute.evaluate import prompted
from xstilts.compute.model import Model
from xstilts.compute.rows import Reader, prepare
from xstilts.data.loader import load as load_rows
from xstilts.errors import BackboneError, DataError
from xstilts.families import read_out
from xstilts.families.items import Item, Layout
from xstilts.families.text import TextReadout
from xstilts.store import Store
from xstilts.study.backbone import bundled
from xstilts.study.load import parse
from xstilts.study.phase import Evaluation
from xstilts.study.plan import Plan, plan
from xstilts.study.step import Step
from xstilts.tasks import find

ROWS = 8
STUDY: dict[str, Any] = {
    "name": "asked",
    "question": "Why train at all?",
    "references": ["prompted", "few-shot"],
    "shots": 2,
    "backbones": {"decoder": {"model": "lab-decoder"}},
    "intermediate": {"arms": {"none": []}},
    "target": {
        "seeds": [1, 2],
        "tasks": ["lab_common", "lab_qa"],
        "languages": ["x-en", "x-ga"],
        "test_examples": ROWS,
        "recipe": {"max_length": 40, "stride": 16, "precision": "fp32"},
    },
}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Store]:
    """The references of the study, without its trainings."""
    planned = plan(parse(STUDY, Path("study.toml"), "study"))
    store = Store(tmp_path_factory.mktemp("asked") / "store")
    store.prepare()
    store.know(planned.steps)
    for fingerprint in dict.fromkeys(cell.evaluation for cell in planned.cells if cell.reference):
        work.compute(planned.by_fingerprint[fingerprint], store, planned.places, lambda event: None)
    return planned, store


def predictions(computed: tuple[Plan, Store], reference: str, target: str, seed: int = 1) -> pl.DataFrame:
    planned, store = computed
    (cell,) = (
        cell
        for cell in planned.cells
        if (cell.reference, cell.target, cell.seed) == (reference, target, seed)
    )
    return pl.read_parquet(store.file(cell.evaluation, "predictions.parquet"))


def likeliest(words: Any, model: Any, prompt: str, options: tuple[str, ...]) -> int:
    """The option that the language model finds likeliest after the prompt, with the end behind it."""
    values = []
    for option in options:
        asked = words(prompt)["input_ids"]
        asked = asked[:-1] if asked[-1] == words.eos_token_id else asked
        answer = [*words(f" {option}", add_special_tokens=False)["input_ids"], words.eos_token_id]
        with torch.inference_mode():
            logs = model(torch.tensor([asked + answer])).logits[0].log_softmax(dim=1)
        values.append(sum(float(logs[len(asked) - 1 + place, token]) for place, token in enumerate(answer)))
    return max(range(len(options)), key=values.__getitem__)


def test_a_question_alone_is_answered_as_transformers_does(computed: tuple[Plan, Store]) -> None:
    folder = bundled()["lab-decoder"]
    words = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    rows = {
        row.id or str(number): row for number, row in enumerate(load_rows(find("lab_common"), "test", "x-ga"))
    }
    found = predictions(computed, "prompted", "lab_common").filter(pl.col("language") == "x-ga")
    assert found.height == ROWS
    for name, answered in found.select("id", "predicted").iter_rows():
        row: Any = rows[name]
        expected = likeliest(words, model, f"text: {row.context} answer:", row.options)
        assert json.loads(answered) == expected, name


def test_questions_are_answered_in_text(computed: tuple[Plan, Store]) -> None:
    one, zero = (predictions(computed, reference, "lab_qa") for reference in ("few-shot", "prompted"))
    assert one["id"].to_list() == zero["id"].to_list()
    assert all(isinstance(json.loads(text), str) for text in one["predicted"])


def test_shots_are_no_tokens_of_the_rows(computed: tuple[Plan, Store]) -> None:
    planned, store = computed
    tokens: dict[str, set[int]] = {}
    for cell in planned.cells:
        if cell.reference and cell.target == "lab_common":
            languages = store.scores(cell.evaluation)["languages"]
            tokens.setdefault(cell.reference, set()).add(languages["x-ga"]["tokens"])
    assert tokens["few-shot"] == tokens["prompted"]


def test_every_seed_draws_shots_of_its_own_among_the_training_rows(tmp_path: Path) -> None:
    planned, store = plan(parse(STUDY, Path("study.toml"), "study")), Store(tmp_path / "store")
    model = checkpoint.load(bundled()["lab-decoder"])
    rows: list[Any] = list(load_rows(find("lab_common"), "train", "x-en"))
    known = {letters(f"text: {row.context} answer: {row.options[row.label]}") for row in rows}
    drawn = []
    for cell in planned.cells:
        if (cell.reference, cell.target) == ("few-shot", "lab_common"):
            evaluation = planned.evaluation(cell)
            context = Context(store, Step(evaluation), tmp_path, tmp_path, planned.places, lambda event: None)
            assert evaluation.prompt is not None
            plain = model.layout(Layout(max_length=40), "text")
            layouts = prompted(evaluation, evaluation.prompt, Reader(context, model, plain))
            shots = layouts["x-ga"].shots
            told = model.tokenizer.decode(shots, skip_special_tokens=True)  # it knows no colons
            drawn.append([f"text{part}" for part in told.split("text")[1:]])
    first, second = drawn
    assert first != second and len(first) == len(second) == 2
    assert {letters(shot) for shot in (*first, *second)} <= known


def asking(study: dict[str, Any], target: str, folder: Path) -> tuple[Evaluation, Reader]:
    """An evaluation of the study after shots, and what reads the rows for it."""
    planned, store = plan(parse(study, Path("study.toml"), "study")), Store(folder / "store")
    model = checkpoint.load(bundled()["lab-decoder"])
    cell = next(cell for cell in planned.cells if (cell.reference, cell.target) == ("few-shot", target))
    evaluation = planned.evaluation(cell)
    context = Context(store, Step(evaluation), folder, folder, planned.places, lambda event: None)
    assert evaluation.inference is not None
    plain = Layout(labels=evaluation.use.label_set, max_length=evaluation.inference.max_length, stride=16)
    return evaluation, Reader(context, model, model.layout(plain, "text"))


def test_shots_for_which_a_decoder_was_not_made_are_refused(tmp_path: Path) -> None:
    evaluation, reader = asking(STUDY | {"shots": 24}, "lab_common", tmp_path)
    assert evaluation.prompt is not None
    with pytest.raises(BackboneError, match=r"up to 128 tokens at once; 24 shots of lab_common.*`shots`"):
        prompted(evaluation, evaluation.prompt, reader)


def test_more_shots_than_training_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation, reader = asking(STUDY | {"shots": 3}, "lab_common", tmp_path)
    assert evaluation.prompt is not None
    few = load_rows(find("lab_common"), "train", "x-en")[:2]
    monkeypatch.setattr(Context, "examples", lambda *_: few)
    monkeypatch.setattr(Context, "stream", lambda *_: few)
    with pytest.raises(
        DataError, match=r"3 training rows of lab_common as shots; there are 2\. Lower `shots`"
    ):
        prompted(evaluation, evaluation.prompt, reader)


def tiny(settings: Any) -> Model:
    encoder = transformers.AutoModel.from_config(settings)
    return Model(encoder, SimpleNamespace(model_input_names=()))


SHAPE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 20}


@pytest.mark.parametrize(
    ("settings", "learned", "known"),
    [
        (transformers.GPT2Config(n_positions=24, n_embd=8, n_layer=1, n_head=1, vocab_size=20), 24, 24),
        (
            transformers.OPTConfig(max_position_embeddings=24, ffn_dim=8, word_embed_proj_dim=8, **SHAPE),
            24,
            24,
        ),
        (transformers.LlamaConfig(max_position_embeddings=24, intermediate_size=8, **SHAPE), None, 24),
        (transformers.BloomConfig(n_head=1, n_layer=1, hidden_size=8, vocab_size=20), None, None),
    ],
    ids=lambda one: getattr(one, "model_type", None),
)
def test_how_much_a_decoder_reads_at_once(settings: Any, learned: int | None, known: int | None) -> None:
    model = tiny(settings)
    assert (model.room, model.known_length) == (learned, known)
    longer = Encoded.of([Item(([1] * 25,), (25,), ([24],), [1], 0)], "outputs")
    if learned is None:
        model.check_room(longer)
    else:
        with pytest.raises(BackboneError, match="reads up to 24 tokens at once, but a text has 25"):
            model.check_room(longer)


def letters(text: str) -> str:
    """What a tokenizer gives back whatever it does with spaces and signs."""
    return "".join(character for character in text.lower() if character.isalnum())


def test_results_have_them_as_references(computed: tuple[Plan, Store]) -> None:
    results = Results(*computed)
    assert [target.source for target in results.targets] == ["x-en", "x-en"]
    table = results.table.filter((pl.col("target") == "lab_common") & pl.col("value").is_not_null())
    seen = {
        (name, code): seen for name, code, seen in table["reference", "language", "seen_with_labels"].rows()
    }
    assert seen == {
        ("prompted", "x-en"): False,
        ("prompted", "x-ga"): False,
        ("few-shot", "x-en"): True,
        ("few-shot", "x-ga"): False,
    }
    effects, score = Effects(results), Quantity("score")
    zero = effects.estimate(score, Line("decoder", "none", "prompted"), "lab_common")
    few = effects.estimate(score, Line("decoder", "none", "few-shot"), "lab_common")
    assert zero is not None and few is not None and (zero.seeds, few.seeds) == (1, 2)


def test_a_claim_against_them_is_about_what_can_be_asked(tmp_path: Path) -> None:
    target = STUDY["target"] | {"tasks": ["lab_pos", "lab_common", "lab_tatoeba"]}
    backbones = {"encoder": {"model": "lab"}, "decoder": {"model": "lab-decoder"}}
    claims = [
        {"says": "so", "arms": ["none"], "against": name, "languages": "all"}
        for name in ("few-shot", "random")
    ]
    study = STUDY | {"target": target, "backbones": backbones, "claims": claims}
    study["references"] = ["random", "few-shot"]
    effects = Effects(Results(plan(parse(study, Path("study.toml"), "study")), Store(tmp_path / "store")))
    asked, other = effects.results.plan.study.claims
    assert targets_of(effects.results, asked) == ("lab_common",)
    assert {line.backbone for line in lines_of(effects, asked)} == {"decoder"}
    assert targets_of(effects.results, other) == ("lab_pos", "lab_common", "lab_tatoeba")
    assert {line.backbone for line in lines_of(effects, other)} == {"encoder", "decoder"}
    named = asked.changed(backbones=("encoder",))
    assert {line.backbone for line in lines_of(effects, named)} == {"encoder"}, "named is named"


@pytest.mark.parametrize("name", ["bloom", "mt5", "llama"])
@pytest.mark.parametrize("family", ["classification", "choice", "span"])
def test_shots_stand_between_what_begins_a_text_and_the_question(
    name: str, family: str, real_format: Folder
) -> None:
    model = opened(real_format(name), family)
    plain = layout(model, family, "text")
    reader = read_out(family, plain)
    assert isinstance(reader, TextReadout)
    first, second, *rest = EXAMPLES[family]
    shots = reader.shots([first, second], model.tokenizer, plain)
    told = model.tokenizer.decode(shots)
    for row in (first, second):
        text = row.text if family == "classification" else row.context
        match family:
            case "classification":
                answer = row.label
            case "choice":
                answer = row.options[row.label]
            case _:
                answer = row.answers[0].text
        assert text[:9] in told
        assert answer in told
    alone = reader.questions(rest, model.tokenizer, plain)
    behind = reader.questions(rest, model.tokenizer, dataclasses.replace(plain, shots=shots))
    for one, other in zip(alone, behind, strict=True):
        for sequence, longer in zip(one.sequences, other.sequences, strict=True):
            start = next(at for at in range(len(longer)) if tuple(longer[at : at + len(shots)]) == shots)
            assert longer[:start] + longer[start + len(shots) :] == sequence
            assert start <= 1
        assert [len(reads) for reads in one.reads] == [len(reads) for reads in other.reads]


@pytest.mark.parametrize("name", ["bloom", "llama", "mt5"])
def test_options_behind_shots_end_as_the_shots_do(name: str, real_format: Folder) -> None:
    model = opened(real_format(name), "choice")
    plain, end = layout(model, "choice", "text"), model.tokenizer.eos_token_id
    reader = read_out("choice", plain)
    assert isinstance(reader, TextReadout)
    rows = EXAMPLES["choice"]
    shots = reader.shots(rows[:1], model.tokenizer, plain)
    alone = reader.questions(rows[1:2], model.tokenizer, plain)
    behind = reader.questions(rows[1:2], model.tokenizer, dataclasses.replace(plain, shots=shots))
    line = model.tokenizer("\n", add_special_tokens=False)["input_ids"]
    assert ("\n" in model.tokenizer.decode(line)) == (name != "mt5")
    line = line or [end]
    assert list(shots[-len(line) :]) == line
    for one, other in zip(answers_of(alone[0]), answers_of(behind[0]), strict=True):
        assert one[-1] == end
        assert other == [*one[:-1], *(line if name != "mt5" else [end])]


def answers_of(item: Item) -> list[list[int]]:
    ends = [0, *itertools.accumulate(len(reads) for reads in item.reads)]
    return [item.gold[start:end] for start, end in itertools.pairwise(ends)]


@pytest.mark.parametrize("written", ["x\ny", "\n x\n\n y"])
def test_what_an_asked_model_writes_ends_with_its_first_line(written: str, real_format: Folder) -> None:
    model = opened(real_format("bloom"), "span")
    prepared = prepare(EXAMPLES["span"], "span", model.tokenizer, layout(model, "span", "text"))
    data = Encoded.of(prepared.items[:1], "outputs")
    ids = model.tokenizer(written, add_special_tokens=False)["input_ids"]
    model.heads["masked"] = head = Script(ids, len(model.tokenizer))
    ((whole, value),) = predict.generated(model, "masked", data, "fp32")
    assert whole == model.tokenizer.decode(ids).strip()
    head.steps = 0
    ((first, higher),) = predict.generated(model, "masked", data, "fp32", one_line=True)
    assert first == "x" and higher > value
    assert head.steps < len(ids), "nothing is written behind the line"


class Script(torch.nn.Module):
    """A language head that finds the tokens of a text likeliest, one after the other, and then the end."""

    def __init__(self, ids: list[int], size: int) -> None:
        super().__init__()
        self.ids, self.size, self.steps = ids, size, 0

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(states), self.size)
        scores[:, self.ids[self.steps] if self.steps < len(self.ids) else 2] = 9.0
        self.steps += 1
        return scores


def test_a_model_without_a_language_head_is_not_asked(tmp_path: Path) -> None:
    bare = checkpoint.load(bundled()["lab-decoder"])
    bare.heads.clear()
    bare.encoder.config.tie_word_embeddings = False
    checkpoint.save(bare, tmp_path / "bare", {})
    study = STUDY | {"backbones": {"bare": {"model": str(tmp_path / "bare")}}}
    planned = plan(parse(study, tmp_path / "study.toml", "study"))
    store = Store(tmp_path / "store")
    store.prepare()
    cell = next(cell for cell in planned.cells if cell.reference == "prompted")
    with pytest.raises(BackboneError, match="no language head"):
        work.compute(planned.by_fingerprint[cell.evaluation], store, planned.places, lambda event: None)


def test_an_encoder_of_unknown_type_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is a model of the Hub whose type was not known before it was fetched."""
    monkeypatch.setattr("xstilts.study.plan.writes", lambda *_: True)
    monkeypatch.setattr("xstilts.study.plan.check_kinds", lambda *_: ())
    planned = plan(parse(STUDY | {"backbones": {"hub": {"model": "lab"}}}, tmp_path / "study.toml", "study"))
    store = Store(tmp_path / "store")
    store.prepare()
    cell = next(cell for cell in planned.cells if cell.reference == "prompted")
    with pytest.raises(BackboneError, match=r"writes no text\. Take 'prompted' and 'few-shot' out"):
        work.compute(planned.by_fingerprint[cell.evaluation], store, planned.places, lambda event: None)
