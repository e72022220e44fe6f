"""Exceptions on their way back from another interpreter."""

from __future__ import annotations

__all__ = ["RemoteError", "RemoteTraceback", "describe", "rebuild"]

type Description = tuple[bytes | None, str, str, str]
"""The exception pickled, or None where that is not possible; its class's name, its text, and its traceback."""


class RemoteError(Exception):
    """Stands for an exception of another interpreter that could not be brought from there.

    `type_name` is its class's name with the module, `message` its text, `traceback` what Python prints of it.
    """

    def __init__(self, type_name: str, message: str, traceback: str) -> None:
        super().__init__(type_name, message, traceback)
        self.type_name = type_name
        self.message = message
        self.traceback = traceback

    def __str__(self) -> str:
        return f"{self.type_name}: {self.message}" if self.message else self.type_name


class RemoteTraceback(Exception):
    """The traceback of an exception in the interpreter that raised it, as the exception's cause."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def describe(error: BaseException) -> Description:
    """What another interpreter needs to know of an exception."""
    from traceback import format_exception

    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return _pickled(error), name, _text_of(error), "".join(format_exception(error))


def rebuild(description: Description | None) -> BaseException:
    """The exception that `describe` described, with its traceback as the cause."""
    data, name, message, text = description or (None, "BaseException", "", "")
    error: BaseException | None = None
    if data is not None:
        from fasterapi._functions import loads

        try:
            error = loads(data)
        except Exception as failure:  # noqa: BLE001 (told instead of what cannot be rebuilt here)
            text = f"{text}\nIt could not be rebuilt in this interpreter: {failure!r}\n"
    if not isinstance(error, BaseException):
        return RemoteError(name, message, text)
    error.__cause__ = RemoteTraceback(text)
    return error


def _pickled(error: BaseException) -> bytes | None:
    from fasterapi._functions import dumps, loads

    try:
        data = dumps(error)
        # Classes whose __init__ takes other arguments than it hands on are pickled, but not made again.
        loads(data)
    except Exception:  # noqa: BLE001 (whatever a class does when it is pickled, it does not cross)
        return None
    return data


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 (a class may do anything)
        return f"<str() failed: {failure!r}>"
