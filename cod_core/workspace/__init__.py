"""The verbs a person wants. The only place that wires concrete classes together.

One mixin a step of the journey; pages, commands and the job worker call nothing below it. Opening a
workspace imports no torch: models are loaded on the first number that is not cached.
"""

from cod_core.workspace.auditing import Auditing
from cod_core.workspace.comparing import Comparing
from cod_core.workspace.costing import Costing
from cod_core.workspace.curating import Curating
from cod_core.workspace.diagnosing import Diagnosing
from cod_core.workspace.distilling import Distilling
from cod_core.workspace.drawing import Drawing
from cod_core.workspace.endpoints import Endpoints
from cod_core.workspace.gathering import Gathering
from cod_core.workspace.guiding import Guiding
from cod_core.workspace.insights import Insights
from cod_core.workspace.keeping import Keeping
from cod_core.workspace.leaving import Leaving
from cod_core.workspace.live import LiveView
from cod_core.workspace.people import People
from cod_core.workspace.prompting import Prompting
from cod_core.workspace.proposing import Proposing
from cod_core.workspace.quality import Judging
from cod_core.workspace.queueing import Queueing
from cod_core.workspace.remembering import Remembering
from cod_core.workspace.reporting import Reporting
from cod_core.workspace.results import ResultsView
from cod_core.workspace.retrying import Retrying
from cod_core.workspace.reviewing import Reviewing
from cod_core.workspace.rows_on_record import RowsOnRecord
from cod_core.workspace.searching import Searching
from cod_core.workspace.sweeping import Sweeping
from cod_core.workspace.tabular import Tabular
from cod_core.workspace.teaching import Teaching
from cod_core.workspace.tightening import Tightening
from cod_core.workspace.trying import Trying
from cod_core.workspace.working import Working


class Workspace(
    Prompting,
    Remembering,
    Gathering,
    Teaching,
    Proposing,
    Curating,
    Drawing,
    Distilling,
    ResultsView,
    Leaving,
    Working,
    Guiding,
    People,
    Reviewing,
    Auditing,
    Keeping,
    Sweeping,
    Trying,
    Costing,
    Queueing,
    Searching,
    Tightening,
    Judging,
    Tabular,
    Diagnosing,
    Insights,
    LiveView,
    Comparing,
    Reporting,
    Retrying,
    RowsOnRecord,
    Endpoints,
):
    """Everything the app can do with one data folder (COD_HOME). home: another folder, for tests."""
