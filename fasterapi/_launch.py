"""From an app target and raw options to a running server: what `fasterapi run` and `App.run` share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fasterapi._loader import AlreadyServing, AppTarget, LoadError, is_loading
from fasterapi._main import is_main_loading
from fasterapi.exceptions import FasterAPIError

if TYPE_CHECKING:
    from fasterapi._pinned import Workers
    from fasterapi._port import HeldPort
    from fasterapi._trial import Refusal, Trial
    from fasterapi.applications import App
    from fasterapi.config import ResolvedConfig, ServerConfig

__all__ = ["EXIT_FAILURE", "EXIT_USAGE", "Choice", "choose_strategy", "launch", "serve_app"]

EXIT_FAILURE = 1
EXIT_USAGE = 2

# More workers than this are not prepared before the configuration is known to ask for them.
EXPECTED_WORKERS_MAX = 256

# Threads of the pool, of each process that has one, unless another number is asked for.
POOLED_WORKERS = 32


@dataclass(frozen=True, slots=True)
class Choice:
    """The strategy that runs and why."""

    strategy: str
    reason: str


def serve_app(app: App, options: Mapping[str, Any]) -> None:
    """Serve `app` from the script that declared it; returns when the server has stopped in order.

    Raises SystemExit with the server's exit status where it failed, and AlreadyServing in a worker that loads the app.
    """
    from fasterapi import applications

    if is_loading() or is_main_loading():
        raise AlreadyServing(app)
    if applications._serving is not None:
        raise FasterAPIError("app.run() was called in a worker, which serves an app already")
    try:
        target = AppTarget.of_main(app)
    except LoadError as error:
        raise FasterAPIError(str(error)) from None
    status = launch(target, options, flag_label=lambda name: f"app.run({name}=…)", app=app)
    if status != 0:
        raise SystemExit(status)


def launch(
    target: AppTarget,
    options: Mapping[str, Any],
    *,
    flag_label: Callable[[str], str],
    fallbacks: Mapping[str, tuple[Any, str]] | None = None,
    app: App | None = None,
) -> int:
    """Try the app, settle the configuration, and serve until stopped; returns the exit status.

    `options` are raw values by option name; `app` is the app where this interpreter has it already. Everything that is
    wrong is told on standard error.
    """
    from fasterapi import _engine
    from fasterapi._pinned import Workers
    from fasterapi._trial import run_trial

    # Hundreds of threads may wait; no more than these run at a time.
    _engine.limit_malloc_arenas(max(2, _engine.usable_cpus()))
    asked = options.get("strategy", os.environ.get("FASTERAPI_STRATEGY"))
    with Workers() as workers:
        # The workers' interpreters are made while the trial runs: most apps will need them.
        trial = run_trial(
            target,
            own_gil=asked not in ("processes", "threads"),
            meanwhile=lambda: workers.prepare(_expected_workers(options)),
        )
        return _launch_tried(target, options, trial, workers, flag_label, fallbacks, app)


def _expected_workers(options: Mapping[str, Any]) -> int:
    """How many workers there will probably be. A value that is no number is told of when the configuration is read."""
    from fasterapi._engine import usable_cpus

    asked = str(options.get("workers", os.environ.get("FASTERAPI_WORKERS", "")))
    return int(asked) if asked.isdecimal() and 0 < int(asked) <= EXPECTED_WORKERS_MAX else usable_cpus()


def _launch_tried(
    target: AppTarget,
    options: Mapping[str, Any],
    trial: Trial,
    workers: Workers,
    flag_label: Callable[[str], str],
    fallbacks: Mapping[str, tuple[Any, str]] | None,
    app: App | None,
) -> int:
    from fasterapi._pid_file import PidFile, PidFileError
    from fasterapi._port import HeldPort, PortError
    from fasterapi._threads import ThreadShortage
    from fasterapi.config import ConfigError, find_pyproject, resolve

    if trial.error:
        return _fail(trial.output + trial.error)
    try:
        resolved = resolve(
            options,
            environ=os.environ,
            app_settings=trial.settings,
            pyproject=find_pyproject(os.getcwd()),
            flag_label=flag_label,
            fallbacks=fallbacks,
        )
    except ConfigError as error:
        count = len(error.mistakes)
        heading = f"{'A mistake' if count == 1 else f'{count} mistakes'} in the configuration:\n"
        return _fail(heading + "".join(f"  {mistake}\n" for mistake in error.mistakes), EXIT_USAGE)
    choice = choose_strategy(resolved, trial)
    if choice is None:
        return _fail(
            f"strategy {resolved.config.strategy} does not fit this app: {explain_refusal(trial)}\n"
            f"With --strategy auto it runs in {trial.fitting_strategy}; `fasterapi doctor` shows the whole chain.\n"
        )
    try:
        with (
            HeldPort.take(resolved.config.host, resolved.config.port) as port,
            PidFile(resolved.config.pid_file),
        ):
            return _serve(target, resolved, choice, port, trial, workers, app)
    except PortError as error:
        return _fail(f"{error.strerror}\n")
    except (PidFileError, ThreadShortage) as error:
        return _fail(f"{error}\n")


def choose_strategy(resolved: ResolvedConfig, trial: Trial) -> Choice | None:
    """The strategy to run, with the reason; None where the one asked for cannot run this app."""
    asked = resolved.config.strategy
    source = resolved.sources.get("strategy", "")
    if asked in ("processes", "threads"):
        return Choice(asked, f"asked for by {source}")
    if asked in ("pinned", "pooled"):
        return Choice(asked, f"asked for by {source}") if trial.own_gil else None
    reasons = {
        "auto": "every package of the app loads in an interpreter of its own",
        "threads": "this Python has no GIL: its threads run in parallel",
    }
    fitting = trial.fitting_strategy
    return Choice(fitting, reasons.get(fitting) or explain_refusal(trial))


def pool_numbers(config: ServerConfig, strategy: str, workers: int) -> dict[str, int]:
    """How many pooled workers and interpreters there are, where the configuration leaves that open."""
    threads = config.num_pooled_workers or (0 if strategy == "pinned" else POOLED_WORKERS)
    # At least two: where one is in C code that keeps its GIL, the other goes on.
    interpreters = config.num_pooled_interpreters or max(2, workers // 2)
    return {"num_pooled_workers": threads, "num_pooled_interpreters": min(interpreters, threads)}


def explain_refusal(trial: Trial) -> str:
    """Why the app does not fit interpreters with their own GIL, with the import chain of what refuses."""
    chains = "; ".join(" → ".join(_shortened(refusal)) for refusal in trial.refusals)
    return f"{trial.reason} ({chains})" if chains else trial.reason


def _shortened(refusal: Refusal) -> list[str]:
    """The chain without what lies between the first module of the refusing package and the one that refused."""
    chain = list(refusal.chain)
    first = next((at for at, name in enumerate(chain) if name.partition(".")[0] == refusal.package), len(chain))
    return [*chain[: first + 1], "…", chain[-1]] if len(chain) > first + 3 else chain


def _serve(
    target: AppTarget,
    resolved: ResolvedConfig,
    choice: Choice,
    port: HeldPort,
    trial: Trial,
    prepared: Workers,
    app: App | None,
) -> int:
    from fasterapi import _engine, _logging

    config = resolved.config
    workers = config.workers or _engine.usable_cpus()
    _logging.configure(level=config.log_level, form=config.log_format)
    _announce(target, resolved, choice, workers, trial)
    for warning in trial.warnings:
        _logging.server_logger.warning("%s", warning)
    plain = {
        **config.plain(),
        "host": port.host,
        "port": port.port,
        "workers": workers,
        **pool_numbers(config, choice.strategy, workers),
        "strategy": choice.strategy,
        "app": target.encode(),
        "listener_fds": port.open_places(workers),
    }
    if not _engine.bound_shared_memory(config.shared_memory_max_bytes) and (
        source := resolved.sources.get("shared_memory_max_bytes")
    ):
        _logging.server_logger.warning("%s comes too late: fasterapi.shared is in use already", source)
    # A worker and its successor may be there at the same time; a changed app may bring more routes.
    plain["stats_fd"] = _engine.open_stats(2 * workers + 8, 2 * len(trial.routes) + 64)
    with _live_view(config):
        if choice.strategy == "processes":
            from fasterapi._supervisor import Supervisor

            prepared.close()
            plain["shared_memory_fd"] = _engine.shared_memory_descriptor()
            return Supervisor(plain, on_ready=lambda: _announce_ready(resolved, port)).run()
        if choice.strategy == "threads":
            prepared.prepare_threads(workers, app)
        return prepared.serve(plain, on_ready=lambda: _announce_ready(resolved, port))


def _live_view(config: ServerConfig) -> AbstractContextManager[object]:
    """What `--stats` asks for, while the server runs."""
    if not config.stats:
        return nullcontext()
    from fasterapi._stats_view import StatsView

    return StatsView()


def _announce(target: AppTarget, resolved: ResolvedConfig, choice: Choice, workers: int, trial: Trial) -> None:
    from fasterapi import banner

    if resolved.config.log_format == "json" or resolved.config.log_level not in ("debug", "info"):
        return
    notes = []
    if choice.strategy in ("auto", "pinned"):
        notes = [f"the app does without {refusal}, which does not load here" for refusal in trial.refusals]
    text = banner.render(
        resolved,
        app=str(target),
        workers=workers,
        strategy=choice.strategy,
        reason=choice.reason,
        notes=notes,
        colour=banner.wants_colour(sys.stderr),
    )
    sys.stderr.write(text)
    sys.stderr.flush()


def _announce_ready(resolved: ResolvedConfig, port: HeldPort) -> None:
    from fasterapi import _logging, banner

    line = banner.listening_line(port.url, colour=banner.wants_colour(sys.stderr))
    if resolved.config.log_format == "json":
        # The address is wanted at any level: with port 0 there is no other way to learn it.
        _logging.write_unfiltered(line.rstrip("\n"))
        return
    sys.stderr.write(line)
    sys.stderr.flush()


def _fail(message: str, status: int = EXIT_FAILURE) -> int:
    sys.stdout.flush()
    sys.stderr.write(message)
    sys.stderr.flush()
    return status
