"""What a company has set up once: accounts, taxes, currencies, users, lists of names, settings."""

from __future__ import annotations

from functools import partial

from bexio_sandbox import search, serializers
from bexio_sandbox.api.call import Answer, Call, Route, as_it_is, counted, listed, searched, tagged
from bexio_sandbox.errors import ApiError, form_error, not_found
from bexio_sandbox.forms import is_day
from bexio_sandbox.messages import text as message
from bexio_sandbox.rights import Rights
from bexio_sandbox.search import NUMBER, TEXT, Searchable
from bexio_sandbox.state.tables import Row

LONG_PAGE = 2000

_NAMED = Searchable({"name": TEXT}, ("id", "name"))
_COUNTRY = Searchable({"name": TEXT, "name_short": TEXT}, ("id", "name", "name_short"))
_LANGUAGE = Searchable({"name": TEXT, "iso_639_1": TEXT}, ("id", "name"))
_ACCOUNT = Searchable(
    {"account_no": TEXT, "fibu_account_group_id": NUMBER, "name": TEXT, "account_type": NUMBER},
    ("id", "account_no", "name"),
)
_YEAR = Searchable({"start": TEXT, "end": TEXT, "is_vat_subject": NUMBER})
# Path, table, search; the lists of version 2.0 that can be read and searched.
_LISTS = (
    ("accounts", "accounts", _ACCOUNT),
    ("language", "languages", _LANGUAGE),
    ("country", "countries", _COUNTRY),
    ("unit", "units", _NAMED),
    ("salutation", "salutations", _NAMED),
    ("title", "titles", _NAMED),
    ("payment_type", "payment_types", _NAMED),
)
# Those of which single entries can be shown, too.
_SHOWN = (("country", "countries"), ("unit", "units"), ("salutation", "salutations"), ("title", "titles"))
_CURRENCY_CODES = (
    "AED",
    "AUD",
    "BGN",
    "BRL",
    "CAD",
    "CHF",
    "CNY",
    "CZK",
    "DKK",
    "EUR",
    "GBP",
    "HKD",
    "HUF",
    "INR",
    "ISK",
    "JPY",
    "MXN",
    "NOK",
    "NZD",
    "PLN",
    "RON",
    "SEK",
    "SGD",
    "THB",
    "TRY",
    "USD",
    "ZAR",
)


def list_rows(table: str, searchable: Searchable, call: Call) -> Answer:
    """Lists a table as version 2.0 does."""
    return listed(call, call.state.tables[table].values(), searchable, as_it_is)


def search_rows(table: str, searchable: Searchable, call: Call) -> Answer:
    """Searches a table."""
    return searched(call, call.state.tables[table].values(), searchable, as_it_is)


def show_row(table: str, call: Call, number: int) -> Answer:
    """Shows one row of a table."""
    return Answer(_existing(call, table, number))


def show_tagged_row(table: str, call: Call, number: int) -> Answer:
    """Shows one row of a table, with an etag."""
    row = _existing(call, table, number)
    return tagged(row, row)


def list_counted_rows(table: str, limit: int, call: Call) -> Answer:
    """Lists a table as version 3.0 does."""
    return counted(call, call.state.tables[table].values(), as_it_is, limit)


def list_taxes(call: Call) -> Answer:
    """Lists VAT rates by scope, type and date."""
    rows = [row for row in call.state.taxes.values() if _is_wanted(call, row)]
    page = search.page_of(call.query, (), call.state.behaviours, LONG_PAGE)
    shown = search.page_through(rows, page, call.state.behaviours)
    return Answer([serializers.tax(row, call.language) for row in shown])


def _is_wanted(call: Call, tax: Row) -> bool:
    scope, types, day = (call.query.get(name) for name in ("scope", "types", "date"))
    invalid = message("invalid", call.language)
    if scope not in (None, "active", "inactive"):
        raise form_error(f"scope: {invalid}")
    if types not in (None, "sales_tax", "pre_tax"):
        raise form_error(f"types: {invalid}")
    if day is not None and not is_day(day):
        raise form_error(f"date: {invalid}")
    if scope is not None and tax["is_active"] is not (scope == "active"):
        return False
    if types == "sales_tax" and tax["type"] != "sales_tax":
        return False
    if types == "pre_tax" and not tax["type"].startswith("pre_"):
        return False
    return day is None or _is_valid_on(tax, day)


def _is_valid_on(tax: Row, day: str) -> bool:
    month = (int(day[:4]), int(day[5:7]))
    starts = tax["start_year"] is None or (tax["start_year"], tax["start_month"]) <= month
    return starts and (tax["end_year"] is None or month <= (tax["end_year"], tax["end_month"]))


def show_tax(call: Call, number: int) -> Answer:
    """Shows a VAT rate."""
    row = _existing(call, "taxes", number)
    return tagged(serializers.tax(row, call.language), row)


def keep_tax(call: Call, number: int) -> Answer:
    """Refuses to delete a VAT rate, as all of them are in use."""
    _existing(call, "taxes", number)
    raise ApiError(409, "tax can not be deleted")


def list_currency_codes(call: Call) -> Answer:
    """Lists the currencies that a company could add."""
    taken = {row["name"] for row in call.state.tables["currencies"].values()}
    return Answer([code for code in _CURRENCY_CODES if code not in taken])


def list_exchange_rates(call: Call, number: int) -> Answer:
    """Lists what a currency is worth in the company's own."""
    _existing(call, "currencies", number)
    base = call.state.tables["currencies"][1]
    rows = [row for row in call.state.tables["exchange_rates"].values() if row["currency_id"] == number]
    today = call.state.today().isoformat()
    return counted(call, rows, lambda row: serializers.exchange_rate(row, base, today))


def show_me(call: Call) -> Answer:
    """Shows the user of the token."""
    return Answer(call.state.tables["users"][call.user_id])


def list_nothing(call: Call) -> Answer:
    """Lists a table that is empty in every sandbox."""
    return counted(call, (), as_it_is)


def list_company_profiles(call: Call) -> Answer:
    """Lists the one company."""
    return Answer([serializers.company_profile(row) for row in call.state.tables["company_profiles"].values()])


def show_company_profile(call: Call, number: int) -> Answer:
    """Shows the company."""
    row = _existing(call, "company_profiles", number)
    return tagged(serializers.company_profile(row), row)


def list_document_templates(call: Call) -> Answer:
    """Lists the templates of documents."""
    rows = call.state.tables["document_templates"].values()
    return Answer([{name: value for name, value in row.items() if name != "id"} for row in rows])


def list_document_settings(call: Call) -> Answer:
    """Lists numbering and defaults of every class of documents."""
    return Answer(list(call.state.tables["document_settings"].values()))


def list_business_years(call: Call) -> Answer:
    """Lists the business years."""
    page = search.page_of(call.query, (), call.state.behaviours)
    rows = call.state.tables["business_years"].values()
    return Answer(search.page_through(rows, page, call.state.behaviours))


def search_calendar_years(call: Call) -> Answer:
    """Searches the calendar years."""
    rows = call.state.tables["calendar_years"].values()
    return counted(call, search.matching(rows, call.body, _YEAR, call.state.behaviours), as_it_is)


def show_permissions(call: Call) -> Answer:
    """Shows what the user of the token may do."""
    return Answer(Rights(call.state).shown(call.user_id))


def _existing(call: Call, table: str, number: int) -> Row:
    row = call.state.tables[table].get(number)
    if row is None:
        raise not_found()
    return row


def _list_routes() -> list[Route]:
    routes = []
    for segment, table, searchable in _LISTS:
        routes.append(Route("GET", f"/2.0/{segment}", partial(list_rows, table, searchable)))
        routes.append(Route("POST", f"/2.0/{segment}/search", partial(search_rows, table, searchable)))
    for segment, table in _SHOWN:
        routes.append(Route("GET", f"/2.0/{segment}/<int:number>", partial(show_row, table)))
    return routes


_YEARS = "/3.0/accounting/calendar_years"
_BUSINESS_YEARS = "/3.0/accounting/business_years"
_BANKING = "/3.0/banking/accounts"
ROUTES = (
    *_list_routes(),
    Route("GET", "/3.0/taxes", list_taxes),
    Route("GET", "/3.0/taxes/<int:number>", show_tax),
    Route("DELETE", "/3.0/taxes/<int:number>", keep_tax),
    Route("GET", "/3.0/currencies", partial(list_counted_rows, "currencies", LONG_PAGE)),
    Route("GET", "/3.0/currencies/codes", list_currency_codes),
    Route("GET", "/3.0/currencies/<int:number>", partial(show_tagged_row, "currencies")),
    Route("GET", "/3.0/currencies/<int:number>/exchange_rates", list_exchange_rates),
    Route("GET", "/3.0/users", partial(list_counted_rows, "users", search.DEFAULT_LIMIT)),
    Route("GET", "/3.0/users/me", show_me),
    Route("GET", "/3.0/users/<int:number>", partial(show_row, "users")),
    Route("GET", "/3.0/fictional_users", list_nothing),
    Route("GET", "/2.0/company_profile", list_company_profiles),
    Route("GET", "/2.0/company_profile/<int:number>", show_company_profile),
    Route("GET", _BANKING, partial(list_counted_rows, "bank_accounts", search.DEFAULT_LIMIT), "bank_account_show"),
    Route("GET", f"{_BANKING}/<int:number>", partial(show_tagged_row, "bank_accounts"), "bank_account_show"),
    Route("GET", "/2.0/kb_item_setting", list_document_settings),
    Route("GET", "/3.0/document_templates", list_document_templates),
    Route("GET", "/3.0/permissions", show_permissions),
    Route("GET", _YEARS, partial(list_counted_rows, "calendar_years", LONG_PAGE)),
    Route("POST", f"{_YEARS}/search", search_calendar_years),
    Route("GET", f"{_YEARS}/<int:number>", partial(show_tagged_row, "calendar_years")),
    Route("GET", _BUSINESS_YEARS, list_business_years),
    Route("GET", f"{_BUSINESS_YEARS}/<int:number>", partial(show_row, "business_years")),
)
