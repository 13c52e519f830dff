"""What variants leave to the product they belong to: a shop writes `parent` where that says it for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bexsync.records.quoting import shown
from bexsync.shops.folder.catalog.vocabulary import OF_PARENT
from bexsync.shops.folder.table.cells import cleaned
from bexsync.shops.folder.table.headers import Field, Header

_INHERITED = ("tax_status", "tax_class", "stock")
_ID = "id:"


class UnknownParent(ValueError):
    """A variant refers to a row that the list does not have."""

    def __init__(self, field: Field, parent: str) -> None:
        whom = f"the list has no product {shown(parent)}" if parent else "its row names no parent"
        super().__init__(f"says `{OF_PARENT}`, but {whom}")
        self.field = field


class Parents:
    """The rows that variants refer to; they are looked for only where some row does."""

    def __init__(self) -> None:
        self._wanted: set[str] = set()
        self._known: dict[str, Mapping[str, str]] = {}
        self._sharing: dict[str, int] = {}

    @property
    def are_needed(self) -> bool:
        """Whether any row of the list refers to another one."""
        return bool(self._wanted)

    def look_for(self, header: Header, row: Sequence[str]) -> None:
        """Takes down the parent of a row that leaves something to it."""
        if any(_cell(header, row, name).casefold() == OF_PARENT for name in _INHERITED):
            self._wanted.add(_cell(header, row, "parent_id"))

    def meet(self, header: Header, row: Sequence[str]) -> None:
        """Keeps what a row says if others refer to it."""
        sku, shop_id = _cell(header, row, "sku"), _cell(header, row, "shop_id")
        for name in (sku, f"{_ID}{shop_id}", shop_id):
            if name and name in self._wanted:
                says = {field: _cell(header, row, field) for field in _INHERITED}
                self._known.setdefault(name, {"name": sku or shop_id, **says})

    def said(self, header: Header, row: Sequence[str], field: Field) -> str:
        """The cell of the parent's row; raises UnknownParent."""
        parent = _cell(header, row, "parent_id")
        known = self._known.get(parent)
        if known is None:
            raise UnknownParent(field, parent)
        name = field.column.name
        if name == "stock" and known[name]:
            self._sharing[known["name"]] = self._sharing.get(known["name"], 0) + 1
        text = known[name]
        return "" if text.casefold() == OF_PARENT else text

    def shared_stock(self) -> list[str]:
        """The parents whose one stock stands for several variants."""
        return [parent for parent, count in self._sharing.items() if count > 1]


def _cell(header: Header, row: Sequence[str], name: str) -> str:
    field = header.field(name)
    return cleaned(field.cell(row)) if field is not None else ""
