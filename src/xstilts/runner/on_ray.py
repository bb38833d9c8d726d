"""The Ray engine: each step is a Ray task, on this computer or on a cluster.

    pip install 'xstilts[ray]'

Only JSON travels: where the store is, what the step is, what became of it. Results go into the store, which
all nodes must see. A step whose node or process dies is tried again where there is room, but not for ever.
Ray tells of the death, so that the claims of the dead are freed at once.
"""

import contextlib
import functools
import json
import math
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType, ModuleType
from typing import Any

from xstilts.errors import EngineError, StoreError
from xstilts.runner import meeting
from xstilts.runner.context import Event
from xstilts.runner.driver import COMPUTE, Driver, Listener, Result
from xstilts.runner.engine import RayOptions
from xstilts.runner.machine import share
from xstilts.runner.workbench import Workbench, settings
from xstilts.store import Store
from xstilts.study.step import Places, Step

LOOK_SECONDS = 0.5
TELL_SECONDS = 1.0
"""Time between two messages about the progress of a step."""
ROOM_SECONDS = 10.0
"""Time between two looks at how large the cluster is."""
FAREWELL_SECONDS = 10.0
OBJECTS_MB = 100
"""Memory for Ray's objects in a cluster of our own: nothing but short texts."""


def run(
    steps: Sequence[Step],
    store: Store,
    places: Places,
    listener: Listener,
    *,
    options: RayOptions,
    compute: str = COMPUTE,
) -> Result:
    """Compute all steps that are not in the store, as tasks of a Ray cluster.

    Raises EngineError if there is no cluster, or none with room for a step; StoreError if the store cannot be
    written any more, or if a node does not see it.
    """
    driver = Driver(steps, store, listener)
    if driver.left:
        try:
            with meeting.meeting(store) as folder, _connected(options) as ray, _noticed() as interrupted:
                told = json.dumps({**settings(store, places, compute), **meeting.agreement(folder)})
                _Tasks(ray, options, driver, told).drive(interrupted)
        finally:
            store.tidy()
    return driver.result


@contextlib.contextmanager
def _connected(options: RayOptions) -> Iterator[ModuleType]:
    """Ray, connected to the cluster at the address, or to one of our own that ends with the block.

    Never without an address, for Ray then joins whatever cluster it finds on this computer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning
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


class Mailbox:
    """What tasks tell while they go on; an actor beside the driver."""

    def __init__(self) -> None:
        self._letters: list[tuple[str, str]] = []

    def put(self, fingerprint: str, event: str) -> None:
        """Leave a message about a step."""
        self._letters.append((fingerprint, event))

    def take(self) -> list[tuple[str, str]]:
        """All messages that have come since the last time."""
        letters, self._letters = self._letters, []
        return letters


class _Tasks:
    """The tasks that are with Ray."""

    def __init__(self, ray: Any, options: RayOptions, driver: Driver, told: str) -> None:
        self._ray, self._options, self._driver, self._told = ray, options, driver, told
        self._gpus = options.gpus
        if self._gpus is None:
            self._gpus = 1.0 if ray.cluster_resources().get("GPU", 0) >= 1 else 0.0
        self._mailbox = self._beside().remote()
        memory = {} if options.memory_gb is None else {"memory": math.ceil(options.memory_gb * 2**30)}
        self._task = ray.remote(
            num_cpus=options.cpus,
            num_gpus=self._gpus,
            max_retries=0,
            max_calls=1 if self._gpus else 0,  # a process that goes on keeps the memory of its GPU
            **memory,
        )(compute_step)
        self._environment = share(self._gpus, divide=options.divide_model)
        if not self._gpus:  # without a share of a GPU Ray would show a task all of its node
            self._environment["CUDA_VISIBLE_DEVICES"] = ""
        self._running: dict[Any, Step] = {}
        self._owners: dict[str, str] = {}
        """The processes that are at steps, as they called themselves, by fingerprint."""
        self._room, self._looked = 0, -math.inf

    def drive(self, interrupted: threading.Event) -> None:
        """Hand out steps until none is left; what is still with Ray when an error comes is called back."""
        try:
            while self._driver.left:
                if interrupted.is_set():
                    raise KeyboardInterrupt
                self._hand_out()
                ended: list[Any] = []
                if self._running:
                    ended, _ = self._ray.wait(list(self._running), timeout=LOOK_SECONDS)
                else:
                    time.sleep(LOOK_SECONDS)
                self._read_mail()
                for task in ended:
                    self._take_in(task)
        finally:
            self._call_back()

    def _hand_out(self) -> None:
        """As many as the cluster has room for, so that the order of the queue is kept."""
        self._measure()
        while len(self._running) < self._room and (step := self._driver.take()) is not None:
            if self._driver.store.claimed(step.fingerprint):
                self._driver.postpone(step)  # a whole process to find that out would be dear
                continue
            task = self._task.remote(self._told, json.dumps(step.spec), self._mailbox, self._environment)
            self._running[task] = step

    def _measure(self) -> None:
        """How many steps the cluster has room for."""
        if time.monotonic() - self._looked < ROOM_SECONDS:
            return
        self._looked = time.monotonic()
        have, options = self._ray.cluster_resources(), self._options
        wants = {"CPU": options.cpus, "GPU": self._gpus, "memory": (options.memory_gb or 0) * 2**30}
        room = min(int(have.get(name, 0) / want) for name, want in wants.items() if want)
        self._room = options.steps or room
        if not self._room:
            asked = f"{options.cpus:g} CPUs and {self._gpus:g} GPUs"
            there = f"{have.get('CPU', 0):g} CPUs and {have.get('GPU', 0):g} GPUs"
            now = "Ask for less, or state `steps` if the cluster grows on demand: docs/cluster.md, Ray."
            raise EngineError("--engine ray", f"a step wants {asked}; the whole cluster has {there}.", now)

    def _read_mail(self) -> None:
        letters: list[tuple[str, str]] = []
        with contextlib.suppress(self._ray.exceptions.RayError):  # without a mailbox only progress is lost
            letters = self._ray.get(self._mailbox.take.remote())
        running = {step.fingerprint: step for step in self._running.values()}
        for fingerprint, letter in letters:
            if fingerprint in running:  # else it has ended since
                event = json.loads(letter)
                if event["event"] == "started":
                    self._owners[fingerprint] = event["owner"]
                self._driver.hear(running[fingerprint], event)

    def _take_in(self, task: Any) -> None:
        """What became of a task; its process or node may have died."""
        step, errors = self._running.pop(task), self._ray.exceptions
        owner = self._owners.pop(step.fingerprint, None)
        try:
            answer = self._ray.get(task)
        except errors.RayTaskError as error:
            last = str(error).strip().splitlines()[-1]
            now = "All nodes need the same Python with the same packages: docs/cluster.md, Ray."
            raise EngineError("a Ray worker", f"cannot begin: {last}", now) from error
        except errors.RayError as error:
            memory = isinstance(error, errors.OutOfMemoryError)
            dead = memory or isinstance(error, errors.WorkerCrashedError | errors.NodeDiedError)
            if dead and owner is not None:  # after other errors the process may be at another step
                self._driver.bury(step, owner)
            self._driver.lose(step, type(error).__name__, str(error), memory=memory)
        else:
            self._driver.hear(step, json.loads(answer))

    def _call_back(self) -> None:
        """Interrupt what goes on, so that claims are given back, and wait a little for it."""
        for task in self._running:
            self._ray.cancel(task)
        if self._running:
            self._ray.wait(list(self._running), num_returns=len(self._running), timeout=FAREWELL_SECONDS)

    def _beside(self) -> Any:
        """The class of the mailbox, placed on the driver's node, whose loss would be that of the driver."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(self._ray.get_runtime_context().get_node_id(), soft=True)
        return self._ray.remote(Mailbox).options(num_cpus=0, scheduling_strategy=here)


def compute_step(told: str, spec: str, mailbox: Any, environment: dict[str, str]) -> str:
    """A task: compute a step, tell the mailbox how it goes, and return its last word, all as JSON."""
    os.environ.update(environment)
    last: list[str] = []
    said = -math.inf

    def say(event: Event) -> None:
        nonlocal said
        if event["event"] in ("finished", "failed"):
            last.append(json.dumps(event))
        elif event["event"] == "started" or time.monotonic() - said >= TELL_SECONDS:
            said = -math.inf if event["event"] == "started" else time.monotonic()
            mailbox.put.remote(fingerprint, json.dumps(event))

    try:
        bench = _workbench(told)
    except StoreError as error:
        return json.dumps({"event": "failed", "message": str(error), "store": list(error.args)})
    step = json.loads(spec)
    fingerprint = Step.from_spec(step).fingerprint
    bench.serve(step, say)
    return last[0]


@functools.cache
def _workbench(told: str) -> Workbench:
    """One for each run that a process works for."""
    meeting.agree(json.loads(told))
    return Workbench(json.loads(told))
