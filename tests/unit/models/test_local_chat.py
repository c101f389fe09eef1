"""The local model behind the client's face: kept replies, batches, prompts as the model reads them."""

import pytest

from cod_core.errors import BadInput
from cod_core.models.local_chat import BATCH, LocalClient, LocalSettings, as_prompt

ASK = (("user", "the film is"),)


class Model:
    """Says its prompt backwards; counts its calls."""

    chats, max_tokens = False, 100

    def __init__(self):
        self.calls = []
        self.tokenizer = lambda text: {"input_ids": text.split()}

    def complete(self, prompts, seeds, max_tokens, temperature, stop):
        self.calls.append(list(zip(prompts, seeds)))
        return [(f" {p[::-1]} {s % 97}", "stop") for p, s in zip(prompts, seeds)]


@pytest.fixture
def model():
    return Model()


def client(model, store=None, **settings):
    store = {} if store is None else store
    return LocalClient(LocalSettings(model="tiny", **settings), lambda: model, store.get, store.__setitem__)


def test_a_reply_is_written_once(model):
    store = {}
    first = client(model, store).chat(ASK, 0)
    again = client(model, store).chat(ASK, 0)
    assert first.content == again.content and len(model.calls) == 1
    assert client(model, store).chat(ASK, 1).content != first.content and len(model.calls) == 2
    assert (first.tokens_in, first.finish_reason) == (3, "stop")


def test_many_prompts_are_written_in_batches_and_duplicates_once(model):
    asked = [((("user", f"number {i % 20}"),), 0) for i in range(40)]
    one = client(model)
    assert one.prepare(asked) == 20 and [len(c) for c in model.calls] == [BATCH, 20 - BATCH]
    assert one.prepare(asked) == 0 and one.chat(asked[3][0]).content.startswith("3 rebmun")


def test_the_model_loads_for_new_prompts_only(model):
    store, loads = {}, []
    one = LocalClient(LocalSettings(model="tiny"), lambda: loads.append(1) or model, store.get, store.__setitem__)
    one.chat(ASK, 0)
    loads.clear()
    LocalClient(LocalSettings(model="tiny"), lambda: loads.append(1) or model, store.get, store.__setitem__).prepare([(ASK, 0)])
    assert not loads


def test_nothing_leaves_and_nothing_is_paid():
    settings = LocalSettings(model="tiny")
    assert settings.host == "this computer" and settings.cost(1e9, 1e9) == 0


@pytest.mark.parametrize("values", [{"model": " "}, {"temperature": 3}, {"n": 0}])
def test_wrong_settings_are_refused(values):
    with pytest.raises(BadInput):
        LocalSettings(**values)


def test_prompts_follow_the_models_own_template(tmp_path):
    """A conversation put into a model without its marks is continued, not answered."""
    from transformers import AutoTokenizer

    from tests.tiny_llm import tiny_llm

    folder = tiny_llm(
        tmp_path,
        chat_template=(
            "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
            "[{{ m.role }}] {{ m.content }} {% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}"
        ),
    )

    class Chats:
        chats, tokenizer = True, AutoTokenizer.from_pretrained(folder)

    messages = (("system", "be brief"), ("user", "the film"))
    assert as_prompt(messages[1:], Chats) == "[user] the film [assistant]"
    assert as_prompt(messages, Chats) == "[user] be brief\n\nthe film [assistant]"
    assert as_prompt(messages, Model()) == "be brief\n\nthe film"
