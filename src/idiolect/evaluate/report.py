"""Writes a run's report: one page of HTML that needs nothing else, and the same in Markdown."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from idiolect.evaluate.drawing import Curve, curves, interval_bar
from idiolect.evaluate.report_data import ReportData, Training, collect
from idiolect.evaluate.report_view import (
    Row,
    counts,
    evaluation_view,
    honesty,
    tiles,
    training_points,
    training_rows,
)
from idiolect.files import write_beside

PAGE, TEXT = "report.html", "report.md"


def write_report(folder: Path, into: Path | None = None) -> tuple[Path, Path]:
    """Write the report of a run's folder; where the page and the text are."""
    data = collect(folder)
    into = into or folder
    write_beside(into / PAGE, page(data))
    write_beside(into / TEXT, text(data))
    return into / PAGE, into / TEXT


def page(data: ReportData) -> str:
    """The report as a page."""
    return _rendered("report_page.html.jinja", data, charts=True)


def text(data: ReportData) -> str:
    """The report as Markdown."""
    return _rendered("report_text.md.jinja", data, charts=False)


def _rendered(template: str, data: ReportData, *, charts: bool) -> str:
    made: str = (
        _environment(charts)
        .get_template(template)
        .render(
            data=data,
            tiles=tiles(data),
            honesty=honesty(data),
            counts=counts(data),
            trainings=[
                (one.title, _chart(one) if charts else "", training_rows(one)) for one in data.trainings
            ],
            evaluations=[evaluation_view(one) for one in data.evaluations],
        )
    )
    # Texts of models may hold what UTF-8 can't.
    return made.encode("utf-8", "backslashreplace").decode("utf-8")


@cache
def _environment(escaped: bool) -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    def load(name: str) -> str:
        return files("idiolect.evaluate").joinpath(name).read_text("utf-8")

    def bar(row: Row) -> Any:
        # Figures only: there is nothing to escape.
        return Markup(interval_bar(row.rate.value, row.rate.low, row.rate.high))  # noqa: S704

    # Markdown has nothing to escape; pages escape all that is not Markup.
    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=escaped,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["bar"] = bar
    return environment


def _chart(training: Training) -> Any:
    from markupsafe import Markup

    lines = [Curve(name, training_points(training, name)) for name in ("loss", "eval_loss")]
    # Names of curves are escaped where they are drawn; all else is numbers.
    return Markup(curves([line for line in lines if line.points], x="step", y="loss"))  # noqa: S704
