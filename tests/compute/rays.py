"""A Ray cluster of two nodes on this computer, each with an address of its own on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 90.0
TRIES = 3
ADDRESSES = ("127.0.0.2", "127.0.0.3")
HOST = "XSTILTS_TESTS_HOST"
"""What the processes of a node take for the name of their computer (slowly.py)."""
LEAN = ("--disable-usage-stats", "--include-log-monitor=False", "--object-store-memory=80000000", "--block")


class Ray:
    """The cluster: a head, and a second node when it is wanted, each of one core. Use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._short = Path(tempfile.mkdtemp(prefix="xr-", dir="/tmp"))
        """Ray makes sockets below it, whose paths must be short."""
        self.address = ""
        self._nodes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Ray":
        self._folder.mkdir()
        try:
            self._start_head()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in reversed(self._nodes):
            _kill(node)
        shutil.rmtree(self._short, ignore_errors=True)

    def answers(self) -> bool:
        """Whether a driver can connect: one that cannot takes its whole process with it, here another's."""
        program = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR')"
        command = [sys.executable, "-c", program, self.address]
        return (
            subprocess.run(command, capture_output=True, timeout=START_SECONDS, check=False).returncode == 0
        )

    def add_second(self) -> None:
        """One more node. Once a driver is there: of two nodes on its computer it may choose either."""
        self._start(ADDRESSES[1], f"--address={self.address}")

    def kill_second(self) -> None:
        """All processes of the node that is not the head, at once."""
        _kill(self._nodes[1])

    def _start_head(self) -> None:
        port = _free_port()
        self.address = f"{ADDRESSES[0]}:{port}"
        lean = ("--include-dashboard=false", "--no-monitor", f"--temp-dir={self._short}")
        self._start(ADDRESSES[0], "--head", f"--port={port}", *lean)

    def _start(self, address: str, *more: str) -> None:
        """Ray gives itself 30 seconds to start, which a busy computer may not have: so several tries."""
        program = Path(sys.executable).with_name("ray")
        for attempt in range(TRIES):
            log = self._folder / f"{address}-{attempt}.log"
            with log.open("wb") as output:
                command = [program, "start", f"--node-ip-address={address}", "--num-cpus=1", *LEAN, *more]
                environment = {**os.environ, HOST: address}
                node = subprocess.Popen(
                    command, env=environment, stdout=output, stderr=output, start_new_session=True
                )
            until = time.monotonic() + START_SECONDS
            while node.poll() is None and time.monotonic() < until:
                if "Ray runtime started" in log.read_text():
                    self._nodes.append(node)
                    return
                time.sleep(0.2)
            _kill(node)
        raise RuntimeError(f"no Ray node on {address}: {log.read_text()[-2000:]}")


def _kill(node: "subprocess.Popen[bytes]") -> None:
    """A node and all that it has started, however deep."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    doomed = [node.pid]
    for process in doomed:
        doomed += [child for child, parent in parents.items() if parent == process]
    for process in doomed:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
    node.wait()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
