"""Tables of invoices as spreadsheets and shops export them: CSV in all its forms."""

from bexsync.shops.folder.table.reading import describe, read_table

__all__ = ["describe", "read_table"]
