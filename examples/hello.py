"""The smallest app: `fasterapi run examples/hello.py`, then http://127.0.0.1:8000/user/7?q=x."""

from fasterapi import App

app = App(title="Hello")


@app.get("/")
async def hello() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/user/{id}")
async def get_user(id: int, q: str | None = None) -> dict[str, int | str | None]:
    return {"id": id, "q": q}


if __name__ == "__main__":
    app.run()
