"""TensorBoard: event files below the store, a folder for each study and in it one for each run.

    tensorboard --logdir store/tracking/tensorboard

Facts stand in its table of hyperparameters.
"""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from xstilts.tracking.tracker import News


class TensorBoard:
    """Each news of a run is an event file of its own, which TensorBoard joins; nothing stays open."""

    def __init__(self, study: str, folder: Path) -> None:
        self._folder = folder / "tensorboard"

    @property
    def place(self) -> str:
        """The folder to be shown."""
        return str(self._folder)

    def tell(self, news: News) -> None:
        """Write an event file into the folder of the run."""
        readable = news.name.replace("/", "_")[:100]
        writer = EventFileWriter(
            str(self._folder / news.study / f"{readable}-{news.id.rpartition('-')[2][:8]}")
        )
        try:
            if news.is_first:
                writer.add_event(_event(hparams_pb(dict(news.facts), trial_id=news.id), 0))
            for update, values in news.points:
                writer.add_event(_event(_scalars(values), update))
            if news.values:
                writer.add_event(_event(_scalars(news.values), news.update))
            if news.state != "running":
                writer.add_event(_event(_end(failed=news.state == "failed"), 0))
        finally:
            writer.close()

    def close(self) -> None:
        """All is written."""


def _scalars(values: Mapping[str, float]) -> Any:
    return Summary(
        value=[
            Summary.Value(tag=name, simple_value=value)
            for name, value in values.items()
            if math.isfinite(value)
        ]
    )


def _end(*, failed: bool) -> Any:
    """That a run has ended, in the table of hyperparameters."""
    status = Status.STATUS_FAILURE if failed else Status.STATUS_SUCCESS
    ended = HParamsPluginData(session_end_info=SessionEndInfo(status=status, end_time_secs=time.time()))
    about = metadata.create_summary_metadata(ended)
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=about, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])


def _event(summary: Any, update: int) -> Any:
    return Event(wall_time=time.time(), step=update, summary=summary)
