"""MLflow: a run for each training, in the experiment that has the study's name.

MLFLOW_TRACKING_URI says where, as for every program that uses MLflow.
"""

import time
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Metric, Param

from xstilts.tracking.tracker import News

TAG = "xstilts.id"
"""The tag by which a run is found again, for MLflow chooses the ids of runs itself."""
SAFE = frozenset("_-./ ")
AT_ONCE = 1000
"""The most metrics that a server takes in one request; params it takes 100."""


class MLflow:
    """Runs are known by a tag; none is active in the process."""

    def __init__(self, study: str, folder: Path) -> None:
        self._client: Any = mlflow.MlflowClient()
        self._study = study
        self._experiment = ""
        self._ids: dict[str, str] = {}
        self._running: set[str] = set()

    @property
    def place(self) -> str:
        """The tracking server, database or folder, and the experiment."""
        return f"{self._client.tracking_uri}, experiment {self._study}"

    def tell(self, news: News) -> None:
        """Log facts as parameters when the run is made, points by their updates, the rest at the last one."""
        if news.id not in self._ids:
            self._ids[news.id] = self._found(news)
        run = self._ids[news.id]
        self._client.update_run(run, status="RUNNING")
        self._running.add(run)
        if news.is_first:
            params = [Param(_safe(name), str(value)[:6000]) for name, value in news.facts.items()]
            for start in range(0, len(params), 100):
                self._client.log_batch(run, params=params[start : start + 100])
        now = int(1000 * time.time())
        metrics = [
            Metric(_safe(name), value, now, update)
            for update, values in ((news.update, news.values), *news.points)
            for name, value in values.items()
        ]
        for start in range(0, len(metrics), AT_ONCE):
            self._client.log_batch(run, metrics=metrics[start : start + AT_ONCE])
        if news.message:
            self._client.set_tag(run, "xstilts.failure", news.message[:5000])
        if news.state != "running":
            self._client.set_terminated(run, news.state.upper())
            self._running.discard(run)

    def _found(self, news: News) -> str:
        """The run of that tag, or a new one."""
        if not self._experiment:
            known = self._client.get_experiment_by_name(news.study)
            self._experiment = (
                self._client.create_experiment(news.study) if known is None else known.experiment_id
            )
        asked = f"tags.`{TAG}` = '{news.id}'"
        for run in self._client.search_runs([self._experiment], asked, max_results=1):
            return str(run.info.run_id)
        tags = {TAG: news.id, "xstilts.study": news.study}
        made = self._client.create_run(self._experiment, tags=tags, run_name=news.name)
        return str(made.info.run_id)

    def close(self) -> None:
        """Say of the runs that go on that they were stopped; a phase that is resumed continues its own."""
        for run in sorted(self._running):
            self._client.set_terminated(run, "KILLED")


def _safe(name: str) -> str:
    """With the characters that MLflow allows."""
    return "".join(letter if letter.isalnum() or letter in SAFE else "_" for letter in name)
