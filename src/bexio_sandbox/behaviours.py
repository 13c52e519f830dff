"""What nobody knows about bexio, each question a switch: a test runs both answers, a lucky guess stays visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Doubt:
    """An open question about bexio: its possible answers, the one assumed, and what it is about."""

    values: tuple[str, ...]
    default: str
    sentence: str


def _doubt(values: str, sentence: str) -> Doubt:
    choices = tuple(values.split("|"))
    return Doubt(choices, choices[0], sentence)


# The first value is the default: what the recordings suggest, else what punishes a careless client.
DOUBTS: dict[str, Doubt] = {
    # searching and listing
    "in_on_api_reference": _doubt(
        "yes|refused|ignored", "Whether `in` works on api_reference (ignored: it finds nothing)."
    ),
    "in_on_id": _doubt("yes|refused|ignored", "Whether `in` works on id (ignored: it finds nothing)."),
    "mail_search_case": _doubt("insensitive|sensitive", "Whether a search for a mail address minds the case."),
    "text_search_case": _doubt("insensitive|sensitive", "Whether a search in other texts minds the case."),
    "unknown_search_field": _doubt(
        "422|400|ignored", "What a search in a field that is not searchable gives (ignored: matches all)."
    ),
    "unknown_criterion": _doubt(
        "422|like", "What an unknown criterion gives (like: it falls back to the default criterion)."
    ),
    "like_bare": _doubt("contains|exact", "What `like` does with a value that holds no per cent sign."),
    "limit_over_2000": _doubt("422|clipped", "What a limit above 2000 gives."),
    "same_second_order": _doubt(
        "id|reversed", "In which order documents of one second come when sorted by updated_at."
    ),
    # the wire
    "body_of_429": _doubt("json|empty|html", "What the answer to a request over the limit holds."),
    "retry_after": _doubt("no|yes", "Whether an answer 429 carries Retry-After."),
    "if_none_match": _doubt("ignored|honoured", "Whether If-None-Match with a known etag gives 304."),
    "json_number_as_money": _doubt(
        "refused|accepted", "Whether amounts and prices may come as JSON numbers instead of strings."
    ),
    # logging in
    "pkce": _doubt("optional|required", "Whether a login without a PKCE challenge is refused."),
    "refresh_rotation": _doubt(
        "rotate|keep|omitted",
        "Whether a refresh gives a new refresh token (keep: the same again; omitted: none, the old one stays good).",
    ),
    "refresh_reuse": _doubt(
        "kills|grace|ignored",
        "What a second use of a refresh token does (kills: the login ends; grace: it works for 60 seconds more; "
        "ignored: it goes on working).",
    ),
    "logout_ends_offline": _doubt("no|yes", "Whether a logout in the browser ends logins with offline_access too."),
    "forbidden_text": _doubt(
        "telling|same", "Whether the three refusals for scope, right and module differ in what they say."
    ),
    # contacts
    "contact_nr_unique": _doubt("yes|no", "Whether a contact number that is taken is refused."),
    "contact_edit_required": _doubt(
        "four|none", "Whether an edit of a contact has to repeat its four required fields."
    ),
    "contact_title_field": _doubt(
        "titel_id|title_id|both", "Under which name the academic title of a contact is written."
    ),
    "archive_moves_updated_at": _doubt("yes|no", "Whether archiving or restoring a contact moves its updated_at."),
    "merge_leaves": _doubt("nothing|archived", "What merging two contacts leaves of the one given up."),
    # items
    "item_codes": _doubt("many|unique", "Whether several items may have the same code."),
    "item_required": _doubt("four|none", "Whether a new item has to have a user, a type, a code and a name."),
    "item_edit": _doubt(
        "partial|four|emptied",
        "What an edit of an item has to send (partial: what changes; four: user, type, code and name in any case; "
        "emptied: the same, and what is not sent is emptied).",
    ),
    # creating and editing documents
    "large_create": _doubt(
        "nothing|half|all|accepted",
        "What a create with more than 150 positions leaves behind its status 500 (accepted: it gives 201).",
    ),
    "missing_tax_id": _doubt("refused|default|none", "What a position without tax_id gets while VAT is computed."),
    "negative_unit_price": _doubt("accepted|refused", "Whether a position may have a negative price."),
    "due_before_date": _doubt("refused|accepted", "Whether a document may be due before its own date."),
    "edit_issued": _doubt("refused|accepted", "Whether documents that are no drafts can be edited."),
    "delete_issued": _doubt("refused|accepted", "Whether invoices that are no drafts can be deleted."),
    # money
    "gross_net_totals": _doubt("with_tax|without_tax", "What total_gross and total_net hold when prices include VAT."),
    "rounding_without_vat": _doubt(
        "absorbed|shown|none",
        "How a total without VAT is rounded (absorbed: total_net too and no difference is shown).",
    ),
    "position_rounding": _doubt("none|cent", "Whether a position's total is rounded before the sum."),
    # life of an invoice
    "send_on_draft": _doubt(
        "accepted|refused|opens",
        "Whether a draft can be sent (accepted: it opens with mark_as_open only; opens: in any case).",
    ),
    "mark_as_sent_on_draft": _doubt(
        "accepted|refused|opens", "Whether a draft can be marked as sent, and whether that opens it."
    ),
    "network_link": _doubt("on_send|on_issue", "When an invoice gets its public link."),
    "overpayment": _doubt("refused|accepted", "Whether a payment may be higher than what remains."),
    "payment_on_draft": _doubt("refused|accepted", "Whether a draft can be paid."),
    "payment_moves_updated_at": _doubt(
        "yes|no", "Whether a payment, recorded or deleted, moves the invoice's updated_at."
    ),
    "zero_total_issued": _doubt("8|9", "The status of an issued invoice over nothing."),
    "status_after_unpaying": _doubt("8|31", "The status of an invoice whose last payment was deleted."),
    "revert_with_payments": _doubt("refused|accepted", "Whether an invoice with payments can be reverted."),
    "cancel_with_payments": _doubt("refused|accepted", "Whether an invoice with payments can be cancelled."),
    "credit_in_payment_list": _doubt(
        "yes|no", "Whether a credit voucher set off against an invoice is listed among its payments."
    ),
}


class Doubts:
    """One answer for every open question."""

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self._answers = {name: doubt.default for name, doubt in DOUBTS.items()}
        for name, value in (answers or {}).items():
            self.settle(name, value)

    def settle(self, name: str, value: str) -> None:
        """Gives the question `name` the answer `value`."""
        if name not in DOUBTS:
            raise ValueError(f"no doubt is named {name!r}; there are {', '.join(DOUBTS)}")
        if value not in DOUBTS[name].values:
            raise ValueError(f"{name} can be {', '.join(DOUBTS[name].values)}, not {value!r}")
        self._answers[name] = value

    def __getitem__(self, name: str) -> str:
        return self._answers[name]

    def answers(self) -> dict[str, str]:
        """Returns every question with its answer."""
        return dict(self._answers)
