"""Model files are written by others: whatever reading one raises becomes one plain error of the app.

Knows no kind of model. transformers, safetensors, tokenizers and gguf raise what their parsers meet, from KeyError to struct.error.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from cod_core.errors import CodError, ModelUnavailable


@contextmanager
def readable(what: str, remedy: str) -> Iterator[None]:
    """Raises ModelUnavailable, "what cannot be read ... remedy", for any error inside that is not the app's own already.

    A library that is not installed and a machine without memory are no fault of a file: those pass as they are.
    """
    try:
        yield
    except (CodError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise ModelUnavailable(
            f"{what} cannot be read: a file is damaged, or not what it should be. {remedy} ({first_line(error)})"
        ) from error


def first_line(error: Exception) -> str:
    """What an error says, at most 200 characters of it; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
