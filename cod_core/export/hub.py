"""Sending an exported set to a hub's data set repository. Sends the bundle's own files, to the hub that was named, and nothing else.

The hub's client follows redirects, a commit's too, and would send the texts again to whatever host an answer names. Where a hub
keeps large files is its own to say (its protocol names an address for each), so who names a hub trusts it with that.
"""

import functools
import io
import zipfile
from typing import Any

from cod_core.errors import BadInput, ModelUnavailable

LEFT_AT_HOME = ("restore.jsonl", "audit.jsonl")
"""What only this app needs: raw answers of models, and who decided what when."""
_HTTP_LIBRARIES = ("httpx", "httpx2", "httpcore", "httpcore2", "requests")


def files_of(bundle: bytes) -> dict[str, bytes]:
    """name -> bytes of the files that would be sent."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name not in LEFT_AT_HOME}


def push(bundle: bytes, repo: str, token: str | None, private: bool = True, endpoint: str | None = None) -> str:
    """Make the repository where it is missing, send the files as one commit; returns its address.

    repo: 'name/set'. endpoint: another hub. Raises BadInput for a name that cannot be one, ModelUnavailable where the
    hub refuses or cannot be reached. The token is used for this call and kept nowhere.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    if repo.count("/") != 1 or not all(repo.split("/")):
        raise BadInput(f"{repo[:80]!r} is not the name of a repository. Write it as owner/name.")
    _guard_the_client()
    api = HfApi(endpoint=endpoint, token=token or None)
    try:
        made = api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        api.create_commit(
            repo,
            [CommitOperationAdd(name, io.BytesIO(body)) for name, body in files_of(bundle).items()],
            commit_message="Counterfactual pairs",
            repo_type="dataset",
        )
    except HFValidationError as error:
        raise BadInput(f"{repo[:80]!r} is not the name of a repository: letters, digits, - _ . only.") from error
    except OfflineModeIsEnabled as error:
        raise ModelUnavailable("The hub is switched off on this machine (HF_HUB_OFFLINE). Nothing was sent.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        raise ModelUnavailable(
            f"The hub refused ({status}). Check the name of the repository and that the token may "
            "write. What was sent before stays there; nothing here was changed."
        ) from error
    except Exception as error:  # the hub's client has changed its HTTP library twice
        if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _HTTP_LIBRARIES:
            raise
        raise ModelUnavailable("The hub could not be reached. Nothing here was changed.") from error
    return str(made)


@functools.cache
def _guard_the_client() -> None:
    """From now on the hub's client, one for the whole process, sends nothing to another host that an answer names."""
    from huggingface_hub import get_session, set_client_factory

    session = get_session()
    make, hooks, timeout = type(session), session.event_hooks, session.timeout
    also = {**hooks, "response": [*hooks.get("response", ()), _stay_at_the_hub]}
    set_client_factory(lambda: make(event_hooks=also, follow_redirects=True, timeout=timeout))


def _stay_at_the_hub(answer: Any) -> None:
    """Raises ModelUnavailable where an answer asks to send a request with a body elsewhere. Downloads may be led to a store."""
    if answer.request.method in ("GET", "HEAD") or not answer.has_redirect_location:
        return
    asked, there = answer.request.url, answer.request.url.join(answer.headers["location"])
    if asked.host != there.host or (there.scheme, there.port) not in {(asked.scheme, asked.port), ("https", None)}:
        raise ModelUnavailable(
            f"{asked.host} asks to send the set to {there.host} instead ({answer.status_code}). That is another address than the one "
            "that was named, so nothing more was sent. Name that hub itself, if you trust it."
        )
