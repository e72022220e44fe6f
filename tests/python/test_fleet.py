"""The supervisor's decisions, with a clock and a chance of the tests' own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fasterapi._fleet import (
    DRAIN_MARGIN_S,
    RESTART_DELAY_MAX_S,
    SETTLED_AFTER_S,
    START_TIMEOUT_S,
    STUCK_MARGIN_S,
    Action,
    Drain,
    Fleet,
    Kill,
    Lend,
    Note,
    Rules,
    Start,
    TakeBack,
)


@dataclass
class World:
    """The processes as the actions made them: which runs, which accepts, and from which slots."""

    rules: Rules
    now: float = 0.0
    chance: float = 0.5
    running: dict[int, int] = field(default_factory=dict)
    accepting: dict[int, set[int]] = field(default_factory=dict)
    draining: set[int] = field(default_factory=set)
    killed: set[int] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    started: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fleet = Fleet(self.rules, lambda: self.now, lambda: self.chance)
        self.do(self.fleet.start())

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Start(number, slot):
                    assert number not in self.running
                    self.running[number] = slot
                    self.started.append((self.now, slot))
                case Drain(number):
                    slot = self.running[number]
                    taken = [one for one, from_ in self.accepting.items() if slot in from_ and one != number]
                    assert taken, "nobody took the slot over before its worker was told to leave"
                    del self.accepting[number]
                    self.draining.add(number)
                case Kill(number):
                    assert number in self.running
                    self.accepting.pop(number, None)
                    self.killed.add(number)
                case Lend(slot, number):
                    assert slot not in self.accepting[number]
                    self.accepting[number].add(slot)
                case TakeBack(slot, number):
                    self.accepting[number].remove(slot)
                case Note():
                    self.notes.append(action)

    def ready(self, number: int) -> None:
        if number not in self.killed:
            self.accepting[number] = {self.running[number]}
        self.do(self.fleet.ready(number))

    def end(self, number: int) -> None:
        del self.running[number]
        self.accepting.pop(number, None)
        self.draining.discard(number)
        self.killed.discard(number)
        self.do(self.fleet.ended(number))

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.do(self.fleet.tick())

    @property
    def starting(self) -> list[int]:
        return sorted(self.running.keys() - self.accepting.keys() - self.draining - self.killed)

    def come_up(self) -> None:
        for number in self.starting:
            self.ready(number)

    def calm_down(self) -> None:
        """Everything that was told to end ends, everything that starts gets ready, and time passes, until all rests."""
        for _ in range(200):
            for number in sorted(self.draining | self.killed):
                self.end(number)
            self.come_up()
            moment = self.fleet.next_moment_s()
            if not self.draining and not self.killed and not self.starting and (moment is None or moment > self.now):
                idle = moment is None or not self.missing()
                if idle:
                    return
            self.pass_time(max(0.0, (moment or self.now) - self.now))
        raise AssertionError("the fleet does not come to rest")

    def missing(self) -> set[int]:
        own = {self.running[number] for number in self.accepting}
        return set(range(self.rules.slots)) - own


def up(**rules: Any) -> World:
    world = World(Rules(**{"slots": 2, **rules}))
    world.come_up()
    assert world.fleet.is_up
    return world


def test_a_dead_workers_socket_is_served_by_another_until_its_replacement_is_ready() -> None:
    world = up()
    world.end(0)
    assert world.accepting == {1: {0, 1}}
    world.pass_time(0)
    (replacement,) = world.starting
    assert world.running[replacement] == 0
    world.ready(replacement)
    assert world.accepting == {1: {1}, replacement: {0}}


def test_a_worker_that_keeps_dying_is_started_ever_later() -> None:
    world = up(slots=1)
    delays = []
    for _ in range(12):
        (number,) = world.running
        world.end(number)
        delays.append(world.fleet.restart_in_s(0))
        world.pass_time(delays[-1] or 0.0)
    assert delays[:4] == pytest.approx([0.0, 0.1, 0.2, 0.4])
    assert delays[-1] == RESTART_DELAY_MAX_S
    world.come_up()
    world.pass_time(SETTLED_AFTER_S)
    world.end(*world.running)
    assert world.fleet.restart_in_s(0) == 0.0


def test_workers_of_age_are_replaced_one_after_the_other() -> None:
    world = up(recycle_after_s=100.0, recycle_jitter=0.5)
    world.pass_time(124.9)
    assert not world.starting
    world.pass_time(0.1)
    (first,) = world.starting
    assert set(world.accepting) == {0, 1}
    world.ready(first)
    assert (set(world.accepting), world.draining) == ({first, 1}, {0})
    world.pass_time(0)
    (second,) = world.starting
    world.ready(second)
    assert (set(world.accepting), world.draining) == ({first, second}, {0, 1})
    assert [note.text for note in world.notes] == [
        "worker 0 has run for 125 s: replacing it",
        "worker 1 has run for 125 s: replacing it",
    ]


def test_requests_and_memory_are_reasons_too() -> None:
    world = up(recycle_after_requests=100, recycle_jitter=1.0, recycle_rss_bytes=50_000_000)
    world.fleet.measured(0, requests=149, rss_bytes=49_000_000)
    world.pass_time(1)
    assert not world.starting
    world.fleet.measured(0, requests=150)
    world.fleet.measured(1, rss_bytes=50_000_000)
    world.pass_time(1)
    world.come_up()
    world.pass_time(1)
    world.come_up()
    assert [note.text for note in world.notes] == [
        "worker 0 has answered 150 requests: replacing it",
        "worker 1 holds 50 MB: replacing it",
    ]


def test_a_stuck_worker_serves_until_another_does_and_is_killed_then_unless_it_accepts_no_more() -> None:
    for obeys in (False, True):
        world = up(grace_period_s=5.0)
        world.do(world.fleet.stuck(0))
        assert world.running == {0: 0, 1: 1, 2: 0}
        assert world.draining == set()
        world.ready(2)
        assert world.draining == {0}
        if obeys:
            world.fleet.draining(0)
        assert world.fleet.is_lost(0) is not obeys
        world.pass_time(STUCK_MARGIN_S)
        assert world.killed == (set() if obeys else {0})
        world.pass_time(5 + DRAIN_MARGIN_S)
        assert world.killed == {0}


def test_a_slot_has_one_stuck_worker_that_is_to_end() -> None:
    world = up(grace_period_s=5.0)
    world.do(world.fleet.stuck(0))
    world.ready(2)
    world.fleet.draining(0)
    world.pass_time(1)
    world.do(world.fleet.stuck(2))
    world.ready(3)
    world.fleet.draining(2)
    world.pass_time(STUCK_MARGIN_S)
    assert world.killed == {0}
    assert set(world.accepting) == {1, 3}


def test_a_replacement_that_dies_leaves_the_old_one_in_its_place() -> None:
    world = up(recycle_after_s=100.0)
    world.pass_time(100)
    world.end(*world.starting)
    assert set(world.accepting) == {0, 1}
    assert not world.starting
    world.pass_time(RESTART_DELAY_MAX_S)
    assert len(world.starting) == 1


def test_a_reload_replaces_all_or_none() -> None:
    world = up()
    world.do(world.fleet.reload())
    first, second = world.starting
    world.ready(first)
    assert not world.draining
    world.end(second)
    assert world.draining == {first}
    assert set(world.accepting) == {0, 1}
    assert world.notes[-1] == Note("the app could not be loaded anew, and goes on as it was", is_error=True)

    world.do(world.fleet.reload())
    world.come_up()
    assert world.draining >= {0, 1}
    assert world.notes[-1].text == "the app is loaded anew"


def test_a_reload_during_a_reload_follows_it() -> None:
    world = up()
    world.do(world.fleet.reload())
    world.do(world.fleet.reload())
    before = world.starting
    world.come_up()
    assert world.fleet.is_reloading
    assert len(world.starting) == 2
    world.come_up()
    assert not world.fleet.is_reloading
    assert world.draining == {0, 1, *before}


def test_a_worker_that_died_is_not_missed_after_a_failed_reload() -> None:
    world = up()
    world.end(0)
    world.do(world.fleet.reload())
    first, second = world.starting
    world.ready(first)
    world.end(second)
    assert set(world.accepting) == {1, first}


def test_what_starts_or_ends_for_too_long_is_killed() -> None:
    world = up()
    world.do(world.fleet.reload())
    world.come_up()
    world.pass_time(10.0 + DRAIN_MARGIN_S)
    assert world.killed == {0, 1}
    world.do(world.fleet.reload())
    world.pass_time(START_TIMEOUT_S)
    assert len(world.killed) == 4


class FleetMachine(RuleBasedStateMachine):
    """Any order of deaths, reloads, measurements and delays."""

    def __init__(self) -> None:
        super().__init__()
        self.world = up(slots=3, recycle_after_s=500.0, recycle_after_requests=1000, recycle_jitter=0.2)

    def pick(self, numbers: list[int], choice: int) -> int:
        return numbers[choice % len(numbers)]

    @rule(choice=st.integers(0, 99))
    @precondition(lambda self: self.world.running)
    def some_process_ends(self, choice: int) -> None:
        self.world.end(self.pick(sorted(self.world.running), choice))

    @rule(choice=st.integers(0, 99))
    @precondition(lambda self: self.world.starting)
    def some_worker_gets_ready(self, choice: int) -> None:
        self.world.ready(self.pick(self.world.starting, choice))

    @rule()
    def somebody_reloads(self) -> None:
        self.world.do(self.world.fleet.reload())

    @rule()
    def the_new_app_does_not_fit(self) -> None:
        self.world.do(self.world.fleet.abandon_reload())

    @rule(seconds=st.sampled_from([0.0, 0.05, 0.3, 5.0, 100.0, 600.0]), chance=st.floats(0, 1))
    def time_passes(self, seconds: float, chance: float) -> None:
        self.world.chance = chance
        self.world.pass_time(seconds)

    @rule(choice=st.integers(0, 99), requests=st.integers(0, 2000))
    @precondition(lambda self: self.world.accepting)
    def some_worker_answers(self, choice: int, requests: int) -> None:
        self.world.fleet.measured(self.pick(sorted(self.world.accepting), choice), requests=requests)

    @invariant()
    def every_socket_is_served_while_anybody_serves(self) -> None:
        served = [slot for slots in self.world.accepting.values() for slot in slots]
        if self.world.accepting:
            assert set(served) == {0, 1, 2}
        # Besides its own worker, and the next one during a reload, nobody accepts from a slot.
        assert max(map(served.count, range(3)), default=0) <= 2

    @invariant()
    def nobody_is_forgotten(self) -> None:
        world = self.world
        assert sorted(world.fleet.serving()) == sorted(world.accepting)
        for slot in world.missing():
            coming = any(world.running[number] == slot for number in (*world.starting, *world.killed))
            assert coming or world.fleet.restart_in_s(slot) is not None
        # At most two of a slot at a time, besides those that end.
        for slot in range(3):
            assert sum(world.running[number] == slot for number in (*world.starting, *world.accepting)) <= 2

    def teardown(self) -> None:
        self.world.calm_down()
        assert not self.world.missing()
        assert len(self.world.accepting) == 3


FleetMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_any_schedule = FleetMachine.TestCase
