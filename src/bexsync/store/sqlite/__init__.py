"""The store that keeps its rows in one SQLite file and its locks in files beside it; only `wiring` opens it."""
