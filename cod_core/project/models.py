"""Models made once for the whole data folder: encoders, language models, teachers. Every room is handed this object."""

from collections.abc import Callable, Generator, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cod_core.errors import BadInput
from cod_core.models.cached import CachedEncoder
from cod_core.models.encoder import DEFAULT_ENCODER, own_revision, weights_revision
from cod_core.progress import Progress, silent
from cod_core.project.place import Once
from cod_core.settings import Settings
from cod_core.store.database import Database
from cod_core.types import RunConfig

if TYPE_CHECKING:
    import numpy as np

    from cod_core.models.cached import Late
    from cod_core.models.encoder import Encoder
    from cod_core.models.local_llm import LocalLLM

T = TypeVar("T")


class Models:
    """Loaded on first use, shared by all projects and all sessions of the process."""

    def __init__(self, db: Database, settings: Settings):
        self.db = db
        self.settings = settings
        self._once = Once()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """The model made for `key`, by one thread only."""
        return self._once(key, make)

    def encoder(self, name: str = DEFAULT_ENCODER) -> CachedEncoder:
        """The encoder with its embeddings kept in the database; weights load on the first miss."""
        revision = own_revision(name)

        def load() -> "Encoder":
            from cod_core.models.encoder import Encoder

            return self.once(("raw encoder", name, revision), lambda: Encoder(name))

        def spread(chunks: Sequence[list[str]], tick: Callable[[], object], late: "Late") -> Generator["np.ndarray", None, None]:
            from cod_core.models.portable import spread_embeddings

            return spread_embeddings(self.settings.compute, name, load)(chunks, tick, late)

        return self.once(("encoder", name, revision), lambda: CachedEncoder(self.db, name, load, revision, spread))

    def encoder_of(self, config: RunConfig) -> CachedEncoder:
        """The encoder that a finished student reads with. Raises BadInput where its folder holds other weights by now."""
        encoder = self.encoder(config.encoder)
        if config.encoder_revision and config.encoder_revision != encoder.revision:
            raise BadInput(
                f"The model in {config.encoder} has changed since this student was trained on it, so its answers would "
                "mean nothing. Put the earlier model back, or distil again."
            )
        return encoder

    def local_llm_name(self) -> str | None:
        """The packaged language model's name where it is installed, else None. Loads nothing."""
        from cod_core.models.gguf import PACKAGED, packaged_llm_installed

        return PACKAGED if packaged_llm_installed() else None

    def local_llm(self, name: str, progress: Progress = silent) -> "LocalLLM":
        """A language model on this computer, loaded once, and again where its folder has changed. progress: of its first use.
        Raises ModelUnavailable."""
        from cod_core.models.local_llm import LocalLLM

        revision = weights_revision(name) if Path(name).is_dir() else ""
        return self.once(("local llm", name, revision), lambda: LocalLLM(name, self.settings.folder("llm"), progress))
