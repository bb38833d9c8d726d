"""Whether xstilts gets the scores of the Hugging Face example scripts: the same backbone, rows and recipe.

    python benchmarks/parity.py STUDY --data DIR --store DIR --out DIR
        [--targets xnli xquad] [--seeds 1 2 3 4 5] [--by-length]

The cells of a study without an intermediate phase: targets of pairs, as run_xnli.py trains them, of answers
(run_qa.py) and of tags (run_ner.py). What the store does not have of them is computed; rows, seeds of the
rows and metrics are the study's. All between is the Trainer's way: tokenizing, heads of transformers,
batches, AdamW, truncation, the search for the best answer. What is there is not computed again, so two
processes may share the targets. With `--by-length` the Trainer's batches too are of rows of similar length.
The table: `parity.md`.
"""

import argparse
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from xstilts import Study, metrics
from xstilts.compute.context import Context
from xstilts.compute.rows import asked, examples
from xstilts.store import Store
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Evaluation, Phase
from xstilts.study.plan import Plan
from xstilts.study.step import Step

TARGETS = ("xnli", "xquad", "panx", "udpos")
NBEST, LONGEST_ANSWER = 20, 30
"""What run_qa.py takes by default: the best starts and ends that are combined, tokens of an answer."""
DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")


@dataclass(frozen=True)
class Job:
    """What the Trainer does: the phase of a study, from the backbone in a folder, with files in another, in
    batches of rows in random order or `by_length`."""

    phase: Phase
    backbone: Path
    out: Path
    by_length: bool


def main() -> None:
    """Train and ask with both, then compare."""
    parser = argparse.ArgumentParser(description="Parity with the example scripts")
    parser.add_argument("study", type=Path)
    for folder in ("--data", "--store", "--out"):
        parser.add_argument(folder, type=Path, required=True)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=TARGETS)
    parser.add_argument("--seeds", nargs="+", type=int, help="by default those of the study")
    parser.add_argument("--by-length", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    study = without_intermediate(options.study, options.targets, options.seeds)
    outcome = study.run(options.store, options.data, workers=1)
    scores = []
    for cell in outcome.plan.cells:
        kept = options.out / f"trainer{'-by-length' * options.by_length}-{cell.target}-{cell.seed}.json"
        if not kept.exists():
            told = trainer(outcome.plan, outcome.store, cell.evaluation, options)
            kept.write_text(json.dumps(told))
        own = outcome.store.scores(cell.evaluation)["languages"]
        for language, value in json.loads(kept.read_text()).items():
            scores.append((cell.target, language, cell.seed, own[language]["value"], value))
    columns = ["target", "language", "seed", "xstilts", "trainer"]
    frame = pl.DataFrame(scores, schema=columns, orient="row")
    frame.write_csv(options.out / "parity.csv")
    table = "\n".join(_table(frame))
    (options.out / "parity.md").write_text(table + "\n")
    print(table)


def without_intermediate(path: Path, targets: Sequence[str], seeds: Sequence[int] | None = None) -> Study:
    """The study's cells without an intermediate phase, of these targets, with its seeds or these."""
    content = tomllib.loads(path.read_text())
    target = content["target"] | {"tasks": [task for task in content["target"]["tasks"] if task in targets]}
    for table in ("trained_by", "recipes"):
        target[table] = {task: told for task, told in target.get(table, {}).items() if task in targets}
    target |= {} if seeds is None else {"seeds": seeds}
    arms: dict[str, Any] = {"intermediate": {"arms": {"none": []}}}
    kept = {name: content[name] for name in ("question", "backbones")}
    return Study.parse(kept | arms | {"name": "parity", "references": [], "target": target}, path.parent)


def _table(frame: pl.DataFrame) -> Iterable[str]:
    """Means over seeds and their difference, with Welch's interval over the seeds of both."""
    yield "| target | languages | xstilts | example script | difference | 95 % interval |"
    yield "|---|---|---|---|---|---|"
    english = pl.col("language") == "en"
    for target in frame["target"].unique(maintain_order=True):
        for name, wanted in (("en", english), ("others", ~english)):
            part = frame.filter(wanted, target=target)
            by_seed = part.group_by("seed").agg(pl.col("xstilts", "trainer").mean()).sort("seed")
            own, other = by_seed["xstilts"].to_numpy(), by_seed["trainer"].to_numpy()
            interval = stats.ttest_ind(own, other, equal_var=False).confidence_interval()
            languages = name if name == "en" else f"{part['language'].n_unique()} others"
            figures = (
                f"{own.mean():.1f} ({own.std(ddof=1):.1f}) | {other.mean():.1f} ({other.std(ddof=1):.1f})"
            )
            difference = f"{own.mean() - other.mean():+.1f} | [{interval.low:.1f}, {interval.high:.1f}]"
            yield f"| {target} | {languages} | {figures} | {difference} |"


def trainer(plan: Plan, store: Store, fingerprint: str, options: argparse.Namespace) -> dict[str, float]:
    """The scores by language of a model that the Trainer trains on the rows of an evaluation's phase."""
    step = plan.by_fingerprint[fingerprint]
    evaluation = step.specification
    assert isinstance(evaluation, Evaluation) and isinstance(evaluation.model, Phase)
    here = options.out
    context = Context(store, Step(evaluation), here, here, plan.places, lambda event: None)
    phase, backbone = evaluation.model, evaluation.model.parent
    assert isinstance(backbone, Backbone) and backbone.checksum is not None, "it is a folder"
    job = Job(phase, plan.places.backbones[backbone.checksum], here, by_length=options.by_length)
    training = list(examples(phase.uses[0], context, phase.seed))
    answers = SCRIPTS[evaluation.use.family](training, job)
    metric, scores = metrics.find(evaluation.metric), {}
    for language in evaluation.use.languages:
        rows = asked(context.examples(evaluation.use, language), evaluation.examples)
        gold = [GOLD[evaluation.use.family](row) for row in rows]
        scores[language] = metric.score(gold, answers(rows), language)
        print(f"trainer: {step.name}, {language}: {scores[language]:.1f}", flush=True)
    return scores


GOLD: dict[str, Callable[[Any], Any]] = {
    "classification": lambda row: row.label,
    "span": lambda row: row.answers,
    "tagging": lambda row: row.tags,
}
Answers = Callable[[Sequence[Any]], list[Any]]


def _trained(auto: Any, features: Any, collator: Any, job: Job, **settings: Any) -> Any:
    """A Trainer that has trained, with the recipe of the phase."""
    from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed

    recipe, seed = job.phase.recipe, job.phase.seed
    set_seed(seed)
    arguments = TrainingArguments(
        output_dir=str(job.out / f"trainer-{seed}"),
        num_train_epochs=recipe.epochs or 1,
        per_device_train_batch_size=recipe.batch_size or 32,
        per_device_eval_batch_size=32,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        seed=seed,
        save_strategy="no",
        train_sampling_strategy="group_by_length" if job.by_length else "random",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
    )
    if recipe.dropout is not None:
        settings |= dict.fromkeys(DROPOUTS, recipe.dropout)
    model = auto.from_pretrained(job.backbone, **settings)
    made = Trainer(model=model, args=arguments, train_dataset=features, data_collator=collator)
    made.remove_callback(PrinterCallback)
    made.train()
    arguments.train_sampling_strategy = "random"  # else predictions would come by length, too
    return made


def _records(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as the Trainer takes them."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _tokenizer(job: Job) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(job.backbone)


def pairs(training: Sequence[Any], job: Job) -> Answers:
    """Pairs as run_xnli.py and run_glue.py train them."""
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding

    tokenizer, labels = _tokenizer(job), job.phase.uses[0].label_set

    def features(rows: Sequence[Any]) -> Any:
        texts = [row.text for row in rows], [row.text2 for row in rows]
        encoded = tokenizer(*texts, truncation=True, max_length=job.phase.recipe.max_length)
        return _records(dict(encoded) | {"label": [labels.index(row.label) for row in rows]})

    made = _trained(
        AutoModelForSequenceClassification,
        features(training),
        DataCollatorWithPadding(tokenizer),
        job,
        num_labels=len(labels),
    )
    return lambda rows: [labels[best] for best in made.predict(features(rows)).predictions.argmax(axis=1)]


def words(training: Sequence[Any], job: Job) -> Answers:
    """Words as run_ner.py tags them: the first sub-token of each, long sentences are cut."""
    from transformers import AutoModelForTokenClassification, DataCollatorForTokenClassification

    tokenizer, labels = _tokenizer(job), job.phase.uses[0].label_set

    def features(rows: Sequence[Any]) -> tuple[Any, list[list[int]]]:
        encoded = tokenizer(
            [list(row.tokens) for row in rows],
            is_split_into_words=True,
            truncation=True,
            max_length=job.phase.recipe.max_length,
        )
        marked, firsts = [], []
        for number, row in enumerate(rows):
            owners = encoded.word_ids(number)
            first = [owner is not None and owner not in owners[:at] for at, owner in enumerate(owners)]
            marked.append(
                [
                    labels.index(row.tags[owner]) if new else -100
                    for owner, new in zip(owners, first, strict=True)
                ]
            )
            firsts.append([owner for owner, new in zip(owners, first, strict=True) if new])
        return _records(dict(encoded) | {"labels": marked}), firsts

    made = _trained(
        AutoModelForTokenClassification,
        features(training)[0],
        DataCollatorForTokenClassification(tokenizer),
        job,
        num_labels=len(labels),
    )

    def answers(rows: Sequence[Any]) -> list[Any]:
        asked_rows, firsts = features(rows)
        found = made.predict(asked_rows)
        tags = []
        for row, owners, scores, marks in zip(rows, firsts, found.predictions, found.label_ids, strict=True):
            best = scores[marks != -100].argmax(axis=1)
            by_word = {owner: labels[choice] for owner, choice in zip(owners, best, strict=True)}
            tags.append(tuple(by_word.get(word, labels[0]) for word in range(len(row.tokens))))
        return tags

    return answers


def questions(training: Sequence[Any], job: Job) -> Answers:
    """Questions as run_qa.py trains and answers them: windows, the best pairs of twenty starts and ends."""
    from transformers import AutoModelForQuestionAnswering, default_data_collator

    tokenizer, recipe = _tokenizer(job), job.phase.recipe

    def windows(rows: Sequence[Any]) -> Any:
        return tokenizer(
            [row.question.lstrip() for row in rows],
            [row.context for row in rows],
            truncation="only_second",
            max_length=recipe.max_length,
            stride=recipe.stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding="max_length",
        )

    def inputs(encoded: Any) -> dict[str, Any]:
        return {name: encoded[name] for name in ("input_ids", "attention_mask")}

    def places(encoded: Any, number: int, answer: Any) -> tuple[int, int]:
        segments, offsets = encoded.sequence_ids(number), encoded["offset_mapping"][number]
        context = [at for at, segment in enumerate(segments) if segment == 1]
        end = answer.start + len(answer.text)
        if not context or offsets[context[0]][0] > answer.start or offsets[context[-1]][1] < end:
            return 0, 0
        first = max(at for at in context if offsets[at][0] <= answer.start)
        last = min(at for at in context if offsets[at][1] >= end)
        return first, last

    encoded = windows(training)
    marked = [
        places(encoded, number, training[row].answers[0])
        for number, row in enumerate(encoded["overflow_to_sample_mapping"])
    ]
    starts, ends = zip(*marked, strict=True)
    features = _records(inputs(encoded) | {"start_positions": starts, "end_positions": ends})
    made = _trained(AutoModelForQuestionAnswering, features, default_data_collator, job)

    def answers(rows: Sequence[Any]) -> list[str]:
        encoded = windows(rows)
        first, last = made.predict(_records(inputs(encoded))).predictions
        best = [(-np.inf, "")] * len(rows)
        for number, row in enumerate(encoded["overflow_to_sample_mapping"]):
            segments, offsets = encoded.sequence_ids(number), encoded["offset_mapping"][number]
            for start in np.argsort(-first[number])[:NBEST]:
                for end in np.argsort(-last[number])[:NBEST]:
                    inside = segments[start] == 1 == segments[end] and start <= end < start + LONGEST_ANSWER
                    score = float(first[number][start] + last[number][end])
                    if inside and score > best[row][0]:
                        best[row] = (score, rows[row].context[offsets[start][0] : offsets[end][1]])
        return [text for _, text in best]

    return answers


SCRIPTS: dict[str, Callable[[Sequence[Any], Job], Answers]] = {
    "classification": pairs,
    "span": questions,
    "tagging": words,
}

if __name__ == "__main__":
    main()
