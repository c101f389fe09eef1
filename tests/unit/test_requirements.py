"""requirements*.txt and pyproject.toml name the same packages: somebody who installs one way misses nothing of the other."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def named(file: str) -> set[str]:
    """The requirements of a file and of those that it includes, without remarks."""
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    included = [name for line in lines if line.startswith("-r ") for name in named(line[3:])]
    return {line for line in lines if line and not line.startswith("-r ")} | set(included)


def test_the_extras_are_those_that_the_documents_name():
    assert set(EXTRAS) == {"local-llm", "cluster", "energy", "postgres", "dev"}


def test_requirements_are_the_dependencies_and_postgres():
    assert named("requirements.txt") == {*PROJECT["dependencies"], *EXTRAS["postgres"]}


def test_requirements_for_a_local_model_are_the_extra():
    assert named("requirements-local-llm.txt") == set(EXTRAS["local-llm"])


def test_requirements_of_developers_are_everything():
    everything = {*PROJECT["dependencies"], *(name for extra in EXTRAS.values() for name in extra)}
    assert named("requirements-dev.txt") == everything


def test_torch_is_pinned():
    """A range would let pip fetch gigabytes of another build over the one that is there."""
    assert any(re.fullmatch(r"torch==[\d.]+", name) for name in PROJECT["dependencies"])


LOCK = (ROOT / "requirements-lock.txt").read_text(encoding="utf-8")
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+) ", LOCK, re.MULTILINE))
LEFT_OUT = set(re.search(r'left_out="([^"]*)"', (ROOT / "deploy" / "lock.sh").read_text(encoding="utf-8"))[1].split())


def test_the_lock_holds_every_requirement_in_a_version_that_is_allowed():
    """A lock that was not written anew installs what the requirements no longer allow."""
    asked = [Requirement(line.split("  #")[0]) for line in named("requirements-dev.txt")]
    wrong = [str(r) for r in asked if (v := LOCKED.get(canonicalize_name(r.name))) is None or not r.specifier.contains(v)]
    assert [Requirement(line).name for line in wrong] == ["torch"], f"run deploy/lock.sh: {wrong}"


def test_every_package_of_the_lock_has_hashes_and_names_no_place():
    parts = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)[1:]
    assert len(parts) == len(LOCKED) > 150
    assert not [p.split(" ")[0] for p in parts if not re.fullmatch(r"\S+==\S+( \\\n    --hash=sha256:[0-9a-f]{64})+\n", p)]
    assert not LEFT_OUT & set(LOCKED)


def test_the_lock_is_closed():
    """Installed with --no-deps, what is missing shows itself at the first import."""
    wanting = []
    for name, version in LOCKED.items():
        try:
            needs = metadata.requires(name) or [] if metadata.version(name) == version else []
        except metadata.PackageNotFoundError:
            continue  # of a newer lock than this environment
        for need in map(Requirement, needs):
            if (need.marker is None or need.marker.evaluate({"extra": ""})) and canonicalize_name(need.name) not in {*LOCKED, *LEFT_OUT}:
                wanting.append(f"{name} needs {need.name}")
    assert not [line for line in wanting if not line.endswith((" pip", " setuptools"))], wanting
