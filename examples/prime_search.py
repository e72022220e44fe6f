"""Counts primes on every core: `python examples/prime_search.py [limit]`.

Each call sieves one segment; the table of small primes, which all segments need, is made once per interpreter.
"""

from __future__ import annotations

import math
import sys
import time

from fasterapi import SubinterpreterExecutor

SEGMENT = 1 << 18

small_primes: list[int] = []


def prepare(limit: int) -> None:
    """The primes up to the square root of the limit, in this interpreter."""
    small_primes[:] = sieve(math.isqrt(limit))


def sieve(limit: int) -> list[int]:
    flags = bytearray([1]) * (limit + 1)
    flags[:2] = bytes(2)
    for number in range(2, math.isqrt(limit) + 1):
        if flags[number]:
            flags[number * number :: number] = bytes(len(range(number * number, limit + 1, number)))
    return [number for number, is_prime in enumerate(flags) if is_prime]


def count_primes(start: int, end: int) -> int:
    """How many primes there are from `start` up to, but without, `end`."""
    flags = bytearray([1]) * (end - start)
    for prime in small_primes:
        first = max(prime * prime, -(-start // prime) * prime) - start
        flags[first::prime] = bytes(len(range(first, end - start, prime)))
    return sum(flags) - sum(flags[: max(0, 2 - start)])


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    starts = range(0, limit, SEGMENT)
    ends = [min(start + SEGMENT, limit) for start in starts]
    with SubinterpreterExecutor(initializer=prepare, initargs=(limit,)) as executor:
        began = time.perf_counter()
        found = sum(executor.map(count_primes, starts, ends))
        took = time.perf_counter() - began
        interpreters = len(executor.call_each(len, small_primes))
    print(f"{found:,} primes below {limit:,}")
    print(f"{len(starts)} segments in {took:.2f} s on {interpreters} interpreters")


if __name__ == "__main__":
    main()
