"""Compiles a handler's signature into the specification that `_engine.Plan` is made from."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from fasterapi import _annotations, _constraints, _models, _records, params

__all__ = ["compile_plan"]

_ORIGINS: dict[type[params.Param], str] = {
    params.Path: "path",
    params.Query: "query",
    params.Header: "header",
    params.Cookie: "cookie",
    params.Body: "body",
}
_REQUEST_TYPES = {
    ("fasterapi.requests", "HTTPConnection"),
    ("fasterapi.requests", "Request"),
    ("fasterapi._engine", "Request"),
    ("starlette.requests", "HTTPConnection"),
    ("starlette.requests", "Request"),
}
_UNSUPPORTED_CLASSES = {
    "BackgroundTasks": "background tasks",
    "Response": "a Response to be filled",
    "SecurityScopes": "security scopes",
    "UploadFile": "uploaded files",
    "WebSocket": "WebSockets",
}


def compile_plan(handler: Callable[..., Any], path: str) -> dict[str, Any]:
    """Work out where each argument of `handler` comes from and what it must be, by FastAPI's rules.

    Args:
        handler: a function, coroutine function, partial, bound method or callable object.
        path: the route's path, with its parameters in braces: "/items/{id}".

    Returns:
        The specification that `_engine.Plan` takes.

    Raises:
        TypeError: for a parameter that cannot be served; it names the handler and the parameter.
    """
    return _PlanCompiler(handler, path).compile()


def _path_names(path: str) -> list[str]:
    names = []
    for piece in path.split("{")[1:]:
        names.append(piece.partition("}")[0].partition(":")[0])
    return names


def _handler_name(handler: Any) -> str:
    while hasattr(handler, "func") and not hasattr(handler, "__qualname__"):
        handler = handler.func
    named = handler if hasattr(handler, "__qualname__") else type(handler)
    return f"{named.__module__}.{named.__qualname__}"


def _signature_of(handler: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(handler, eval_str=True)
    except NameError as error:
        raise TypeError(f"handler {_handler_name(handler)}: an annotation cannot be resolved: {error}") from None
    except ValueError as error:
        raise TypeError(f"handler {_handler_name(handler)} has no signature: {error}") from error


def _takes_positions(handler: Any) -> bool:
    """Whether arguments may be passed by position: the signature is the callable's own."""
    if isinstance(handler, types.MethodType):
        handler = handler.__func__
    return isinstance(handler, types.FunctionType) and not hasattr(handler, "__wrapped__")


class _Found:
    """One parameter on its way to the specification."""

    __slots__ = ("annotation", "declared", "parameter", "spec")

    def __init__(
        self, parameter: inspect.Parameter, annotation: Any, spec: dict[str, Any], declared: params.Param | None
    ) -> None:
        self.parameter = parameter
        self.annotation = annotation
        self.spec = spec
        self.declared = declared


class _PlanCompiler:
    def __init__(self, handler: Callable[..., Any], path: str) -> None:
        self._handler = handler
        self._path_names = _path_names(path)
        self._types = _annotations.TypeTable()

    def compile(self) -> dict[str, Any]:
        by_position = _takes_positions(self._handler)
        found = [self._parameter(each) for each in _signature_of(self._handler).parameters.values()]
        bodies = [each.declared for each in found if isinstance(each.declared, params.Body)]
        embed = len(bodies) > 1 or any(body.embed for body in bodies)
        for each in found:
            kind = each.parameter.kind
            each.spec["name"] = each.parameter.name
            each.spec["keyword"] = kind is each.parameter.KEYWORD_ONLY or (
                not by_position and kind is not each.parameter.POSITIONAL_ONLY
            )
            if each.declared is not None:
                inside = each.spec["from"] != "body" or embed
                location = (each.spec["from"], each.spec["shown"]) if inside else (each.spec["from"],)
                each.spec["type"] = self._type(each.parameter, each.declared, each.annotation, location)
        return {"types": self._types.specs, "parameters": [each.spec for each in found], "embed": embed}

    def _fail(self, parameter: inspect.Parameter, reason: str) -> TypeError:
        return TypeError(f"handler {_handler_name(self._handler)}, parameter {parameter.name!r}: {reason}")

    def _parameter(self, parameter: inspect.Parameter) -> _Found:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            star = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            raise self._fail(parameter, f"{star}{parameter.name} has no place in a request")
        annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
        while isinstance(annotation, typing.TypeAliasType):
            annotation = annotation.__value__
        plain, metadata = annotation, ()
        if typing.get_origin(annotation) is typing.Annotated:
            plain, *rest = typing.get_args(annotation)
            metadata = tuple(rest)
        self._refuse_special(parameter, plain, metadata)
        if self._is_request(plain):
            return _Found(parameter, annotation, {"from": "request"}, None)
        declared, default = self._declaration(parameter, plain, metadata)
        return _Found(parameter, annotation, self._compiled(parameter, declared, default, plain), declared)

    def _is_request(self, annotation: Any) -> bool:
        return isinstance(annotation, type) and any(
            (base.__module__, base.__name__) in _REQUEST_TYPES for base in annotation.__mro__
        )

    def _refuse_special(self, parameter: inspect.Parameter, annotation: Any, metadata: tuple[Any, ...]) -> None:
        for each in (*metadata, parameter.default):
            if type(each).__name__ in ("Depends", "Security", "Form", "File") and not isinstance(each, params.Param):
                raise self._fail(parameter, f"{type(each).__name__} is not supported")
        if isinstance(annotation, type):
            for base in annotation.__mro__:
                if base.__name__ in _UNSUPPORTED_CLASSES and base.__module__.partition(".")[0] in (
                    "fasterapi",
                    "fastapi",
                    "starlette",
                ):
                    raise self._fail(parameter, f"{_UNSUPPORTED_CLASSES[base.__name__]}: not supported as a parameter")

    def _declaration(
        self, parameter: inspect.Parameter, annotation: Any, metadata: tuple[Any, ...]
    ) -> tuple[params.Param, Any]:
        """Find out where the parameter comes from; gives the declaration and the default (... for none)."""
        in_path = parameter.name in self._path_names
        default = ... if parameter.default is parameter.empty else parameter.default
        declared = next((each for each in reversed(metadata) if isinstance(each, params.Param)), None)
        if declared is not None:
            if declared.default is not ...:
                raise self._fail(parameter, "inside Annotated a default is not allowed; write it after '='")
            if isinstance(default, params.Param):
                raise self._fail(parameter, "it is declared both inside Annotated and as its default")
            if in_path and default is not ...:
                raise self._fail(parameter, "path parameters cannot have default values")
        elif isinstance(default, params.Param):
            declared = default
            default = declared.default
        elif in_path:
            return params.Path(), ...
        else:
            declared = params.Query() if _annotations.is_scalar(annotation) else params.Body()
        if in_path and not isinstance(declared, params.Path):
            raise self._fail(parameter, f"{type(declared).__name__} cannot be used for a path parameter")
        return declared, default

    def _compiled(
        self, parameter: inspect.Parameter, declared: params.Param, default: Any, plain: Any
    ) -> dict[str, Any]:
        origin = _ORIGINS[type(declared)]
        alias = declared.alias or parameter.name
        if isinstance(declared, params.Header) and declared.alias is None and declared.convert_underscores:
            alias = alias.replace("_", "-")
        self._check_shape(parameter, declared, alias, plain)
        sequence = _annotations.is_sequence(plain)
        compiled: dict[str, Any] = {
            "from": origin,
            "alias": alias.lower() if origin == "header" else alias,
            "shown": alias,
            "collects": sequence and origin in ("query", "header"),
            "sequence": sequence and origin != "body",
            "required": default is ... and declared.default_factory is None,
        }
        if origin == "path":
            compiled["path_index"] = self._path_names.index(alias)
        if default is not ...:
            compiled["default"] = default
            compiled["copied"] = not _records.is_immutable(default)
        elif declared.default_factory is not None:
            compiled["factory"] = declared.default_factory
        return compiled

    def _check_shape(self, parameter: inspect.Parameter, declared: params.Param, alias: str, plain: Any) -> None:
        if not isinstance(declared, params.Body) and isinstance(plain, type) and _models.is_model(plain):
            raise self._fail(parameter, f"a model is not supported as a {_ORIGINS[type(declared)]} parameter")
        if isinstance(declared, params.Path):
            if not _annotations.is_scalar(plain):
                raise self._fail(parameter, "path parameters must be of a scalar type")
            if alias not in self._path_names:
                raise self._fail(parameter, f"the path has no parameter {alias!r}")
        elif isinstance(declared, params.Query) and not (
            _annotations.is_scalar(plain) or _annotations.is_scalar_sequence(plain)
        ):
            raise self._fail(parameter, "query parameters must be scalars or lists of scalars")

    def _type(
        self, parameter: inspect.Parameter, declared: params.Param, annotation: Any, location: tuple[str, ...]
    ) -> int:
        limits = _constraints.collect([declared])
        if _models.pydantic_in_use() and _models.is_model(annotation):
            return self._model(parameter, annotation, limits, location)
        try:
            return self._types.add(annotation, limits)
        except _annotations.UnsupportedAnnotation as error:
            if _models.pydantic_in_use():
                return self._model(parameter, annotation, limits, location)
            raise self._fail(parameter, str(error)) from None
        except TypeError as error:
            raise self._fail(parameter, str(error)) from None

    def _model(
        self, parameter: inspect.Parameter, annotation: Any, limits: dict[str, Any], location: tuple[str, ...]
    ) -> int:
        try:
            return self._types.add_foreign(_models.ModelParameter(annotation, limits, location))
        except Exception as error:
            raise self._fail(parameter, f"neither the engine nor pydantic can check it: {error}") from error
