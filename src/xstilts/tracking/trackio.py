"""trackio: a run for each training, in the project that has the study's name.

trackio show                     the dashboard, of what lies on this computer
TRACKIO_SPACE_ID=org/name        a Space of the Hub, instead
"""

import contextlib
import io
import os
from pathlib import Path

import trackio

from xstilts.tracking.tracker import News


class Trackio:
    """A run is continued by its name; what trackio prints is left out, for the command line has its own."""

    def __init__(self, study: str, folder: Path) -> None:
        self._study = study

    @property
    def place(self) -> str:
        """A Space, a server, or a folder; and the project."""
        there = os.environ.get("TRACKIO_SPACE_ID") or os.environ.get("TRACKIO_SERVER_URL")
        return f"{there or trackio.TRACKIO_DIR}, project {self._study}"

    def tell(self, news: News) -> None:
        """Log the points by their updates, and the rest at the last one."""
        with contextlib.redirect_stdout(io.StringIO()):
            run = trackio.init(
                project=news.study,
                name=f"{news.name} ({news.id.rpartition('-')[2][:8]})",
                group=str(news.facts["phase"]),
                config=dict(news.facts),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
            for update, values in news.points:
                run.log(dict(values), step=update)
            if news.known:
                run.log(news.known, step=news.update)
            trackio.finish()

    def close(self) -> None:
        """All is written."""
