"""`worker`: runs the jobs that the studio leaves to a worker service."""

import logging
import signal
import threading
from types import FrameType

from cod_core.commands.shell import Home, app, open_workspace


@app.command()
def worker(home: Home = None) -> None:
    """Run the long work that the studio leaves to it (COD_JOBS=service there), until it is stopped.

    Needs the same COD_HOME and COD_DATABASE_URL as the studio.
    """
    from cod_core.jobs import service

    opened = open_workspace(home)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.info("waiting for jobs in %s", opened.settings.home)
    service.serve(opened.db, str(opened.settings.home), stop)
    logging.info("stopped")
