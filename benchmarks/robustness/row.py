"""What a row of the table is: a scenario, the cases in which it is played, what is asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from benchmarks.harness.figures import figure_of
from benchmarks.robustness.scale import Scale

__all__ = ["Figures", "NotMeasured", "Rounds", "Row", "in_ms"]

type Figures = dict[str, float]
"""What one round found, by name. Times are in milliseconds where the name does not say otherwise."""


class NotMeasured(Exception):
    """Why a row has no figures."""


class Rounds:
    """The figures of all rounds of one case."""

    def __init__(self, rounds: Sequence[Figures]) -> None:
        self._by_name = {name: figure_of([each[name] for each in rounds if name in each]) for name in rounds[0]}

    @classmethod
    def of_json(cls, figures: Mapping[str, Mapping[str, float]]) -> Rounds:
        made = cls.__new__(cls)
        made._by_name = {name: figure_of([f["least"], f["median"], f["greatest"]]) for name, f in figures.items()}
        return made

    def as_json(self) -> dict[str, dict[str, float]]:
        return {name: asdict(figure) for name, figure in self._by_name.items()}

    def median(self, name: str) -> float:
        """Raises KeyError for a figure that was not taken."""
        return self._by_name[name].median

    def worst(self, name: str) -> float:
        """The greatest of all rounds: for what must never happen."""
        return self._by_name[name].greatest


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `measure` plays one case once and may raise NotMeasured, ServerFailed or OSError."""

    name: str
    title: str
    asked: str
    cases: tuple[str, ...]
    measure: Callable[[str, Scale], Figures]
    shown: Callable[[Rounds], str]
    met: Callable[[Rounds], bool]
    rounds: Callable[[Scale], int] = lambda scale: scale.rounds


def in_ms(microseconds: float) -> float:
    return microseconds / 1e3
