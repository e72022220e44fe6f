"""The command `fasterapi`: run, dev, reload, routes, doctor, version."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from fasterapi._loader import AppTarget, LoadError
from fasterapi.config import OPTIONS, Option

__all__ = ["main"]

_TARGET_HELP = """TARGET is a file (app.py), a module (package.module), or a package's directory. Where the app is not
its only one and not called "app", add its name: app.py:api. A function that makes the app gets "()": app.py:make()."""


def _parse_target(ctx: click.Context, param: click.Parameter, value: str) -> AppTarget:
    """An app target on the command line, looked up from the current directory."""
    try:
        return AppTarget.parse(value)
    except LoadError as error:
        raise click.BadParameter(str(error), ctx, param) from None


def _option_decorator(option: Option) -> Callable[[Any], Any]:
    """The flag of one option. Its value stays text: all values are checked together, with those of other sources."""
    default = option.default
    shown = "no" if default is False else ",".join(default) if isinstance(default, tuple) else str(default)
    text = f"{option.help}  [default: {shown or 'none'}]"
    if option.kind is bool:
        return click.option(f"{option.flag}/--no-{option.flag[2:]}", option.name, default=None, help=text)
    metavar = "|".join(option.choices) if option.choices else option.kind.__name__.upper()
    if option.kind is tuple:
        metavar = "NAMES"
    return click.option(option.flag, option.name, metavar=metavar, default=None, help=text)


def _server_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = _option_decorator(option)(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Serve Python apps on every core of one process.

    \b
    Examples:
      fasterapi run app.py                     serve it on 127.0.0.1:8000
      fasterapi run shop.web:app --port 80     an app in a package
      fasterapi dev app.py                     restart on changes, debug page
      fasterapi doctor app.py                  which strategy fits, and why
      fasterapi reload --pid-file app.pid      load the app afresh, refusing nobody
    """


_RUN_EPILOG = f"""{_TARGET_HELP}

Each option can also be given as an environment variable (--log-level is FASTERAPI_LOG_LEVEL) and in pyproject.toml,
in [tool.fasterapi]. A flag counts before a variable, that before an argument of App(...), that before pyproject.toml.

\b
Examples:
  fasterapi run app.py --host 0.0.0.0 --port 80
  fasterapi run shop.web:app --workers 4 --pin-to-cores
  fasterapi run app.py --strategy processes --log-format json --access-log
  FASTERAPI_PORT=9000 fasterapi run app.py
"""


@main.command(epilog=_RUN_EPILOG)
@click.argument("target", callback=_parse_target)
@_server_options
@click.option("--dev-defaults", is_flag=True, hidden=True)
def run(target: AppTarget, dev_defaults: bool, **options: Any) -> None:
    """Serve an app until SIGTERM or SIGINT."""
    from fasterapi._launch import launch

    given = {name: value for name, value in options.items() if value is not None}
    source = "fasterapi dev"
    # One interpreter, so that what handlers keep in variables is the same for all of them.
    dev = {"debug": (True, source), "workers": (1, source), "strategy": ("threads", source)}
    fallbacks = dev if dev_defaults else None
    sys.exit(launch(target, given, flag_label=_flag_of, fallbacks=fallbacks))


@main.command(epilog=_RUN_EPILOG.replace("fasterapi run", "fasterapi dev"))
@click.argument("target")
@_server_options
def dev(target: str, **options: Any) -> None:
    """Serve an app and restart on changes.

    For the time while you work on it: one worker, the debug page, a restart whenever a file changes.
    """
    from fasterapi._reload import Reloader

    try:
        directory = AppTarget.parse(target).sys_path[0]
    except LoadError as error:
        raise click.BadParameter(str(error), param_hint="'TARGET'") from None
    flags = [part for option in OPTIONS for part in _flag_arguments(option, options[option.name])]
    command = [sys.executable, "-m", "fasterapi", "run", target, "--dev-defaults", *flags]
    sys.exit(Reloader(command, [directory]).run())


@main.command()
@click.option("--pid-file", metavar="FILE", help="The file that was given to `fasterapi run --pid-file`.")
@click.option("--pid", type=int, metavar="N", help="The server's process id; of `processes`, the parent's.")
def reload(pid_file: str | None, pid: int | None) -> None:
    """Let a running server load its app afresh.

    New workers load the app as it is now and accept connections before those of before stop, which finish what they
    have. Where the app does not load, those of before go on, and the server's log says why. The server's options stay.
    """
    from fasterapi._pid_file import NoServer, ask_to_reload, read_pid

    if (pid_file is None) == (pid is None):
        raise click.UsageError("name the server by --pid-file or by --pid")
    try:
        number = read_pid(pid_file) if pid_file is not None else pid
        assert number is not None
        ask_to_reload(number)
    except NoServer as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(f"process {number} is reloading its app; its log tells how that ends")


@main.command(epilog=_TARGET_HELP)
@click.argument("target", callback=_parse_target)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def routes(target: AppTarget, as_json: bool) -> None:
    """List an app's routes."""
    from fasterapi import _reports
    from fasterapi._trial import run_trial

    trial = run_trial(target, own_gil=False)
    if trial.error:
        click.echo(trial.output + trial.error, err=True, nl=False)
        sys.exit(1)
    if as_json:
        click.echo(_reports.routes_json(trial))
    else:
        _reports.write_table(sys.stdout, ("METHODS", "PATH", "HANDLER"), trial.routes)


_DOCTOR_EPILOG = f"""{_TARGET_HELP}

\b
Exit status:
  0  all workers fit one process: `auto`, or `threads` where Python has no GIL
  3  only `processes` fits
  1  the app does not load
"""


@main.command(epilog=_DOCTOR_EPILOG)
@click.argument("target", callback=_parse_target)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def doctor(target: AppTarget, as_json: bool) -> None:
    """Tell which strategy fits an app.

    Imports the app for a trial and tells which packages refuse sub-interpreters, and how they got in.
    """
    from fasterapi import _reports
    from fasterapi._trial import run_trial

    trial = run_trial(target)
    if as_json:
        click.echo(_reports.doctor_json(str(target), trial))
    else:
        click.echo(_reports.doctor_text(str(target), trial), nl=False)
    sys.exit({"auto": 0, "threads": 0, "processes": 3}.get(trial.fitting_strategy, 1))


@main.command()
def version() -> None:
    """Print the versions in use."""
    import platform

    from fasterapi import __version__, _engine

    python = f"{platform.python_implementation()} {platform.python_version()}"
    click.echo(f"fasterapi {__version__}\nengine    {_engine.__version__} ({_engine.__file__})\npython    {python}")
    click.echo(f"system    {platform.system()} {platform.machine()}")


def _flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def _flag_arguments(option: Option, value: Any) -> list[str]:
    if value is None:
        return []
    if option.kind is bool:
        return [option.flag if value else f"--no-{option.flag[2:]}"]
    return [option.flag, str(value)]
