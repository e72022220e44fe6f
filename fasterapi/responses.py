"""What a handler may return to say more than its body: status, headers, cookies, media type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from fasterapi.datastructures import URL, MutableHeaders, encode_header

if TYPE_CHECKING:
    from datetime import datetime

__all__ = [
    "HTMLResponse",
    "JSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
]

SameSite = Literal["lax", "strict", "none"]

_STATUS_MIN = 200
_STATUS_MAX = 599
_BODILESS_STATUSES = (204, 304)
_CONTENT_LENGTH = b"content-length"
_CONTENT_TYPE = b"content-type"

# The content-type field of each (media type, charset) seen so far: a handful per app.
_content_type_fields: dict[tuple[str, str], tuple[bytes, bytes]] = {}


class Response:
    """A complete answer: `content` is the body as bytes or text.

    `raw_headers` are (lower-case name, value) in the order they are sent. Raises ValueError for a status outside
    200-599 and for a header that would break the message's framing.
    """

    media_type: str | None = None
    charset: str = "utf-8"

    status_code: int
    body: bytes
    raw_headers: list[tuple[bytes, bytes]]

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: None = None,
    ) -> None:
        if background is not None:
            raise NotImplementedError("background tasks are not supported; start one with asyncio.create_task()")
        if not _STATUS_MIN <= status_code <= _STATUS_MAX:
            raise ValueError(f"{status_code} is not the status of a final response (200-599)")
        self.status_code = status_code
        if media_type is not None:
            self.media_type = media_type
        self.body = self.render(content)
        self.init_headers(headers)

    def render(self, content: Any) -> bytes:
        """The body's bytes for `content`; a subclass overrides this to encode something else than text."""
        if content is None:
            return b""
        if isinstance(content, bytes):
            return content
        if isinstance(content, (bytearray, memoryview)):
            return bytes(content)
        encoded: bytes = content.encode(self.charset)
        return encoded

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Fill `raw_headers` from `headers`, then with content-length and content-type where they are missing."""
        raw: list[tuple[bytes, bytes]] = []
        present: set[bytes] | tuple[()] = ()
        if headers is not None:
            raw = [encode_header(name, value) for name, value in headers.items()]
            present = {name for name, _ in raw}
        if _CONTENT_LENGTH not in present and self.status_code not in _BODILESS_STATUSES:
            raw.append((_CONTENT_LENGTH, b"%d" % len(self.body)))
        media_type = self.media_type
        if media_type is not None and _CONTENT_TYPE not in present:
            key = (media_type, self.charset)
            raw.append(_content_type_fields.get(key) or _content_type_field(key))
        self.raw_headers = raw

    @property
    def headers(self) -> MutableHeaders:
        """The header fields, to read and to change."""
        return MutableHeaders(raw=self.raw_headers)

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        expires: datetime | str | int | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Add a `set-cookie` field. `max_age` is in seconds; `expires` is a moment, an HTTP date, or seconds from now.

        Raises ValueError for text that a cookie's attribute cannot hold.
        """
        from http.cookies import CookieError, SimpleCookie

        for attribute, text in (("path", path), ("domain", domain)):
            if text is not None and (";" in text or not text.isprintable()):
                raise ValueError(f"a cookie's {attribute} cannot hold {text!r}")
        if samesite is not None and samesite.lower() not in ("lax", "strict", "none"):
            raise ValueError(f"samesite is 'lax', 'strict' or 'none', not {samesite!r}")
        jar = SimpleCookie()
        try:
            jar[key] = value
        except CookieError as error:
            raise ValueError(str(error)) from None
        morsel = jar[key]
        attributes: dict[str, Any] = {
            "max-age": max_age,
            "expires": _http_date(expires),
            "path": path,
            "domain": domain,
            "secure": secure or None,
            "httponly": httponly or None,
            "samesite": samesite,
        }
        for attribute, setting in attributes.items():
            if setting is not None:
                morsel[attribute] = setting
        text = morsel.OutputString()
        if partitioned:
            text += "; Partitioned"
        self.raw_headers.append(encode_header("set-cookie", text))

    def delete_cookie(
        self,
        key: str,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Tell the client to forget a cookie; `path` and `domain` must be those that it was set with."""
        self.set_cookie(
            key,
            max_age=0,
            expires=0,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )


class PlainTextResponse(Response):
    """Text, as `text/plain`."""

    media_type = "text/plain"


class HTMLResponse(Response):
    """A page, as `text/html`."""

    media_type = "text/html"


class JSONResponse(Response):
    """Anything that the engine's JSON writer can encode, as `application/json`.

    Raises ValueError for a number that is not finite and TypeError for a value with no JSON form.
    """

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The JSON text of `content`, without spaces."""
        from fasterapi._engine import encode_json

        return encode_json(content)


class RedirectResponse(Response):
    """Send the client to `url` (307 keeps the method; 303 makes it a GET)."""

    def __init__(
        self,
        url: str | URL,
        status_code: int = 307,
        headers: Mapping[str, str] | None = None,
        background: None = None,
    ) -> None:
        from urllib.parse import quote

        super().__init__(b"", status_code=status_code, headers=headers, background=background)
        self.headers["location"] = quote(str(url), safe=":/%#?=@[]!$&'()*+,;")


def _content_type_field(key: tuple[str, str]) -> tuple[bytes, bytes]:
    media_type, charset = key
    value = media_type
    if media_type.startswith("text/") and "charset=" not in media_type.lower():
        value = f"{media_type}; charset={charset}"
    field = encode_header("content-type", value)
    # A media type made up per request must not grow the table for ever.
    if len(_content_type_fields) < 256:
        _content_type_fields[key] = field
    return field


def _http_date(moment: datetime | str | int | None) -> str | int | None:
    if moment is None or isinstance(moment, (str, int)):
        return moment
    from email.utils import format_datetime

    return format_datetime(moment, usegmt=True)
