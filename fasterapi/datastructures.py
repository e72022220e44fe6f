"""Immutable views of a request (URL, headers, query) and the mutable headers of a response."""

from __future__ import annotations

from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = [
    "URL",
    "Address",
    "Headers",
    "ImmutableMultiDict",
    "MultiDict",
    "MutableHeaders",
    "QueryParams",
    "Secret",
    "State",
    "URLPath",
]

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORBIDDEN_IN_VALUE = ("\r", "\n", "\0")


class Address(NamedTuple):
    """One end of a connection."""

    host: str
    port: int


class URL:
    """A parsed URL; components are split on first use.

    >>> URL("http://localhost:8000/a?b=1").port
    8000
    """

    __slots__ = ("_split", "_url")

    def __init__(self, url: str = "", **components: Any) -> None:
        if url and components:
            raise ValueError("give either a URL or its components, not both")
        self._split: SplitResult | None = None
        self._url = str(URL("").replace(**components)) if components else url

    @property
    def components(self) -> SplitResult:
        if self._split is None:
            from urllib.parse import urlsplit

            self._split = urlsplit(self._url)
        return self._split

    @property
    def scheme(self) -> str:
        return self.components.scheme

    @property
    def netloc(self) -> str:
        return self.components.netloc

    @property
    def path(self) -> str:
        return self.components.path

    @property
    def query(self) -> str:
        return self.components.query

    @property
    def fragment(self) -> str:
        return self.components.fragment

    @property
    def username(self) -> str | None:
        return self.components.username

    @property
    def password(self) -> str | None:
        return self.components.password

    @property
    def hostname(self) -> str | None:
        return self.components.hostname

    @property
    def port(self) -> int | None:
        return self.components.port

    @property
    def is_secure(self) -> bool:
        return self.scheme in ("https", "wss")

    def replace(self, **parts: Any) -> URL:
        """A copy with some of scheme, netloc, path, query, fragment, username, password, hostname, port replaced."""
        if parts.keys() & {"username", "password", "hostname", "port"}:
            parts["netloc"] = self._netloc_with(
                hostname=parts.pop("hostname", self.hostname) or "",
                port=parts.pop("port", self.port),
                username=parts.pop("username", self.username),
                password=parts.pop("password", self.password),
            )
        return URL(self.components._replace(**parts).geturl())

    @staticmethod
    def _netloc_with(*, hostname: str, port: int | None, username: str | None, password: str | None) -> str:
        netloc = f"[{hostname}]" if ":" in hostname and not hostname.startswith("[") else hostname
        if port is not None:
            netloc = f"{netloc}:{port}"
        if username is not None:
            user = username if password is None else f"{username}:{password}"
            netloc = f"{user}@{netloc}"
        return netloc

    def _query_pairs(self) -> list[tuple[str, str]]:
        from urllib.parse import parse_qsl

        return parse_qsl(self.query, keep_blank_values=True)

    def _with_query(self, pairs: Iterable[tuple[str, str]]) -> URL:
        from urllib.parse import urlencode

        return self.replace(query=urlencode(list(pairs)))

    def include_query_params(self, **params: Any) -> URL:
        merged = MultiDict(self._query_pairs())
        merged.update({name: str(value) for name, value in params.items()})
        return self._with_query(merged.multi_items())

    def replace_query_params(self, **params: Any) -> URL:
        return self._with_query((name, str(value)) for name, value in params.items())

    def remove_query_params(self, keys: str | Sequence[str]) -> URL:
        dropped = {keys} if isinstance(keys, str) else set(keys)
        return self._with_query(pair for pair in self._query_pairs() if pair[0] not in dropped)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._url)

    def __str__(self) -> str:
        return self._url

    def __repr__(self) -> str:
        shown = str(self.replace(password="********")) if self.password else self._url
        return f"URL({shown!r})"


class URLPath(str):
    """A path made by `url_path_for`."""

    __slots__ = ()

    def __new__(cls, path: str) -> Self:
        # A path that starts with two slashes would read as an authority.
        safe = path.replace("\\", "%5C")
        return super().__new__(cls, f"/%2F{safe[2:]}" if safe.startswith("//") else safe)

    def make_absolute_url(self, base_url: str | URL) -> URL:
        base = URL(base_url) if isinstance(base_url, str) else base_url
        return base.replace(path=base.path.rstrip("/") + str(self), query="", fragment="")


class Secret:
    """Text that does not show itself in a traceback or a log; `str(secret)` reveals it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)


class ImmutableMultiDict[Key, Value](Mapping[Key, Value]):
    """A mapping whose keys may repeat: `[]` gives the last value of a key, `getlist` all of them."""

    __slots__ = ("_dict", "_list")

    def __init__(
        self,
        value: ImmutableMultiDict[Key, Value] | Mapping[Key, Value] | Iterable[tuple[Key, Value]] = (),
    ) -> None:
        self._list: list[tuple[Key, Value]] = _pairs_of(value)
        self._dict: dict[Key, Value] = dict(self._list)

    def getlist(self, key: object) -> list[Value]:
        return [value for name, value in self._list if name == key]

    def keys(self) -> KeysView[Key]:
        return self._dict.keys()

    def values(self) -> ValuesView[Value]:
        return self._dict.values()

    def items(self) -> ItemsView[Key, Value]:
        return self._dict.items()

    def multi_items(self) -> list[tuple[Key, Value]]:
        return list(self._list)

    def __getitem__(self, key: Key) -> Value:
        return self._dict[key]

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Key]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ImmutableMultiDict):
            return NotImplemented
        key = repr
        return sorted(self._list, key=key) == sorted(other._list, key=key)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._list!r})"


class MultiDict[Key, Value](ImmutableMultiDict[Key, Value]):
    """An `ImmutableMultiDict` that can be changed."""

    __slots__ = ()

    def __setitem__(self, key: Key, value: Value) -> None:
        self.setlist(key, [value])

    def __delitem__(self, key: Key) -> None:
        del self._dict[key]
        self._list = [pair for pair in self._list if pair[0] != key]

    def pop(self, key: Key, default: Any = None) -> Any:
        self._list = [pair for pair in self._list if pair[0] != key]
        return self._dict.pop(key, default)

    def poplist(self, key: Key) -> list[Value]:
        values = self.getlist(key)
        self.pop(key)
        return values

    def popitem(self) -> tuple[Key, Value]:
        key, value = self._dict.popitem()
        self._list = [pair for pair in self._list if pair[0] != key]
        return key, value

    def clear(self) -> None:
        self._dict.clear()
        self._list.clear()

    def setdefault(self, key: Key, default: Any = None) -> Any:
        if key not in self._dict:
            self.append(key, default)
        return self._dict[key]

    def setlist(self, key: Key, values: list[Value]) -> None:
        self.pop(key)
        for value in values:
            self.append(key, value)

    def append(self, key: Key, value: Value) -> None:
        self._list.append((key, value))
        self._dict[key] = value

    def update(
        self,
        value: ImmutableMultiDict[Key, Value] | Mapping[Key, Value] | Iterable[tuple[Key, Value]],
    ) -> None:
        added = _pairs_of(value)
        replaced = {key for key, _ in added}
        self._list = [pair for pair in self._list if pair[0] not in replaced] + added
        self._dict = dict(self._list)


class QueryParams(ImmutableMultiDict[str, str]):
    """The query string, decoded; from text, bytes, a mapping, or pairs.

    >>> QueryParams("a=1&a=2").getlist("a")
    ['1', '2']
    """

    __slots__ = ()

    def __init__(
        self,
        value: ImmutableMultiDict[str, str] | Mapping[str, str] | Iterable[tuple[str, str]] | str | bytes = (),
    ) -> None:
        if isinstance(value, (str, bytes)):
            from urllib.parse import parse_qsl

            text = value.decode("latin-1") if isinstance(value, bytes) else value
            super().__init__(parse_qsl(text, keep_blank_values=True))
        else:
            super().__init__((str(key), str(item)) for key, item in _pairs_of(value))

    def __str__(self) -> str:
        from urllib.parse import urlencode

        return urlencode(self._list)

    def __repr__(self) -> str:
        return f"QueryParams({str(self)!r})"


class Headers(Mapping[str, str]):
    """Header fields in the order they came; names compare without regard to case, `[]` gives the first value."""

    __slots__ = ("_raw",)

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        raw: list[tuple[bytes, bytes]] | None = None,
    ) -> None:
        if headers is not None and raw is not None:
            raise ValueError("give either headers or raw, not both")
        if headers is not None:
            raw = [encode_header(name, value) for name, value in headers.items()]
        self._raw: list[tuple[bytes, bytes]] = [] if raw is None else raw

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """Lower-case names and values, as bytes."""
        return self._raw

    def keys(self) -> list[str]:  # type: ignore[override]
        return [name.decode("latin-1") for name, _ in self._raw]

    def values(self) -> list[str]:  # type: ignore[override]
        return [value.decode("latin-1") for _, value in self._raw]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._raw]

    def getlist(self, key: str) -> list[str]:
        wanted = key.lower().encode("latin-1")
        return [value.decode("latin-1") for name, value in self._raw if name == wanted]

    def mutablecopy(self) -> MutableHeaders:
        return MutableHeaders(raw=self._raw[:])

    def __getitem__(self, key: str) -> str:
        wanted = key.lower().encode("latin-1")
        for name, value in self._raw:
            if name == wanted:
                return value.decode("latin-1")
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        wanted = key.lower().encode("latin-1")
        return any(name == wanted for name, _ in self._raw)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._raw)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Headers):
            return NotImplemented
        return sorted(self._raw) == sorted(other._raw)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        as_dict = dict(self.items())
        shown = f"{as_dict!r}" if len(as_dict) == len(self) else f"raw={self._raw!r}"
        return f"{type(self).__name__}({shown})"


class MutableHeaders(Headers):
    """The header fields of a response.

    Raises ValueError for a name that is no token and for a value with CR, LF or NUL (RFC 9110 §5).
    """

    __slots__ = ()

    def __setitem__(self, key: str, value: str) -> None:
        field = encode_header(key, value)
        places = [place for place, (name, _) in enumerate(self._raw) if name == field[0]]
        for place in reversed(places[1:]):
            del self._raw[place]
        if places:
            self._raw[places[0]] = field
        else:
            self._raw.append(field)

    def __delitem__(self, key: str) -> None:
        wanted = key.lower().encode("latin-1")
        self._raw[:] = [field for field in self._raw if field[0] != wanted]

    def __ior__(self, other: Mapping[str, str]) -> Self:
        self.update(other)
        return self

    def __or__(self, other: Mapping[str, str]) -> MutableHeaders:
        merged = self.mutablecopy()
        merged.update(other)
        return merged

    def setdefault(self, key: str, value: str) -> str:
        if key not in self:
            self.append(key, value)
        return self[key]

    def update(self, other: Mapping[str, str]) -> None:
        for key, value in other.items():
            self[key] = value

    def append(self, key: str, value: str) -> None:
        """Add a field even when there is one of that name already."""
        self._raw.append(encode_header(key, value))

    def add_vary_header(self, vary: str) -> None:
        present = self.get("vary")
        self["vary"] = vary if present is None else f"{present}, {vary}"


class State:
    """A bag of attributes: `app.state.database = …`, read back as an attribute or an item."""

    _state: dict[str, Any]

    __slots__ = ("_state",)

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        object.__setattr__(self, "_state", {} if state is None else state)

    def __setattr__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __getattr__(self, key: str) -> Any:
        try:
            return self._state[key]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}") from None

    def __delattr__(self, key: str) -> None:
        try:
            del self._state[key]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {key!r}") from None

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __delitem__(self, key: str) -> None:
        del self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)


def encode_header(name: str, value: str) -> tuple[bytes, bytes]:
    """One header field as the wire has it, its name in lower case.

    Raises ValueError when the name is no token or the value holds CR, LF, NUL or a character outside Latin-1: such a
    field would let the value's author write fields of their own.
    """
    try:
        raw_name = name.lower().encode("ascii")
    except UnicodeEncodeError:
        raw_name = b""
    if not raw_name or raw_name.translate(None, _TOKEN):
        raise ValueError(f"{name!r} is not a header name")
    if any(mark in value for mark in _FORBIDDEN_IN_VALUE):
        raise ValueError(f"the value of header {name!r} has a line break or NUL: {value!r}")
    return raw_name, value.encode("latin-1")


def _pairs_of[Key, Value](
    value: ImmutableMultiDict[Key, Value] | Mapping[Key, Value] | Iterable[tuple[Key, Value]],
) -> list[tuple[Key, Value]]:
    if isinstance(value, ImmutableMultiDict):
        return value.multi_items()
    if isinstance(value, Mapping):
        return list(value.items())
    return list(value)
