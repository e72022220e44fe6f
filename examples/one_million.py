"""A million events, counted exactly by all workers together: `fasterapi run examples/one_million.py`.

The one million request challenge: POST /event a million times over a thousand connections, then ask GET /stats.
"""

from __future__ import annotations

from dataclasses import dataclass

from fasterapi import App, shared

app = App(title="One million")

total_value = shared.Counter("total_value")
# How many events each user sent: the number of users is the number of keys.
events_by_user = shared.Dict("events_by_user")
events = shared.Counter("events")


@dataclass
class Event:
    userId: str  # noqa: N815 - as clients send it
    value: int


@app.post("/event")
def record(event: Event) -> None:
    events_by_user.add(event.userId)
    total_value.add(event.value)
    events.add()


@app.get("/stats")
def stats() -> dict[str, float]:
    count, total = events.value, total_value.value
    return {
        "totalRequests": count,
        "uniqueUsers": len(events_by_user),
        "sum": total,
        "average": total / count if count else 0.0,
    }


if __name__ == "__main__":
    app.run()
