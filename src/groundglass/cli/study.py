"""`groundglass study`: studies with people who rate images, and scores of their votes."""

from __future__ import annotations

import click

from groundglass.cli.study_plan import command as plan_command
from groundglass.cli.study_raters import invite, revoke
from groundglass.cli.study_results import command as release_command
from groundglass.cli.study_results import pick as pick_command
from groundglass.cli.study_scores import scores
from groundglass.cli.study_serve import demo, serve
from groundglass.cli.study_state import export, status


@click.group()
def command() -> None:
    """Let people rate images in the browser, and score images by their votes.

    \b
    groundglass study demo
    groundglass study serve runs/mine/0001 study.yaml
    groundglass study scores votes.csv
    """


for other in (demo, serve, invite, revoke, status, export, scores):
    command.add_command(other)
command.add_command(plan_command, "plan")
command.add_command(release_command, "release")
command.add_command(pick_command, "pick")
