"""A Slurm cluster of two nodes on this computer, of the system's packages, on loopback."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
NODES = ("one", "two")
START_SECONDS = 120.0
LARGEST_ARRAY = 3

CONF = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MaxArraySize={tasks}
KillWait=10
GresTypes=gpu
SchedulerParameters=sched_interval=1,batch_sched_delay=0
{nodes}
PartitionName=main Nodes=ALL Default=YES State=UP
"""


def missing() -> str:
    """Why no cluster can be started here; empty if one can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"not installed: {', '.join(lacking)} (Debian's packages slurm-wlm and munge)"
    return "" if os.geteuid() == 0 else "slurmd must be started by root"


class Slurm:
    """The cluster. Use it as a context; commands find it by the environment variable SLURM_CONF."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Slurm":
        self._write()
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def ask(self, *command: str) -> str:
        """What a command of Slurm prints."""
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        return done.stdout + done.stderr

    def _write(self) -> None:
        self.folder.mkdir(parents=True)
        (self.folder / "state").mkdir()
        host = socket.gethostname().split(".")[0]
        ports = _free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 Gres=gpu:1"
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        self.conf.write_text(
            CONF.format(host=host, port=ports[0], folder=self.folder, nodes=nodes, tasks=LARGEST_ARRAY)
        )
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o400)

    def _start(self) -> None:
        places = [
            f"--{name}={self.folder}/munge.{name}" for name in ("socket", "pid-file", "log-file", "seed-file")
        ]
        self._spawn("munged", "--foreground", "--force", f"--key-file={self.folder}/munge.key", *places)
        self._until((self.folder / "munge.socket").exists, "munged")
        self._spawn("slurmctld", "-D", "-f", str(self.conf))
        self._until(lambda: "is UP" in self.ask("scontrol", "ping"), "slurmctld")
        for name in NODES:
            self._spawn("slurmd", "-D", "-f", str(self.conf), "-N", name)
        self._until(
            lambda: self.ask("sinfo", "-h", "-N", "-o", "%t").split() == ["idle"] * len(NODES), "slurmd"
        )

    def _spawn(self, *command: str) -> None:
        environment = {**os.environ, "SLURM_CONF": str(self.conf)}
        with (self.folder / f"{command[0]}.out").open("ab") as log:
            self._processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def _until(self, is_up: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + START_SECONDS
        while not is_up():
            if time.monotonic() > until or any(one.poll() is not None for one in self._processes):
                words = "".join(path.read_text()[-2000:] for path in sorted(self.folder.glob("*.out")))
                raise RuntimeError(f"{what} does not come up: {words}")
            time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
