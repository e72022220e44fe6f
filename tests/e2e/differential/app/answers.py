"""Responses that handlers make themselves, what they read of the request, and what exceptions become."""

import asyncio
import datetime
from typing import Annotated

from fastapi import APIRouter, Body, HTTPException, Request, Response, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse

router = APIRouter()


@router.get("/response/plain")
def plain():
    return PlainTextResponse("plain \u00e9")


@router.get("/response/html")
def html():
    return HTMLResponse("<p>\u00e9</p>", status_code=202)


@router.get("/response/json")
def json_itself():
    return JSONResponse({"a": [1, "\u00e9", None]}, status_code=203, headers={"X-Made": "by hand"})


@router.get("/response/bytes")
def raw_bytes():
    return Response(b"\x00\x01\xff", media_type="application/octet-stream")


@router.get("/response/text-media")
def text_media():
    return Response("a,b\n", media_type="text/csv")


@router.get("/response/no-media")
def no_media():
    return Response("no media type")


@router.get("/response/empty")
def empty():
    return Response()


@router.get("/response/content-type")
def own_content_type():
    return Response("x", headers={"Content-Type": "text/x-own", "X-A": "1"})


@router.get("/response/redirect")
def redirect():
    return RedirectResponse("/elsewhere?a=b c&d=\u00e9#f")


@router.get("/response/redirect-303")
def see_other():
    return RedirectResponse("https://example.com/x", status_code=303)


@router.get("/response/204")
def no_content():
    return Response(status_code=204)


@router.get("/response/304")
def not_modified():
    return Response(status_code=304, headers={"ETag": '"v1"'})


@router.get("/response/headers")
def headers():
    response = Response("x", headers={"X-Two": "second", "x-one": "first"})
    response.headers["x-three"] = "third"
    response.headers.append("x-three", "once more")
    del response.headers["x-two"]
    return response


@router.get("/response/cookies")
def cookies():
    response = JSONResponse(True)
    response.set_cookie("plain", "value")
    response.set_cookie("spaced", "a b;c")
    response.set_cookie("full", "v", max_age=60, path="/p", domain="example.com", secure=True, httponly=True)
    response.set_cookie("strict", "v", samesite="strict", path=None)
    response.set_cookie("none", "v", samesite=None)
    response.set_cookie("dated", "v", expires=datetime.datetime(2030, 1, 2, 3, 4, 5, tzinfo=datetime.UTC))
    response.delete_cookie("gone", path="/p")
    return response


@router.get("/class/plain", response_class=PlainTextResponse)
def class_plain():
    return "plain \u00e9"


@router.get("/class/html", response_class=HTMLResponse)
async def class_html():
    return "<p>html</p>"


@router.get("/class/json", response_class=JSONResponse)
def class_json():
    return {"a": 1}


class Shouting(Response):
    media_type = "text/x-shout"

    def render(self, content):
        return str(content).upper().encode()


@router.get("/class/own", response_class=Shouting, status_code=202)
def class_own():
    return "quiet"


@router.get("/class/overridden", response_class=PlainTextResponse)
def class_overridden():
    return JSONResponse({"json": "anyway"})


@router.post("/status/201", status_code=201)
def created():
    return {"created": True}


@router.post("/status/named", status_code=status.HTTP_202_ACCEPTED)
def accepted():
    return None


@router.delete("/status/204", status_code=204)
def deleted():
    return None


@router.get("/status/own", status_code=201)
def status_of_response():
    return PlainTextResponse("mine", status_code=206)


@router.get("/error/404")
def not_found():
    raise HTTPException(404, "no such item")


@router.get("/error/default-detail")
async def default_detail():
    raise HTTPException(status_code=status.HTTP_403_FORBIDDEN)


@router.get("/error/headers")
async def with_headers():
    raise HTTPException(401, {"why": ["a", 1]}, headers={"WWW-Authenticate": "Basic"})


@router.get("/error/teapot")
def teapot():
    raise HTTPException(418, detail=None)


@router.get("/error/204")
def raised_no_content():
    raise HTTPException(204)


@router.get("/error/503")
def unavailable():
    raise HTTPException(503, "later", headers={"Retry-After": "7"})


@router.get("/error/unhandled")
def unhandled():
    raise RuntimeError("not for the client")


@router.get("/error/unhandled-async")
async def unhandled_async():
    await asyncio.sleep(0)
    raise KeyError("not for the client")


@router.get("/error/group")
def group():
    raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])


class OwnError(Exception):
    pass


class OwnSubError(OwnError):
    pass


@router.get("/error/own")
def own_error():
    raise OwnSubError("own")


@router.get("/error/own-async")
async def own_error_async():
    await asyncio.sleep(0)
    raise OwnError("own, later")


@router.get("/error/418-handled/{code}")
def handled_status(code: int):
    raise HTTPException(code, "by status")


@router.post("/error/validation")
def validated(v: Annotated[int, Body()]):
    return v


def install_exception_handlers(app):
    @app.exception_handler(OwnError)
    def on_own_error(request: Request, exc: OwnError):
        return JSONResponse({"own": str(exc), "path": request.url.path}, status_code=409)

    @app.exception_handler(410)
    async def on_gone(request: Request, exc: HTTPException):
        await asyncio.sleep(0)
        return PlainTextResponse(f"gone: {exc.detail}", status_code=410)

    assert issubclass(RequestValidationError, Exception)


@router.get("/request/url")
def url(request: Request):
    return {
        "url": str(request.url),
        "base": str(request.base_url),
        "path": request.url.path,
        "query": request.url.query,
        "host": request.url.hostname,
        "scheme": request.url.scheme,
        "method": request.method,
    }


@router.get("/request/echo/{rest:path}")
async def echo(request: Request, rest: str):
    return {
        "path_params": request.path_params,
        "query": request.query_params.multi_items(),
        "first": request.query_params.get("a"),
        "headers": sorted((name, value) for name, value in request.headers.items() if name.startswith("x-")),
        "x_a": request.headers.getlist("x-a"),
        "cookies": request.cookies,
        "client": request.client.host,
        "rest": rest,
    }


@router.get("/request/state")
async def state(request: Request):
    request.state.seen = 1
    await asyncio.sleep(0)
    return {"seen": request.state.seen, "missing": hasattr(request.state, "missing")}


@router.get("/async/sleep")
async def sleep():
    await asyncio.sleep(0.001)
    return "slept"


@router.get("/async/gather")
async def gather():
    async def double(x):
        await asyncio.sleep(0)
        return 2 * x

    return await asyncio.gather(*(double(i) for i in range(5)))


@router.get("/async/thread")
async def in_thread():
    return await asyncio.to_thread(sum, [1, 2, 3])
