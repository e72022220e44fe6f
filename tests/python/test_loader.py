from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fasterapi._loader import (
    AppTarget,
    LoadError,
    RouteMismatch,
    check_routes,
    format_user_traceback,
    load,
)

_APP = "from fasterapi.applications import App\napp = App(title='one')\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory to work in; what is imported from there is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    path, argv, modules = sys.path[:], sys.argv[:], dict(sys.modules)
    yield tmp_path
    sys.path[:], sys.argv[:] = path, argv
    for name in sys.modules.keys() - modules.keys():
        if not name.startswith("fasterapi"):
            del sys.modules[name]
    sys.modules["__main__"] = modules["__main__"]


def _write(project: Path, name: str, text: str) -> Path:
    file = project / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def _title(text: str) -> str:
    # Through its text form, as it reaches a worker.
    return load(AppTarget.decode(AppTarget.parse(text).encode())).title


@pytest.mark.parametrize("text", ["site_one.py", "site_one.py:app", "./site_one.py", "site_one", "site_one:app"])
def test_a_file_or_module(project: Path, text: str) -> None:
    _write(project, "site_one.py", _APP)
    assert _title(text) == "one"
    assert sys.path[0] == str(project)


@pytest.mark.parametrize("text", ["pkg_two/sub/web.py", "pkg_two.sub.web:app", "pkg_two/sub/web.py:app"])
def test_a_file_in_a_package_keeps_relative_imports(project: Path, text: str) -> None:
    _write(project, "pkg_two/__init__.py", "")
    _write(project, "pkg_two/names.py", "title = 'two'\n")
    _write(project, "pkg_two/sub/__init__.py", "")
    _write(
        project,
        "pkg_two/sub/web.py",
        "from fasterapi.applications import App\nfrom ..names import title\napp = App(title=title)\n",
    )
    assert _title(text) == "two"


@pytest.mark.parametrize("text", ["pkg_three", "pkg_three/", "./pkg_three:app"])
def test_a_package_directory(project: Path, text: str) -> None:
    _write(project, "pkg_three/__init__.py", _APP)
    assert _title(text) == "one"


def test_a_directory_with_a_main_file(project: Path) -> None:
    _write(project, "service/main.py", _APP)
    assert _title("./service") == "one"
    assert sys.path[0] == str(project / "service")


def test_attributes_may_be_dotted_or_made_by_a_call(project: Path) -> None:
    _write(
        project,
        "site_four.py",
        "from fasterapi.applications import App\n"
        "class space: web = App(title='held')\n"
        "def make(): return App(title='made')\n",
    )
    assert _title("site_four:space.web") == "held"
    assert _title("site_four:make()") == "made"
    with pytest.raises(LoadError, match=r"to call it, say site_four:make\(\)"):
        _title("site_four:make")


@pytest.mark.parametrize(
    ("source", "text", "message"),
    [
        ("", "site_five", "has no app"),
        (_APP, "site_five:ap", "no 'ap'; what it has is app"),
        ("app = 1", "site_five:app", "not an instance of fasterapi.App but int"),
        (_APP.replace("app =", "a =") + "b = App()", "site_five", r"several apps \(a, b\)"),
        (_APP, "missing_module", "no module 'missing_module', neither in .* nor among the installed packages$"),
        (_APP, "site_fiev", r"no module 'site_fiev'.*; did you mean site_five.py"),
        (_APP, "site_five.missing", "no module 'site_five.missing'"),
        (_APP, "missing.py", "no file 'missing.py' in /"),
        (_APP, "site_fiev.py", r"no file 'site_fiev.py' in .*; did you mean site_five.py"),
        (_APP, "/nowhere/site_five.py", "no file '/nowhere/site_five.py'$"),
        (_APP, "./", "neither app.py nor main.py"),
        (_APP, ":app", "names no module"),
    ],
)
def test_targets_without_an_app_are_explained(project: Path, source: str, text: str, message: str) -> None:
    _write(project, "site_five.py", source)
    with pytest.raises(LoadError, match=message) as caught:
        _title(text)
    assert format_user_traceback(caught.value) == f"{caught.value}\n"


def test_a_missing_import_inside_the_app_is_the_users_error(project: Path) -> None:
    _write(project, "site_six.py", "import not_installed_anywhere\n")
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        _title("site_six")


def test_app_run_at_module_level_hands_the_app_over(project: Path) -> None:
    _write(project, "site_seven.py", _APP + "try:\n    app.run()\nexcept Exception: pass\napp = None\n")
    assert _title("site_seven.py") == "one"


def test_a_script_is_run_again_as_mp_main(project: Path) -> None:
    script = _write(
        project,
        "script.py",
        "import sys\nfrom fasterapi.applications import App\n"
        "other, web = App(), App(title=f'{__name__} {sys.argv[1]}')\n"
        "class Local: pass\n"
        "assert sys.modules[Local.__module__].Local is Local\n"
        "if __name__ == '__main__': raise SystemExit('not again')\n",
    )
    target = AppTarget("script", str(script), "web", "__mp_main__", tuple(sys.path), ("script.py", "flag"))
    assert load(target).title == "__mp_main__ flag"
    assert sys.modules["__main__"] is sys.modules["__mp_main__"]


def test_a_main_module_is_run_again_in_its_package(project: Path) -> None:
    _write(project, "pkg_eight/__init__.py", "title = 'eight'\n")
    _write(
        project,
        "pkg_eight/__main__.py",
        "from fasterapi.applications import App\nfrom . import title\napp = App(title=title)\napp.run()\n",
    )
    path = (str(project), *sys.path)
    target = AppTarget("main", "pkg_eight.__main__", "", "__mp_main__", path, ("x",))
    assert load(target).title == "eight"


def test_the_users_traceback_has_no_frames_of_ours(project: Path) -> None:
    _write(
        project,
        "deep.py",
        "def fail():\n    try:\n        1 / 0\n"
        "    except ZeroDivisionError as e:\n        raise KeyError('k') from e\n",
    )
    _write(project, "site_nine.py", "import deep\ndeep.fail()\n")
    with pytest.raises(KeyError) as caught:
        _title("site_nine")
    text = format_user_traceback(caught.value)
    assert "fasterapi" not in text.replace(str(project), "")
    assert "importlib" not in text
    assert "site_nine.py" in text
    assert "ZeroDivisionError: division by zero" in text
    assert text.endswith("KeyError: 'k'\n")


@pytest.mark.parametrize("line", ["from fasterapi import Depends", "from fasterapi.middleware import cors"])
def test_what_only_fastapi_has_is_told_apart_from_other_missing_imports(project: Path, line: str) -> None:
    _write(project, "site_fastapi.py", line + "\n")
    with pytest.raises(ImportError) as caught:
        _title("site_fastapi")
    assert "docs/moving-from-fastapi.md" in format_user_traceback(caught.value).splitlines()[-1]


def test_the_standard_librarys_frames_before_the_users_are_left_out() -> None:
    async def fail() -> None:
        json.loads("{}", object_hook=lambda found: found["x"])

    with pytest.raises(KeyError) as caught:
        asyncio.run(fail())
    error = caught.value
    assert error.__traceback__ is not None
    # Without the frame of this test itself, asyncio's are the first.
    shown = format_user_traceback(error.with_traceback(error.__traceback__.tb_next))
    files = [line.split('"')[1] for line in shown.splitlines() if line.startswith("  File")]
    assert files[0] == files[-1] == __file__
    assert json.__file__ in files


def test_a_syntax_error_shows_the_line(project: Path) -> None:
    _write(project, "site_ten.py", "def broken(:\n")
    with pytest.raises(SyntaxError) as caught:
        _title("site_ten.py")
    text = format_user_traceback(caught.value)
    assert "site_ten.py" in text
    assert "def broken(:" in text
    assert "fasterapi/_loader.py" not in text


def test_routes_must_agree_with_the_first_workers() -> None:
    first = [("GET", "/", "home"), ("POST", "/a", "create")]
    check_routes(first, [tuple(route) for route in first], worker_index=1)
    with pytest.raises(
        RouteMismatch, match=r"worker 3 .* route 2 is PUT /a \(create\), in worker 0 POST /a \(create\)"
    ):
        check_routes(first, [("GET", "/", "home"), ("PUT", "/a", "create")], worker_index=3)
    with pytest.raises(RouteMismatch, match=r"declares 1 routes, worker 0 2: only worker 0 has POST /a"):
        check_routes(first, first[:1], worker_index=1)
    with pytest.raises(RouteMismatch, match="only worker 1 has GET /b"):
        check_routes(first, [*first, ("GET", "/b", "more")], worker_index=1)
