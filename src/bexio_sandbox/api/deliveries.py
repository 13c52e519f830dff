"""Deliveries: read and issue; they are made from orders, and nothing else can be done with them."""

from __future__ import annotations

from bexio_sandbox import serializers
from bexio_sandbox.api.call import Answer, Call, Route, listed, success, tagged
from bexio_sandbox.api.document_forms import SORTED
from bexio_sandbox.search import Searchable
from bexio_sandbox.state import deliveries

SHOW, EDIT = "kb_delivery_show", "kb_delivery_edit"
_LIST = Searchable({}, SORTED)


def list_deliveries(call: Call) -> Answer:
    """Lists deliveries without their positions."""
    rows = call.state.deliveries.values()
    return listed(
        call,
        rows,
        _LIST,
        lambda row: serializers.delivery(call.state, row, serializers.READ, with_positions=False),
    )


def show_delivery(call: Call, delivery_id: int) -> Answer:
    """Shows a delivery with its positions."""
    row = deliveries.find(call.state, delivery_id)
    return tagged(serializers.delivery(call.state, row, serializers.READ, with_positions=True), row)


def issue_delivery(call: Call, delivery_id: int) -> Answer:
    """Issues a draft, which books its goods out of the stock."""
    deliveries.issue(call.state, delivery_id)
    return success()


_ONE = "/2.0/kb_delivery/<int:delivery_id>"
ROUTES = (
    Route("GET", "/2.0/kb_delivery", list_deliveries, SHOW),
    Route("GET", _ONE, show_delivery, SHOW),
    Route("POST", f"{_ONE}/issue", issue_delivery, EDIT),
)
