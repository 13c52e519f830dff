"""The catalog of a folder shop: whole lists of products, stock and taxes, read where they are."""

from bexsync.shops.folder.catalog.catalog import FolderCatalog

__all__ = ["FolderCatalog"]
