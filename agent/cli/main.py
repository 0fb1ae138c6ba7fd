"""`agent`: the commands. Heavy imports happen inside the commands, so that help is there at once."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import typer
from typer.exceptions import Abort, TyperException

app = typer.Typer(
    name="agent",
    help="Agents that use tools on open-weight reasoning models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version("cadenza"))
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True)] = False,
) -> None:
    """Agents that use tools on open-weight reasoning models."""


@app.command()
def run(
    task: Annotated[Path, typer.Argument(help="The task file, or - for standard input.")],
    param: Annotated[list[str] | None, typer.Option(help="Fill {{ name }}: name=value.", metavar="NAME=VALUE")] = None,
    effort: Annotated[Literal["low", "medium", "high"] | None, typer.Option(help="How long to reason.")] = None,
    model: Annotated[str | None, typer.Option(help="Instead of the task's model: a name or a folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live view, only the answer.")] = False,
    unsafe_local: Annotated[
        bool, typer.Option("--unsafe-local", help="Run Python WITHOUT a sandbox, with your rights on your files.")
    ] = False,
) -> None:
    """Run a task file: the answer goes to stdout, everything else to stderr, live."""
    from .run import run_task

    raise typer.Exit(
        run_task(
            str(task),
            params=param or [],
            effort=effort,
            model=model,
            quiet=quiet,
            unsafe_local=unsafe_local,
        )
    )


def main() -> None:
    """The entry point. Wrong usage is one line; an interrupt ends in 130, also before or after a run."""
    try:
        sys.exit(app(standalone_mode=False))
    except TyperException as error:
        what = error.format_message().rstrip(".").replace("Value error, ", "")
        if what:  # nothing is said where the help was shown instead
            print(f"agent: {what[:1].lower()}{what[1:]}; see `agent --help`", file=sys.stderr)
        sys.exit(error.exit_code)
    except (Abort, KeyboardInterrupt):
        print("agent: interrupted", file=sys.stderr)
        sys.exit(130)
