"""Which handler a method and a path lead to."""

from fastapi import APIRouter, Request

router = APIRouter()


@router.get("/")
def root():
    return "root"


@router.get("/users/me")
def me():
    return {"user": "me"}


@router.get("/users/{user_id}")
def user(user_id: str):
    return {"user": user_id}


@router.get("/users/{user_id}/posts/{post_id}")
async def post(user_id: int, post_id: int):
    return {"user": user_id, "post": post_id}


@router.get("/users/{owner}/posts")
async def posts(owner: str):
    return {"owner": owner}


@router.get("/files/{path:path}")
def file(path: str):
    return {"path": path}


@router.get("/range/{first}-{last}")
def span(first: int, last: int):
    return [first, last]


@router.get("/archive/{name}.{extension}")
def archive(name: str, extension: str):
    return {"name": name, "extension": extension}


@router.get("/no-slash")
def no_slash():
    return "no slash"


@router.post("/no-slash")
def no_slash_post():
    return "no slash, posted"


@router.get("/slash/")
def slash():
    return "slash"


@router.get("/nested/{name}/")
def nested_slash(name: str):
    return name


@router.get("/caf\u00e9")
def cafe():
    return "caf\u00e9"


@router.get("/method")
def read_method():
    return "get"


@router.post("/method")
def create_method():
    return "post"


@router.put("/method")
def replace_method():
    return "put"


@router.patch("/method")
def change_method():
    return "patch"


@router.delete("/method")
def remove_method():
    return "delete"


@router.options("/method")
def method_options():
    return "options"


@router.post("/only-post")
def only_post():
    return "only post"


@router.head("/only-head")
def only_head():
    return "only head"


@router.get("/with-head")
def with_head():
    return "get"


@router.head("/with-head")
def with_head_itself():
    return "head"


@router.api_route("/several", methods=["GET", "POST", "DELETE"])
def several(request: Request):
    return request.method


@router.get("/typed/{number:int}")
def typed_segment(number: int):
    return {"number": number}


@router.get("/param/{a}")
def param_of_get(a: str):
    return {"a": a}


@router.post("/param/{b}")
def param_of_post(b: str):
    return {"b": b}


class Greeter:
    def __init__(self, word):
        self.word = word

    def greet(self, name: str):
        return f"{self.word} {name}"

    def __call__(self, name: str = "all"):
        return f"{self.word}, {name}"


router.get("/object")(Greeter("hello"))
router.get("/object/method")(Greeter("good day").greet)
router.get("/lambda")(lambda q="x": {"q": q})
