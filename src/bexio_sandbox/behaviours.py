"""How the sandbox behaves where nobody knows what bexio does: each open question is a switch that a test can set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Behaviour:
    """An open question about bexio: its possible answers, the one assumed, and what it is about."""

    values: tuple[str, ...]
    default: str
    sentence: str


def _behaviour(values: str, sentence: str) -> Behaviour:
    choices = tuple(values.split("|"))
    return Behaviour(choices, choices[0], sentence)


# The first value is the default: what the recordings suggest, else what punishes a careless client.
BEHAVIOURS: dict[str, Behaviour] = {
    # searching and listing
    "in_on_api_reference": _behaviour(
        "yes|refused|ignored", "Whether `in` works on api_reference (ignored: it finds nothing)."
    ),
    "in_on_id": _behaviour("yes|refused|ignored", "Whether `in` works on id (ignored: it finds nothing)."),
    "mail_search_case": _behaviour("insensitive|sensitive", "Whether a search for a mail address minds the case."),
    "text_search_case": _behaviour("insensitive|sensitive", "Whether a search in other texts minds the case."),
    "unknown_search_field": _behaviour(
        "422|400|ignored", "What a search in a field that is not searchable gives (ignored: matches all)."
    ),
    "unknown_criterion": _behaviour(
        "422|like", "What an unknown criterion gives (like: it falls back to the default criterion)."
    ),
    "like_bare": _behaviour("contains|exact", "What `like` does with a value that holds no per cent sign."),
    "limit_over_2000": _behaviour("422|clipped", "What a limit above 2000 gives."),
    "same_second_order": _behaviour(
        "id|reversed", "In which order documents of one second come when sorted by updated_at."
    ),
    # the wire
    "body_of_429": _behaviour("json|empty|html", "What the answer to a request over the limit holds."),
    "retry_after": _behaviour("no|yes", "Whether an answer 429 carries Retry-After."),
    "if_none_match": _behaviour("ignored|honoured", "Whether If-None-Match with a known etag gives 304."),
    "json_number_as_money": _behaviour(
        "refused|accepted", "Whether amounts and prices may come as JSON numbers instead of strings."
    ),
    # logging in
    "pkce": _behaviour("optional|required", "Whether a login without a PKCE challenge is refused."),
    "refresh_rotation": _behaviour(
        "rotate|keep|omitted",
        "Whether a refresh gives a new refresh token (keep: the same again; omitted: none, the old one stays good).",
    ),
    "refresh_reuse": _behaviour(
        "kills|grace|ignored",
        "What a second use of a refresh token does (kills: the login ends; grace: it works for 60 seconds more; "
        "ignored: it goes on working).",
    ),
    "logout_ends_offline": _behaviour("no|yes", "Whether a logout in the browser ends logins with offline_access too."),
    "forbidden_text": _behaviour(
        "telling|same", "Whether the three refusals for scope, right and module differ in what they say."
    ),
    # contacts
    "contact_nr_unique": _behaviour("yes|no", "Whether a contact number that is taken is refused."),
    "contact_edit_required": _behaviour(
        "four|none", "Whether an edit of a contact has to repeat its four required fields."
    ),
    "contact_title_field": _behaviour(
        "titel_id|title_id|both", "Under which name the academic title of a contact is written."
    ),
    "archive_moves_updated_at": _behaviour("yes|no", "Whether archiving or restoring a contact moves its updated_at."),
    "merge_leaves": _behaviour("nothing|archived", "What merging two contacts leaves of the one given up."),
    # items
    "item_codes": _behaviour("many|unique", "Whether several items may have the same code."),
    "item_required": _behaviour("four|none", "Whether a new item has to have a user, a type, a code and a name."),
    "item_edit": _behaviour(
        "partial|four|emptied",
        "What an edit of an item has to send (partial: what changes; four: user, type, code and name in any case; "
        "emptied: the same, and what is not sent is emptied).",
    ),
    # creating and editing documents
    "large_create": _behaviour(
        "nothing|half|all|accepted",
        "What a create with more than 150 positions leaves behind its status 500 (accepted: it gives 201).",
    ),
    "missing_tax_id": _behaviour("refused|default|none", "What a position without tax_id gets while VAT is computed."),
    "negative_unit_price": _behaviour("accepted|refused", "Whether a position may have a negative price."),
    "due_before_date": _behaviour("refused|accepted", "Whether a document may be due before its own date."),
    "edit_issued": _behaviour("refused|accepted", "Whether documents that are no drafts can be edited."),
    "delete_issued": _behaviour("refused|accepted", "Whether invoices that are no drafts can be deleted."),
    # orders and what is made from them
    "order_mwst_is_net": _behaviour("honoured|refused", "Whether an order may say that its prices include VAT."),
    "conversion_without_positions": _behaviour(
        "refused|all|none", "What a delivery or an invoice of an order gets if no positions are named."
    ),
    "large_conversion": _behaviour(
        "half|nothing|all|refused|accepted",
        "What a conversion of more than 150 positions leaves behind its status 500 (refused: it gives 422; accepted: "
        "it gives 201).",
    ),
    "conversion_title": _behaviour("dropped|kept", "Whether a document that is made from an order has its title."),
    "conversion_numbering": _behaviour(
        "refused|empty",
        "What a conversion does where the new document is numbered by hand (empty: the draft has no number yet).",
    ),
    "order_done_by": _behaviour("both|invoices|deliveries", "What has to be complete before an order is done."),
    "order_amounts": _behaviour(
        "deliveries|invoices", "Which documents the reserved and completed amounts of an order's positions count."
    ),
    "order_reserves_stock": _behaviour("yes|no", "Whether an open order reserves the stock of its items."),
    "order_moves_updated_at": _behaviour(
        "yes|no", "Whether a delivery or an invoice that changes the status of its order moves the order's updated_at."
    ),
    "delete_used_order": _behaviour(
        "refused|accepted", "Whether an order can be deleted from which documents were made."
    ),
    # money
    "gross_net_totals": _behaviour(
        "with_tax|without_tax", "What total_gross and total_net hold when prices include VAT."
    ),
    "rounding_without_vat": _behaviour(
        "absorbed|shown|none",
        "How a total without VAT is rounded (absorbed: total_net too and no difference is shown).",
    ),
    "position_rounding": _behaviour("none|cent", "Whether a position's total is rounded before the sum."),
    # life of an invoice
    "send_on_draft": _behaviour(
        "accepted|refused|opens",
        "Whether a draft can be sent (accepted: it opens with mark_as_open only; opens: in any case).",
    ),
    "mark_as_sent_on_draft": _behaviour(
        "accepted|refused|opens", "Whether a draft can be marked as sent, and whether that opens it."
    ),
    "network_link": _behaviour("on_send|on_issue", "When an invoice gets its public link."),
    "overpayment": _behaviour("refused|accepted", "Whether a payment may be higher than what remains."),
    "payment_on_draft": _behaviour("refused|accepted", "Whether a draft can be paid."),
    "payment_moves_updated_at": _behaviour(
        "yes|no", "Whether a payment, recorded or deleted, moves the invoice's updated_at."
    ),
    "zero_total_issued": _behaviour("8|9", "The status of an issued invoice over nothing."),
    "status_after_unpaying": _behaviour("8|31", "The status of an invoice whose last payment was deleted."),
    "revert_with_payments": _behaviour("refused|accepted", "Whether an invoice with payments can be reverted."),
    "cancel_with_payments": _behaviour("refused|accepted", "Whether an invoice with payments can be cancelled."),
    "credit_in_payment_list": _behaviour(
        "yes|no", "Whether a credit voucher set off against an invoice is listed among its payments."
    ),
}


class Behaviours:
    """One answer for every open question."""

    def __init__(self, answers: Mapping[str, str] | None = None) -> None:
        self._answers = {name: behaviour.default for name, behaviour in BEHAVIOURS.items()}
        for name, value in (answers or {}).items():
            self.settle(name, value)

    def settle(self, name: str, value: str) -> None:
        """Gives the question `name` the answer `value`."""
        if name not in BEHAVIOURS:
            raise ValueError(f"there is no {name!r}; there are {', '.join(BEHAVIOURS)}")
        if value not in BEHAVIOURS[name].values:
            raise ValueError(f"{name} can be {', '.join(BEHAVIOURS[name].values)}, not {value!r}")
        self._answers[name] = value

    def __getitem__(self, name: str) -> str:
        return self._answers[name]

    def answers(self) -> dict[str, str]:
        """Return every question with its answer."""
        return dict(self._answers)
