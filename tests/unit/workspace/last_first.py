"""A place whose last piece is finished first, and that is stopped then: what a run leaves behind that other processes are ahead of."""

from cod_core.compute.engine import hand_over
from cod_core.compute.local import Local
from cod_core.errors import Cancelled


class LastFirst(Local):
    """Does the last piece as any process would, hands it over as finished ahead of its turn, and is stopped."""

    def run(self, work, given, pieces, kit=None, tick=None, late=None):
        [found] = super().run(work, given, pieces[-1:], kit)
        hand_over(late, {len(pieces) - 1: found})
        raise Cancelled("stopped")
        yield found
