"""JSON bodies: scalars, containers, dataclasses, several of them in one body."""

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from fastapi import APIRouter, Body, Header, Query, Request

router = APIRouter()


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Number(enum.Enum):
    ONE = 1
    HALF = 0.5


@dataclasses.dataclass
class Address:
    street: str
    number: int
    city: str = "Brno"


@dataclasses.dataclass
class Person:
    name: str
    age: int
    address: Address
    tags: list[str] = dataclasses.field(default_factory=list)
    nickname: str | None = None
    friends: "list[Person]" = dataclasses.field(default_factory=list)


class Movie(TypedDict):
    title: str
    year: int
    rating: NotRequired[float]


class Loose(TypedDict, total=False):
    a: int
    b: list[int]


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
    "number_enum": Number,
    "literal": Literal["a", 1, None],
    "any": Any,
    "optional_int": int | None,
    "int_or_str": int | str,
    "float_or_str": float | str,
    "int_or_list": int | list[int],
    "int_list": list[int],
    "int_set": set[int],
    "str_frozenset": frozenset[str],
    "int_tuple": tuple[int, ...],
    "pair": tuple[int, str],
    "bare_list": list,
    "bare_dict": dict,
    "str_to_int": dict[str, int],
    "int_to_str": dict[int, str],
    "uuid_to_date": dict[uuid.UUID, datetime.date],
    "nested": dict[str, list[dict[str, int]]],
    "address": Address,
    "address_list": list[Address],
    "address_or_int": Address | int,
    "person": Person,
    "movie": Movie,
    "loose": Loose,
}


def declare(kind, annotation):
    def whole(v: Annotated[annotation, Body()]):
        return {"value": v, "type": type(v).__name__}

    router.post(f"/body/{kind}")(whole)


for name, annotation in KINDS.items():
    declare(name, annotation)


@router.post("/body-dataclass")
async def one(person: Person):
    return person


@router.put("/body-dataclass/{person_id}")
async def one_of_many(person_id: int, person: Address, q: str | None = None):
    return {"id": person_id, "person": person, "q": q}


@router.post("/body-two")
def two(address: Address, movie: Movie):
    return {"address": address, "movie": movie}


@router.post("/body-mixed")
def mixed(address: Address, count: Annotated[int, Body(ge=1)], note: Annotated[str, Body()] = "none"):
    return [address, count, note]


@router.post("/body-embed")
def embed(address: Annotated[Address, Body(embed=True)]):
    return address


@router.post("/body-embed-int")
def embed_int(v: Annotated[int, Body(embed=True, gt=0)]):
    return v


@router.post("/body-optional")
def optional(address: Address | None = None):
    return address


@router.post("/body-default")
def default(v: Annotated[int, Body()] = 5):
    return v


@router.post("/body-aliased")
def aliased(v: Annotated[int, Body(alias="the-value", embed=True)]):
    return v


@router.post("/body-everything/{a}")
def everything(a: int, address: Address, q: Annotated[int, Query(le=5)], x_token: Annotated[str, Header(min_length=3)]):
    return [a, address, q, x_token]


@router.post("/body-raw")
async def raw(request: Request):
    return {"body": (await request.body()).decode("latin-1"), "type": request.headers.get("content-type")}


@router.post("/body-json")
async def parsed(request: Request):
    return {"json": await request.json()}


@router.post("/body-untouched")
def untouched():
    return "untouched"
