"""The computing side of every engine: steps as JSON in, events as JSON out, in this process."""

import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from xstilts import claims
from xstilts.errors import DamageError, StoreError, XstiltsError
from xstilts.runner.context import Event
from xstilts.store import Store
from xstilts.study.step import Places, Step


def settings(store: Store, places: Places, compute: str) -> dict[str, Any]:
    """What a workbench is told once. `compute` names the function that does the work, as module:function."""
    return {"store": str(store.root), "places": places.to_json(), "compute": compute}


class Workbench:
    """Computes steps one after the other."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        module, function = settings["compute"].split(":")
        self._compute = getattr(importlib.import_module(module), function)
        self._store = Store(Path(settings["store"]))
        self._places = Places.from_json(settings["places"])

    def serve(self, spec: Mapping[str, Any], say: Callable[[Event], None]) -> None:
        """Compute a step; `say` its start, progress and end. Whatever goes wrong with it is an answer too.

        At the start also which process this is, so that the engine can free its claims when it has died.
        """
        say({"event": "started", "owner": claims.owner()})
        say(self._answer(Step.from_spec(spec), say))

    def _answer(self, step: Step, say: Callable[[Event], None]) -> Event:
        def report(event: Event) -> None:
            say({"event": "progress", **event})

        try:
            return {"event": "finished", "outcome": self._compute(step, self._store, self._places, report)}
        except Exception as error:
            ours = isinstance(error, XstiltsError)
            store = isinstance(error, StoreError) and not isinstance(error, DamageError)
            return {
                "event": "failed",
                "message": str(error) if ours else f"{type(error).__name__}: {error}",
                "traceback": traceback.format_exc(),
                "store": list(error.args) if store else None,
            }
        finally:
            torch: Any = sys.modules.get("torch")
            if torch is not None and torch.cuda.is_available():
                torch.cuda.empty_cache()
