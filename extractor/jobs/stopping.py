"""Ctrl-C and SIGTERM: the first asks a job to end what is under way and save it, the second to stop now."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a job is asked to stop. `notice` is told in one line when that is going to take a while.

    Being asked raises `KeyboardInterrupt`, except where that could lose something: in a flow and in a shielded part. `in_vain`
    says that what is under way only waits for a server that is away: the first asking stops that now.
    """

    def __init__(self, notice: Callable[[str], None] = lambda _line: None) -> None:
        self._notice = notice
        self._drain: Callable[[], int] | None = None
        self._halt: Callable[[], None] | None = None
        self._shielded = False
        self.asked = False
        self.in_vain: Callable[[], bool] = lambda: False

    @contextmanager
    def flow(self, drain: Callable[[], int], halt: Callable[[], None]) -> Iterator[None]:
        """What to call when asked for the first and for the second time. `drain` returns how many documents it waits for."""
        self._drain, self._halt = drain, halt
        try:
            yield
        finally:
            self._drain = self._halt = None

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Only note the first asking meanwhile."""
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False

    def ask(self) -> None:
        """Ask the job to stop."""
        again, self.asked = self.asked, True
        if self._drain is not None and self._halt is not None:
            if again or self.in_vain():
                self._halt()
            elif count := self._drain():
                self._notice(f"Stopping after the documents under way ({count:,}); Ctrl-C again stops now.")
        elif again or not self._shielded:
            raise KeyboardInterrupt

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let the signals ask. Elsewhere than on the main thread they stay what they are."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(_number: int, _frame: FrameType | None) -> None:
            self.ask()

        before = {each: signal.signal(each, handle) for each in _SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
