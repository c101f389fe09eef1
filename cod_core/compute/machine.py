"""What a machine has to compute with: cores, memory, GPUs by name, versions. Loads no torch."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass

from cod_core.compute.versions import versions


@dataclass(frozen=True)
class Machine:
    """A process that computes, and what it has. name: of the worker. cores: pieces at once. memory: bytes. gpus: their names."""

    name: str
    host: str
    cores: int
    memory: int
    gpus: tuple[str, ...]
    versions: dict[str, str]


def described(name: str = "", at_once: int = 0) -> Machine:
    """This machine. at_once: pieces at once, its cores where 0."""
    return Machine(name or f"process {os.getpid()}", socket.gethostname(), at_once or cores(), memory_bytes(), gpus(), dict(versions()))


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def memory_bytes() -> int:
    """The machine's memory, or the container's where that is less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")] if hasattr(os, "sysconf") else []
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as handle:
            found += [int(said) for said in [handle.read().strip()] if said.isdigit()]
    except OSError:
        pass
    return min(found, default=8 << 30)


def gpus() -> tuple[str, ...]:
    """Names of the CUDA devices: as torch tells where it is loaded, else as the driver's tool does."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return tuple(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())) if torch.cuda.is_available() else ()
    try:
        told = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=5, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in told.splitlines() if line.strip())
