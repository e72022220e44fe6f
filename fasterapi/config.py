"""The server's configuration: its options, where each value came from, and everything that is wrong with it at once.

A value comes from, in this order: a command-line flag (or an argument of `app.run`), the environment variable
`FASTERAPI_<NAME>`, an argument of `App(...)`, `[tool.fasterapi]` in pyproject.toml, the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["OPTIONS", "ConfigError", "Mistake", "Option", "ResolvedConfig", "ServerConfig", "check_value", "resolve"]

_KIB = 1024
_MIB = 1024 * 1024
_SIZE_UNITS = {"kib": _KIB, "mib": _MIB, "gib": 1024 * _MIB, "b": 1}
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_PREFIX = "FASTERAPI_"

# What a client is told that is to come again a second later.
_BUSY = "503 with `Retry-After: 1`"
_BUSY_CLOSE = f"{_BUSY}, then close"


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Checked values, as the engine takes them. Times are in seconds, sizes in bytes, limits per worker."""

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 0
    num_pooled_workers: int = 0
    num_pooled_interpreters: int = 0
    strategy: str = "auto"
    pin_to_cores: bool = False
    log_level: str = "info"
    log_format: str = "text"
    access_log: bool = False
    send_request_id: bool = False
    stats: bool = False
    debug: bool = False
    allowed_hosts: tuple[str, ...] = ()
    root_path: str = ""
    backlog: int = 2048
    timeout_s: float = 0.0
    grace_period_s: float = 10.0
    request_line_max_bytes: int = 8192
    header_max_bytes: int = 65536
    header_max_count: int = 100
    body_max_bytes: int = 16 * _MIB
    json_depth_max: int = 128
    header_timeout_s: float = 15.0
    body_min_rate_bytes_s: int = 240
    body_grace_s: float = 5.0
    keep_alive_timeout_s: float = 75.0
    write_stall_timeout_s: float = 30.0
    max_requests_per_connection: int = 0
    max_pipelined: int = 64
    response_buffer_bytes: int = 256 * _KIB
    max_connections: int = 65536
    max_connections_per_address: int = 0
    max_in_flight: int = 16384
    max_in_flight_total: int = 65536
    queue_size: int = 1024
    shared_memory_max_bytes: int = 256 * _MIB
    recycle_after_s: float = 0.0
    recycle_after_requests: int = 0
    recycle_jitter: float = 0.1
    recycle_rss_bytes: int = 0
    pid_file: str = ""

    def plain(self) -> dict[str, Any]:
        """The values by name, as the engine and another process take them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Option:
    """One option: what it means and which values it takes.

    `kind` is the type of its value; `low` and `high` bound a number; `app_argument` is its name as an argument of
    `App(...)`, where it has one. `reached` says what happens at it, of an option that bounds what clients can do.
    """

    name: str
    kind: type
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    app_argument: str | None = None
    reached: str | None = None

    @property
    def flag(self) -> str:
        """Its name on a command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return _PREFIX + self.name.upper()

    @property
    def default(self) -> Any:
        """Its value where no source gives one."""
        return getattr(ServerConfig(), self.name)


OPTIONS: tuple[Option, ...] = (
    Option("host", str, "Address or name to listen on."),
    Option("port", int, "Port to listen on; 0 takes a free one.", 0, 65535),
    Option("workers", int, "Number of workers; 0 is one for each usable CPU.", 0, 1024, app_argument="num_workers"),
    Option(
        "num_pooled_workers",
        int,
        "Number of threads that run handlers beside the workers; 0 is 32, and none with the strategy pinned.",
        0,
        4096,
        app_argument="num_pooled_workers",
    ),
    Option(
        "num_pooled_interpreters",
        int,
        "Number of interpreters that those threads share; 0 is one for each two workers, and at least two.",
        0,
        1024,
        app_argument="num_pooled_interpreters",
    ),
    Option(
        "strategy",
        str,
        "Where handlers run: in threads with an interpreter each, in a pool, in threads of one interpreter,"
        " in processes, or as the app's packages and the handlers' run times suggest.",
        choices=("auto", "pinned", "pooled", "threads", "processes"),
        app_argument="worker_strategy",
    ),
    Option("pin_to_cores", bool, "Keep each worker on a CPU of its own.", app_argument="pin_to_cores"),
    Option(
        "log_level", str, "Least severe messages to log.", choices=("debug", "info", "warning", "error", "critical")
    ),
    Option("log_format", str, "Form of the log's lines.", choices=("text", "json")),
    Option("access_log", bool, "Log each request."),
    Option("send_request_id", bool, "Name the request in each answer: X-Request-ID."),
    Option("stats", bool, "Show what the server does, live on a terminal and as lines elsewhere."),
    Option("debug", bool, "Answer errors with a page that shows the code.", app_argument="debug"),
    Option(
        "allowed_hosts",
        tuple,
        "Host names to answer for, by commas; '*.example.com' allows its subdomains. Others get 421. Empty: all.",
        app_argument="allowed_hosts",
    ),
    Option("root_path", str, "Path that a proxy strips before this server sees it.", app_argument="root_path"),
    Option(
        "backlog",
        int,
        "Connections that may wait to be accepted.",
        1,
        65535,
        reached="the kernel leaves further ones unanswered; clients try again",
    ),
    Option(
        "timeout_s",
        float,
        "Seconds that a handler may take before its request gets 504; a route may have its own. 0: any time.",
        0,
        86400,
        app_argument="timeout",
        reached="504",
    ),
    Option("grace_period_s", float, "Seconds that requests in flight have to finish when the server stops.", 0, 3600),
    Option("request_line_max_bytes", int, "Longest request line.", 64, 1 * _MIB, reached="414, then close"),
    Option("header_max_bytes", int, "Largest header block.", 256, 16 * _MIB, reached="431, then close"),
    Option("header_max_count", int, "Most header fields.", 1, 100, reached="431, then close"),
    Option("body_max_bytes", int, "Largest body.", 0, 1024 * 1024 * _MIB, reached="413, then close"),
    Option("json_depth_max", int, "Deepest nesting of a JSON body.", 1, 1024, reached="400"),
    Option(
        "header_timeout_s",
        float,
        "Seconds that a client has to send a request's head.",
        0.1,
        3600,
        reached="408, then close",
    ),
    Option(
        "body_min_rate_bytes_s",
        int,
        "Bytes a second that a body must come at, on average; 0 is any.",
        0,
        1024 * _MIB,
        reached="408, then close",
    ),
    Option(
        "body_grace_s",
        float,
        "Seconds of a body before its rate counts.",
        0,
        3600,
        reached="its rate counts",
    ),
    Option("keep_alive_timeout_s", float, "Seconds that an idle connection is kept.", 0, 86400, reached="close"),
    Option(
        "write_stall_timeout_s", float, "Seconds that a client may take none of its answer.", 0.1, 3600, reached="close"
    ),
    Option(
        "max_requests_per_connection",
        int,
        "Most requests of one connection; 0 is any number.",
        0,
        2**31,
        reached="the last answer says `Connection: close`",
    ),
    Option(
        "max_pipelined",
        int,
        "Most requests of one connection that are answered in a row while others wait.",
        1,
        65536,
        reached="the others get their turn",
    ),
    Option(
        "response_buffer_bytes",
        int,
        "Unsent bytes of a connection's answers from which its next requests wait.",
        4096,
        1024 * _MIB,
        reached="its next requests wait",
    ),
    Option("max_connections", int, "Most open connections of a worker.", 1, 1_048_576, reached=_BUSY_CLOSE),
    Option(
        "max_connections_per_address",
        int,
        "Most open connections of a worker from one client address; 0 is any number.",
        0,
        1_048_576,
        reached=_BUSY_CLOSE,
    ),
    Option(
        "max_in_flight",
        int,
        "Most requests of a worker whose handlers have not ended.",
        1,
        1_048_576,
        reached=_BUSY,
    ),
    Option(
        "max_in_flight_total",
        int,
        "Most requests of all workers whose handlers have not ended.",
        1,
        2**30,
        reached=_BUSY,
    ),
    Option(
        "queue_size",
        int,
        "Most calls that wait for a pooled worker.",
        1,
        1_048_576,
        reached=_BUSY,
    ),
    Option(
        "shared_memory_max_bytes",
        int,
        "Most memory for fasterapi.shared, of all workers together; more raises MemoryError there.",
        _MIB,
        1024 * 1024 * _MIB,
        reached="`MemoryError` in the handler",
    ),
    Option(
        "recycle_after_s",
        float,
        "Seconds after which a worker process is replaced by a new one; 0: never.",
        0,
        365 * 86400,
    ),
    Option(
        "recycle_after_requests",
        int,
        "Requests after which a worker process is replaced by a new one; 0: never.",
        0,
        1_000_000_000_000,
    ),
    Option(
        "recycle_jitter",
        float,
        "Share by which, at most, a worker may outlast the two above; chance decides, so that not all end together.",
        0,
        1,
    ),
    Option(
        "recycle_rss_bytes",
        int,
        "Resident memory from which a worker process is replaced by a new one; 0: never. Units KiB, MiB, GiB.",
        0,
        1024 * 1024 * _MIB,
    ),
    Option("pid_file", str, "File for the server's process id while it runs, by which `fasterapi reload` finds it."),
)

_BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where it was written."""

    source: str
    message: str

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"


class ConfigError(Exception):
    """The configuration has mistakes; `mistakes` has all of them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True, slots=True)
class ResolvedConfig:
    """The values, and for each that is not the default where it was written."""

    config: ServerConfig
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One value as written, before it is checked."""

    name: str
    value: Any
    source: str


def resolve(
    flags: Mapping[str, Any],
    *,
    environ: Mapping[str, str],
    app_settings: Mapping[str, Any],
    pyproject: str | None = None,
    flag_label: Callable[[str], str] = lambda name: _BY_NAME[name].flag if name in _BY_NAME else name,
    fallbacks: Mapping[str, tuple[Any, str]] | None = None,
) -> ResolvedConfig:
    """Check every value of every source and take the one that counts.

    `flags` are raw values by option name; `app_settings` are those of `App.settings`; `pyproject` is the file's path.
    `fallbacks` are (value, source) that count before the default. Raises ConfigError with all mistakes, those in
    values included that another source overrides.
    """
    mistakes: list[Mistake] = []
    layers = [
        _from_fallbacks(fallbacks or {}),
        _from_pyproject(pyproject, mistakes),
        _from_app(app_settings),
        _from_environment(environ, mistakes),
        _from_flags(flags, flag_label, mistakes),
    ]
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for entry in (entry for layer in layers for entry in layer):
        try:
            values[entry.name] = _checked(_BY_NAME[entry.name], entry.value)
        except ValueError as error:
            mistakes.append(Mistake(entry.source, str(error)))
        else:
            sources[entry.name] = entry.source
    if mistakes:
        raise ConfigError(mistakes)
    return ResolvedConfig(ServerConfig(**values), sources)


def find_pyproject(start: str) -> str | None:
    """The nearest pyproject.toml at or above the directory `start` that has a [tool.fasterapi] table."""
    import os

    directory = os.path.abspath(start)
    while True:
        candidate = os.path.join(directory, "pyproject.toml")
        if os.path.isfile(candidate):
            with open(candidate, "rb") as file:
                if b"tool.fasterapi" in file.read():
                    return candidate
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint for a misspelt name: "; did you mean X?", or nothing where none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _from_fallbacks(fallbacks: Mapping[str, tuple[Any, str]]) -> list[_Entry]:
    return [_Entry(name, value, source) for name, (value, source) in fallbacks.items()]


def _from_flags(flags: Mapping[str, Any], flag_label: Callable[[str], str], mistakes: list[Mistake]) -> list[_Entry]:
    entries = []
    for name, value in flags.items():
        if name in _BY_NAME:
            entries.append(_Entry(name, value, flag_label(name)))
        else:
            mistakes.append(Mistake(flag_label(name), f"no such option{did_you_mean(name, list(_BY_NAME))}"))
    return entries


def _from_environment(environ: Mapping[str, str], mistakes: list[Mistake]) -> list[_Entry]:
    by_variable = {option.variable: option.name for option in OPTIONS}
    entries = []
    for variable in sorted(environ):
        if not variable.startswith(_PREFIX):
            continue
        if variable in by_variable:
            entries.append(_Entry(by_variable[variable], environ[variable], variable))
        else:
            mistakes.append(Mistake(variable, f"no such variable{did_you_mean(variable, list(by_variable))}"))
    return entries


def _from_app(settings: Mapping[str, Any]) -> list[_Entry]:
    names = {option.app_argument: option.name for option in OPTIONS if option.app_argument}
    return [_Entry(names[argument], value, f"App({argument}=…)") for argument, value in settings.items()]


def _from_pyproject(path: str | None, mistakes: list[Mistake]) -> list[_Entry]:
    if path is None:
        return []
    import tomllib

    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    try:
        table = tomllib.loads(text).get("tool", {}).get("fasterapi", {})
    except tomllib.TOMLDecodeError as error:
        mistakes.append(Mistake(path, str(error)))
        return []
    entries = []
    for key, value in table.items():
        source = f"{path}:{_line_of(text, key)}"
        name = key.replace("-", "_")
        if name in _BY_NAME:
            entries.append(_Entry(name, value, source))
        else:
            mistakes.append(Mistake(source, f"no such option {key!r}{did_you_mean(name, list(_BY_NAME))}"))
    return entries


def _line_of(text: str, key: str) -> int:
    """The line, from 1, on which `key` is written in [tool.fasterapi]; the table's own line where it is not plain."""
    table_line = 1
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip()
        if bare.startswith("["):
            inside = bare.startswith("[tool.fasterapi")
            table_line = number if inside else table_line
        elif inside and bare.partition("=")[0].strip().strip("\"'") == key:
            return number
    return table_line


def check_value(name: str, value: Any) -> Any:
    """One option's value in its type, outside a server; raises ValueError with what it must be."""
    return _checked(_BY_NAME[name], value)


def _checked(option: Option, value: Any) -> Any:
    """The value in the option's type; raises ValueError with what it must be."""
    if option.kind is bool:
        return _checked_bool(value)
    if option.kind is tuple:
        return _checked_hosts(value)
    if option.kind is str:
        return _checked_text(option, value)
    return _checked_number(option, value)


def _checked_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(f"must be true or false, not {value!r}")


def _checked_number(option: Option, value: Any) -> int | float:
    wanted = "a whole number" if option.kind is int else "a number"
    bounds = f"{wanted} from {option.low:.15g} to {option.high:.15g}"
    number: int | float | None = None
    if isinstance(value, str):
        number = _parse_number(option, value)
    elif isinstance(value, option.kind) or (option.kind is float and isinstance(value, int)):
        number = None if isinstance(value, bool) else option.kind(value)
    # The comparison is false for NaN too.
    if number is None or option.low is None or option.high is None or not option.low <= number <= option.high:
        raise ValueError(f"must be {bounds}, not {value!r}")
    return number


def _parse_number(option: Option, text: str) -> int | float | None:
    word = text.strip().lower()
    unit = 1
    if option.name.endswith("_bytes"):
        for suffix, size in _SIZE_UNITS.items():
            if word.endswith(suffix):
                word, unit = word[: -len(suffix)].strip(), size
                break
    # int() would take underscores, signs and digits of other scripts, none of which anyone means here.
    if option.kind is int:
        return int(word) * unit if word.isascii() and word.isdigit() else None
    try:
        return float(word)
    except ValueError:
        return None


def _checked_text(option: Option, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {value!r}")
    text = value.strip()
    if option.choices:
        word = text.lower()
        if word not in option.choices:
            raise ValueError(f"must be one of {', '.join(option.choices)}, not {value!r}")
        return word
    if option.name == "host" and not text:
        raise ValueError("must be an address or a host name; 0.0.0.0 listens on every address")
    if option.name == "root_path" and text:
        if not text.startswith("/"):
            raise ValueError(f"must start with '/', unlike {value!r}")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(f"must be percent-encoded, unlike {value!r}")
        text = text.rstrip("/")
    return text


def _checked_hosts(value: Any) -> tuple[str, ...]:
    names: Sequence[Any]
    if isinstance(value, str):
        names = [name for name in (part.strip() for part in value.split(",")) if name]
    elif isinstance(value, (list, tuple)):
        names = value
    else:
        raise ValueError(f"must be a list of host names, not {value!r}")
    checked = []
    for name in names:
        if not isinstance(name, str) or not name or any(mark in name for mark in " /:@") or "*" in name.lstrip("*"):
            raise ValueError(f"has {name!r}, which is not a host name (a name without scheme and port)")
        if name.startswith("*") and not name.startswith("*.") and name != "*":
            raise ValueError(f"has {name!r}: a wildcard stands for whole labels, as in '*.example.com'")
        checked.append(name.lower())
    return () if "*" in checked else tuple(checked)
