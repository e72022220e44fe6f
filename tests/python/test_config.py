from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from fasterapi.config import OPTIONS, ConfigError, ResolvedConfig, ServerConfig, find_pyproject, resolve


def _resolve(flags: dict[str, Any] | None = None, **sources: Any) -> ResolvedConfig:
    return resolve(
        flags or {},
        environ=sources.get("environ", {}),
        app_settings=sources.get("app", {}),
        pyproject=sources.get("pyproject"),
        fallbacks=sources.get("fallbacks"),
    )


def _mistakes(flags: dict[str, Any] | None = None, **sources: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        _resolve(flags, **sources)
    return [str(mistake) for mistake in caught.value.mistakes]


def _write(directory: Path, text: str) -> str:
    file = directory / "pyproject.toml"
    file.write_text(text)
    return str(file)


def test_every_field_has_an_option_of_its_type_and_the_other_way_round() -> None:
    assert [option.name for option in OPTIONS] == [field.name for field in fields(ServerConfig)]
    for option in OPTIONS:
        assert isinstance(option.default, option.kind)
        if option.kind in (int, float):
            assert option.low is not None
            assert option.high is not None
            assert option.low <= option.default <= option.high


def test_defaults() -> None:
    resolved = _resolve()
    assert resolved.config == ServerConfig()
    assert resolved.sources == {}
    assert resolved.config.plain()["port"] == 8000


def test_precedence_and_provenance(tmp_path: Path) -> None:
    pyproject = _write(
        tmp_path,
        "[project]\nname = 'x'\n"
        "[tool.fasterapi]\n# a comment\nport = 1\nworkers = 2\nlog-level = 'debug'\nbacklog = 5\n",
    )
    resolved = _resolve(
        {"port": "9000"},
        environ={"FASTERAPI_PORT": "8", "FASTERAPI_WORKERS": "3", "HOME": "/"},
        app={"num_workers": 4, "pin_to_cores": True},
        pyproject=pyproject,
        fallbacks={"backlog": (7, "a fallback"), "debug": (True, "fasterapi dev")},
    )
    config = resolved.config
    assert (config.port, config.workers, config.pin_to_cores) == (9000, 3, True)
    assert (config.log_level, config.backlog, config.debug) == ("debug", 5, True)
    assert resolved.sources == {
        "port": "--port",
        "workers": "FASTERAPI_WORKERS",
        "pin_to_cores": "App(pin_to_cores=…)",
        "log_level": f"{pyproject}:7",
        "backlog": f"{pyproject}:8",
        "debug": "fasterapi dev",
    }


def test_all_mistakes_at_once_each_with_its_source(tmp_path: Path) -> None:
    pyproject = _write(tmp_path, "[tool.fasterapi]\nport = 70000\nlogg-level = 'info'\naccess_log = 'perhaps'\n")
    assert _mistakes(
        {"port": "abc", "strategy": "magic"},
        environ={"FASTERAPI_PORT": "-1", "FASTERAPI_WORKER": "2"},
        app={"num_workers": 1.5, "allowed_hosts": ["http://x"]},
        pyproject=pyproject,
    ) == [
        f"{pyproject}:3: no such option 'logg-level'; did you mean log_level?",
        "FASTERAPI_WORKER: no such variable; did you mean FASTERAPI_WORKERS?",
        f"{pyproject}:2: must be a whole number from 0 to 65535, not 70000",
        f"{pyproject}:4: must be true or false, not 'perhaps'",
        "App(num_workers=…): must be a whole number from 0 to 1024, not 1.5",
        "App(allowed_hosts=…): has 'http://x', which is not a host name (a name without scheme and port)",
        "FASTERAPI_PORT: must be a whole number from 0 to 65535, not '-1'",
        "--port: must be a whole number from 0 to 65535, not 'abc'",
        "--strategy: must be one of auto, pinned, pooled, threads, processes, not 'magic'",
    ]


def test_broken_toml_is_a_mistake_of_the_file(tmp_path: Path) -> None:
    pyproject = _write(tmp_path, "[tool.fasterapi\n")
    (mistake,) = _mistakes(pyproject=pyproject)
    assert mistake.startswith(f"{pyproject}: ")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("body_max_bytes", "16MiB", 16 * 1024 * 1024),
        ("body_max_bytes", "1 GiB", 1024**3),
        ("body_max_bytes", "10", 10),
        ("grace_period_s", "0.5", 0.5),
        ("grace_period_s", 3, 3.0),
        ("access_log", "on", True),
        ("access_log", "No", False),
        ("log_level", "WARNING", "warning"),
        ("root_path", "/api/", "/api"),
        ("allowed_hosts", "Example.com, *.example.org", ("example.com", "*.example.org")),
        ("allowed_hosts", ["a", "*"], ()),
    ],
)
def test_values_are_read(name: str, text: Any, value: Any) -> None:
    found = getattr(_resolve({name: text}).config, name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "8_000"),
        ("port", "٣"),
        ("port", True),
        ("port", ""),
        ("workers", "1KiB"),
        ("grace_period_s", "nan"),
        ("grace_period_s", "inf"),
        ("header_timeout_s", 0),
        ("header_max_count", 101),
        ("host", " "),
        ("root_path", "api"),
        ("root_path", "/a b"),
        ("root_path", "/é"),
        ("allowed_hosts", "*example.com"),
        ("allowed_hosts", "a.*.b"),
        ("allowed_hosts", 7),
        ("log_format", 7),
    ],
)
def test_values_are_refused(name: str, text: Any) -> None:
    assert len(_mistakes({name: text})) == 1


def test_an_unknown_flag_is_a_mistake() -> None:
    assert _mistakes({"prot": 1}) == ["prot: no such option; did you mean port?"]


def test_pyproject_is_the_nearest_with_the_table(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    expected = _write(tmp_path, "[tool.fasterapi]\n")
    _write(inner, "[tool.other]\n")
    assert find_pyproject(str(inner)) == expected
