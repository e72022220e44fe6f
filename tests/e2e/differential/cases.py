"""The requests that both servers are asked."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

JSON_TYPE = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Case:
    """One request, as it is sent: `target` is not touched."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    @property
    def group(self) -> str:
        """The first segment of the path: what the tests are sorted by."""
        return self.target.split("?")[0].split("/")[1] or "root"

    def __str__(self) -> str:
        body = "" if self.body is None else f" {self.body[:60]!r}"
        headers = "".join(f" {name}:{value}" for name, value in self.headers if name != "Content-Type")
        return f"{self.method} {self.target[:100]}{headers[:60]}{body}"


@dataclass
class Table:
    """Builds cases without saying `Case` a hundred times."""

    cases: list[Case] = field(default_factory=list)

    def get(self, *targets: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.cases += [Case("GET", target, headers) for target in targets]

    def any(self, method: str, *targets: str) -> None:
        self.cases += [Case(method, target) for target in targets]

    def post(self, target: str, *bodies: Any, method: str = "POST") -> None:
        for body in bodies:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.cases.append(Case(method, target, (JSON_TYPE,), raw))


NUMBER_WORDS = ["1", "-1", "0", "+1", "%201", "1%20", "1.0", "1.5", "1e3", "abc", "", "1_000", "0x10", "007", "--1"]
NUMBER_WORDS += [
    "9" * 30,
    "%D9%A3",
    "1%2C5",
    "inf",
    "nan",
    "-Infinity",
    "true",
    "1e400",
    ".5",
    "5.",
    "-0",
    "1.00",
    "01",
]
BOOL_WORDS = ["true", "false", "1", "0", "on", "off", "yes", "no", "t", "f", "y", "n", "True", "TRUE", "oN", "2", ""]
BOOL_WORDS += ["maybe", "%20true", "tru", "none"]
TEXT_WORDS = ["", "a", "%C3%A9", "a+b", "a%2Bb", "a%20b", "%F0%9F%90%8E", "a%26b%3Dc", "%22q%22", "null", "%25"]
UUID_WORDS = [
    "12345678-1234-5678-9abc-def012345678",
    "12345678123456789abcdef012345678",
    "%7B12345678-1234-5678-9abc-def012345678%7D",
    "urn:uuid:12345678-1234-5678-9ABC-DEF012345678",
    "12345678-1234-5678-9abc-def01234567",
    "12345678-1234-5678-9abc-def0123456789",
    "12345678-1234-5678-9abc-def01234567g",
    "not-a-uuid",
    "",
]
DATE_WORDS = ["2024-02-29", "2023-02-29", "2024-2-9", "20240229", "1709164800", "1709164801", "2024-13-01", "abc", ""]
DATE_WORDS += ["2024-02-29T00:00:00", "2024-02-29T12:00:00", "0001-01-01", "9999-12-31", "10000-01-01", "2024-02"]
DATETIME_WORDS = [
    "2024-02-29T12:30:00",
    "2024-02-29%2012:30:15",
    "2024-02-29t12:30:00z",
    "2024-02-29T12:30:00Z",
    "2024-02-29T12:30:00%2B02:00",
    "2024-02-29T12:30:00-0330",
    "2024-02-29T12:30:00%2B02",
    "2024-02-29T12:30",
    "2024-02-29T12:30:00.5",
    "2024-02-29T12:30:00.123456",
    "2024-02-29T12:30:00.123456789",
    "2024-02-29",
    "1709164800",
    "1709164800.5",
    "1709164800123",
    "-1",
    "2024-02-30T00:00:00",
    "2024-02-29T25:00:00",
    "2024-02-29T24:00:00",
    "2024-02-29T12:60:00",
    "2024-02-29T12:30:00%2B25:00",
    "2024-02-29T12:30:00X",
    "20240229T123000",
    "abc",
    "",
]
TIME_WORDS = [
    "12:30",
    "12:30:15",
    "12:30:15.5",
    "12:30:15.123456",
    "12:30Z",
    "12:30:15%2B01:00",
    "24:00",
    "12:60",
    "12",
]
TIME_WORDS += ["3661", "86400", "abc", "", "1:2", "12:30:15.1234567"]
TIMEDELTA_WORDS = [
    "1",
    "1.5",
    "-1",
    "P1DT2H",
    "PT1M30S",
    "-P1D",
    "P1W",
    "P1Y",
    "PT",
    "1%20days,%2000:00:01",
    "00:00:10",
]
TIMEDELTA_WORDS += ["10:20", "1%20day", "3%20days%2004:05:06.5", "-00:10:00", "P0.5D", "PT0.5S", "abc", "", "1d"]
WORDS: dict[str, list[str]] = {
    "int": NUMBER_WORDS,
    "float": NUMBER_WORDS,
    "decimal": [*NUMBER_WORDS, "1E+3", "1.50", "NaN", "Infinity"],
    "bool": BOOL_WORDS,
    "str": TEXT_WORDS,
    "bytes": TEXT_WORDS,
    "uuid": UUID_WORDS,
    "date": DATE_WORDS,
    "datetime": DATETIME_WORDS,
    "time": TIME_WORDS,
    "timedelta": TIMEDELTA_WORDS,
    "enum": ["red", "blue", "RED", "green", "", "%20red"],
    "int_enum": ["1", "2", "3", "LOW", "", "1.0", "one"],
    "literal": ["a", "b", "c", "", "A"],
    "number_literal": ["1", "2", "3", "a", ""],
    "optional_int": ["1", "x", "", "null", "1.0"],
    "int_or_str": ["1", "x", "", "1.0", "1.5", "true"],
    "int_or_bool": ["1", "0", "2", "true", "x", "", "off"],
}
LIST_QUERIES = ["", "?v=", "?v=1", "?v=1&v=2", "?v=2&v=1&v=2", "?v=x&v=1&v=y", "?v=1,2", "?v=1&v=a", "?w=1", "?v[]=1"]
CONSTRAINED = {
    "ge": ["2", "3", "x"],
    "gt": ["3", "4"],
    "le": ["3", "4"],
    "lt": ["3", "2"],
    "between": ["0", "1", "9", "10"],
    "float_gt": ["0.5", "0.51"],
    "decimal_ge": ["0.99", "1", "1.01"],
    "multiple_of": ["10", "11", "-5", "0"],
    "float_multiple_of": ["1.5", "1.6"],
    "min_length": ["ab", "abc", "%C3%A9%C3%A9%C3%A9", ""],
    "max_length": ["abc", "abcd", "%F0%9F%90%8E%F0%9F%90%8E%F0%9F%90%8E"],
    "length": ["a", "ab", "abcd"],
    "pattern": ["abc", "ABC", "abc1", "", "abc%0A"],
    "items": ["1", "1&v=2", "1&v=2&v=3", "x"],
    "optional_ge": ["3", "2", ""],
}


def path_cases(table: Table) -> None:
    table.get("/", "/?a=1", "/users/me", "/users/you", "/users/%C3%A9", "/users/a%20b", "/users/1/posts/2")
    table.get("/users/x/posts/y", "/users/7/posts", "/users/me/posts", "/users//posts", "/users/", "/users")
    table.get("/files/a", "/files/a/b/c.txt", "/files/", "/files//etc", "/files/a//b/", "/files/a%20b", "/files")
    table.get("/range/1-2", "/range/1-x", "/range/12", "/range/-1-2", "/archive/a.txt", "/archive/a.tar.gz")
    table.get(
        "/archive/a", "/typed/5", "/typed/x", "/param/1", "/nowhere", "/nowhere/at/all/", "/Users/me", "//", "//x"
    )
    table.get("/no-slash", "/no-slash/", "/no-slash/?a=1&b=2", "/slash", "/slash/", "/slash?q=%20", "/nested/a")
    table.get("/nested/a/", "/nested/a%20b", "/caf%C3%A9", "/caf%c3%a9", "/object", "/object?name=x", "/object/method")
    table.get("/object/method?name=y", "/lambda", "/lambda?q=1", "/users/me/", "/users/x/", "/typed/5/")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        table.any(method, "/method", "/several", "/only-post", "/only-head", "/no-slash", "/no-slash/", "/users/x")
        table.any(method, "/param/1", "/nowhere", "/", "/result/none")
    table.any("TRACE", "/method", "/several")
    table.any("BREW", "/method", "/nowhere")
    table.any("HEAD", "/only-head", "/with-head", "/nowhere", "/method", "/only-post", "/no-slash/")
    table.any("POST", "/slash", "/no-slash/?x=1")


def parameter_cases(table: Table) -> None:
    for kind, words in WORDS.items():
        table.get(f"/query/{kind}")
        for word in words:
            table.get(f"/query/{kind}?v={word}")
            if word and "%7B" not in word and "%2C" not in word:
                table.get(f"/path/{kind}/{word}")
            header = {"%20": " ", "%2B": "+", "%7B": "{", "%7D": "}"}
            plain = word
            for escaped, char in header.items():
                plain = plain.replace(escaped, char)
            if "%" not in plain:
                table.get(f"/header/{kind}", headers=(("X-Value", plain),))
            if plain == word:
                table.get(f"/cookie/{kind}", headers=(("Cookie", f"v={word}"),))
        table.get(f"/header/{kind}", f"/cookie/{kind}")
        table.get(f"/query/{kind}?v={words[0]}&v={words[-1]}")
    for kind in ("int_list", "str_list", "int_set", "int_tuple", "pair", "optional_list"):
        table.get(*(f"/query/{kind}{query}" for query in LIST_QUERIES))
        table.get(f"/header/{kind}", headers=(("X-Value", "1"), ("X-Value", "2")))
        table.get(f"/header/{kind}", headers=(("X-Value", "1, 2"),))
        table.get(f"/header/{kind}")
    for kind, words in CONSTRAINED.items():
        table.get(f"/constrained/{kind}", *(f"/constrained/{kind}?v={word}" for word in words))


def declaration_cases(table: Table) -> None:
    table.get("/defaults", "/defaults?a=2&b=x&c=1&d=yes&e=blue&f=2", "/defaults?a=&b=&d=&e=&f=", "/defaults?c=")
    table.get("/defaults?a=x&d=x&e=x&f=x", "/required", "/required?a=x", "/required?a=1&b=2", "/old-style", "/factory")
    table.get("/old-style?a=0&b=long-text", "/old-style?a=1", "/aliases", "/aliases?item=1", "/aliases?item-query=1")
    table.get("/factory?a=1&a=2&b=x", "/factory?b=9", "/mixed/x/y", "/mixed/x/1?q=2", "/lambda?q=%C3%A9")
    table.get("/required?a=1&b=2", headers=(("C", "3"), ("Cookie", "d=4")))
    table.get("/required?a=1&b=2", headers=(("C", "x"), ("Cookie", "e=4; f")))
    table.get("/old-style?a=1", headers=(("c", "C"), ("Cookie", "d=8")))
    table.get("/old-style?a=1", headers=(("Cookie", "d=x"),))
    table.get(
        "/aliases?item-query=1",
        headers=(
            ("x-secret-token", "t"),
            ("underscored-name", "u"),
            ("kept_name", "k"),
            ("Cookie", "cookie-jar=j"),
        ),
    )
    table.get("/mixed/x/1?q=2", headers=(("X-H", "3"), ("Cookie", "k=4")))
    for cookies in ('v="1"', "v=1; v=2", "a=b; v=5", "v=%31", "v", "=v", "v=1;w=2", " v = 3 ", "v=a=b"):
        table.get("/cookie/str", "/cookie/int", headers=(("Cookie", cookies),))


def encoded_query_cases(table: Table) -> None:
    for query in (
        "v=1&",
        "&v=1",
        "v=1;w=2",
        "v",
        "v=",
        "%76=1",
        "v=1&v",
        "v=%",
        "v=%zz",
        "v=%e",
        "v=a%00b",
        "=1",
        "v==1",
    ):
        table.get(f"/query/str?{query}", f"/query/int?{query}", f"/query/str_list?{query}")
    table.get("/query/str?v=%FF", "/query/str?v=%C3", "/query/str?v=a%C3%28", "/query/str?v=%ED%A0%80")
    table.get("/query/bytes?v=%FF", "/query/str?v=%E2%82%AC", "/query/str?V=1", "/query/str?v=?", "/query/str?v=a/b")


SCALAR_BODIES: list[Any] = [0, 1, -1, 1.0, 1.5, 2**70, True, False, None, "", "1", "1.5", "true", "abc", [], {}, [1]]
BODIES: dict[str, list[Any]] = {
    "int": ["01", " 1", "1e2", b"1e2", b"1E400", b"-0", b"123456789012345678901234567890", "1_0"],
    "float": ["inf", b"1e400", b"-0.0", "nan", b"1E-400"],
    "bool": ["on", "off", "yes", 2, 0.0, 1.0, "TRUE", "t"],
    "str": ["é", "\u0000", "a" * 300, b'"\\ud83d\\udc0e"', b'"\\ud800"', b'"\xc3\xa9"'],
    "bytes": ["é"],
    "decimal": ["1.50", 1.1, "1E+3", "NaN", b"0.1", "x", b"1.10"],
    "uuid": ["12345678-1234-5678-9abc-def012345678", "x", "12345678123456789ABCDEF012345678", 5],
    "date": ["2024-02-29", "2024-02-30", 1709164800, 1709164801, "x", "2024-02-29T00:00:00"],
    "datetime": ["2024-02-29T12:30:00Z", 1709164800, 1709164800.25, "2024-02-29", "x", -1, 1e20],
    "time": ["12:30", 3661, 3661.5, "x", -1, 86400],
    "timedelta": ["P1D", 1, 1.5, -1, "x", "01:00:00"],
    "enum": ["red", "green", 1],
    "number_enum": [1, 0.5, "1", 2],
    "literal": ["a", 1, True, None, "1", 0, 1.0],
    "any": [{"a": [1, None, "x", 1.5]}, "é"],
    "optional_int": ["x"],
    "int_or_str": ["x", 1.0],
    "float_or_str": ["2.5", 2],
    "int_or_list": [[1, "2"], ["x"], {"a": 1}],
    "int_list": [[1, 2, "3"], [1, "x", None, {}], [[1]], {"0": 1}, [1.5]],
    "int_set": [[1, 1, 1], ["x"]],
    "str_frozenset": [["a", "a"], [1]],
    "int_tuple": [[1, 2], ["x"]],
    "pair": [[1, "a"], [1], [1, "a", 2], ["x", 5]],
    "bare_list": [[1, [2, {"a": None}]]],
    "bare_dict": [{"a": 1, "b": [2]}],
    "str_to_int": [{"a": 1, "b": "2"}, {"a": "x", "b": None}, {"": 0}],
    "int_to_str": [{"1": "a"}, {"x": "a"}, {"1": 2}],
    "uuid_to_date": [{"12345678-1234-5678-9abc-def012345678": "2024-02-29"}, {"x": "y"}],
    "nested": [{"a": [{"b": 1}]}, {"a": [{"b": "x"}, 1], "c": {}}],
    "address": [
        {"street": "s", "number": 1},
        {"street": "s", "number": "1", "city": "c", "more": 1},
        {"street": 1},
        {"number": "x", "city": None},
    ],
    "address_list": [[{"street": "s", "number": 1}, {"street": "s"}, 5], {"street": "s", "number": 1}],
    "address_or_int": [{"street": "s", "number": 1}, "5", {"street": "s"}, "x"],
    "person": [
        {"name": "n", "age": 3, "address": {"street": "s", "number": 1}},
        {
            "name": "n",
            "age": 3,
            "address": {"street": "s", "number": 1},
            "tags": ["a"],
            "nickname": "k",
            "friends": [{"name": "f", "age": "4", "address": {"street": "s", "number": 2}}],
        },
        {"name": None, "age": "x", "address": {"number": []}, "tags": [1], "friends": [{"name": "f"}, 1]},
    ],
    "movie": [{"title": "t", "year": 2000}, {"title": "t", "year": 2000, "rating": "4.5"}, {"year": "x", "rating": {}}],
    "loose": [{"a": "1", "b": ["2"]}, {"b": ["x"]}, {"c": 1}],
}
BROKEN_JSON = [
    b"",
    b" ",
    b"{",
    b"[1,",
    b'{"a":}',
    b"nul",
    b"'a'",
    b"{a:1}",
    b"[1 2]",
    b"1 2",
    b'{"a":1,}',
    b"\xff",
    b"01",
]
BROKEN_JSON += [b'"a', b'"\n"', b'"\\x"', b"[1]]", b"NaN", b"Infinity", b"-", b"+1", b".5", b"5.", b"\xef\xbb\xbf1"]


def body_cases(table: Table) -> None:
    for kind, bodies in BODIES.items():
        table.post(f"/body/{kind}", *SCALAR_BODIES, *bodies)
        table.any("POST", f"/body/{kind}")
    for target in ("/body/int", "/body/address", "/body-two", "/body-optional", "/body-json"):
        table.post(target, *BROKEN_JSON)
    address = {"street": "s", "number": 1}
    movie = {"title": "t", "year": 2000}
    person = {"name": "n", "age": 3, "address": address}
    table.post("/body-dataclass", person, {}, [], None, {"name": "n"}, {**person, "friends": [person]})
    table.post("/body-dataclass/5?q=x", address, {}, method="PUT")
    table.post("/body-dataclass/x", address, {"street": 1}, method="PUT")
    table.post("/body-two", {"address": address, "movie": movie}, {"address": address}, {}, [], None, 5, address)
    table.post(
        "/body-mixed", {"address": address, "count": 1}, {"address": address, "count": 0, "note": 5}, {"count": "x"}
    )
    table.post("/body-embed", {"address": address}, address, {"address": None}, {})
    table.post("/body-embed-int", {"v": 1}, {"v": 0}, {"v": "x"}, {}, 1, {"w": 1})
    table.post("/body-optional", address, None, {}, {"street": "s"})
    table.post("/body-default", 7, None, "x")
    table.post("/body-aliased", {"the-value": 1}, {"v": 1}, {})
    table.any("POST", "/body-dataclass", "/body-two", "/body-embed", "/body-optional", "/body-default", "/body-mixed")
    everything = (JSON_TYPE, ("X-Token", "abc"))
    table.cases.append(Case("POST", "/body-everything/1?q=5", everything, json.dumps(address).encode()))
    table.cases.append(Case("POST", "/body-everything/x?q=6", (JSON_TYPE, ("X-Token", "ab")), b'{"street":1}'))
    table.cases.append(Case("POST", "/body-everything/x", (), None))


def content_type_cases(table: Table) -> None:
    body = b'{"street":"s","number":1}'
    types = ["text/plain", "application/x-json", "application/vnd.api+json", "APPLICATION/JSON", "json", ""]
    types += ["application/json; charset=utf-8", "application/json;charset=latin-1", "application/xml"]
    types += ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    for target in ("/body-dataclass", "/body/address", "/body/str", "/body-raw", "/body-untouched", "/body-json"):
        for content_type in types:
            table.cases.append(Case("POST", target, (("Content-Type", content_type),), body))
        table.cases.append(Case("POST", target, (), body))
    for raw in (b"", b"\x00\xff", b"x" * 70_000):
        table.cases.append(Case("POST", "/body-raw", (), raw))
        table.cases.append(Case("POST", "/body-untouched", (), raw))


def result_cases(table: Table, names: list[str]) -> None:
    table.get(*(f"/result/{name}" for name in names), *(f"/async-result/{name}" for name in names))
    table.get("/result-generator", "/result-large", "/result-deep")


def answer_cases(table: Table) -> None:
    for name in (
        "plain",
        "html",
        "json",
        "bytes",
        "text-media",
        "no-media",
        "empty",
        "content-type",
        "redirect",
        "204",
    ):
        table.get(f"/response/{name}")
        table.any("HEAD", f"/response/{name}")
    table.get("/response/redirect-303", "/response/304", "/response/headers", "/response/cookies", "/status/own")
    table.get("/class/plain", "/class/html", "/class/json", "/class/own", "/class/overridden")
    table.any("POST", "/status/201", "/status/named")
    table.any("DELETE", "/status/204")
    for name in ("404", "default-detail", "headers", "teapot", "204", "503", "unhandled", "unhandled-async", "group"):
        table.get(f"/error/{name}")
    table.get("/error/own", "/error/own-async", "/error/418-handled/410", "/error/418-handled/411")
    table.post("/error/validation", "x", 1)
    table.get("/request/url", "/request/url?a=1&b=%20c", "/request/state", "/async/sleep", "/async/gather")
    table.get("/request/echo/", "/request/echo/a/b%20c?a=1&a=2&b=&c", "/async/thread")
    table.get(
        "/request/echo/x?a=%C3%A9+%2B", headers=(("X-A", "1"), ("X-A", "2"), ("X-B", "b"), ("Cookie", 'p=1; q="r"'))
    )
    table.get("/request/echo/" + quote("é/ü"), headers=(("Cookie", "a=1"), ("X-Empty", "")))


def all_cases(result_names: list[str]) -> Iterator[Case]:
    """Every case once, in a fixed order."""
    table = Table()
    path_cases(table)
    parameter_cases(table)
    declaration_cases(table)
    encoded_query_cases(table)
    body_cases(table)
    content_type_cases(table)
    result_cases(table, result_names)
    answer_cases(table)
    yield from dict.fromkeys(table.cases)
