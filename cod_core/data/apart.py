"""A file's reader in a process of its own that can be killed: with limits of time and memory.

Workbooks and columnar files name places and sizes: 1 kB of them can ask for two thousand million rows. What reads them holds one
core and as much memory as it likes, so it does so apart from the server, whose sessions go on; whatever it meets there ends as
one sentence. The process gets no key and no address. It reads the file from its standard input and writes lines of JSON.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from cod_core.errors import BadInput

CPU_S, WALL_S, MEMORY_BYTES = 120, 300, 3 * 2**30

Line = dict[str, Any]


def read_apart(module: str, data: bytes, what: str, *arguments: str) -> tuple[list[Line], Line]:
    """(lines, how it ended) of the reader in `module`, run on the file's bytes. what: names the file in messages.

    Raises BadInput with the reader's own sentence, or where it took too long or too much memory.
    """
    too_much = f"{what} takes too long to read, or too much memory. Save the texts as CSV, or split the file."
    said = _said(module, data, arguments)
    if not said or "end" not in said[-1]:
        raise BadInput(too_much)
    end = said[-1]["end"]
    if end.get("error"):
        raise BadInput(too_much if end["error"] == "memory" else str(end["error"]))
    return said[:-1], end


def _said(module: str, data: bytes, arguments: tuple[str, ...]) -> list[Line]:
    """What the reading process said, a line each. Its last line says how it ended; where there is none it was killed."""
    root = str(Path(__file__).parents[2])
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR", "TEMP") if name in os.environ}
    quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    reader = subprocess.Popen(
        [sys.executable, "-m", module, str(CPU_S), str(MEMORY_BYTES), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env={**kept, "PYTHONPATH": root, **quiet},
    )
    try:
        out, _ = reader.communicate(data, timeout=WALL_S)
    except subprocess.TimeoutExpired:
        return []
    finally:
        reader.kill()
        reader.wait()
    try:
        return [json.loads(line) for line in out.decode("utf-8", "surrogatepass").split("\n") if line]
    except (ValueError, RecursionError):  # killed in the middle of a line
        return []


def serve(read: Callable[[bytes, list[str], Callable[[Line], None]], Line], damaged: str) -> None:
    """In the reading process: read standard input within the limits of the command line, and write what read_apart expects.

    read: (bytes, further arguments, what writes a line) -> how it ended. damaged: said of whatever else goes wrong in a parser.
    """
    cpu_s, memory_bytes, *arguments = sys.argv[1:]
    _limit(int(cpu_s), int(memory_bytes))
    out = sys.stdout.buffer
    try:
        end = read(sys.stdin.buffer.read(), arguments, lambda line: _write(out, line))
    except BadInput as error:
        end = {"error": str(error)}
    except MemoryError:
        end = {"error": "memory"}
    except Exception as error:  # parsers raise whatever they meet in a damaged file
        end = {"error": "memory" if type(error).__name__ == "ArrowMemoryError" else damaged}
    _write(out, {"end": end})
    out.flush()


def _limit(cpu_s: int, memory_bytes: int) -> None:
    """So much time of a processor, so much memory, and no file; where the system cannot (Windows), WALL_S alone holds."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # which counts what is shared, too
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _write(out: IO[bytes], line: Line) -> None:
    out.write((json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))
