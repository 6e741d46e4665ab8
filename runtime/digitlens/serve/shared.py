"""What the answers share."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from digitlens.serve.broadcast import Broadcast
from digitlens.serve.desk import Desk
from digitlens.serve.inbox import Inbox
from digitlens.serve.metrics import Metrics
from digitlens.serve.network import Layer
from digitlens.serve.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Shared:
    """What the answers share.

    Attributes:
        inbox: receives what is sent.
        outbox: counts what is answered.
        desk: reads the images that are sent.
        broadcast: reads the source.
        metrics: what was counted.
        layers: of the model, with their weights.
    """

    inbox: Inbox
    outbox: Outbox
    desk: Desk
    broadcast: Broadcast
    metrics: Metrics
    layers: list[Layer]

    @classmethod
    def of(cls, asked: HTTPConnection) -> "Shared":
        """Give what is shared by the server that is asked."""
        found = asked.app.state.shared
        assert isinstance(found, cls)
        return found
