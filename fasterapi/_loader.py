"""Loading the user's app in an interpreter: from a module, a file, or a script that called `app.run()`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from types import CodeType, ModuleType
from typing import Any, Literal, Self

from fasterapi.applications import App
from fasterapi.exceptions import FasterAPIError

__all__ = [
    "AlreadyServing",
    "AppTarget",
    "LoadError",
    "RouteMismatch",
    "check_routes",
    "format_user_traceback",
    "is_loading",
    "is_machinery",
    "load",
]

type RouteSignature = Sequence[tuple[str, str, str]]

_OWN_DIRECTORY = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LIBRARY = os.path.dirname(os.__file__) + os.sep


class LoadError(FasterAPIError):
    """There is no app where the target says, and no code of the user's is to blame."""


class RouteMismatch(FasterAPIError):
    """The app declared other routes in this interpreter than in the first worker's."""


class AlreadyServing(BaseException):
    """`app.run()` was reached while a worker loads the app: what the module had to declare, it has declared.

    Not an Exception, so that a script's own `except Exception` around `app.run()` does not swallow it.
    """

    def __init__(self, app: App) -> None:
        super().__init__("the app is being loaded by a worker")
        self.app = app


@dataclass(frozen=True, slots=True)
class AppTarget:
    """Where the app is, in terms that hold in every interpreter and process of the server.

    `kind` says what `name` is: a "module" to import, a "file" to load under the module name `module`, a "script" that
    is re-run, or a "main" module (`python -m name`) that is re-run. `attribute` is the app's name in there; empty means
    the module's only app. `sys_path` and `argv` are those of the process that was started.
    """

    kind: Literal["module", "file", "script", "main"]
    name: str
    attribute: str
    module: str
    sys_path: tuple[str, ...]
    argv: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, *, directory: str | None = None) -> Self:
        """The target that a command line names: `pkg.module[:app]`, `path/to/file.py[:app]` or `path/to/package[:app]`.

        The part after the colon may be dotted, or end in `()` for a function that makes the app. Raises LoadError for a
        path where nothing is.
        """
        cwd = os.getcwd() if directory is None else directory
        place, _, attribute = text.partition(":") if not os.path.exists(os.path.join(cwd, text)) else (text, "", "")
        path = os.path.abspath(os.path.join(cwd, place))
        looks_like_path = place.endswith(".py") or os.sep in place
        if not place:
            raise LoadError(f"{text!r} names no module or file")
        if looks_like_path and not os.path.exists(path):
            raise LoadError(f"there is no file {place!r}{'' if os.path.isabs(place) else f' in {cwd}'}{_near(path)}")
        if os.path.isdir(path):
            path = _main_file_of(path, looks_like_path, place) or ""
        elif not looks_like_path:
            path = ""
        if not path:
            return cls("module", place, attribute, place, _path_with(cwd), tuple(sys.argv))
        root, module = _module_of_file(path)
        kind: Literal["module", "file"] = "module" if "." in module or path.endswith("__init__.py") else "file"
        name = module if kind == "module" else path
        return cls(kind, name, attribute, module, _path_with(root), tuple(sys.argv))

    @classmethod
    def of_main(cls, app: App) -> Self:
        """The script or `-m` module that this process runs, in which `app.run()` was called.

        Raises LoadError where there is no file to run again: a REPL, standard input, `-c`.
        """
        main = sys.modules["__main__"]
        named = (name for name, value in vars(main).items() if value is app)
        attribute = next(named, "")
        spec = getattr(main, "__spec__", None)
        if spec is not None:
            return cls("main", spec.name, attribute, "__mp_main__", tuple(sys.path), tuple(sys.argv))
        path = getattr(main, "__file__", None)
        if path is None or not os.path.isfile(path):
            raise LoadError("app.run() needs a file that each worker can run again; this code has none: save it as one")
        return cls("script", os.path.abspath(path), attribute, "__mp_main__", tuple(sys.path), tuple(sys.argv))

    def encode(self) -> str:
        """As text, to hand to another interpreter or process."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Self:
        fields = json.loads(text)
        return cls(**{**fields, "sys_path": tuple(fields["sys_path"]), "argv": tuple(fields["argv"])})

    def __str__(self) -> str:
        place = os.path.relpath(self.name) if self.kind in ("file", "script") else self.name
        return f"{place}:{self.attribute}" if self.attribute else place


_loading = False


def is_loading() -> bool:
    """Whether this interpreter is importing the user's app: `app.run()` raises AlreadyServing then."""
    return _loading


def load(target: AppTarget) -> App:
    """Import the user's code in this interpreter and return its app.

    Raises LoadError where the target has no app, and whatever the user's code raises.
    """
    global _loading
    sys.path[:] = target.sys_path
    sys.argv[:] = target.argv
    module: ModuleType | None = None
    reached: App | None = None
    _loading = True
    try:
        module = _run(target)
    except AlreadyServing as stop:
        reached = stop.app
        module = sys.modules.get(target.module)
    finally:
        _loading = False
    if reached is not None and (module is None or not target.attribute):
        return reached
    assert module is not None
    return _app_in(module, target)


def check_routes(expected: RouteSignature, actual: RouteSignature, *, worker_index: int) -> None:
    """Compare the routes, (methods, path, handler) in order, with the first worker's.

    Raises RouteMismatch with the first difference: requests would be answered differently by each worker.
    """
    for place, (first, mine) in enumerate(zip(expected, actual, strict=False), 1):
        if tuple(first) != tuple(mine):
            raise RouteMismatch(
                f"worker {worker_index} declares other routes than worker 0: route {place} is {_shown(mine)}, in "
                f"worker 0 {_shown(first)}. The app's routes must not depend on the time, on chance, or on the worker"
            )
    if len(expected) != len(actual):
        more, owner = (actual, f"worker {worker_index}") if len(actual) > len(expected) else (expected, "worker 0")
        extra = more[min(len(expected), len(actual))]
        raise RouteMismatch(
            f"worker {worker_index} declares {len(actual)} routes, worker 0 {len(expected)}: only {owner} has "
            f"{_shown(extra)}. The app's routes must not depend on the time, on chance, or on the worker"
        )


def format_user_traceback(error: BaseException) -> str:
    """The traceback as the user's own code makes it, without the frames of the importer and of this package.

    A LoadError or RouteMismatch is one line, and so is a shortage of threads for the server's own: no code of the
    user's has failed.
    """
    if isinstance(error, FasterAPIError) and error.__traceback__ is None:
        return f"{error}\n"
    if isinstance(error, (LoadError, RouteMismatch)):
        return f"{error}\n"
    import traceback

    from fasterapi._threads import ThreadShortage

    shown = traceback.TracebackException.from_exception(error)
    _strip(shown, set())
    if isinstance(error, ThreadShortage) and all(_is_standard_library(frame.filename) for frame in shown.stack):
        return f"{error}\n"
    return "".join(shown.format()) + _missing_here(error)


def _strip(shown: Any, seen: set[int]) -> None:
    if id(shown) in seen:
        return
    seen.add(id(shown))
    theirs = [frame for frame in shown.stack if not is_machinery(frame.filename)]
    # What the standard library did until it came to the user's code is no news; what it did from there on is.
    first = next((place for place, frame in enumerate(theirs) if not _is_standard_library(frame.filename)), 0)
    shown.stack[:] = theirs[first:]
    for linked in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        if linked is not None:
            _strip(linked, seen)


def _missing_here(error: BaseException) -> str:
    """A hint for an app that imports from this package what only FastAPI has."""
    if not isinstance(error, ImportError) or (error.name or "").partition(".")[0] != "fasterapi":
        return ""
    return "FasterAPI has not all that FastAPI has: docs/moving-from-fastapi.md tells what to write instead.\n"


def _is_standard_library(filename: str) -> bool:
    return filename.startswith(_LIBRARY) and not filename.startswith((_LIBRARY + "site-packages", _LIBRARY + "dist-"))


def is_machinery(filename: str) -> bool:
    """Whether a frame's file is the importer's or this package's own."""
    return filename.startswith(("<frozen ", _OWN_DIRECTORY))


def _run(target: AppTarget) -> ModuleType:
    if target.kind == "module":
        try:
            # Unlike importlib.import_module, this adds no frame to the traceback of a module that fails.
            __import__(target.name)
            return sys.modules[target.name]
        except ModuleNotFoundError as error:
            if error.name is not None and (target.name + ".").startswith(error.name + "."):
                where = f"neither in {target.sys_path[0]} nor among the installed packages"
                raise LoadError(f"there is no module {error.name!r}, {where}{_near(target.name)}") from error
            raise
    if target.kind == "file":
        return _load_file(target.name, target.module)
    return _run_main_again(target)


def _load_file(path: str, name: str) -> ModuleType:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _run_main_again(target: AppTarget) -> ModuleType:
    """Run the script under the name `__mp_main__`, so that `if __name__ == "__main__"` is false in it."""
    module = ModuleType("__mp_main__")
    code: CodeType | None
    if target.kind == "script":
        module.__file__ = target.name
        with open(target.name, "rb") as file:
            code = compile(file.read(), target.name, "exec", dont_inherit=True)
    else:
        from importlib.util import find_spec

        spec = find_spec(target.name)
        if spec is None or spec.loader is None:
            raise LoadError(f"there is no module {target.name!r}")
        module.__file__ = spec.origin
        module.__package__ = spec.parent
        code = spec.loader.get_code(target.name)  # type: ignore[attr-defined]
        if code is None:
            raise LoadError(f"the module {target.name!r} has no Python code")
    # Pickles and dataclasses look their module up by name, under either.
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module
    exec(code, module.__dict__)
    return module


def _app_in(module: ModuleType, target: AppTarget) -> App:
    place = os.path.relpath(target.name) if target.kind in ("file", "script") else target.name
    if target.attribute:
        return _named_app(module, target.attribute, place)
    apps = {id(value): name for name, value in vars(module).items() if isinstance(value, App)}
    preferred = getattr(module, "app", None)
    if isinstance(preferred, App):
        return preferred
    if len(apps) == 1:
        return _named_app(module, next(iter(apps.values())), place)
    if apps:
        raise LoadError(f"{place} has several apps ({', '.join(sorted(apps.values()))}): say which, as in {place}:NAME")
    raise LoadError(f"{place} has no app: nothing in it is an instance of fasterapi.App")


def _named_app(module: ModuleType, attribute: str, place: str) -> App:
    path, makes, _ = attribute.partition("()")
    value: Any = module
    for step in path.split("."):
        try:
            value = getattr(value, step)
        except AttributeError:
            apps = [name for name, held in vars(module).items() if isinstance(held, App)]
            hint = f"; what it has is {' and '.join(apps)}" if apps else ""
            raise LoadError(f"{place} has no {path!r}{hint}") from None
    if makes:
        value = value()
    if isinstance(value, App):
        return value
    hint = f"; to call it, say {place}:{path}()" if callable(value) and not makes else ""
    raise LoadError(f"{attribute!r} in {place} is not an instance of fasterapi.App but {type(value).__name__}{hint}")


def _near(path: str) -> str:
    """A hint where `path` is nothing: the Python file beside it that is probably meant."""
    from fasterapi.config import did_you_mean

    directory, name = os.path.split(path)
    try:
        files = [file for file in os.listdir(directory or ".") if file.endswith(".py")]
    except OSError:
        return ""
    return did_you_mean(name, files)


def _main_file_of(directory: str, looks_like_path: bool, place: str) -> str | None:
    """The file of a directory that has the app; None where the directory is not meant (a module's name)."""
    if os.path.isfile(os.path.join(directory, "__init__.py")):
        return os.path.join(directory, "__init__.py")
    for name in ("app.py", "main.py"):
        if os.path.isfile(os.path.join(directory, name)):
            return os.path.join(directory, name)
    if looks_like_path:
        raise LoadError(f"the directory {place!r} is no package and has neither app.py nor main.py")
    return None


def _module_of_file(path: str) -> tuple[str, str]:
    """The directory to import from and the dotted name of a file, which may lie in a package."""
    directory, filename = os.path.split(path)
    parts = [] if filename == "__init__.py" else [filename.removesuffix(".py")]
    while os.path.isfile(os.path.join(directory, "__init__.py")):
        directory, package = os.path.split(directory)
        parts.insert(0, package)
    return directory, ".".join(parts)


def _path_with(first: str) -> tuple[str, ...]:
    return (first, *(entry for entry in sys.path if entry != first))


def _shown(route: tuple[str, str, str]) -> str:
    methods, path, qualname = route
    return f"{methods} {path} ({qualname})"
