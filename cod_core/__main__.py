"""The command line: a thin skin over the workspace.

    python -m cod_core demo                                      the whole job on a sample
    python -m cod_core import texts.csv --labels praise,complaint
    python -m cod_core teacher PROJECT finetune
    python -m cod_core generate PROJECT --k 16
    python -m cod_core curate PROJECT                            read and decide, one text at a time
    python -m cod_core distill PROJECT
    python -m cod_core report PROJECT results.html                what it bought, as one file
    python -m cod_core export PROJECT bundle.zip

Exit codes: 0 done, 1 a problem you can act on (the message says how), 2 wrong use, 130 interrupted.
"""

import logging
import sys

from cod_core.commands import curate, demo, gather, judge, learn, leave, prompts, propose, results, teach  # noqa: F401  each adds its commands
from cod_core.commands.shell import app
from cod_core.errors import CodError


def main() -> int:
    """Run a command; a CodError becomes its message on standard error and exit code 1."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        app()
    except CodError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
