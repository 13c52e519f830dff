"""A small believable Swiss company to begin with."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from bexio_sandbox.moments import ZURICH, offset_stamp
from bexio_sandbox.state.tables import Row, State

_NAMESPACE = uuid.UUID("5d6f2f3e-9f0c-4c2e-8f0c-7a3f0f1b2c3d")
SEED_STAMP = "2023-01-09 08:30:00"

# code, digit, type, per cent, account number, start, end, active, German and English name
_TAXES: tuple[tuple[Any, ...], ...] = (
    ("ULA", "221", "not_taxable_turnover", 0, "2200", None, None, True, "Leistungen im Ausland", "Services abroad"),
    ("MEL", "225", "not_taxable_turnover", 0, "2200", None, None, False, "Meldeverfahren", "Reporting procedure"),
    ("UNO", "230", "not_taxable_turnover", 0, "2200", None, None, False, "Ausgenommener Umsatz", "Exempt revenue"),
    ("V00", "000", "pre_tax_investment", 0, "1171", None, None, True, "Keine MWST", "No VAT"),
    ("U00", "000", "sales_tax", 0, "2200", None, None, False, "Keine MWST", "No VAT"),
    ("VIM", "400", "pre_tax_material", 0, "1170", None, None, True, "Import", "Import"),
    ("ZOLLM", "400", "pre_customs_tax_material", 100, "1170", None, None, True, "Zoll Mat/DL", "Customs Mat/SV"),
    ("ZOLLB", "405", "pre_customs_tax_investment", 100, "1171", None, None, True, "Zoll Inv/BA", "Customs Inv/OE"),
    ("SUB", "900", "non_consideration_sales_tax", 0, "2200", None, None, False, "Subventionen", "Subsidies"),
    ("SPE", "910", "non_consideration_sales_tax", 0, "2200", None, None, False, "Spenden", "Donations"),
    ("UN77", "302", "sales_tax", 7.7, "2200", (2018, 1), (2023, 12), False, "Umsatz (NS)", "Sales (NS)"),
    ("UR25", "312", "sales_tax", 2.5, "2200", (2018, 1), (2023, 12), False, "Umsatz (RS)", "Sales (RS)"),
    ("US37", "342", "sales_tax", 3.7, "2200", (2018, 1), (2023, 12), False, "Umsatz (SS)", "Sales (SS)"),
    ("UN81", "303", "sales_tax", 8.1, "2200", (2023, 7), None, True, "Umsatz (NS)", "Sales (NS)"),
    ("UR26", "313", "sales_tax", 2.6, "2200", (2023, 7), None, True, "Umsatz (RS)", "Sales (RS)"),
    ("US38", "343", "sales_tax", 3.8, "2200", (2023, 7), None, False, "Umsatz (SS)", "Sales (SS)"),
    ("UO81", "205.303", "opted_sales_tax", 8.1, "2200", (2023, 7), None, False, "Optierter Umsatz", "Opted sales"),
    ("BZB81", "383", "pre_regards_tax_investment", 8.1, "1171", (2023, 7), None, False, "Bezug Inv", "Acquired Inv"),
    ("BZM81", "383", "pre_regards_tax_material", 8.1, "1170", (2023, 7), None, False, "Bezug Mat", "Acquired Mat"),
    ("VM26", "400", "pre_tax_material", 2.6, "1170", (2023, 7), None, True, "Mat/DL (RS)", "Mat/SV (RS)"),
    ("VM81", "400", "pre_tax_material", 8.1, "1170", (2023, 7), None, True, "Mat/DL (NS)", "Mat/SV (NS)"),
    ("VM38", "400", "pre_tax_material", 3.8, "1170", (2023, 7), None, False, "Mat/DL (SS)", "Mat/SV (SS)"),
    ("VB26", "405", "pre_tax_investment", 2.6, "1171", (2023, 7), None, True, "Inv/BA (RS)", "Inv/OE (RS)"),
    ("VB81", "405", "pre_tax_investment", 8.1, "1171", (2023, 7), None, True, "Inv/BA (NS)", "Inv/OE (NS)"),
    ("VB38", "405", "pre_tax_investment", 3.8, "1171", (2023, 7), None, False, "Inv/BA (SS)", "Inv/OE (SS)"),
)
TAX_TYPES = tuple(dict.fromkeys(row[2] for row in _TAXES))
# number, name, account type (1 income 2 expense 3 asset 4 liability 5 closing), locked
_ACCOUNTS = (
    ("1000", "Kasse", 3, False),
    ("1020", "Bankguthaben", 3, False),
    ("1021", "Bankguthaben EUR", 3, False),
    ("1090", "Transferkonto Zahlungsdienste", 3, False),
    ("1100", "Forderungen aus Lieferungen und Leistungen", 3, True),
    ("1170", "Vorsteuer Material, Waren, Dienstleistungen", 3, True),
    ("1171", "Vorsteuer Investitionen, Betriebsaufwand", 3, True),
    ("2000", "Verbindlichkeiten aus Lieferungen", 4, True),
    ("2030", "Erhaltene Anzahlungen", 4, True),
    ("2200", "Geschuldete Mehrwertsteuer", 4, True),
    ("2201", "Abrechnungskonto MWST", 4, True),
    ("3000", "Produktionserlöse", 1, False),
    ("3200", "Handelserlöse", 1, True),
    ("3400", "Dienstleistungserlöse", 1, False),
    ("3600", "Übrige Erlöse (Versand, Gebühren)", 1, False),
    ("3800", "Erlösminderungen", 1, True),
    ("4200", "Einkauf Handelsware", 2, True),
    ("4900", "Einkaufspreisminderungen", 2, True),
    ("6940", "Bankspesen", 2, False),
    ("6945", "Rundungsdifferenzen", 2, True),
    ("6949", "Währungsverluste", 2, True),
    ("6999", "Währungsgewinne", 1, True),
    ("9100", "Eröffnungsbilanz", 5, True),
)
_CURRENCIES = (("CHF", 0.05, 1.0), ("EUR", 0.01, 0.95), ("USD", 0.01, 0.88), ("GBP", 0.01, 1.12))
_LANGUAGES = (
    ("Deutsch", "de"),
    ("Französisch", "fr"),
    ("Italienisch", "it"),
    ("Englisch", "en"),
    ("Portugiesisch", "pt"),
    ("Chinesisch", "zh"),
    ("Japanisch", "ja"),
    ("Spanisch", "es"),
)
_COUNTRIES = (
    ("Schweiz", "CH", "CH"),
    ("Deutschland", "D", "DE"),
    ("Österreich", "A", "AT"),
    ("Frankreich", "F", "FR"),
    ("Italien", "I", "IT"),
    ("Liechtenstein", "FL", "LI"),
    ("Grossbritannien", "GB", "GB"),
    ("USA", "USA", "US"),
    ("Niederlande", "NL", "NL"),
    ("Belgien", "B", "BE"),
    ("Luxemburg", "LU", "LU"),
    ("Spanien", "ES", "ES"),
    ("Portugal", "P", "PT"),
    ("Dänemark", "DK", "DK"),
    ("Schweden", "SE", "SE"),
    ("Norwegen", "NO", "NO"),
    ("Polen", "PL", "PL"),
    ("Kanada", "CA", "CA"),
)
_PAYMENT_TYPES = (
    "Vorauszahlung",
    "Barzahlung",
    "EC Karte",
    "Rechnung",
    "Nachnahme",
    "Kreditkarte",
    "Bankeinzug/LSV",
)
# id, name, class, number format, automatic, VAT mode, net
_DOCUMENTS = (
    (1, "Angebot", "KbOffer", "AN-%nummer%", True, 0, True),
    (2, "Auftrag", "KbOrder", "AU-%nummer%", True, 0, True),
    (3, "Rechnung", "KbInvoice", "RE-%nummer%", True, 0, True),
    (4, "Lieferung", "KbDelivery", "LS-%nummer%", True, 0, True),
    (5, "Gutschrift", "KbCreditVoucher", "GS-%nummer%", True, 0, True),
    (6, "Kontoauszug", "KbAccountStatement", "KA-%nummer%", True, 0, True),
    (10, "Bestellung", "KbArticleOrder", "%nummer%", True, 1, True),
    (11, "Lieferantenrechnung", "KbBill", "", False, 0, False),
    (12, "Aufwendung", "KbExpense", "", False, 0, False),
    (13, "Lieferantengutschriften", "KbVendorCreditNote", None, False, 0, False),
)
_EVERY_ARTICLE: Row = {"user_id": 1, "currency_id": 1}
_EMPTY_CONTACT: Row = {
    "salutation_id": None,
    "salutation_form": None,
    "title_id": None,
    "birthday": None,
    "street_name": None,
    "house_number": None,
    "address_addition": None,
    "postcode": "",
    "city": "",
    "country_id": None,
    "mail": "",
    "mail_second": "",
    "phone_fixed": "",
    "phone_fixed_second": "",
    "phone_mobile": "",
    "fax": "",
    "url": "",
    "skype_name": "",
    "remarks": "",
    "language_id": None,
    "contact_group_ids": None,
    "contact_branch_ids": None,
}


def open_new_state(state: State, company: str) -> None:
    """Fills empty books with master data and two contacts."""
    with state.transaction():
        accounts = _add_accounts(state)
        taxes = _add_taxes(state, accounts, is_vat_subject=company == "vat")
        _add_lists(state)
        _add_people(state, company)
        _add_bank_accounts(state, accounts)
        _add_document_settings(state, mwst_type=0 if company == "vat" else 2)
        _add_years(state, taxes, is_vat_subject=company == "vat")
        _add_articles(state)
        _add_stocks(state)
        _add_contacts(state)


def complete_old_state(state: State) -> None:
    """Adds what books lack that an earlier version began: stock locations, and whose their items are."""
    if "stocks" in state.counters:
        return
    with state.transaction():
        _add_stocks(state)
        for row in list(state.tables["articles"].values()):
            state.put("articles", {**_EVERY_ARTICLE, **row})


def made_up_uuid(name: str) -> str:
    """Return the same uuid for the same name, in every sandbox."""
    return str(uuid.uuid5(_NAMESPACE, name))


def user_uuid(user_id: int) -> str:
    """Return the uuid of a user, by which the identity server knows them."""
    return made_up_uuid(f"user {user_id}")


def tax_row(
    code: str, digit: str, kind: str, value: float, account_id: int, names: tuple[str, str], is_active: bool
) -> Row:
    """Return a VAT rate without a period."""
    return {
        "uuid": made_up_uuid(f"tax {code}"),
        "name": f"lib.model.tax.ch.{kind}_{digit}.name",
        "code": code,
        "digit": digit,
        "type": kind,
        "account_id": account_id,
        "tax_settlement_type": "none",
        "value": value,
        "net_tax_value": None,
        "start_year": None,
        "end_year": None,
        "is_active": is_active,
        "names": {"de": names[0], "en": names[1]},
        "start_month": None,
        "end_month": None,
    }


def _add_accounts(state: State) -> dict[str, int]:
    numbers = {}
    # Ids that begin far from 1 catch clients that take an account's number or rank for its id.
    state.set_counter("accounts", 88)
    for number, name, kind, is_locked in _ACCOUNTS:
        row = {
            "uuid": made_up_uuid(f"account {number}"),
            "account_no": number,
            "name": name,
            "account_type": kind,
            "tax_id": None,
            "fibu_account_group_id": 40 + int(number[0]),
            "is_active": True,
            "is_locked": is_locked,
        }
        numbers[number] = state.add("accounts", row)["id"]
    return numbers


def _add_taxes(state: State, accounts: dict[str, int], is_vat_subject: bool) -> dict[str, int]:
    ids = {}
    state.set_counter("taxes", 3)
    for code, digit, kind, value, account, start, end, is_active, german, english in _TAXES:
        row = tax_row(code, digit, kind, value, accounts[account], (german, english), is_active and is_vat_subject)
        if start:
            row["start_year"], row["start_month"] = start
        if end:
            row["end_year"], row["end_month"] = end
        ids[code] = state.add("taxes", row)["id"]
    return ids


def _add_lists(state: State) -> None:
    for name, factor, rate in _CURRENCIES:
        currency = state.add("currencies", {"name": name, "round_factor": factor})
        state.add("exchange_rates", {"currency_id": currency["id"], "rate": rate})
    for name, code in _LANGUAGES:
        separators = {"decimal_point": ".", "thousands_separator": "'"}
        formats = {"date_format_id": 1, "date_format": "d.m.Y"}
        state.add("languages", {"name": name, **separators, **formats, "iso_639_1": code})
    for name, short, code in _COUNTRIES:
        state.add("countries", {"name": name, "name_short": short, "iso_3166_alpha2": code})
    for table, names in (
        ("units", ("Stk", "h")),
        ("salutations", ("Herr", "Frau", "Familie", "Herr & Frau")),
        ("titles", ("Dr.", "Prof.", "Dr. med.")),
        ("payment_types", _PAYMENT_TYPES),
        ("contact_groups", ("Partner", "Kunden", "Lieferanten", "Webshop")),
        ("contact_branches", ("Handel", "Bildung")),
    ):
        for name in names:
            state.add(table, {"name": name})


def _add_people(state: State, company: str) -> None:
    for kind, first, last, mail, is_superadmin in (
        ("female", "Regula", "Brunner", "regula.brunner@bergladen.example", True),
        ("male", "Luca", "Ferrari", "luca.ferrari@bergladen.example", False),
    ):
        rights = {"is_superadmin": is_superadmin, "is_accountant": False}
        state.add("users", {"salutation_type": kind, "firstname": first, "lastname": last, "email": mail, **rights})
    state.add("company_profiles", _company_profile("CHE-123.456.788 MWST" if company == "vat" else None))
    for slug, name, is_default in (("5f8a3c", "Standard", True), ("b71e90", "Modern", False)):
        kinds = ["kb_offer", "kb_order", "kb_invoice"] if is_default else []
        row = {"template_slug": slug, "name": name, "is_default": is_default, "default_for_document_types": kinds}
        state.add("document_templates", row)


def _company_profile(mwst_nr: str | None) -> Row:
    public = ("profile", "logo", "address", "phone", "mobile", "fax", "mail", "url", "skype")
    return {
        "name": "Bergladen GmbH",
        "address": "Dorfstrasse",
        "address_nr": "7",
        "postcode": "7270",
        "city": "Davos",
        "country_id": 1,
        "legal_form": "limited_liability_company",
        "country_name": "Schweiz",
        "mail": "info@bergladen.example",
        "phone_fixed": "0041815550123",
        "phone_mobile": None,
        "fax": None,
        "url": "https://bergladen.example",
        "skype_name": None,
        "facebook_name": None,
        "twitter_name": None,
        "description": None,
        "ust_id_nr": None,
        "mwst_nr": mwst_nr,
        "trade_register_nr": None,
        "has_own_logo": False,
        **{f"is_public_{name}" if name == "profile" else f"is_{name}_public": False for name in public},
    }


def _add_bank_accounts(state: State, accounts: dict[str, int]) -> None:
    for name, iban, currency_id, account in (
        ("Geschäftskonto", "CH9300762011623852957", 1, "1020"),
        ("Eurokonto", "CH5604835012345678009", 2, "1021"),
    ):
        row = {
            "uuid": made_up_uuid(f"bank account {iban}"),
            "name": name,
            "owner": "Bergladen GmbH",
            "owner_address": "Dorfstrasse",
            "owner_house_number": "7",
            "owner_zip": "7270",
            "owner_city": "Davos",
            "owner_country_code": "CH",
            "bc_nr": iban[4:9].lstrip("0"),
            "bank_name": "Bergbank Davos",
            "bank_account_nr": iban[9:],
            "iban_nr": iban,
            "currency_id": currency_id,
            "account_id": accounts[account],
            "remarks": "",
            "is_esr": False,
            "esr_besr_id": "",
            "esr_bottom_line_include_amount": True,
            "esr_post_account_nr": "",
            "esr_payment_for_text": "",
            "esr_in_favour_of_text": "",
            "invoice_mode": "none",
            "qr_invoice_iban": None,
            "type": "bank",
            "bank_nr": "",
        }
        state.add("bank_accounts", row)


def _add_document_settings(state: State, mwst_type: int) -> None:
    for number, text, name, pattern, automatic, mode, is_net in _DOCUMENTS:
        row = {
            "id": number,
            "text": text,
            "kb_item_class": name,
            "enumeration_format": pattern,
            "use_automatic_enumeration": automatic,
            "use_yearly_enumeration": False,
            "next_nr": 1,
            "nr_min_length": 5,
            "default_time_period_in_days": 14,
            "default_logopaper_id": 1,
            "default_language_id": 1,
            "default_client_bank_account_new_id": 1,
            "default_currency_id": 1,
            "default_mwst_type": mode or mwst_type,
            "default_mwst_is_net": is_net,
            "default_nb_decimals_amount": 2,
            "default_nb_decimals_price": 2,
            "default_show_position_taxes": False,
            "default_title": text,
            "default_show_esr_on_same_page": False,
            "default_payment_type_id": 4 if name == "KbOffer" else None,
            "kb_terms_of_payment_template_id": 1,
            "default_show_total": True,
        }
        state.put("document_settings", row)


def _add_years(state: State, taxes: dict[str, int], is_vat_subject: bool) -> None:
    created = offset_stamp(datetime(2023, 1, 9, 8, 30, tzinfo=ZURICH))
    for year in range(2023, max(state.today().year + 2, 2028)):
        start, end = date(year, 1, 1).isoformat(), date(year, 12, 31).isoformat()
        row = {
            "start": start,
            "end": end,
            "is_vat_subject": is_vat_subject,
            "default_tax_income_id": taxes["UN81"] if is_vat_subject else None,
            "default_tax_expense_id": taxes["VM81"] if is_vat_subject else None,
            "created_at": created,
            "updated_at": created,
            "vat_accounting_method": "effective",
            "vat_accounting_type": "agreed",
            "is_annual_reporting": False,
        }
        state.add("calendar_years", row)
        state.add("business_years", {"start": start, "end": end, "closed_at": None, "status": "open"})


def _add_articles(state: State) -> None:
    for code, name, price in (("TEE-250", "Bergkräutertee 250 g", "14.50"), ("MUG-01", "Tasse Steinbock", "22")):
        fields = {"intern_code": code, "intern_name": name, "sale_price": price}
        state.add("articles", {**_EVERY_ARTICLE, **fields, "unit_id": 1})


def _add_stocks(state: State) -> None:
    for location, areas in (("Hauptlager", ("Regal A", "Regal B")), ("Laden", ("Schaufenster",))):
        stock = state.add("stocks", {"name": location})
        for area in areas:
            state.add("stock_places", {"name": area, "stock_id": stock["id"]})


def _add_contacts(state: State) -> None:
    shared = {"is_lead": False, "user_id": 1, "owner_id": 1, "is_archived": False, "updated_at": SEED_STAMP}
    alpenrose = {
        "street_name": "Promenade",
        "house_number": "12",
        "postcode": "7270",
        "city": "Davos Platz",
        "country_id": 1,
        "mail": "buchhaltung@alpenrose.example",
        "contact_group_ids": "2",
    }
    keller = {
        "salutation_id": 2,
        "street_name": "Seeweg",
        "house_number": "3a",
        "postcode": "8803",
        "city": "Rüschlikon",
        "country_id": 1,
        "mail": "nina.keller@mail.example",
        "language_id": 1,
    }
    company = {"nr": 1, "contact_type_id": 1, "name_1": "Hotel Alpenrose AG", "name_2": ""}
    person = {"nr": 2, "contact_type_id": 2, "name_1": "Keller", "name_2": "Nina"}
    state.add("contacts", {**_EMPTY_CONTACT, **company, **alpenrose, **shared})
    state.add("contacts", {**_EMPTY_CONTACT, **person, **keller, **shared})
    state.set_counter("contact_nr", 2)
