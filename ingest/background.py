"""Work for the stores, in order, while the next batch is prepared."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class Background:
    """One thread that does what it is given in the order it is given it.

    A failure comes out at the next call; what was given after the failed work is still tried, so it
    must be harmless then.
    """

    def __init__(self, name: str, depth: int) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._depth = depth
        self._given: deque[Future[None]] = deque()

    def give(self, work: Callable[[], None]) -> None:
        """Have work done later; waits while `depth` pieces wait already."""
        while len(self._given) >= self._depth:
            self._given.popleft().result()
        self._given.append(self._pool.submit(work))

    def wait(self) -> None:
        """Until all is done; raises the first failure."""
        while self._given:
            self._given.popleft().result()

    def drop(self) -> bool:
        """Until nothing runs, whatever came of it; whether all of it was done."""
        failures = [work.exception() for work in self._given]
        self._given.clear()
        return not any(failures)

    def close(self) -> None:
        """Let what was given end, whatever comes of it."""
        self.drop()
        self._pool.shutdown()
