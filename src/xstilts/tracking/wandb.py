"""Weights & Biases: a run for each training, in the study's group.

wandb login                      its key is its own business
WANDB_PROJECT=mine               the project; by default "xstilts"
WANDB_MODE=offline               writes folders, which `wandb sync` sends later
"""

import os
from pathlib import Path
from typing import Any

import wandb

from xstilts.errors import InputError
from xstilts.tracking.tracker import News

OFFLINE = ("offline", "dryrun", "disabled")
"""Modes in which wandb needs no key."""


class WeightsAndBiases:
    """Runs stay open while their phase is trained; scores that come later open them again."""

    def __init__(self, study: str, folder: Path) -> None:
        self._settings = wandb.setup().settings
        self._project = os.environ.get("WANDB_PROJECT") or "xstilts"
        self._open: dict[str, Any] = {}
        if self._settings.mode not in OFFLINE and not wandb.login(prompt=False, verify=False):
            now = "`wandb login`, or WANDB_MODE=offline."
            raise InputError("--track wandb", "nobody is logged in to Weights & Biases.", now)

    @property
    def place(self) -> str:
        """The address of the project."""
        return "/".join((str(self._settings.base_url), self._settings.entity or "-", self._project))

    def tell(self, news: News) -> None:
        """Log the points by their updates, and what is known once as the run's summary."""
        if news.id not in self._open:
            self._open[news.id] = wandb.init(
                project=self._project,
                group=news.study,
                id=news.id,
                name=news.name,
                job_type=str(news.facts["phase"]),
                config=dict(news.facts),
                resume="allow",
                reinit="create_new",
                settings=wandb.Settings(
                    silent=True, console="off", save_code=False, disable_git=True, x_disable_stats=True
                ),
            )
        run = self._open[news.id]
        for update, values in news.points:
            run.log(dict(values), step=update)
        run.summary.update(news.known)
        if news.state != "running":
            self._open.pop(news.id).finish(exit_code=int(news.state == "failed"))

    def close(self) -> None:
        """End the runs that are still open; a phase that was stopped continues its own."""
        for run in self._open.values():
            run.finish(exit_code=1)
