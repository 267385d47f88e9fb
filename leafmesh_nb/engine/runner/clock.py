"""The real clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]

LONGEST_NAP = 3600.0
"""Seconds: a laptop that sleeps shifts timers, so a long wait looks at the time now and then."""


class SystemClock:
    """Wall time for events, a monotonic one for latencies."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return time.perf_counter()

    async def sleep_until(self, when: datetime) -> None:
        """Return once ``now() >= when``."""
        left = (when - self.now()).total_seconds()
        while left > 0:
            await asyncio.sleep(min(left, LONGEST_NAP))
            left = (when - self.now()).total_seconds()
