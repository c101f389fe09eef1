"""The command line: a thin skin over the workspace. Where the package is installed, `cod` is short for `python -m cod_core`.

    python -m cod_core app                                       the studio, in a browser
    python -m cod_core demo                                      the whole job on a sample
    python -m cod_core next PROJECT                              what is missing, and the command that does it
    python -m cod_core import texts.csv --labels praise,complaint
    python -m cod_core teacher PROJECT finetune
    python -m cod_core generate PROJECT --k 16
    python -m cod_core curate PROJECT                            read and decide, one text at a time
    python -m cod_core distill PROJECT
    python -m cod_core report PROJECT results.html                what it bought, as one file
    python -m cod_core export PROJECT bundle.zip
    python -m cod_core compare-exports EARLIER.zip LATER.zip     which pairs were added, lost, changed

Exit codes: 0 done, 1 a problem you can act on (the message says how), 2 wrong use, 3 done but not for all texts, 130 interrupted.
"""

import logging
import sys

from cod_core.commands import (  # noqa: F401  each adds its commands
    compare_exports,
    curate,
    demo,
    distill,
    export,
    import_texts,
    machines,
    models,
    next_steps,
    prompts,
    propose,
    quality,
    results,
    studio,
    teacher,
    ways,
    worker,
)
from cod_core.commands.shell import app
from cod_core.disk import refused
from cod_core.errors import CodError
from cod_core.text import CONTROL


def main() -> int:
    """Run a command; a CodError, or a disk that refuses, becomes its message on standard error and exit code 1."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        app()
    except Exception as error:
        told = error if isinstance(error, CodError) else refused(error)
        if told is None:
            raise
        print(f"Error: {CONTROL.sub('', str(told))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
