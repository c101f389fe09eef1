"""Sources of counterfactuals side by side on the same texts: people, language models, search, tightened. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cod_core.counterfactuals.quality import Quality, SetQuality, set_quality
from cod_core.types import Counterfactual

if TYPE_CHECKING:
    import plotly.graph_objects as go

PLAIN = {"human": "people", "llm": "chat model", "search": "search", "import": "file"}


@dataclass(frozen=True)
class SourceRow:
    """One source. texts: of those compared, on how many it has a proposal. quality: of its best proposal a text."""

    source: str
    texts: int
    quality: SetQuality

    @property
    def flipped(self) -> int:
        """On how many of these texts its best proposal flips."""
        return round(self.quality.flip_rate * self.texts)

    def as_row(self) -> dict[str, Any]:
        """Flat, for a table."""
        return {"source": self.source, "texts": self.texts, "flipped": self.flipped, **asdict(self.quality)}


def source_of(cf: Counterfactual) -> str:
    """The source's name in plain words: the kind, what it is called where that tells more, and whether tightened."""
    name = PLAIN.get(cf.origin.kind, cf.origin.kind)
    if cf.origin.kind in ("llm", "import"):
        name = f"{name}: {cf.origin.name.removesuffix(', tightened')}"
    return f"{name}, tightened" if cf.origin.name.endswith(", tightened") else name


def compare(best: Mapping[str, Mapping[str, tuple[Quality, frozenset[str]]]], same_texts: bool = True) -> list[SourceRow]:
    """A row a source, on the texts that every source has a proposal for (all of a source's texts where same_texts is off).

    best: source -> example id -> (quality of its best proposal there, words put in).
    """
    if not best:
        return []
    shared = set.intersection(*(set(of) for of in best.values())) if same_texts else None
    rows = []
    for source, of in sorted(best.items()):
        ids: Sequence[str] = sorted(shared) if shared is not None else sorted(of)
        rows.append(SourceRow(source, len(ids), set_quality([of[i][0] for i in ids], [of[i][1] for i in ids])))
    return rows


def comparison_plot(points: Mapping[str, Sequence[Quality]]) -> "go.Figure":
    """Edit fraction against p(target), a mark a proposal, a colour and a shape a source (plotly)."""
    import plotly.graph_objects as go

    from cod_core.figures import hover_text

    figure = go.Figure()
    shapes = ("circle", "square", "diamond", "cross", "x", "triangle-up", "star", "hexagon")
    colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")
    for at, (source, found) in enumerate(sorted(points.items())):
        name = hover_text(source)
        figure.add_scatter(
            x=[q.edit_fraction for q in found],
            y=[q.p for q in found],
            mode="markers",
            name=name,
            marker={"symbol": shapes[at % 8], "color": colours[at % 8], "size": 8, "opacity": 0.7},
            hovertemplate="%{x:.0%} of the words changed, %{y:.0%} sure of the target<extra>" + name + "</extra>",
        )
    figure.add_hline(y=0.5, line={"dash": "dash", "color": "#888"})
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        height=360,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": -0.25},
    )
    grid = "rgba(128,128,128,0.25)"
    figure.update_xaxes(title="Share of the words changed", tickformat=".0%", rangemode="tozero", gridcolor=grid)
    figure.update_yaxes(title="How sure the teacher is of the target", tickformat=".0%", range=[0, 1.02], gridcolor=grid)
    return figure
