"""The one way from planned cells to finished students, whatever their kind. Knows no store: whoever asks keeps what comes."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from cod_core.distill.cells import CellSpec, Done, Training, left_to_do
from cod_core.distill.kinds import LINEAR, RETRIEVAL, StudentKind, kind_of
from cod_core.distill.retrieval import retrieval_batches
from cod_core.distill.sweep import linear_batches

Trainer = Callable[[Sequence[CellSpec], Training], Iterator[list[Done]]]
SOLVED: dict[str, Trainer] = {LINEAR.name: linear_batches, RETRIEVAL.name: retrieval_batches}


def train_cells(cells: Sequence[CellSpec], training: Training, done: Iterable[str] = ()) -> Iterator[list[Done]]:
    """Train and score the cells whose run ids are not in `done`, all of one kind and encoder; finished ones as they come.

    A cell's numbers depend on no other's. What was handed over before Cancelled or an error is finished: keep each batch at once.
    Raises BadInput where settings cannot be, or a label is none of the project's.
    """
    todo = left_to_do(cells, done)
    for batch in trainer_of(kind_of(todo[0].config))(todo, training) if todo else ():
        yield [one.small() for one in batch]


def trainer_of(kind: StudentKind) -> Trainer:
    """What trains students of a kind; torch is loaded only where it is needed."""
    if kind.solved:
        return SOLVED[kind.name]
    from cod_core.distill.stepwise import stepwise_batches

    return stepwise_batches
