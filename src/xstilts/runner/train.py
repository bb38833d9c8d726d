"""Training: one phase, one function, read from top to bottom."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from xstilts import families, metrics
from xstilts.errors import DataError, LossError
from xstilts.families.items import Layout
from xstilts.runner import adapter, attention, checkpoint, dropout, embedding_rows, shards
from xstilts.runner.batches import autocast
from xstilts.runner.context import Context
from xstilts.runner.data import collate, generator
from xstilts.runner.model import Model, loss_sum
from xstilts.runner.predict import masked_accuracy, objective, predict
from xstilts.runner.ranks import Ranks
from xstilts.runner.record import computes_on
from xstilts.runner.rows import MASKED_HEAD, Prepared, encode, has_nulls, head_name, prepare
from xstilts.runner.schedule import Schedule
from xstilts.runner.size import forward_flops, sizes
from xstilts.runner.state import adamw, resume, save
from xstilts.study.backbone import Backbone
from xstilts.study.phase import Phase
from xstilts.study.recipe import Recipe
from xstilts.study.use import Use

POINTS = 200
"""Points of a training curve."""

PADDING = 0.05
"""The most padding on the CPU, where a pass more costs less than the padding that it saves. On a GPU a batch
is one pass as long as it fits."""

REPORT_SECONDS = 0.5
"""Time between two signs of life."""


def train(phase: Phase, context: Context) -> dict[str, Any]:  # noqa: PLR0912, PLR0915 (the loop in sight)
    """Train a phase; writes checkpoint and curve into `context.folder`, gives what belongs in the record.

    Every update is a pure function of the phase and its number: which items it sees, which tokens are masked
    and which units dropped. The loss is averaged over all decisions of the update, whatever the micro-batch.
    State is kept in `context.running` every `context.save_seconds`; a killed phase continues from there with
    bit-identical numbers on the CPU. Raises LossError if a loss or its gradient is not finite, DataError if
    the recipe selects by development rows and there are none, BackboneError if a text is too long.
    """
    recipe = phase.recipe
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    ranks = context.ranks or Ranks()
    torch.set_num_threads(recipe.threads)

    # The model: the parent's encoder, and a new head for every label set (the language model's is kept).
    torch.manual_seed(phase.seed)
    model = checkpoint.load(context.checkpoint(phase.parent))
    for use in phase.uses:
        model.check_able(use, recipe.readout, recipe.attention)
    model.attend(recipe.attention)
    kept = {name: model.heads[head] for name, head in carried(phase).items()}
    for name in [name for name in model.heads if name != MASKED_HEAD]:
        del model.heads[name]
    model.heads.update(kept)
    layouts = {use.task: model.layout(_layout(use, recipe), recipe.readout) for use in phase.uses}
    heads = {use.task: head_name(use, recipe.readout) for use in phase.uses}
    new = set(heads.values()) - set(model.heads)
    for use in phase.uses:
        if heads[use.task] not in model.heads:
            family = "masked" if heads[use.task] == MASKED_HEAD else use.family
            outputs = families.find(family).outputs(layouts[use.task])
            model.add_head(heads[use.task], family, outputs)
    trained = set(heads.values())
    for name in [name for name in model.heads if name not in trained]:
        del model.heads[name]
    if recipe.dropout is not None:
        _set_dropout(model, recipe.dropout)
    if recipe.adapter is not None:
        adapter.attach(model, recipe.adapter, new)
    dropout.in_bulk(model)
    attention.keep_little(model.encoder)
    if context.means.save_memory:
        model.save_memory()

    # The data: encoded once; the schedule says which items each update sees.
    tasks, counts = [], dict.fromkeys((use.task for use in phase.uses), 0)
    for use in phase.uses:
        encoded, rows = encode(use, context, phase.seed, model, layouts[use.task])
        model.check_room(encoded)
        tasks.append(encoded)
        counts[use.task] += rows
    masked = [use.family == "masked" for use in phase.uses]
    schedule = Schedule.of(tasks, phase.seed, recipe, phase.mixture, masked)
    watch = _development(phase, context, model, layouts)
    check_at = _evenly(schedule.total, recipe.evaluations if watch else 0)
    hiding = objective(model) if any(masked) else None
    pad, padding = model.pad, PADDING if device.type == "cpu" else None
    met = [*tasks, *(prepared.encoded for prepared in watch.values())]
    rows_read = embedding_rows.reduce(model, met)
    whole = shards.placed(model, ranks, device)

    # The optimizer, and where an interrupted run had come to.
    optimizer = adamw(model, recipe)
    with ranks.in_turn():
        progress, best = resume(context.running, model, optimizer)
    if (computer := computes_on()) not in progress.computed_on:
        progress.computed_on.append(computer)
    before, began = progress.seconds, time.monotonic()
    since, shown, told, saved = 0.0, progress.update, began, began

    # The loop.
    model.train()
    for update in range(progress.update, schedule.total):
        torch.manual_seed(generator("update", phase.seed, update, *ranks.key).integers(2**62).item())
        for group in optimizer.param_groups:
            group["lr"] = rate(recipe, update, schedule.total)
        number, items = schedule.at(update)
        data, use = tasks[number], phase.uses[number]
        if use.family == "masked" and hiding is not None:
            data = hiding.hide(data, items, recipe.mask_rate, generator("mask", phase.seed, update))
            items = np.arange(len(items))
        own, idle = ranks.share(data, items, context.micro_tokens, padding)
        micro = [collate(data, part, pad) for part in (*own, *idle)]
        decided = max(1, data.decisions(items))
        losses = []
        for place, batch in enumerate(micro):
            on_device = batch.to(device)
            with autocast(device, recipe.precision):
                scores = model(on_device, heads[use.task])
            part_loss = loss_sum(scores, on_device) / (decided if place < len(own) else math.inf)
            (part_loss * ranks.weight).backward()  # type: ignore[no-untyped-call]
            losses.append(part_loss.detach())
        ranks.add_gradients(model.parameters())
        norm = shards.full(torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip))
        *parts, steepness = torch.stack([*losses, norm]).tolist()  # one wait for the device
        del micro[len(own) :]
        seen = sum(batch.real_tokens for batch in micro), sum(batch.padded_tokens for batch in micro)
        late = ranks.writes and time.monotonic() - saved >= context.save_seconds
        loss, tokens, padded, due = ranks.total((sum(parts), *seen, late), device)
        if not math.isfinite(loss + steepness):
            where = f"{phase.name}, update {update + 1} of {schedule.total}"
            now = 'Lower the learning rate, or set precision = "fp32" in the recipe.'
            raise LossError(where, f"the loss is {loss}, the norm of its gradient {steepness}.", now)
        optimizer.step()
        # Giving memory back and taking it anew costs time; but what no update reaches must have no gradient.
        optimizer.zero_grad(set_to_none=len(tasks) > 1)

        # What is known now.
        progress.update, progress.loss = update + 1, loss
        progress.tokens += int(tokens)
        progress.padded += int(padded)
        progress.seconds = before + time.monotonic() - began
        since += loss
        if progress.update in check_at or progress.update % max(1, schedule.total // POINTS) == 0:
            point = {"update": progress.update, "loss": since / (progress.update - shown)}
            point |= {"rate": rate(recipe, update, schedule.total), "tokens": progress.tokens}
            since, shown = 0.0, progress.update
            if progress.update in check_at:
                shards.fill(whole, model)
                score = _mean_score(whole, watch, phase) if ranks.writes else 0.0
                shards.put_away(whole, model)
                point["development"] = ranks.first(score, device)
                if point["development"] > progress.best:
                    progress.best, progress.best_update, progress.since_best = (
                        point["development"],
                        update + 1,
                        0,
                    )
                    best = _copy(whole) if ranks.writes and recipe.select == "best" else {}
                else:
                    progress.since_best += 1
                model.train()
            progress.curve.append(point)
        if time.monotonic() - told >= REPORT_SECONDS:
            told, speed = time.monotonic(), progress.tokens / max(progress.seconds, 1e-9)
            event = {"kind": "train", "update": progress.update, "updates": schedule.total}
            context.report(event | {"loss": loss, "tokens_per_second": speed})
        if recipe.patience is not None and progress.since_best >= recipe.patience:
            break
        if due and shown == progress.update:
            save(context.running, model, optimizer, progress, best, writes=ranks.writes)
            saved = time.monotonic()

    shards.fill(whole, model)
    if not ranks.writes:
        return {}

    # What is left: the checkpoint, the curve, and how well the phase learned its own tasks.
    if best:
        whole.load_state_dict(best, strict=False)
    selected = progress.best_update if best else progress.update
    attention.keep_all(whole.encoder)
    embedding_rows.restore(whole, decay(recipe, selected, schedule.total))
    if recipe.adapter is not None:
        parent = phase.parent
        if isinstance(parent, Backbone) and parent.model is not None and not parent.made:
            adapter.merge(whole, context.folder / "adapter", parent.model, parent.revision)
        else:
            adapter.merge(whole, context.folder / "adapter", str(context.checkpoint(parent)))
    labels = {heads[use.task]: use.label_set for use in phase.uses}
    checkpoint.save(whole, context.folder / "checkpoint", labels)
    lines = [json.dumps(point, sort_keys=True) for point in progress.curve]
    (context.folder / "curve.jsonl").write_text("".join(line + "\n" for line in lines))
    number, items = schedule.at(0)
    cost = forward_flops(whole, tasks[number], items[:8], heads[phase.uses[number].task])
    return (
        sizes(whole)
        | cost
        | {
            "updates": progress.update,
            "planned_updates": schedule.total,
            "selected_update": selected,
            "tokens": progress.tokens,
            "padding": 1 - progress.tokens / max(1, progress.padded),
            "train_seconds": progress.seconds,
            "loss": progress.curve[-1]["loss"] if progress.curve else progress.loss,
            "examples": counts,
            "computed_on": progress.computed_on,
            "embedding_rows": rows_read,
            "processes": ranks.size,
            "divided": ranks.divides,
            "source_score": _source_scores(whole, watch, phase),
        }
    )


def carried(phase: Phase) -> dict[str, str]:
    """The heads that a phase takes over from its parent: its own name for each, and the parent's.

    None unless the recipe says so; then for each use the head of the same task, or else of the only task of
    the same family with the same labels.
    """
    if phase.recipe.carry != "heads" or not isinstance(phase.parent, Phase):
        return {}
    found = {}
    for use in phase.uses:
        alike = {
            head_name(other): other.task == use.task
            for other in phase.parent.uses
            if other.family == use.family != "masked" and other.label_set == use.label_set
        }
        same = [name for name, is_same in alike.items() if is_same] or list(alike)
        if len(same) == 1:
            found[head_name(use)] = same[0]
    return found


def rate(recipe: Recipe, update: int, total: int) -> float:
    """The learning rate of an update: linear warm-up over a share of all updates, then the recipe's decay."""
    warm = round(recipe.warmup * total)
    if update < warm:
        return recipe.learning_rate * (update + 1) / warm
    left = (total - update) / max(1, total - warm)
    shape = {"linear": left, "cosine": 0.5 * (1 - math.cos(math.pi * left)), "constant": 1.0}[recipe.decay]
    return recipe.learning_rate * shape


def decay(recipe: Recipe, updates: int, total: int) -> float:
    """What AdamW has left of a weight without gradients after so many updates of all, as a share of it."""
    return math.prod(1 - rate(recipe, update, total) * recipe.weight_decay for update in range(updates))


def _layout(use: Use, recipe: Recipe) -> Layout:
    return Layout(labels=use.label_set, max_length=recipe.max_length, stride=recipe.stride)


def _evenly(total: int, count: int) -> frozenset[int]:
    return frozenset(round(total * (number + 1) / count) for number in range(count))


def _set_dropout(model: torch.nn.Module, share: float) -> None:
    """In every dropout layer, and in the attention of models that keep the share as a number (T5, Llama)."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
        for name, value in vars(module).items():
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, share)


def _development(
    phase: Phase, context: Context, model: Model, layouts: Mapping[str, Layout]
) -> dict[str, Prepared]:
    """The source language's development data of every trained task that has some."""
    found = {}
    for use in phase.uses:
        rows, most = context.development(use), phase.recipe.development_examples
        if len(rows) > most:
            drawn = generator("development", phase.seed, use.task).permutation(len(rows))[:most]
            taken = sorted(drawn) if phase.recipe.development_rows == "drawn" else range(most)
            rows = [rows[row] for row in taken]
        if rows:
            metric = context.places.task(use.task).metric
            layout = replace(layouts[use.task], nulls=has_nulls(metric))
            album = context.album(use, model.preparation)
            found[use.task] = prepare(rows, use.family, model.tokenizer, layout, metric, album)
    if not found and (phase.recipe.select == "best" or phase.recipe.patience is not None):
        what = "no trained task has development rows in its source language."
        raise DataError(phase.name, what, 'Leave `select = "best"` and `patience` out of the recipe.')
    return found


def _source_scores(model: Model, watch: Mapping[str, Prepared], phase: Phase) -> dict[str, dict[str, Any]]:
    """The score of every trained task on its own development data, beside chance (the majority answer)."""
    scores: dict[str, dict[str, Any]] = {}
    for use in phase.uses:
        if use.task not in watch:
            continue
        rows, precision = watch[use.task].examples, phase.recipe.precision
        head = head_name(use, phase.recipe.readout)
        if use.family == "masked":
            value, chance = masked_accuracy(model, head, watch[use.task], phase.recipe.mask_rate, precision)
            scores[use.task] = {"metric": "masked_accuracy", "value": value, "chance": chance, "n": len(rows)}
            continue
        assert use.development is not None
        family, metric = families.find(use.family), metrics.find(watch[use.task].metric)
        language = use.development.language
        gold = [family.gold(row) for row in rows]
        predicted = predict(model, head, watch[use.task], precision)
        value, chance = (
            float(metric.value(metric.statistics(gold, answers, language).sum(axis=0)))
            for answers in (predicted, family.majority(rows, rows))
        )
        scores[use.task] = {"metric": metric.name, "value": value, "chance": chance, "n": len(rows)}
    return scores


def _mean_score(model: Model, watch: Mapping[str, Prepared], phase: Phase) -> float:
    """Over the labelled tasks; over masked text where there is nothing else."""
    labelled = {name: prepared for name, prepared in watch.items() if prepared.family != "masked"}
    scores = _source_scores(model, labelled or watch, phase)
    return float(sum(score["value"] for score in scores.values()) / max(1, len(scores)))


def _copy(model: Model) -> dict[str, torch.Tensor]:
    trained = ((name, one) for name, one in model.named_parameters() if one.requires_grad)
    return {name: parameter.detach().cpu().clone() for name, parameter in trained}
