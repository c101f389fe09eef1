"""The one family of errors that pages and commands show to a person.

Each message says what was expected, what came, why it matters and what to do. Anything that is not a
CodError is a bug: it keeps its traceback in the log.
"""


class CodError(Exception):
    """Root of every error a person can act on; str() is the message shown."""


class BadInput(CodError):
    """An upload, a column, a label or a setting cannot be used as it is."""


class ModelUnavailable(CodError):
    """A model, data set or endpoint could not be reached or loaded."""


class LabelMismatch(CodError):
    """A classifier's labels do not cover the project's labels one to one."""


class NotEnoughData(CodError):
    """The rows or accepted pairs do not allow what was asked."""


class Cancelled(CodError):
    """The person cancelled the work; everything finished so far is kept."""


class Stale(CodError):
    """Somebody or something changed the item since it was shown; nothing was overwritten."""
