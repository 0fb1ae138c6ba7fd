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

Journal = Annotated[Path | None, typer.Option(help="The event log; by default the task's, else the user's own.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No live view, only the answer.")]
Json = Annotated[bool, typer.Option("--json", help="The events as JSON lines on stdout.")]
Run = Annotated[str, typer.Argument(help="The run's name, or the beginning of it.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(help="Calls that need no yes: tool, tool(glob) or '*'.", metavar="RULE"),
]
UnsafeLocal = Annotated[
    bool, typer.Option("--unsafe-local", help="Run Python WITHOUT a sandbox, with your rights on your files.")
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(version("cadenza"))
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Agents that use tools on open-weight reasoning models."""


@app.command()
def run(
    task: Annotated[Path, typer.Argument(help="The task file, or - for standard input.")],
    param: Annotated[list[str] | None, typer.Option(help="Fill {{ name }}: name=value.", metavar="NAME=VALUE")] = None,
    effort: Annotated[Literal["low", "medium", "high"] | None, typer.Option(help="How long to reason.")] = None,
    model: Annotated[str | None, typer.Option(help="Instead of the task's model: a name or a folder.")] = None,
    inputs: Annotated[Path | None, typer.Option(help="A run for each row: JSON lines of params.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for images and files that it makes. With --inputs: a file for the rows' results."),
    ] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Rows at once.")] = 4,
    workspace: Annotated[Path | None, typer.Option(help="A folder that the tools may read and write.")] = None,
    journal: Journal = None,
    quiet: Quiet = False,
    json: Json = False,
    allow: Allow = None,
    unsafe_local: UnsafeLocal = False,
) -> None:
    """Run a task file: the answer goes to stdout, everything else to stderr, live."""
    from .run import run_batch, run_task

    if inputs is not None:
        raise typer.Exit(
            run_batch(
                str(task),
                inputs,
                out,
                params=param or [],
                effort=effort,
                model=model,
                workspace=workspace,
                journal=journal,
                parallel=parallel,
                quiet=quiet,
                as_json=json,
                granted=allow or [],
                unsafe_local=unsafe_local,
            )
        )

    raise typer.Exit(
        run_task(
            str(task),
            params=param or [],
            effort=effort,
            model=model,
            workspace=workspace,
            journal=journal,
            out=out,
            quiet=quiet,
            as_json=json,
            granted=allow or [],
            unsafe_local=unsafe_local,
        )
    )


@app.command()
def resume(
    run: Run,
    journal: Journal = None,
    quiet: Quiet = False,
    json: Json = False,
    allow: Allow = None,
    unsafe_local: UnsafeLocal = False,
) -> None:
    """Go on with a run whose process died: nothing that was done is done again."""
    from .run import resume_run

    raise typer.Exit(
        resume_run(run, journal=journal, quiet=quiet, as_json=json, granted=allow or [], unsafe_local=unsafe_local)
    )


@app.command()
def validate(tasks: Annotated[list[str], typer.Argument(help="Task files, or - for standard input.")]) -> None:
    """Check task files; nothing is imported or executed."""
    from .files import validate as check

    raise typer.Exit(check(tasks))


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path()) -> None:
    """Write a task file that runs at once, and its schema for editors."""
    from .files import init as write

    raise typer.Exit(write(folder))


@app.command()
def schema() -> None:
    """Print the JSON Schema of task files, for editors."""
    from .files import schema_text

    print(schema_text(), end="")


@app.command()
def doctor() -> None:
    """Tell what works on this machine: sandboxes, engines, masks, the journal."""
    from .doctor import doctor as examine

    raise typer.Exit(examine())


@app.command()
def runs(
    journal: Journal = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the log: order, hashes, every derived prompt.")
    ] = False,
) -> None:
    """List the runs of the journal."""
    from .runs import list_runs

    raise typer.Exit(list_runs(journal, verify=verify))


@app.command()
def show(
    run: Run,
    journal: Journal = None,
    json: Json = False,
    out: Annotated[Path | None, typer.Option(help="A folder for the images and files that it made.")] = None,
) -> None:
    """Show a run of the journal."""
    from .runs import show_run

    raise typer.Exit(show_run(run, journal, as_json=json, out=out))


harmony = typer.Typer(help="The harmony format: JSON lines in, JSON lines out.", no_args_is_help=True)
app.add_typer(harmony, name="harmony")
Mode = Annotated[
    Literal["native", "reference"], typer.Option(help="As the model writes, or exactly as openai-harmony 0.0.8.")
]


@harmony.command()
def render(
    mode: Mode = "native",
    purpose: Annotated[
        Literal["completion", "conversation", "training"], typer.Option("--for", help="What the tokens are for.")
    ] = "completion",
    keep_analysis: Annotated[bool, typer.Option("--keep-analysis", help="Drop no reasoning.")] = False,
) -> None:
    """{"messages": [...], "next_role": "assistant"} -> {"tokens": [...], "text": "..."}"""
    from .harmony import render_lines

    raise typer.Exit(render_lines(mode, purpose, keep_analysis))


@harmony.command()
def parse(
    mode: Annotated[
        Literal["native", "strict", "lenient"],
        typer.Option(help="Mend what is malformed, or read it exactly as openai-harmony 0.0.8 does: strict, or not."),
    ] = "native",
) -> None:
    """{"tokens": [...], "role": "assistant" or null} -> {"messages": [...], "repairs": [...]}"""
    from .harmony import parse_lines

    raise typer.Exit(parse_lines(mode))


@harmony.command()
def tools(mode: Mode = "native") -> None:
    """{"name": ..., "description": ..., "parameters": ...} -> {"text": "..."} of a developer message with that tool."""
    from .harmony import tools_lines

    raise typer.Exit(tools_lines(mode))


@harmony.command("show")
def show_messages() -> None:
    """{"messages": [...]} or {"tokens": [...]} -> framed messages with their token counts."""
    from .harmony import show_lines

    raise typer.Exit(show_lines())


model = typer.Typer(help="Checkpoints: look at them, convert them, fetch them.", no_args_is_help=True)
app.add_typer(model, name="model")
Layout = Annotated[Literal["huggingface", "original"], typer.Option(help="The release's folder, or its original/.")]


@model.command()
def info(name: Annotated[str, typer.Argument(help="A model's name or folder.")], json: Json = False) -> None:
    """Tell the sizes of a checkpoint, and whether it is whole."""
    from .model import model_info

    raise typer.Exit(model_info(name, as_json=json))


@model.command()
def convert(
    source: Annotated[str, typer.Argument(help="A model's name or folder.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    layout: Layout = "huggingface",
    experts: Annotated[
        Literal["mxfp4", "plain"] | None, typer.Option(help="Pack or unpack the experts; left out, they stay.")
    ] = None,
) -> None:
    """Write a checkpoint anew, in another layout or with its experts packed or unpacked."""
    from .model import model_convert

    raise typer.Exit(model_convert(source, folder, layout=layout, experts=experts))


@model.command()
def pull(
    name: Annotated[str, typer.Argument(help="owner/model on the Hugging Face Hub; gpt-oss-20b is OpenAI's.")],
    revision: Annotated[str | None, typer.Option(help="A branch, a tag or a commit.")] = None,
    layout: Layout = "huggingface",
) -> None:
    """Fetch a checkpoint from the Hugging Face Hub; what was begun goes on, and every file is verified."""
    from .model import model_pull

    raise typer.Exit(model_pull(name, revision=revision, layout=layout))


tool_commands = typer.Typer(help="Tools: what there is, what a model sees, a call by hand.", no_args_is_help=True)
app.add_typer(tool_commands, name="tools")
OfTask = Annotated[Path | None, typer.Option("--task", help="The tools of this task file.")]
Workspace = Annotated[Path | None, typer.Option(help="A folder that the tools may read and write.")]


@tool_commands.command("list")
def list_tools(task: OfTask = None) -> None:
    """List the kinds of tools; with --task every tool of a task, which opens them."""
    from .tools import list_tools as tell

    raise typer.Exit(tell(task))


@tool_commands.command("show")
def show_tool(
    name: Annotated[str, typer.Argument(help="A namespace such as python, or a tool such as git.status.")],
    task: OfTask = None,
    workspace: Workspace = None,
) -> None:
    """Show a tool as the model sees it."""
    from .tools import show_tool as tell

    raise typer.Exit(tell(name, task, workspace=workspace))


@tool_commands.command("call")
def call_tool(
    name: Annotated[str, typer.Argument(help="A tool such as python or git.status.")],
    arguments: Annotated[str, typer.Argument(help="A JSON object, text for a tool that takes text, - for stdin.")] = "",
    task: OfTask = None,
    workspace: Workspace = None,
    out: Annotated[Path | None, typer.Option(help="A folder for the images and files that it makes.")] = None,
    unsafe_local: UnsafeLocal = False,
) -> None:
    """Call a tool by hand: what a model would read goes to stdout. You typed it, so nobody is asked."""
    from .tools import call_tool as make

    raise typer.Exit(make(name, arguments, task, workspace=workspace, out=out, unsafe_local=unsafe_local))


mcp = typer.Typer(help="The Model Context Protocol.", no_args_is_help=True)
app.add_typer(mcp, name="mcp")


@mcp.callback()
def mcp_commands() -> None:
    """The Model Context Protocol."""


@mcp.command()
def serve(
    tools: Annotated[str, typer.Option(help="Names of toolsets, with commas between them.")] = "python",
    task: OfTask = None,
    http: Annotated[bool, typer.Option("--http", help="By streamable HTTP on loopback, instead of stdio.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of --http; 0 takes any that is free.")] = 8765,
    workspace: Workspace = None,
    allow: Allow = None,
    unsafe_local: UnsafeLocal = False,
) -> None:
    """Offer tools to other agents, as an MCP server."""
    from .mcp import serve as run_server

    raise typer.Exit(
        run_server(
            tools.split(","),
            task,
            port=port if http else None,
            workspace=workspace,
            granted=allow or [],
            unsafe_local=unsafe_local,
        )
    )


sandbox = typer.Typer(help="Where the Python tool runs: give it packages, try to break out.", no_args_is_help=True)
app.add_typer(sandbox, name="sandbox")


@sandbox.command("build")
def sandbox_build(
    packages: Annotated[
        str, typer.Option("--with", help="Packages for the cells, by pip.", metavar="numpy,pandas,matplotlib")
    ] = "",
    tag: Annotated[str, typer.Option(help="What to call the image.")] = "cadenza-sandbox:latest",
) -> None:
    """Make Docker's image of this machine's own Python, and give packages to it, bubblewrap and landlock."""
    from .sandbox import build_all

    raise typer.Exit(build_all(packages, tag))


@sandbox.command("check")
def sandbox_check(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all of them if none is named.")] = None,
) -> None:
    """Tell which sandboxes work here, and try to break out of them; fails if anything got out."""
    from cadenza.tools.python import SANDBOXES

    from .sandbox import check

    if unknown := [name for name in names or () if name not in SANDBOXES]:
        raise typer.BadParameter(f"no sandbox {unknown[0]!r}; there is {', '.join(SANDBOXES)}")
    raise typer.Exit(check([name for name in SANDBOXES if name in (names or ())]))


def main() -> None:
    """The entry point. Wrong usage is one line, and so is a full disk; an interrupt ends in 130, anywhere."""
    try:
        sys.exit(app(prog_name="agent", standalone_mode=False))
    except TyperException as error:
        what = error.format_message().rstrip(".").replace("Value error, ", "")
        if what:  # nothing is said where the help was shown instead
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "agent"
            print(f"agent: {what[:1].lower()}{what[1:]}; see `{command} --help`", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:  # what is raised on purpose was told before: this is standard output's
        print(f"agent: {error}", file=sys.stderr)
        sys.exit(1)
    except (Abort, KeyboardInterrupt):
        print("agent: interrupted", file=sys.stderr)
        sys.exit(130)
