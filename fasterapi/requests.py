"""The request as a handler sees it. Nothing is decoded before it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fasterapi import _engine
from fasterapi.datastructures import URL, Address, Headers, QueryParams, State

if TYPE_CHECKING:
    from fasterapi.applications import App

__all__ = ["Request"]

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Request(_engine.Request):
    """One HTTP request, valid also after its handler has returned.

    The engine's part holds `method`, `path` (decoded), `raw_path`, `query_string`, `http_version`, `scheme`, `server`,
    `path_params`, `raw_headers`, `request_id` and `traceparent`; the properties here are made from them on first use.
    """

    _url: URL | None = None
    _base_url: URL | None = None
    _query_params: QueryParams | None = None
    _cookies: dict[str, str] | None = None
    _state: State | None = None
    _json: Any = ...

    @property
    def app(self) -> App:
        """The app that serves this request, in this interpreter."""
        from fasterapi.applications import serving_app

        return serving_app()

    @property
    def headers(self) -> Headers:
        """The header fields, in the order they came."""
        return Headers(raw=self.raw_headers)

    @property
    def query_params(self) -> QueryParams:
        """The query string, decoded."""
        if self._query_params is None:
            self._query_params = QueryParams(self.query_string)
        return self._query_params

    @property
    def cookies(self) -> dict[str, str]:
        """Cookie values by name; where a name repeats, the last one."""
        if self._cookies is None:
            self._cookies = {}
            for field in self.headers.getlist("cookie"):
                self._cookies.update(_parse_cookies(field))
        return self._cookies

    @property
    def client(self) -> Address | None:
        """The other end of the connection; None where it has no IP address."""
        peer = super().client
        return None if peer is None else Address(*peer)

    @property
    def url(self) -> URL:
        """The URL that the client asked for, as its Host field and `root_path` make it."""
        if self._url is None:
            query = self.query_string.decode("latin-1")
            self._url = URL(f"{self._origin()}{self._root_path()}{_escape(self.path)}{'?' if query else ''}{query}")
        return self._url

    @property
    def base_url(self) -> URL:
        """The app's root: scheme, host and `root_path`, with a slash at the end."""
        if self._base_url is None:
            self._base_url = URL(f"{self._origin()}{self._root_path()}/")
        return self._base_url

    @property
    def state(self) -> State:
        """Attributes of this request, starting from what the app's lifespan yielded."""
        if self._state is None:
            self._state = State(dict(self.app.lifespan_state))
        return self._state

    async def body(self) -> bytes:
        """The whole body; empty where there is none."""
        return self._body

    async def json(self) -> Any:
        """The body parsed as JSON; raises `json.JSONDecodeError` where it is none."""
        if self._json is ...:
            import json

            self._json = json.loads(self._body)
        return self._json

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """The absolute URL of a route; raises NoMatchFound where no route has that name and these parameters."""
        return self.app.url_path_for(name, **path_params).make_absolute_url(self.base_url)

    def _root_path(self) -> str:
        return self.app.root_path.rstrip("/")

    def _origin(self) -> str:
        authority = self.headers.get("host")
        if not authority:
            host, port = self.server
            host = f"[{host}]" if ":" in host else host
            authority = host if port == _DEFAULT_PORTS.get(self.scheme) else f"{host}:{port}"
        return f"{self.scheme}://{authority}"


def _escape(path: str) -> str:
    """The decoded path with those characters escaped that would end it in a URL."""
    return path.replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")


def _parse_cookies(field: str) -> dict[str, str]:
    from http.cookies import _unquote

    cookies: dict[str, str] = {}
    for pair in field.split(";"):
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", pair
        name, value = name.strip(), value.strip()
        if name or value:
            cookies[name] = _unquote(value)
    return cookies
