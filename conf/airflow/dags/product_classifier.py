"""The pipeline on a schedule (Airflow 3): the stages of dvc.yaml, and what becomes of the result.

The stages and their order are what DVC makes of dvc.yaml, asked for whenever Airflow reads this
file: a new stage is a new task. Every task is a command of this repository, run in its own
environment: .venv, or PIPELINE_ENVIRONMENT where a container has it elsewhere. A task is skipped
where its command has nothing to do, and the run goes on.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, TaskGroup, TriggerRule

SCHEDULE = "0 3 * * *"
"""Every night at three, UTC."""

STAGE_TIME, STEP_TIME, RUN_TIME = timedelta(hours=6), timedelta(hours=1), timedelta(hours=20)
"""How long a stage, another task, and the whole run may take, waiting for another DVC included."""

RETRIES, RETRY_DELAY = 2, timedelta(minutes=5)
"""Of a stage or a transfer that failed; a verdict is not asked for again."""

CORRECTIONS = 50
"""New corrections from which on a run takes them; fewer wait for a later run."""

CHAMPION = "models:/product-classifier@champion"
UNCHANGED, NO_CHAMPION, NOT_BETTER = 99, 7, 10
"""Exit statuses of commands that had nothing to do: see docs/schedule.md."""

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("PIPELINE_ENVIRONMENT", ROOT / ".venv")) / "bin"
SURROUNDINGS = {
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    # A task's standard input is a socket. Bash takes that for a remote login and reads ~/.bashrc,
    # which may put another Python first, unless it stands below another shell.
    "SHLVL": "1",
    "DVC_NO_ANALYTICS": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "RUN_STARTED_BY": "schedule",
}


class PipelineError(RuntimeError):
    """The stages cannot be told; Airflow shows the message as an import error of this file."""


def stages() -> dict[str, list[str]]:
    """Each stage with those that must run before it. Raises PipelineError with DVC's reason."""
    try:
        done = subprocess.run(  # noqa: S603
            [str(BIN / "python"), "-m", "stages.commands", "schedule", "stage-order"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise PipelineError(f"{error}; make the environment: make venv") from error
    if done.returncode:
        raise PipelineError(done.stderr.strip())
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def task(
    name: str, command: str, *, time: timedelta = STEP_TIME, **options: object
) -> BashOperator:
    """A task that runs a command in the repository."""
    return BashOperator(
        task_id=re.sub(r"[^\w.-]", ".", name),  # DVC's train@text, folder/dvc.yaml:train
        bash_command=command,
        cwd=str(ROOT),
        env=SURROUNDINGS,
        append_env=True,
        do_xcom_push=False,
        execution_timeout=time,
        trigger_rule=TriggerRule.NONE_FAILED,
        **options,
    )


with DAG(
    "product_classifier",
    description="Reproduce the pipeline, judge the result, and serve it if it is better",
    schedule=SCHEDULE,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # One folder, one dvc.lock: runs and stages follow one another.
    max_active_runs=1,
    max_active_tasks=1,
    dagrun_timeout=RUN_TIME,
    default_args={"retries": RETRIES, "retry_delay": RETRY_DELAY},
    doc_md=__doc__,
) as dag:
    corrections = task(
        "corrections",
        f"python -m stages.commands corrections write --at-least {CORRECTIONS}",
        skip_on_exit_code=UNCHANGED,
    )
    order = stages()
    with TaskGroup("stages"):
        reproduced = {
            name: task(
                name,
                f"python -m stages.commands schedule run-stage {shlex.quote(name)}",
                time=STAGE_TIME,
                skip_on_exit_code=UNCHANGED,
            )
            for name in order
        }
    for name, before in order.items():
        reproduced[name].set_upstream([reproduced[other] for other in before] or [corrections])

    push = task(
        "push", f'test -n "$(dvc config core.remote)" || exit {UNCHANGED}; dvc --wait-for-lock push'
    )
    record = task("record", "python -m stages.commands registry publish")
    gate = task(
        "gate",
        f"python -m stages.commands quality gate {CHAMPION}",
        skip_on_exit_code=NO_CHAMPION,
        retries=0,
    )
    promote = task(
        "promote",
        "python -m stages.commands registry promote",
        skip_on_exit_code=NOT_BETTER,
        retries=0,
    )
    reload = task(
        "reload",
        f"python -m stages.commands registry serve-version --fetch {CHAMPION} && "
        "python -m stages.commands remote reload",
    )
    push.set_upstream(list(reproduced.values()))
    push >> record >> gate >> promote >> reload
