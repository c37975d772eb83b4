"""What every command begins with: how it speaks, and where its metrics are."""

import sys

import typer

from graph.logs import LogSettings, configure_logs
from graph.metrics import STAGES, MetricsSettings, serve_metrics


def begin(context: typer.Context) -> None:
    """Set up logs and, for a stage, metrics."""
    stage = context.invoked_subcommand or ""
    configure_logs(LogSettings(), stage)
    if stage in STAGES and "--help" not in sys.argv:
        serve_metrics(MetricsSettings())
