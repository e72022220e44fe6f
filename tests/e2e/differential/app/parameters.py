"""Path, query, header and cookie parameters of every type: what is taken, and what a wrong one is answered with."""

import datetime
import decimal
import enum
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Cookie, Header, Path, Query

router = APIRouter()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


KINDS = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "bytes": bytes,
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
    "date": datetime.date,
    "datetime": datetime.datetime,
    "time": datetime.time,
    "timedelta": datetime.timedelta,
    "enum": Colour,
    "int_enum": Level,
    "literal": Literal["a", "b"],
    "number_literal": Literal[1, 2],
    "optional_int": int | None,
    "int_or_str": int | str,
    "int_or_bool": int | bool,
}

LISTS = {
    "int_list": list[int],
    "str_list": list[str],
    "int_set": set[int],
    "int_tuple": tuple[int, ...],
    "pair": tuple[int, str],
    "optional_list": list[int] | None,
}

CONSTRAINTS = {
    "ge": (int, {"ge": 3}),
    "gt": (int, {"gt": 3}),
    "le": (int, {"le": 3}),
    "lt": (int, {"lt": 3}),
    "between": (int, {"ge": 1, "le": 9}),
    "float_gt": (float, {"gt": 0.5}),
    "decimal_ge": (decimal.Decimal, {"ge": 1}),
    "multiple_of": (int, {"multiple_of": 5}),
    "float_multiple_of": (float, {"multiple_of": 0.5}),
    "min_length": (str, {"min_length": 3}),
    "max_length": (str, {"max_length": 3}),
    "length": (str, {"min_length": 2, "max_length": 3}),
    "pattern": (str, {"pattern": "^[a-z]+$"}),
    "items": (list[int], {"min_length": 1, "max_length": 2}),
    "optional_ge": (int | None, {"ge": 3}),
}


def declare(kind, annotation):
    def from_query(v: Annotated[annotation, Query()]):
        return {"value": v, "type": type(v).__name__}

    def from_path(v: Annotated[annotation, Path()]):
        return {"value": v, "type": type(v).__name__}

    def from_header(x_value: Annotated[annotation, Header()]):
        return {"value": x_value, "type": type(x_value).__name__}

    def from_cookie(v: Annotated[annotation, Cookie()]):
        return {"value": v, "type": type(v).__name__}

    router.get(f"/query/{kind}")(from_query)
    router.get(f"/path/{kind}/{{v}}")(from_path)
    router.get(f"/header/{kind}")(from_header)
    router.get(f"/cookie/{kind}")(from_cookie)


def declare_list(kind, annotation):
    def from_query(v: Annotated[annotation, Query()]):
        return {"value": sorted(v) if isinstance(v, set) else v, "type": type(v).__name__}

    def from_header(x_value: Annotated[annotation, Header()]):
        return {"value": sorted(x_value) if isinstance(x_value, set) else x_value, "type": type(x_value).__name__}

    router.get(f"/query/{kind}")(from_query)
    router.get(f"/header/{kind}")(from_header)


def declare_constrained(kind, annotation, constraints):
    def constrained(v: Annotated[annotation, Query(**constraints)]):
        return {"value": v}

    router.get(f"/constrained/{kind}")(constrained)


for name, annotation in KINDS.items():
    declare(name, annotation)
for name, annotation in LISTS.items():
    declare_list(name, annotation)
for name, (annotation, constraints) in CONSTRAINTS.items():
    declare_constrained(name, annotation, constraints)


@router.get("/defaults")
def defaults(
    a: int = 1,
    b: str | None = None,
    c: Annotated[list[str], Query()] = ["x", "y"],  # noqa: B006 - as FastAPI's users write it
    d: bool = False,
    e: Colour = Colour.RED,
    f: float = 0.5,
):
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f}


@router.get("/required")
def required(a: int, b: str, c: Annotated[int, Header()], d: Annotated[str, Cookie()]):
    return [a, b, c, d]


@router.get("/old-style")
def old_style(a: int = Query(..., ge=1), b: str = Query("x", max_length=3), c: str = Header(None), d: int = Cookie(7)):
    return [a, b, c, d]


@router.get("/aliases")
def aliases(
    item: Annotated[str, Query(alias="item-query")],
    token: Annotated[str | None, Header(alias="X-Secret-Token")] = None,
    underscored_name: Annotated[str | None, Header()] = None,
    kept_name: Annotated[str | None, Header(convert_underscores=False)] = None,
    jar: Annotated[str | None, Cookie(alias="cookie-jar")] = None,
):
    return [item, token, underscored_name, kept_name, jar]


@router.get("/mixed/{a}/{b}")
async def mixed(b: int, a: str, q: int, x_h: Annotated[int, Header()], k: Annotated[int, Cookie()]):
    return {"a": a, "b": b, "q": q, "h": x_h, "k": k}


@router.get("/factory")
def factory(a: Annotated[list[int], Query(default_factory=list)], b: Annotated[int, Query(default_factory=lambda: 3)]):
    return [a, b]
