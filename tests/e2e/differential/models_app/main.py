"""An app whose data is pydantic's; as it needs pydantic, ours runs it in processes only."""

import datetime
import decimal
import uuid
from typing import Annotated, Any, Literal

from fastapi import Body, FastAPI, HTTPException, Query
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from pydantic import AnyUrl, BaseModel, ConfigDict, Field, RootModel, SecretStr, field_validator, model_validator

app = FastAPI()


class Tag(BaseModel):
    name: str = Field(min_length=2, max_length=5)
    weight: float = Field(default=1.0, gt=0)


class Item(BaseModel):
    name: str
    price: decimal.Decimal = decimal.Decimal("1.50")
    tags: list[Tag] = []
    parent: "Item | None" = None
    kind: Literal["a", "b"] = "a"
    made: datetime.datetime | None = None


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    long_name: int = Field(alias="longName")
    other: str = Field(default="x", serialization_alias="anotherName")


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    number: int
    flag: bool = False


class Checked(BaseModel):
    low: int
    high: int
    word: str = "ok"

    @field_validator("word")
    @classmethod
    def be_lower(cls, word: str) -> str:
        if not word.islower():
            raise ValueError("must be lower case")
        return word

    @model_validator(mode="after")
    def be_ordered(self) -> "Checked":
        if self.low > self.high:
            raise ValueError("low is above high")
        return self


class Numbers(RootModel[list[int]]):
    pass


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Secretive(BaseModel):
    password: SecretStr
    site: AnyUrl
    id: uuid.UUID


@app.post("/item")
def item(item: Item):
    return item


@app.post("/item-optional")
def optional(item: Item | None = None):
    return item


@app.post("/items")
async def items(items: list[Item]):
    return {"count": len(items), "items": items}


@app.post("/item-embedded")
def embedded(item: Annotated[Item, Body(embed=True)]):
    return item


@app.post("/two")
def two(item: Item, tag: Tag, note: Annotated[str, Body(max_length=3)] = "n"):
    return [item, tag, note]


@app.put("/item/{item_id}")
def put(item_id: int, item: Item, q: Annotated[str | None, Query(max_length=3)] = None):
    return {"id": item_id, "q": q, **item.model_dump()}


@app.post("/aliased")
def aliased(value: Aliased):
    return {"value": value, "name": value.long_name}


@app.post("/strict")
def strict(value: Strict):
    return value


@app.post("/checked")
def checked(value: Checked):
    return value


@app.post("/numbers")
def numbers(value: Numbers):
    return {"sum": sum(value.root), "value": value}


@app.post("/pet")
def pet(value: Pet):
    return {"value": value, "type": type(value).__name__}


@app.post("/any-of")
def any_of(value: Cat | Dog | int):
    return {"value": value, "type": type(value).__name__}


@app.post("/secretive")
def secretive(value: Secretive):
    return value


@app.post("/mapping")
def mapping(value: dict[str, Tag]):
    return value


@app.get("/result/nested")
def nested():
    return {"items": [Item(name="x", parent=Item(name="y"))], "tag": (Tag(name="ab"),), Aliased(longName=1).other: 1}


@app.get("/result/encoded")
def encoded():
    data: Any = jsonable_encoder(Item(name="x", tags=[Tag(name="ab")]), exclude_unset=True)
    return JSONResponse({"data": data, "aliased": jsonable_encoder(Aliased(longName=3), by_alias=False)})


@app.get("/error")
def error():
    raise HTTPException(409, detail=jsonable_encoder(Tag(name="ab")))


@app.get("/url")
def url(site: AnyUrl, secret: Annotated[str, Field(min_length=3)] = "abc"):
    return {"site": site, "secret": secret}
