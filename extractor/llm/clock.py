"""Time as the package reads it and waits for it, in one place so that tests can pass it by."""

import asyncio
import time


class Clock:
    """The system's clocks and its sleep."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for so many seconds."""
        await asyncio.sleep(seconds)
