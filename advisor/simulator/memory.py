"""Room for cache: blocks, what each request holds besides, and shared prefixes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from math import gcd

from advisor.simulator.jobs import Prefix
from catalog.errors import BadInput


@dataclass(frozen=True, slots=True)
class Memory:
    """Room of one replica in units of any size (bytes, blocks); all whole numbers, so that nothing is ever rounded."""

    units: int
    """Room for all caches and states."""
    per_block: int = 1
    """Units of a block of cache in the layers that keep every token; 0: no layer does."""
    window_tokens: int = 0
    """Tokens that windowed layers keep at most; a request takes this part at once when it is admitted."""
    per_window_block: int = 0
    """Units of a block in the windowed layers."""
    per_request: int = 0
    """Units of what does not grow: recurrent states."""

    def coarser(self) -> Memory:
        """The same room in the largest units in which every part is a whole number: small numbers are faster."""
        unit = gcd(self.per_block, self.per_window_block, self.per_request)
        if unit < 2:
            return self
        parts = (self.per_block // unit, self.window_tokens, self.per_window_block // unit, self.per_request // unit)
        return Memory(self.units // unit, *parts)

    def fixed(self, tokens: int, block: int) -> int:
        """Units that a request of this length holds from its admission on."""
        if not self.per_window_block:
            return self.per_request
        return self.per_request + self.per_window_block * -(-min(tokens, self.window_tokens) // block)

    def whole(self, tokens: int, block: int) -> int:
        """Units of a request with so many cached tokens, nothing shared."""
        return self.fixed(tokens, block) + self.per_block * -(-tokens // block)

    def longest(self, block: int) -> int:
        """Most tokens that one request can have cached."""
        low, high = 0, 1
        while high < 2**40 and self.whole(high, block) <= self.units:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.whole(middle, block) <= self.units else (low, middle)
        return low


class Pool:
    """Free units, and the blocks of prefixes that are kept."""

    __slots__ = ("block", "free", "kept", "prefix_tokens", "prefix_units", "refs", "units")

    def __init__(self, memory: Memory, block: int, prefix_tokens: int = 512) -> None:
        if prefix_tokens % block:
            raise BadInput(f"prefix blocks of {prefix_tokens} tokens are not whole blocks of {block}")
        self.units = self.free = memory.units
        self.block = block
        self.prefix_tokens = prefix_tokens
        self.prefix_units = memory.per_block * prefix_tokens // block
        self.refs: dict[int, int] = {}
        """Requests that hold a block of a prefix; 0: nobody does, it is kept until its room is needed."""
        self.kept: OrderedDict[int, None] = OrderedDict()
        """Those that nobody holds, oldest use first."""

    @property
    def available(self) -> int:
        """Units that can be had: free ones, and those kept for nobody."""
        return self.free + len(self.kept) * self.prefix_units

    def take(self, units: int) -> bool:
        """Take units, evicting what is kept; ``False`` and nothing done where there are not enough."""
        if units > self.free:
            if units > self.free + len(self.kept) * self.prefix_units:
                return False
            self.evict(units)
        self.free -= units
        return True

    def evict(self, units: int) -> None:
        """Make so many units free; they must be available."""
        count = -(-(units - self.free) // self.prefix_units) if units > self.free else 0
        kept, refs = self.kept, self.refs
        for _ in range(count):
            del refs[kept.popitem(False)[0]]
        self.free += count * self.prefix_units

    def matched(self, prefix: Prefix, most: int) -> int:
        """Blocks from the start on that are there, at most ``most``."""
        found = 0
        for name in prefix[:most]:
            if name not in self.refs:
                break
            found += 1
        return found

    def unheld(self, prefix: Prefix, found: int) -> int:
        """How many of the first ``found`` blocks are kept for nobody."""
        return sum(name in self.kept for name in prefix[:found])

    def hold(self, prefix: Prefix, found: int) -> list[int]:
        """Hold the first ``found`` blocks."""
        names = list(prefix[:found])
        for name in names:
            if not self.refs[name]:
                del self.kept[name]
            self.refs[name] += 1
        return names

    def release(self, names: list[int]) -> None:
        """Let go; the end of a prefix is evicted before its start."""
        for name in reversed(names):
            self.refs[name] -= 1
            if not self.refs[name]:
                self.kept[name] = None

    def publish(self, prefix: Prefix, start: int, stop: int, held: list[int]) -> int:
        """Share own blocks ``start`` to ``stop`` of a prefix; returns how many: those already there stay private."""
        fresh = [name for name in prefix[start:stop] if name not in self.refs]
        for name in fresh:
            self.refs[name] = 1
        held += fresh
        return len(fresh)
