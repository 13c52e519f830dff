"""Every documented scope, in the words of the consent page."""

from __future__ import annotations

from collections.abc import Iterable

WORDS: dict[str, str] = {
    "openid": "Know who you are",
    "profile": "See your name and language",
    "email": "See your mail address",
    "company_profile": "See which company this is",
    "offline_access": "Stay connected while you are away, until you take it back",
    "accounting": "See and write bookings of the ledger",
    "article_show": "See products",
    "article_edit": "See, create and change products",
    "bank_account_show": "See bank accounts",
    "bank_payment_show": "See payment orders",
    "bank_payment_edit": "See and prepare payment orders",
    "contact_show": "See contacts",
    "contact_edit": "See, create, change and archive contacts",
    "file": "See, upload and delete files",
    "kb_invoice_show": "See invoices and their payments",
    "kb_invoice_edit": "See, create, issue, send and delete invoices, and record payments",
    "kb_offer_show": "See quotes",
    "kb_offer_edit": "See, create, send and delete quotes",
    "kb_order_show": "See orders",
    "kb_order_edit": "See, create and delete orders",
    "kb_delivery_show": "See deliveries",
    "kb_delivery_edit": "See and issue deliveries",
    "kb_article_order_show": "See purchase orders",
    "kb_article_order_edit": "See, create and delete purchase orders",
    "kb_bill_show": "See bills of suppliers",
    "kb_expense_show": "See expenses",
    "monitoring_show": "See time sheets",
    "monitoring_edit": "See, write and delete time sheets",
    "note_show": "See notes",
    "note_edit": "See, write and delete notes",
    "project_show": "See projects",
    "project_edit": "See, create and change projects",
    "stock_edit": "See and change stock",
    "task_show": "See tasks",
    "task_edit": "See, create and delete tasks",
    "payroll_employee_show": "See employees",
    "payroll_employee_edit": "See and change employees",
    "payroll_absence_show": "See absences",
    "payroll_absence_edit": "See and change absences",
    "payroll_paystub_show": "See pay slips",
    "payroll_statistic_show": "See payroll figures",
    "payroll_time_account_show": "See time accounts",
    "payroll_time_account_edit": "See and change time accounts",
}
SCOPES = frozenset(WORDS)


def in_order(scopes: Iterable[str]) -> list[str]:
    """Return known scopes in the order of the table, each once."""
    wanted = set(scopes)
    return [scope for scope in WORDS if scope in wanted]


def unknown(scopes: Iterable[str]) -> list[str]:
    """Return the scopes nobody may ask for, in the order they came."""
    return [scope for scope in dict.fromkeys(scopes) if scope not in SCOPES]


def allows(scopes: Iterable[str], needed: str | None) -> bool:
    """Return whether scopes cover the needed one; the right to write includes the right to read."""
    if needed is None or needed in scopes:
        return True
    return needed.endswith("_show") and f"{needed.removesuffix('_show')}_edit" in scopes
