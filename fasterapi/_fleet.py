"""Which worker processes there should be: the supervisor's decisions, without any process.

A server has a fixed number of slots, each with a listening socket that outlives its workers. A *member* is one process
for a slot. What happened goes in by method calls, what is to be done comes out as a list of actions; time and chance
are passed in, so that tests decide both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Action", "Drain", "Fleet", "Kill", "Lend", "Note", "Rules", "Start", "TakeBack"]

RESTART_DELAY_MIN_S = 0.1
RESTART_DELAY_MAX_S = 30.0
# A worker that has run this long is started again without delay.
SETTLED_AFTER_S = 60.0
# How long a worker has to start; importing the app is most of it.
START_TIMEOUT_S = 120.0
# How much longer than the grace period a worker that ends may take before it is killed.
DRAIN_MARGIN_S = 2.0
# How long a worker that is stuck may take to say that it accepts no more.
STUCK_MARGIN_S = 0.2

type Why = Literal["first", "death", "recycle", "reload"]
type Phase = Literal["starting", "serving", "leaving"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is configured; 0 turns a kind of recycling off. Times in seconds."""

    slots: int
    grace_period_s: float = 10.0
    recycle_after_s: float = 0.0
    recycle_after_requests: int = 0
    recycle_jitter: float = 0.0
    recycle_rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Start:
    """Start a process, to be known by `number`, that serves from the slot's socket."""

    number: int
    slot: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Tell a worker to accept no more, to finish what it has, and to end. Others accept from its socket already."""

    number: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a process at once."""

    number: int


@dataclass(frozen=True, slots=True)
class Lend:
    """Tell a worker to accept from another slot's socket too."""

    slot: int
    number: int


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Tell a worker to accept no longer from a socket that was lent to it."""

    slot: int
    number: int


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log."""

    text: str
    is_error: bool = False


type Action = Start | Drain | Kill | Lend | TakeBack | Note


@dataclass(slots=True)
class _Member:
    number: int
    slot: int
    why: Why
    started_s: float
    # How much longer than configured it may run, as a factor.
    stretch: float
    phase: Phase = "starting"
    requests: int = 0
    rss_bytes: int = 0
    is_stuck: bool = False
    # It was told to end, and accepts no more.
    is_draining: bool = False
    # When it is killed: it did not start, or end, in time.
    deadline_s: float = 0.0


@dataclass(slots=True)
class _Slot:
    serving: _Member | None = None
    # Started to take the place of `serving`, or to fill it.
    coming: _Member | None = None
    # Of a reload that is under way: serves already, beside `serving`.
    fresh: _Member | None = None
    start_at_s: float | None = None
    # Of the last restart; 0 after a worker that had settled.
    delay_s: float | None = None
    recycle_not_before_s: float = 0.0
    # The worker of another slot that accepts from this one's socket meanwhile.
    lent_to: int | None = None

    @property
    def is_served(self) -> bool:
        return self.serving is not None or self.fresh is not None


@dataclass(slots=True)
class Fleet:
    """The members and what becomes of them. `clock` is monotonic, in seconds; `chance` gives numbers from 0 to 1."""

    rules: Rules
    clock: Callable[[], float]
    chance: Callable[[], float]
    is_up: bool = False
    is_reloading: bool = False
    _reload_again: bool = False
    _slots: list[_Slot] = field(default_factory=list)
    _members: dict[int, _Member] = field(default_factory=dict)
    _count: int = 0
    _actions: list[Action] = field(default_factory=list)

    # ---- what happened; each returns what is to be done

    def start(self) -> list[Action]:
        """The server starts: a member for each slot."""
        self._slots = [_Slot() for _ in range(self.rules.slots)]
        for index in range(self.rules.slots):
            self._start(index, "first")
        return self._take()

    def ready(self, number: int) -> list[Action]:
        """A member accepts connections from now on."""
        member = self._members[number]
        if member.phase != "starting":
            return []
        member.phase = "serving"
        slot = self._slots[member.slot]
        slot.coming = None
        if member.why == "reload":
            slot.fresh = member
            if all(each.fresh is not None for each in self._slots):
                self._end_reload()
        else:
            self._replace(slot, member)
        self.is_up = self.is_up or all(each.serving is not None for each in self._slots)
        return self._take()

    def ended(self, number: int) -> list[Action]:
        """A member's process is gone."""
        member = self._members.pop(number)
        slot = self._slots[member.slot]
        if member.phase == "leaving" or not self.is_up:
            return self._take()
        is_of_reload = self.is_reloading and member is not slot.serving
        if member is slot.serving:
            slot.serving = None
        elif member is slot.coming:
            slot.coming = None
        else:
            slot.fresh = None
        self._put_off(slot, member)
        if is_of_reload:
            self._abandon_reload()
        return self._take()

    def measured(self, number: int, *, requests: int | None = None, rss_bytes: int | None = None) -> None:
        """What a member has answered in all, and the memory that it holds."""
        member = self._members.get(number)
        if member is None:
            return
        member.requests = member.requests if requests is None else requests
        member.rss_bytes = member.rss_bytes if rss_bytes is None else rss_bytes

    def stuck(self, number: int) -> list[Action]:
        """A member is in a handler whose time was up, which nothing interrupts; it may serve nothing more."""
        if number in self._members:
            self._members[number].is_stuck = True
        return self.tick()

    def draining(self, number: int) -> None:
        """A member that was told to end accepts no more; what its pool has, it may finish also where it is stuck."""
        member = self._members.get(number)
        if member is not None and member.phase == "leaving" and member.deadline_s > self.clock():
            member.is_draining = True
            member.deadline_s = self.clock() + self.rules.grace_period_s + DRAIN_MARGIN_S

    def reload(self) -> list[Action]:
        """Somebody wants all workers to load the app afresh."""
        if not self.is_up:
            self._note("SIGHUP: the workers are still starting, and load the app as it is now")
        elif self.is_reloading:
            self._reload_again = True
            self._note("SIGHUP: the app is being loaded anew; it will be once more")
        else:
            self._begin_reload()
        return self._take()

    def tick(self) -> list[Action]:
        """Time has passed: at next_moment_s(), or any other."""
        now = self.clock()
        for member in list(self._members.values()):
            if member.phase != "serving" and member.deadline_s <= now:
                late = "start" if member.phase == "starting" else "end"
                self._note(f"worker {member.slot} did not {late} in time: killing it", is_error=True)
                member.deadline_s = now + DRAIN_MARGIN_S
                self._actions.append(Kill(member.number))
        for index, slot in enumerate(self._slots):
            if slot.start_at_s is not None and slot.start_at_s <= now:
                self._start(index, "death")
        self._recycle(now)
        return self._take()

    def next_moment_s(self) -> float | None:
        """When tick() has something to do, as far as that is known."""
        return min(self._moments(), default=None)

    # ---- how it is

    def serving(self) -> list[int]:
        """The members that accept connections and stay."""
        found = (member for slot in self._slots for member in (slot.serving, slot.fresh))
        return [member.number for member in found if member is not None]

    def peers(self) -> list[int]:
        """The members that a member which gets ready must agree with: those that serve, of a reload its own only."""
        found = (slot.fresh if self.is_reloading else slot.serving for slot in self._slots)
        return [member.number for member in found if member is not None]

    def is_leaving(self, number: int) -> bool:
        """Whether that member was told to end: then its end is no failure."""
        return self._members[number].phase == "leaving"

    def is_lost(self, number: int) -> bool:
        """Whether that member is stuck and has not done as it was told: there is nothing that it will finish."""
        member = self._members[number]
        return member.phase == "leaving" and member.is_stuck and not member.is_draining

    def restart_in_s(self, slot: int) -> float | None:
        """Until the slot's next worker is started; None where that is not planned."""
        at = self._slots[slot].start_at_s
        return None if at is None else max(0.0, at - self.clock())

    # ---- decisions

    def _start(self, index: int, why: Why) -> None:
        slot = self._slots[index]
        slot.start_at_s = None
        now = self.clock()
        stretch = 1 + self.rules.recycle_jitter * self.chance()
        member = _Member(self._count, index, why, now, stretch, deadline_s=now + START_TIMEOUT_S)
        self._count += 1
        slot.coming = self._members[member.number] = member
        self._actions.append(Start(member.number, index))

    def _replace(self, slot: _Slot, member: _Member) -> None:
        if slot.serving is not None:
            ends = slot.serving
            self._dismiss(ends, Drain(ends.number))
            if ends.is_stuck:
                self._hurry(ends)
        slot.serving = member

    def _hurry(self, stuck: _Member) -> None:
        """See that it finishes what its pool has, or ends, and that a slot has one such member at a time."""
        # Where its stuck code has the GIL, it cannot do as it is told, and goes on to turn away whom it accepts.
        stuck.deadline_s = self.clock() + STUCK_MARGIN_S
        for other in self._members.values():
            if other.slot == stuck.slot and other.is_stuck and other.phase == "leaving" and other is not stuck:
                other.deadline_s = self.clock()

    def _dismiss(self, member: _Member, how: Drain | Kill) -> None:
        member.phase = "leaving"
        member.deadline_s = self.clock() + self.rules.grace_period_s + DRAIN_MARGIN_S
        for each in self._slots:
            if each.lent_to == member.number:
                each.lent_to = None
        self._actions.append(how)

    def _put_off(self, slot: _Slot, ended: _Member) -> None:
        """Decide how long to wait before the slot's next start, after this unasked-for end."""
        now = self.clock()
        if now - ended.started_s >= SETTLED_AFTER_S or slot.delay_s is None:
            slot.delay_s = 0.0
        else:
            slot.delay_s = min(RESTART_DELAY_MAX_S, max(RESTART_DELAY_MIN_S, 2 * slot.delay_s))
        slot.recycle_not_before_s = now + max(slot.delay_s, RESTART_DELAY_MIN_S)

    def _begin_reload(self) -> None:
        self.is_reloading = True
        self._note("SIGHUP: loading the app anew")
        for index, slot in enumerate(self._slots):
            if slot.coming is not None:
                self._dismiss(slot.coming, Kill(slot.coming.number))
            self._start(index, "reload")

    def _end_reload(self) -> None:
        self.is_reloading = False
        for slot in self._slots:
            assert slot.fresh is not None
            self._replace(slot, slot.fresh)
            slot.fresh = None
            slot.delay_s = None
        self._note("the app is loaded anew")
        self._reload_once_more()

    def abandon_reload(self) -> list[Action]:
        """The new workers must not serve, for a reason that only the caller knows and has told."""
        if self.is_reloading:
            self._abandon_reload()
        return self._take()

    def _abandon_reload(self) -> None:
        self.is_reloading = False
        self._note("the app could not be loaded anew, and goes on as it was", is_error=True)
        for slot in self._slots:
            if slot.coming is not None:
                self._dismiss(slot.coming, Kill(slot.coming.number))
                slot.coming = None
            if slot.fresh is not None and slot.serving is not None:
                self._dismiss(slot.fresh, Drain(slot.fresh.number))
            elif slot.fresh is not None:
                # The one before died meanwhile: there is none to go on.
                slot.serving = slot.fresh
            slot.fresh = None
        self._reload_once_more()

    def _reload_once_more(self) -> None:
        if self._reload_again:
            self._reload_again = False
            self._begin_reload()

    def _recycle(self, now: float) -> None:
        """One at a time: while a worker is being replaced, the others stay."""
        if not self.is_up or self.is_reloading or any(slot.coming is not None for slot in self._slots):
            return
        for index, slot in enumerate(self._slots):
            if slot.serving is None or slot.recycle_not_before_s > now:
                continue
            reason = self._reason_to_recycle(slot.serving, now)
            if reason:
                self._note(f"worker {index} {reason}: replacing it")
                self._start(index, "recycle")
                return

    def _reason_to_recycle(self, member: _Member, now: float) -> str:
        rules = self.rules
        if member.is_stuck:
            return "is stuck in a handler whose time was up"
        if rules.recycle_after_s and now >= member.started_s + rules.recycle_after_s * member.stretch:
            return f"has run for {now - member.started_s:.0f} s"
        if rules.recycle_after_requests and member.requests >= rules.recycle_after_requests * member.stretch:
            return f"has answered {member.requests} requests"
        if rules.recycle_rss_bytes and member.rss_bytes >= rules.recycle_rss_bytes:
            return f"holds {member.rss_bytes / 1e6:.0f} MB"
        return ""

    def _moments(self) -> Iterator[float]:
        for member in self._members.values():
            if member.phase != "serving":
                yield member.deadline_s
        for slot in self._slots:
            if slot.start_at_s is not None:
                yield slot.start_at_s
            if slot.serving is not None and self.rules.recycle_after_s and not self.is_reloading:
                due = slot.serving.started_s + self.rules.recycle_after_s * slot.serving.stretch
                yield max(due, slot.recycle_not_before_s)

    def _fill(self) -> None:
        """Plan the start of what is missing, and see that somebody accepts from every socket."""
        for slot in self._slots:
            if not slot.is_served and slot.coming is None and slot.start_at_s is None:
                slot.start_at_s = self.clock() + (slot.delay_s or 0.0)
        able = self.serving()
        for index, slot in enumerate(self._slots):
            if slot.lent_to is not None and (slot.is_served or slot.lent_to not in able):
                if slot.lent_to in able:
                    self._actions.append(TakeBack(index, slot.lent_to))
                slot.lent_to = None
            if not slot.is_served and slot.lent_to is None and able:
                loans = [each.lent_to for each in self._slots]
                slot.lent_to = min(able, key=loans.count)
                self._actions.append(Lend(index, slot.lent_to))

    def _note(self, text: str, *, is_error: bool = False) -> None:
        self._actions.append(Note(text, is_error))

    def _take(self) -> list[Action]:
        if self.is_up:
            self._fill()
        actions, self._actions = self._actions, []
        return actions
