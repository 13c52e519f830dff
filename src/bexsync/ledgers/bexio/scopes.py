"""bexio's scopes in words, which command needs which, and the module whose rights go with it (contract 1.4)."""

from __future__ import annotations

from bexsync.ports.ledger_description import Operation, Scope, ScopeUse

_LOGIN = ("auth login",)
_PUSH = ("invoices push",)
_ORDERS = ("orders sync",)
SCOPES = (
    Scope("openid", "know who logged in", _LOGIN, ScopeUse.ALWAYS, is_of_login=True),
    Scope("profile", "see your name", _LOGIN, ScopeUse.ALWAYS, is_of_login=True),
    Scope("email", "see your mail address", _LOGIN, ScopeUse.ALWAYS, is_of_login=True),
    Scope("company_profile", "see which company it is", _LOGIN, ScopeUse.ALWAYS, is_of_login=True),
    Scope("offline_access", "stay logged in for cron", _LOGIN, ScopeUse.ALWAYS),
    Scope("contact_edit", "find and create contacts", _PUSH, ScopeUse.ALWAYS, "contact", "edit"),
    Scope(
        "kb_invoice_edit",
        "create and send invoices, see payments",
        (*_PUSH, "payments poll"),
        ScopeUse.ALWAYS,
        "kb_invoice",
        "edit",
    ),
    Scope(
        "bank_account_show",
        "see bank accounts, if the profile names one",
        _PUSH,
        ScopeUse.BANK_ACCOUNTS,
        "banking",
        "show",
        included_in="bank_account_edit",
    ),
    Scope("article_edit", "find and create items", ("products sync",), ScopeUse.PRODUCTS, "article", "edit"),
    Scope("stock_edit", "see stock", ("stock pull",), ScopeUse.PRODUCTS, "stock", "show"),
    Scope("kb_order_edit", "create orders, and see them", _ORDERS, ScopeUse.ORDERS, "kb_order", "edit"),
    Scope("kb_delivery_edit", "create and issue deliveries", _ORDERS, ScopeUse.ORDERS, "kb_delivery", "edit"),
    Scope("accounting", "read and write the journal", (), ScopeUse.NEVER, "accounting", "show"),
    Scope("file", "put files into the inbox", (), ScopeUse.NEVER),
)
OPERATIONS = {
    Operation.READ_CONTACTS: "contact_show",
    Operation.WRITE_CONTACTS: "contact_edit",
    Operation.READ_INVOICES: "kb_invoice_show",
    Operation.WRITE_INVOICES: "kb_invoice_edit",
    Operation.READ_ITEMS: "article_show",
    Operation.WRITE_ITEMS: "article_edit",
    Operation.READ_ORDERS: "kb_order_show",
    Operation.WRITE_ORDERS: "kb_order_edit",
    Operation.READ_DELIVERIES: "kb_delivery_show",
    Operation.ISSUE_DELIVERIES: "kb_delivery_edit",
    Operation.READ_BANKING: "bank_account_show",
}
