"""A changed model is never served an old answer: what its revision is made of, and the keys that hold it."""

import json
import os
import shutil

import numpy as np
import pytest
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, BertModel

from cod_core.distill.settings import StudentSettings
from cod_core.errors import BadInput
from cod_core.models.cached import CachedEncoder
from cod_core.models.choice import BuiltinChoice, GenerativeChoice, LlmChoice, read_choice
from cod_core.models.encoder import DEFAULT_ENCODER, own_revision, packaged_encoder_folder, weights_revision
from cod_core.models.finetune import finetuned_revision
from cod_core.models.teachers import BUILTIN, TransformersTeacher
from cod_core.project.teacher.loader import identity
from cod_core.store import cache
from cod_core.text import text_hash
from cod_core.types import RunConfig, Task
from cod_core.workspace import Workspace
from tests.tiny_llm import tiny_llm


def save_encoder(folder, seed: int, kind=BertModel):
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        kind(
            BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=32)
        ).save_pretrained(folder)
    AutoTokenizer.from_pretrained(packaged_encoder_folder()).save_pretrained(folder)


def rewrite(path, body: bytes):
    """As another process would, at another moment: the clock of a file system may be coarse."""
    path.write_bytes(body)
    told = path.stat()
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns + 10**9))


def test_a_folder_rewritten_in_place_has_another_revision_in_the_same_process(tmp_path):
    """A server that ran on kept the first one for its life; the next process had another."""
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = weights_revision(str(tmp_path))
    rewrite(tmp_path / "model.safetensors", b"two")
    second = weights_revision(str(tmp_path))
    assert first != second
    rewrite(tmp_path / "model.safetensors", b"one")
    assert weights_revision(str(tmp_path)) == first, "the revision is the content's, not the clock's"


def test_the_packaged_encoder_keeps_its_key_and_its_students_their_ids():
    """Vectors and students of existing data folders would be made anew, all of them."""
    assert own_revision(DEFAULT_ENCODER) == own_revision(f"{DEFAULT_ENCODER}@4,6") == own_revision("org/name-at-a-hub") == ""
    assert "encoder_revision" not in StudentSettings().config_fields()
    assert RunConfig("kd", "cod", 8, 0, "linear", "/models/mine", "t", "r", "h").run_id == "175c7accd5858bb3"


def test_embeddings_of_another_revision_are_not_served(tmp_path):
    class Constant:
        dimension = 2

        def __init__(self, value):
            self.value = value

        def encode(self, texts):
            return np.full((len(texts), 2), self.value, np.float32)

    db = Workspace(tmp_path).db
    made = [
        CachedEncoder(db, "/models/my", lambda v=v: Constant(v), revision).encode(["hello"])[0, 0]
        for v, revision in ((1.0, "a"), (2.0, "b"), (3.0, "a"), (4.0, ""))
    ]
    assert made == [1.0, 2.0, 1.0, 4.0]
    assert cache.get_embeddings(db, "/models/my", [text_hash("hello")])[text_hash("hello")][0] == 4.0, "without one: the name alone"


@pytest.mark.slow
def test_a_changed_encoder_folder_gives_new_vectors_new_students_and_refuses_old_heads(tmp_path):
    """Old vectors were served under the folder's name, and a head trained on them was run on the new ones."""
    w, folder = Workspace(tmp_path / "home"), tmp_path / "mine"
    save_encoder(folder, 0)
    old, settings = w.models.encoder(str(folder)).encode(["a film"]), StudentSettings(encoder=str(folder)).config_fields()
    config = RunConfig(arm="cod", shots=8, seed=0, teacher_id="t", teacher_revision="r", data_hash="h", **settings)
    assert w.models.encoder_of(config).revision == settings["encoder_revision"] != ""
    shutil.rmtree(folder)
    save_encoder(folder, 1)
    assert not np.allclose(w.models.encoder(str(folder)).encode(["a film"]), old)
    assert np.allclose(
        Workspace(tmp_path / "home").models.encoder(str(folder)).encode(["a film"]), w.models.encoder(str(folder)).encode(["a film"])
    )
    again = RunConfig(
        arm="cod",
        shots=8,
        seed=0,
        teacher_id="t",
        teacher_revision="r",
        data_hash="h",
        **StudentSettings(encoder=str(folder)).config_fields(),
    )
    assert again.run_id != config.run_id
    with pytest.raises(BadInput, match="has changed since this student was trained"):
        w.models.encoder_of(config)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The cache of a hub on this machine: publish(name, save) adds a commit that is the newest from then on."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def publish(name: str, commit: str, save) -> str:
        where, commit = tmp_path / "hub" / f"models--{name.replace('/', '--')}", commit * 40
        (where / "refs").mkdir(parents=True, exist_ok=True)
        (where / "refs" / "main").write_text(commit)
        save(where / "snapshots" / commit)
        return commit

    return publish


@pytest.mark.slow
def test_an_encoder_of_a_hub_is_keyed_by_the_commit_that_is_here(tmp_path, hub):
    """Vectors of two commits would be mixed under one name, and a head trained on one run on the other."""
    w = Workspace(tmp_path / "home")
    first = hub("org/mine", "a", lambda folder: save_encoder(folder, 0))
    assert own_revision("org/mine") == first
    old, settings = w.models.encoder("org/mine").encode(["a film"]), StudentSettings(encoder="org/mine").config_fields()
    assert settings["encoder_revision"] == first
    hub("org/mine", "b", lambda folder: save_encoder(folder, 1))
    assert not np.allclose(w.models.encoder("org/mine").encode(["a film"]), old)
    with pytest.raises(BadInput, match="has changed since this student was trained"):
        w.models.encoder_of(RunConfig(arm="cod", shots=8, seed=0, teacher_id="t", teacher_revision="r", data_hash="h", **settings))


@pytest.fixture
def teacher(tmp_path):
    """A fine-tuned teacher's folder and its encoder's: files only."""
    base, folder = tmp_path / "base", tmp_path / "teacher"
    base.mkdir(), folder.mkdir()
    (base / "model.safetensors").write_bytes(b"base")
    (folder / "adapter.safetensors").write_bytes(b"adapter")
    about = {"encoder": str(base), "labels": ["a", "b"], "rank": 8, "max_tokens": 128, "rows": 4, "base": weights_revision(str(base))}
    (folder / "teacher.json").write_text(json.dumps(about))
    return folder, base, about


def test_a_fine_tuned_teachers_revision_names_all_that_decides_its_answers(teacher):
    folder, base, about = teacher
    seen = [finetuned_revision(folder)]
    rewrite(base / "model.safetensors", b"other weights below the same adapter")
    seen.append(finetuned_revision(folder))
    (folder / "teacher.json").write_text(json.dumps({**about, "labels": ["b", "a"]}))
    seen.append(finetuned_revision(folder))
    rewrite(folder / "adapter.safetensors", b"another adapter")
    seen.append(finetuned_revision(folder))
    assert len(set(seen)) == 4


def test_a_teacher_whose_encoder_is_not_on_this_machine_keeps_its_revision(teacher):
    """A restored project's checks stay true: its answers are on record."""
    folder, base, _ = teacher
    before = finetuned_revision(folder)
    shutil.rmtree(base)
    assert finetuned_revision(folder) == before


def test_teachers_of_an_earlier_version_keep_their_revision_and_their_checks(teacher, tmp_path):
    folder, _, about = teacher
    (folder / "teacher.json").write_text(json.dumps({k: v for k, v in about.items() if k != "base"}))
    assert finetuned_revision(folder) == weights_revision(str(folder))
    assert finetuned_revision(BUILTIN / "movies") == weights_revision(str(BUILTIN / "movies"))
    w = Workspace(tmp_path / "home")
    pid = w.create_project("Mine", Task("q", ("a", "b")))
    named = identity(read_choice({"kind": "finetuned", "path": str(folder), "id": "finetuned:t"}), w.project(pid).row.task.labels)
    assert named[1].startswith(f"{weights_revision(str(folder))}-") and named[1].count("-") == 1


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "labels"), [("llm", ("good", "bad")), ("generative", ("negative", "positive"))])
def test_a_language_model_whose_folder_has_changed_is_another_teacher(tmp_path, kind, labels):
    """Its answers went on under the revision of the old weights, or those of the old weights under the new revision."""
    folder, text = tiny_llm(tmp_path / "tiny", seed=1), "the film is good ."
    local = str(folder)
    choice = LlmChoice(local=local) if kind == "llm" else GenerativeChoice(BuiltinChoice("movies"), 0.0, local=local, max_tokens=8)

    def fresh(home):
        w = Workspace(tmp_path / home)
        w.project(pid := w.create_project("p", Task("mood", labels))).teacher.choose(choice)
        return w, pid, w.project(pid).teacher.classifier().predict([text])[0], w.project(pid).teacher.answers_of([text])

    w, pid, before, said = fresh("one")
    revision = w.project(pid).teacher.classifier().revision
    shutil.rmtree(folder)
    tiny_llm(folder, seed=5)
    again = w.project(pid).teacher.classifier().predict([text])[0], w.project(pid).teacher.answers_of([text])
    assert w.project(pid).teacher.classifier().revision != revision and again == fresh("two")[2:] != (before, said)


@pytest.mark.slow
def test_a_classifier_of_a_hub_stays_the_commit_that_was_chosen(tmp_path, hub):
    """All commits were called "hub": newer weights answered under the name, and from the answers, of older ones."""

    def saved(seed: int):
        return lambda folder: save_encoder(folder, seed, BertForSequenceClassification)

    def says(teacher):
        return teacher.predict(["a film"])[0].logprobs

    def of(commit: str):
        folder = tmp_path / "hub" / "models--org--judge" / "snapshots" / commit
        return TransformersTeacher(str(folder), ("neg", "pos"), choice["label_map"])

    w = Workspace(tmp_path / "home")
    pid = w.create_project("p", Task("mood", ("neg", "pos")))
    choice = {"kind": "transformers", "name": "org/judge", "label_map": {"LABEL_0": "neg", "LABEL_1": "pos"}}
    old = hub("org/judge", "a", saved(0))
    w.project(pid).teacher.choose(read_choice(choice))
    new = hub("org/judge", "b", saved(5))
    assert w.project(pid).row.teacher["revision"] == old
    assert says(Workspace(tmp_path / "home").project(pid).teacher.classifier()) == says(of(old)) != says(of(new))
    w.project(pid).teacher.choose(read_choice(choice))
    assert w.project(pid).row.teacher["revision"] == new and says(w.project(pid).teacher.classifier()) == says(of(new))
