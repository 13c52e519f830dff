"""The file of `--data`: one of an earlier version goes on, and whatever holds no books is refused untouched."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bexio_sandbox import Sandbox, UnusableStateFile

KEPT = Path(__file__).parent / "kept"


def test_books_from_before_there_was_stock_get_what_they_lack(founding, tmp_path):
    file = Path(shutil.copy(KEPT / "before-stock.db", tmp_path))
    for _ in range(2):
        company = founding(data=file)
        seeded = founding()
        for path in ("/2.0/stock", "/2.0/stock_place", "/2.0/article"):
            assert company.get(path).json() == seeded.get(path).json() != []
        assert [row["document_nr"] for row in company.get("/2.0/kb_invoice").json()] == ["RE-00001", "RE-00002"]
        assert company.show(1)["total_received_payments"] == "8.100000"
        company.sandbox.close()


def test_books_of_an_earlier_version_keep_what_a_person_changed(founding, tmp_path):
    file = Path(shutil.copy(KEPT / "before-stock.db", tmp_path))
    company = founding(data=file)
    company.sandbox.person.edit_item(1, intern_name="Tee", currency_id=2)
    company.sandbox.person.delete_item(2)
    company.sandbox.close()
    items = founding(data=file).sandbox.items()
    assert [(item["intern_name"], item["currency_id"]) for item in items] == [("Tee", 2)]


def test_books_from_before_there_were_orders_take_them(founding, tmp_path):
    company = founding(data=Path(shutil.copy(KEPT / "before-stock.db", tmp_path)))
    order = company.create_order()
    for into, name in (("delivery", "kb_delivery"), ("invoice", "kb_invoice")):
        number = company.convert(order, into).raise_for_status().json()["id"]
        company.post(f"/2.0/{name}/{number}/issue").raise_for_status()
    assert (order["document_nr"], company.order(order["id"])["kb_item_status_id"]) == ("AU-00001", 6)
    company.sandbox.person.merge_contacts(2, 1)
    company.sandbox.person.edit(1, title="Von Hand")
    company.sandbox.person.delete(2)
    assert [row["title"] for row in company.sandbox.invoices()] == ["Von Hand", ""]


def a_text(folder: Path) -> Path:
    file = folder / "README.md"
    file.write_text("# No books\n" * 200)
    return file


def another_database(folder: Path) -> Path:
    file = folder / "state.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE rows (name TEXT)")
    return file


def books_of_tomorrow(folder: Path) -> Path:
    file = Path(shutil.copy(KEPT / "before-stock.db", folder))
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO rows VALUES ('projects', 1, '{}')")
    return file


def torn_books(folder: Path) -> Path:
    file = Path(shutil.copy(KEPT / "before-stock.db", folder))
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE rows SET body = '{' WHERE name = 'users'")
    return file


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "nope" / "x.db", "there is no folder"),
        (lambda folder: folder, "is a folder"),
        (a_text, "is no file of books"),
        (another_database, "holds something else"),
        (books_of_tomorrow, "newer version"),
        (torn_books, "is damaged"),
    ],
)
def test_what_holds_no_books_is_refused_and_left_as_it_is(make: Callable[[Path], Path], said: str, tmp_path: Path):
    file = make(tmp_path)
    before = file.read_bytes() if file.is_file() else None
    with pytest.raises(UnusableStateFile, match=said) as caught:
        Sandbox(data=file)
    assert str(file.parent if said == "there is no folder" else file) in str(caught.value)
    assert (file.read_bytes() if file.is_file() else None) == before


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
@pytest.mark.parametrize("of_folder", [False, True])
def test_what_may_not_be_written_is_refused(of_folder: bool, tmp_path: Path):
    powerless = ("setpriv", "--bounding-set", "-all") if os.geteuid() == 0 else ()
    file = Path(shutil.copy(KEPT / "before-stock.db", tmp_path))
    file.chmod(0o444)
    if of_folder:
        file.unlink()
        tmp_path.chmod(0o555)
    program = f"from bexio_sandbox import Sandbox; from pathlib import Path; Sandbox(data=Path({str(file)!r}))"
    done = subprocess.run([*powerless, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    tmp_path.chmod(0o755)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert "UnusableStateFile" in last
    assert f"{file} cannot be" in last
