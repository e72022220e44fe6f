"""The requests about pydantic's models."""

from collections.abc import Iterator

from tests.e2e.differential.cases import BROKEN_JSON, SCALAR_BODIES, Case, Table

ITEM = {"name": "n", "price": "2.5", "tags": [{"name": "ab", "weight": 2}], "made": "2024-02-29T12:00:00Z"}
ITEMS = [
    ITEM,
    {},
    {"name": "n"},
    {"name": 5, "price": "x", "tags": [{"name": "a"}, {"weight": -1}, 3], "kind": "c", "made": "x"},
    {"name": "n", "parent": {"name": "p", "parent": {"name": "q"}}},
    {"name": "n", "parent": {"price": 1}},
    {"name": "n", "more": 1},
    {"name": "n", "price": 1e3, "kind": None},
    {"name": "n", "price": "NaN"},
]
UUID = "12345678-1234-5678-9abc-def012345678"


def model_cases() -> Iterator[Case]:
    """Every case once, in a fixed order."""
    table = Table()
    table.post("/item", *ITEMS, *SCALAR_BODIES, *BROKEN_JSON)
    table.post("/item-optional", *ITEMS, None, 5)
    table.post("/items", [], ITEMS, [ITEM, ITEM], ITEM, [None, 5])
    table.post("/item-embedded", {"item": ITEM}, ITEM, {"item": None}, {}, 5)
    table.post("/two", {"item": ITEM, "tag": {"name": "ab"}}, {"item": ITEM}, {"tag": 5, "note": "long"}, {}, ITEM)
    table.post("/item/5?q=abc", *ITEMS[:4], method="PUT")
    table.post("/item/x?q=abcd", *ITEMS[:4], method="PUT")
    table.post("/aliased", {"longName": 1}, {"long_name": 2, "other": "o"}, {"longName": "x"}, {}, {"anotherName": "z"})
    table.post(
        "/strict", {"number": 1}, {"number": "1"}, {"number": 1.0}, {"number": 1, "flag": 1}, {"number": 1, "x": 2}
    )
    table.post(
        "/checked", {"low": 1, "high": 2}, {"low": 3, "high": 2}, {"low": 1, "high": 2, "word": "UP"}, {"low": "x"}
    )
    table.post("/numbers", [1, "2"], ["x", None], {}, [])
    table.post("/pet", {"kind": "cat", "lives": 9}, {"kind": "dog", "name": "d"}, {"kind": "cow"}, {}, {"kind": "cat"})
    table.post("/any-of", {"kind": "cat", "lives": 9}, {"kind": "dog", "name": "d"}, 5, "6", {"kind": "cow"}, "x")
    table.post("/secretive", {"password": "p", "site": "http://a.example", "id": UUID})
    table.post("/secretive", {"password": 1, "site": "x", "id": "y"}, {})
    table.post("/mapping", {"a": {"name": "ab"}}, {"a": {"name": "a"}, "b": 1}, {}, [])
    for target in ("/item", "/items", "/two", "/item-optional", "/pet", "/numbers"):
        table.any("POST", target)
        table.cases.append(Case("POST", target, (("Content-Type", "text/plain"),), b'{"name":"n"}'))
    table.get("/result/nested", "/result/encoded", "/error", "/url?site=http://a.example/b", "/url?site=x&secret=ab")
    yield from dict.fromkeys(table.cases)
