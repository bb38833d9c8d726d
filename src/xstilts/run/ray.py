"""The Ray launcher: each worker is a Ray task with its share of CPUs and GPUs, on one computer or on many.

    pip install 'xstilts[ray]'

Nothing but paths and JSON travels. What workers tell and compute goes into the store, which all nodes must
see. A worker whose node dies is started again by Ray where there is room.
"""

import contextlib
import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from xstilts.errors import EngineError, StoreError
from xstilts.run import worker
from xstilts.run.launch import ATTEMPTS, End, Launch, Listener, Pace, Result, Run
from xstilts.run.options import RayOptions
from xstilts.run.rendezvous import rendezvous

PACE = Pace(look=0.5, ask=1.0, grace=1.0, busy=2.0, idle=60.0)
ROOM_SECONDS = 10.0
"""Time between two looks at how large the cluster is."""
FAREWELL_SECONDS = 10.0
OBJECTS_MB = 100
"""Memory for Ray's objects in a cluster of our own: nothing but short texts."""


def run(wanted: Run, listener: Listener, options: RayOptions) -> Result:
    """Compute all steps that are not in the store, by workers that are tasks of a Ray cluster.

    Raises EngineError if there is no cluster, or none with room for a step; StoreError if the store cannot be
    written any more, or if a node does not see it.
    """
    launch = Launch(wanted, listener, PACE)
    if launch.left:
        try:
            with _connected(options) as ray, _noticed() as interrupted:
                gpus = options.gpus
                if gpus is None:
                    gpus = 1.0 if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
                told = wanted.settings(PACE, gpus, divide=options.divide_model)
                if not gpus:  # without a share of a GPU Ray would show a task all of its node
                    told["environment"] |= {"CUDA_VISIBLE_DEVICES": ""}
                with rendezvous(wanted.store, launch.entries, told) as folder:
                    launch.attend(folder, Tasks(ray, options, gpus, folder, interrupted))
        finally:
            wanted.store.tidy()
    return launch.result


@contextlib.contextmanager
def _connected(options: RayOptions) -> Iterator[ModuleType]:
    """Ray, connected to the cluster at the address, or to one of our own that ends with the block.

    Never without an address, for Ray then joins whatever cluster it finds on this computer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning
    os.environ.setdefault("RAY_task_oom_retries", "0")  # want of memory is told: the next try takes less
    try:
        import ray
    except ImportError as error:
        now = "Install it: pip install 'xstilts[ray]'."
        raise EngineError("--engine ray", "needs Ray, which is not installed.", now) from error
    own = {"include_dashboard": False, "object_store_memory": OBJECTS_MB * 2**20}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=options.address or "local",
            log_to_driver=False,
            logging_level="ERROR",
            **({} if options.address else own),
        )
    except (OSError, RuntimeError, ValueError) as error:
        where = f"--address {options.address}" if options.address else "--engine ray"
        words = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise EngineError(where, f"no Ray cluster: {words[0]}", "See docs/cluster.md, Ray.") from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)  # Ray's own would end this process without a word
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _noticed() -> Iterator[threading.Event]:
    """Set by an interrupt. Its exception is lost if it is raised while an object of Ray's is being freed."""
    came, before = threading.Event(), {}
    if threading.current_thread() is threading.main_thread():
        found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        before = {number: handler for number, handler in found.items() if callable(handler)}

    def note(number: int, frame: FrameType | None) -> None:
        came.set()
        before[signal.Signals(number)](number, frame)

    for number in before:
        signal.signal(number, note)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Tasks:
    """The workers that are with Ray."""

    def __init__(
        self, ray: Any, options: RayOptions, gpus: float, folder: Path, interrupted: threading.Event
    ) -> None:
        self._ray, self._options, self._gpus, self._folder = ray, options, gpus, folder
        self._interrupted = interrupted
        memory = {} if options.memory_gb is None else {"memory": math.ceil(options.memory_gb * 2**30)}
        self._serve = ray.remote(
            num_cpus=options.cpus,
            num_gpus=gpus,
            max_retries=ATTEMPTS,  # where a node or a process dies; after that, another worker is started
            max_calls=1,  # a process of its own
            **memory,
        )(serve)
        self._tasks: dict[str, Any] = {}
        self._started = 0
        self._room, self._looked = 0, -math.inf

    @property
    def room(self) -> int:
        """How many workers the cluster has room for."""
        if time.monotonic() - self._looked >= ROOM_SECONDS:
            self._looked = time.monotonic()
            have, options = self._ray.cluster_resources(), self._options
            wants = {"CPU": options.cpus, "GPU": self._gpus, "memory": (options.memory_gb or 0) * 2**30}
            self._room = options.steps or min(
                int(have.get(name, 0) / want) for name, want in wants.items() if want
            )
            if not self._room:
                asked = f"{options.cpus:g} CPUs and {self._gpus:g} GPUs"
                there = f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs"
                now = "Ask for less, or state `steps` if the cluster grows on demand: docs/cluster.md, Ray."
                raise EngineError(
                    "--engine ray", f"a step wants {asked}; the whole cluster has {there}.", now
                )
        return self._room

    def start(self, count: int) -> list[str]:
        new = [str(self._started + number) for number in range(count)]
        self._started += count
        self._tasks |= {name: self._serve.remote(str(self._folder), name) for name in new}
        return new

    def ended(self, workers: Mapping[str, Mapping[str, Any]]) -> dict[str, End]:
        """Also those whose node is dead, and which Ray starts again once there is room."""
        if self._interrupted.is_set():
            raise KeyboardInterrupt
        living = {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}
        found = {
            name: End("NodeDiedError", returns=True)
            for name, joined in workers.items()
            if "node" in joined and joined["node"] not in living
        }
        tasks = {task: name for name, task in self._tasks.items() if name in workers}
        over = self._ray.wait(list(tasks), num_returns=len(tasks), timeout=0)[0] if tasks else []
        return found | {tasks[task]: self._end(task) for task in over}

    def kill(self, worker: str) -> None:
        self._ray.cancel(self._tasks[worker], force=True)

    def remove(self, worker: str) -> None:
        del self._tasks[worker]

    def stop(self, workers: Sequence[str]) -> None:
        """Interrupt what goes on, so that leases are given back, and wait a little for it."""
        tasks = [self._tasks[name] for name in workers]
        for task in tasks:
            self._ray.cancel(task)
        if tasks:
            self._ray.wait(tasks, num_returns=len(tasks), timeout=FAREWELL_SECONDS)

    def _end(self, task: Any) -> End:
        errors = self._ray.exceptions
        try:
            refused = json.loads(self._ray.get(task))
        except errors.RayTaskError as error:
            last = str(error).strip().splitlines()[-1]
            now = "All nodes need the same Python with the same packages: docs/cluster.md, Ray."
            raise EngineError("a Ray worker", f"cannot go on: {last}", now) from error
        except errors.RayError as error:
            memory = isinstance(error, errors.OutOfMemoryError)
            return End(type(error).__name__, str(error), memory=memory)
        if refused is not None:
            raise StoreError(*refused)
        return End("it left")


def serve(folder: str, name: str) -> str:
    """A task: work until there is nothing to do. Gives as JSON what is wrong with the store, or null."""
    import ray

    signal.signal(signal.SIGINT, signal.default_int_handler)  # by which Ray cancels; it may be ignored here
    try:
        worker.serve(Path(folder), name, node=ray.get_runtime_context().get_node_id())
    except StoreError as error:
        return json.dumps(error.args)
    return json.dumps(None)
