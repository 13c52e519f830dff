"""A document that cancels an invoice cancels it before it is booked or mailed, wherever in the run it stands."""

from __future__ import annotations

from typing import Any

import pytest

from world import World, an_invoice

HEADER = (
    "Rechnungsnummer;Rechnungsdatum;Belegart;{};Firma;E-Mail;Artikel;Menge;Einzelpreis;MWST %;Rechnungsbetrag;Währung"
)
ORIGINAL = "RE-1;31.10.2026;Rechnung;;Gasthof Linde;b@linde.example.ch;Apéro;1;100,00;8,10;108,10;CHF"
OTHER = ORIGINAL.replace("RE-1", "RE-2")
CANCELLATION = "RE-3;05.11.2026;Stornorechnung;RE-1;Gasthof Linde;b@linde.example.ch;Apéro;1;-100,00;8,10;-108,10;CHF"
TOTALS = "Summe;;;;;;;;;;108,10;"


def table(*rows: str, reference: str = "Bezug") -> bytes:
    return "".join(f"{row}\n" for row in (HEADER.format(reference), *rows)).encode()


def outcomes(result: Any) -> dict[str, tuple[str, str]]:
    return {o.shop_id: (o.status.value, o.code or o.reason) for o in result.outcomes}


@pytest.mark.parametrize("word", ["Stornorechnung", "Storno", "Annulation", "Cancellation", "Rechnung"])
def test_what_is_cancelled_in_the_same_file_is_not_mailed(world: World, word: str) -> None:
    cancellation = CANCELLATION.replace("Stornorechnung", word)
    world.drop_bytes(table(ORIGINAL, OTHER, cancellation, TOTALS), "belege.csv")
    result = world.push()
    assert outcomes(result) == {
        "RE-1": ("ignored", "cancelled by RE-3 before it was booked"),
        "RE-2": ("done", ""),
        "RE-3": ("unchanged", "it cancels invoice RE-1"),
    }
    assert len(world.sandbox.mails) == 1
    assert len(world.invoices()) == 1
    world.drop_bytes(table(ORIGINAL.replace("Apéro", "Apero")), "again.csv")
    assert outcomes(world.push())["RE-1"][0] == "ignored"
    assert len(world.invoices()) == 1


def test_the_cancellation_may_stand_in_another_file_of_the_run(world: World) -> None:
    world.drop_bytes(table(ORIGINAL), "a.csv")
    world.drop(an_invoice("RE-3", document_type="cancellation", original_shop_id="RE-1", total="108.10"), name="z.json")
    assert outcomes(world.push())["RE-1"] == ("ignored", "cancelled by RE-3 before it was booked")
    assert world.invoices() == []


def test_what_was_booked_before_is_a_question(world: World) -> None:
    world.drop_bytes(table(ORIGINAL), "a.csv")
    world.push()
    world.drop_bytes(table(CANCELLATION), "b.csv")
    found = outcomes(world.push())
    assert found["RE-1"] == ("blocked", "cancelled_in_shop")
    assert found["RE-3"] == ("unchanged", "it cancels invoice RE-1")
    assert outcomes(world.push())["RE-1"] == ("blocked", "cancelled_in_shop")


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        (
            CANCELLATION.replace("Stornorechnung;RE-1", "Storno;"),
            {"RE-1": "", "RE-3": "cancellation_without_reference"},
        ),
        (CANCELLATION.replace(";RE-1;", ";RE-9;"), {"RE-1": "", "RE-3": "cancels_unknown"}),
        (CANCELLATION.replace("-108,10", "-54,05"), {"RE-1": "cancels_in_part", "RE-3": "cancels_in_part"}),
    ],
)
def test_what_is_not_clear_is_a_question(world: World, changed: str, codes: dict[str, str]) -> None:
    world.drop_bytes(table(ORIGINAL, changed), "belege.csv")
    assert {shop_id: said for shop_id, (_, said) in outcomes(world.push()).items()} == codes


def test_an_invoice_with_a_credit_note_of_the_same_run_is_booked_and_said(world: World) -> None:
    credit = CANCELLATION.replace("Stornorechnung", "Gutschrift")
    world.drop_bytes(table(ORIGINAL, credit, reference="Zu Rechnung"), "belege.csv")
    found = outcomes(world.push())
    assert found["RE-1"] == ("done", "credit note RE-3 of CHF 108.10 refers to it")
    assert found["RE-3"] == ("by_hand", "credit_note")
