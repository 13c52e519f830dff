"""The folder shop: JSON and CSV files dropped into a folder, results written beside them."""

from bexsync.shops.folder.catalog import FolderCatalog
from bexsync.shops.folder.old_files import delete_old_files
from bexsync.shops.folder.ownership import Owner
from bexsync.shops.folder.shop import FolderShop

__all__ = ["FolderCatalog", "FolderShop", "Owner", "delete_old_files"]
