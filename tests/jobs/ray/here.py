"""What the engine uses of Ray, with actors that are objects of this process: for what does not depend on a cluster."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    """As in `ray.exceptions`."""


class RayActorError(RayError):
    """As in `ray.exceptions`: the actor is gone."""


class OutOfMemoryError(RayError):
    """As in `ray.exceptions`: the actor was ended because its machine had no memory left."""


class NodeDiedError(RayError):
    """As in `ray.exceptions`: the actor's machine is gone."""


class RayTaskError(RayError):
    """As in `ray.exceptions`: the actor has raised something."""

    cause: Exception


class _Reference(Awaitable[Any]):
    def __init__(self) -> None:
        self.future: Future[Any] = Future()

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wrap_future(self.future).__await__()


class Actor:
    """An object whose methods run on threads. `kill` lets none of them return."""

    def __init__(self, made: Any, dead: RayError | None = None) -> None:
        self.made, self.dead = made, dead
        self._under_way: list[_Reference] = []

    def __getattr__(self, name: str) -> Any:
        return SimpleNamespace(remote=lambda *arguments: self._call(getattr(self.made, name), arguments))

    def kill(self, error: RayError | None = None) -> None:
        """Fail what is under way and all that is asked from now on."""
        self.dead = self.dead or error or RayActorError("killed")
        for reference in self._under_way:
            if not reference.future.done():
                reference.future.set_exception(self.dead)

    def _call(self, method: Callable[..., Any], arguments: tuple[Any, ...]) -> _Reference:
        reference = _Reference()
        self._under_way.append(reference)
        if self.dead:
            self.kill()
            return reference

        def work() -> None:
            try:
                result = method(*arguments)
            except Exception as error:  # noqa: BLE001 (as an actor's are)
                told = RayTaskError(str(error))
                told.cause = error
                if not self.dead:
                    reference.future.set_exception(told)
            else:
                if not self.dead:
                    reference.future.set_result(result)

        threading.Thread(target=work, daemon=True).start()
        return reference


class Here:
    """Stands in for the module `ray`, on a cluster of so many cores. `actors` are those that were made, in their order."""

    def __init__(self, cores: int = 2) -> None:
        self._cores = cores
        self.actors: list[Actor] = []
        errors = RayError, RayActorError, RayTaskError, OutOfMemoryError, NodeDiedError
        self.exceptions = SimpleNamespace(**{error.__name__: error for error in errors})
        strategies = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda *_arguments, **_options: None)
        self.util = SimpleNamespace(scheduling_strategies=strategies)

    def is_initialized(self) -> bool:
        """As in `ray`."""
        return True

    def cluster_resources(self) -> dict[str, float]:
        """As in `ray`."""
        return {"CPU": float(self._cores)}

    def get_runtime_context(self) -> Any:
        """As in `ray`."""
        return SimpleNamespace(get_node_id=lambda: "here")

    def remote(self, kind: type) -> Any:
        """As in `ray`."""

        def make(*arguments: Any) -> Actor:
            self.actors.append(Actor(kind(*arguments)))
            return self.actors[-1]

        return SimpleNamespace(options=lambda **_options: SimpleNamespace(remote=make))

    def put(self, value: Any) -> Any:
        """As in `ray`."""
        return value

    def kill(self, actor: Actor, *, no_restart: bool) -> None:  # noqa: ARG002
        """As in `ray`."""
        actor.kill()

    def workers(self) -> list[Actor]:
        """The actors that do shards."""
        return [actor for actor in self.actors if type(actor.made).__name__ == "Worker"]
