"""Which versions do the work, and whether a worker's are the app's. Knows no place."""

import hashlib
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cod_core
from cod_core.errors import BadInput

SAME = ("cod_core", "torch", "transformers")  # what must not differ: other versions give other students
TOLD = (*SAME, "numpy", "python")


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Name -> version of what computes here. cod_core's also tells its files, since a version under way changes daily."""
    return {"cod_core": f"{cod_core.__version__} ({_files()})", "python": platform.python_version()} | {
        name: _of(name) for name in TOLD if name not in ("cod_core", "python")
    }


def _of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _files() -> str:
    """Six hex digits of the package's own source."""
    digest, root = hashlib.sha256(), Path(cod_core.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "_studio" not in path.parts:  # the pages, which a wheel carries and a clone does not
            digest.update(str(path.relative_to(root)).encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:6]


def plain(name: str, said: str) -> str:
    """A version as it is compared: without the part that says for which device torch was built."""
    return said.partition("+")[0] if name == "torch" else said


def differing(there: Mapping[str, str], here: Mapping[str, str] | None = None) -> list[str]:
    """'torch 2.1.0 (here 2.13.0)' for each thing that a worker has in another version. here: the app's, versions() where None."""
    own = versions() if here is None else here
    return [
        f"{name} {there.get(name, 'missing')} (here {own[name]})"
        for name in TOLD
        if name in own and plain(name, there.get(name, "missing")) != plain(name, own[name])
    ]


def refuse_others(workers: Mapping[str, Mapping[str, str]], here: Mapping[str, str] | None = None) -> None:
    """Raises BadInput that names the workers whose cod_core, torch or transformers is another. workers: name -> its versions."""
    for name, there in workers.items():
        if wrong := [said for said in differing(there, here) if said.split(" ", 1)[0] in SAME]:
            raise BadInput(
                f"The worker {name} has {', '.join(wrong)}, and other versions give other results. "
                "Install the app's versions there and start the worker again."
            )
