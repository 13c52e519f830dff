"""The folder shop: JSON and CSV files dropped into a folder, results written beside them."""

from bexsync.shops.folder.package import FolderPackage

PACKAGE = FolderPackage()
