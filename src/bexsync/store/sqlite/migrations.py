"""The schema, as numbered steps that are only ever added at the end."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Migration = Callable[[sqlite3.Connection], None]


def m001_first_schema(db: sqlite3.Connection) -> None:
    """Records, links, intents, cursors, runs, errors, request budget, ledger facts, contact index."""
    for statement in _FIRST_SCHEMA:
        db.execute(statement)


_FIRST_SCHEMA = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE sites (
        site TEXT PRIMARY KEY, profile TEXT NOT NULL, shop TEXT NOT NULL, first_used_at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE records (
        site TEXT NOT NULL, kind TEXT NOT NULL, shop_id TEXT NOT NULL,
        fingerprint TEXT NOT NULL, body TEXT NOT NULL,
        origin TEXT NOT NULL, place TEXT NOT NULL, origin_id INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, taken_at TEXT NOT NULL, settled_at TEXT,
        PRIMARY KEY (site, kind, shop_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX records_by_state ON records (site, kind, state)",
    """CREATE TABLE origins (
        id INTEGER PRIMARY KEY AUTOINCREMENT, site TEXT NOT NULL, origin TEXT NOT NULL, UNIQUE (site, origin)
    ) STRICT""",
    """CREATE TABLE links (
        site TEXT NOT NULL, kind TEXT NOT NULL, shop_id TEXT NOT NULL,
        ledger_kind TEXT NOT NULL, ledger_id INTEGER NOT NULL, number TEXT NOT NULL, url TEXT NOT NULL,
        fingerprint TEXT NOT NULL, agreed TEXT NOT NULL, state TEXT NOT NULL, reported TEXT NOT NULL,
        notes TEXT NOT NULL,
        events INTEGER NOT NULL, is_open INTEGER NOT NULL, adopted INTEGER NOT NULL,
        linked_at TEXT NOT NULL, checked_at TEXT NOT NULL,
        PRIMARY KEY (site, kind, shop_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE UNIQUE INDEX one_link_per_document ON links (ledger_kind, ledger_id) WHERE ledger_kind = 'invoice'",
    "CREATE INDEX open_links ON links (site, kind, is_open)",
    """CREATE TABLE intents (
        scope TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
        state TEXT NOT NULL, payload_hash TEXT NOT NULL, payload TEXT NOT NULL, expect TEXT NOT NULL,
        attempt INTEGER NOT NULL, owner TEXT NOT NULL, sent_at TEXT, not_before TEXT,
        ledger_id INTEGER, result TEXT NOT NULL, said TEXT NOT NULL,
        subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, site TEXT NOT NULL, job TEXT NOT NULL,
        link TEXT NOT NULL, changed_at TEXT NOT NULL,
        PRIMARY KEY (scope, kind, key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX unsettled_intents ON intents (state) WHERE state IN ('sending', 'in_doubt', 'conflict')",
    "CREATE INDEX intents_of_subject ON intents (site, subject_kind, subject_id)",
    """CREATE TABLE cursors (
        site TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (site, name)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY, site TEXT NOT NULL, job TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT,
        exit_code INTEGER, counts TEXT NOT NULL, requests INTEGER NOT NULL, message TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX runs_of_job ON runs (site, job, id)",
    """CREATE TABLE errors (
        id INTEGER PRIMARY KEY, site TEXT NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL, shop_id TEXT NOT NULL,
        code TEXT NOT NULL, cause TEXT NOT NULL, message TEXT NOT NULL, hint TEXT NOT NULL, said TEXT NOT NULL,
        first_at TEXT NOT NULL, last_at TEXT NOT NULL, times INTEGER NOT NULL,
        acknowledged_at TEXT, resolved_at TEXT
    ) STRICT""",
    "CREATE UNIQUE INDEX one_open_error ON errors (site, job, kind, shop_id, cause) WHERE resolved_at IS NULL",
    """CREATE TABLE budget (
        bucket TEXT PRIMARY KEY, allowed INTEGER NOT NULL, remaining INTEGER NOT NULL, resets_at TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, learned_at TEXT NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE contacts (
        ledger_id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name_1 TEXT NOT NULL, name_2 TEXT NOT NULL,
        mail TEXT NOT NULL, mail_second TEXT NOT NULL, postcode TEXT NOT NULL, name_key TEXT NOT NULL,
        archived INTEGER NOT NULL, updated_at TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX contacts_by_mail ON contacts (mail) WHERE mail <> ''",
    "CREATE INDEX contacts_by_second_mail ON contacts (mail_second) WHERE mail_second <> ''",
    "CREATE INDEX contacts_by_name ON contacts (name_key, postcode)",
)


def m002_whole_contacts(db: sqlite3.Connection) -> None:
    """Number and details of every contact, what bexsync wrote there, and which differences were reported.

    The index is read again as a whole, because the rows of before know no address.
    """
    for column in ("nr", "details", "written", "reported"):
        default = "''" if column in ("nr", "reported") else "'{}'"
        db.execute(f"ALTER TABLE contacts ADD COLUMN {column} TEXT NOT NULL DEFAULT {default}")
    db.execute(
        """UPDATE contacts SET written = COALESCE((
             SELECT payload FROM intents WHERE scope = '' AND kind = 'contact' AND state = 'done'
             AND intents.ledger_id = contacts.ledger_id ORDER BY changed_at DESC LIMIT 1), '{}')"""
    )
    db.execute("CREATE INDEX contacts_by_number ON contacts (nr) WHERE nr <> ''")
    db.execute("DELETE FROM facts WHERE name IN ('contacts:seen_until', 'contacts:full_at', 'master:countries')")


def m003_when_it_was_said(db: sqlite3.Connection) -> None:
    """When a trouble was last said where nobody sits at a terminal, and what else a run had to mention there."""
    db.execute("ALTER TABLE errors ADD COLUMN said_at TEXT")
    db.execute(
        """CREATE TABLE mentions (
            site TEXT NOT NULL, job TEXT NOT NULL, key TEXT NOT NULL, said_at TEXT NOT NULL,
            PRIMARY KEY (site, job, key)
        ) STRICT, WITHOUT ROWID"""
    )


def m004_values_once(db: sqlite3.Connection) -> None:
    """Ids of the ledger as text, several documents a link, every value once, large rows in rowid tables, attempts."""
    for table in ("records", "links", "intents", "contacts", "facts"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in _VALUES_ONCE:
        db.execute(statement)
    for table in ("records", "links", "intents", "contacts", "facts"):
        db.execute(f"DROP TABLE old_{table}")
    for statement in _INDEXES_OF_VALUES_ONCE:
        db.execute(statement)


_VALUES_ONCE = (
    """CREATE TABLE records (
        site TEXT NOT NULL, kind TEXT NOT NULL, shop_id TEXT NOT NULL,
        fingerprint TEXT NOT NULL, body TEXT NOT NULL,
        origin TEXT NOT NULL, place TEXT NOT NULL, origin_id INTEGER NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, taken_at TEXT NOT NULL, settled_at TEXT,
        PRIMARY KEY (site, kind, shop_id)
    ) STRICT""",
    """INSERT INTO records
       SELECT site, kind, shop_id, fingerprint, CASE WHEN json_valid(body) THEN json(body) ELSE body END,
              origin, place, origin_id, state, reason, taken_at, settled_at
       FROM old_records""",
    # agreed is NULL where it is the body of the record, reported where it is the state.
    """CREATE TABLE links (
        id INTEGER PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL, shop_id TEXT NOT NULL,
        fingerprint TEXT NOT NULL, agreed TEXT, state TEXT NOT NULL, reported TEXT, notes TEXT NOT NULL,
        events INTEGER NOT NULL, is_open INTEGER NOT NULL, adopted INTEGER NOT NULL,
        linked_at TEXT NOT NULL, checked_at TEXT NOT NULL,
        UNIQUE (site, kind, shop_id)
    ) STRICT""",
    """INSERT INTO links
       SELECT NULL, site, kind, shop_id, fingerprint,
              NULLIF(agreed, (SELECT body FROM records
                              WHERE (site, kind, shop_id) = (old_links.site, old_links.kind, old_links.shop_id))),
              state, NULLIF(reported, state),
              CASE WHEN json_valid(notes) AND json_extract(notes, '$.contact_id')
                   THEN json_set(notes, '$.contact_id', CAST(json_extract(notes, '$.contact_id') AS TEXT))
                   ELSE notes END,
              events, is_open, adopted, linked_at, checked_at
       FROM old_links""",
    """CREATE TABLE link_documents (
        link INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE, role TEXT NOT NULL,
        ledger_kind TEXT NOT NULL, ledger_id TEXT NOT NULL, number TEXT NOT NULL, url TEXT NOT NULL,
        PRIMARY KEY (link, role, ledger_kind, ledger_id)
    ) STRICT, WITHOUT ROWID""",
    """INSERT INTO link_documents
       SELECT id, 'main', ledger_kind, ledger_id, number, url
       FROM old_links JOIN links USING (site, kind, shop_id)""",
    """CREATE TABLE intents (
        scope TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
        state TEXT NOT NULL, payload_hash TEXT NOT NULL, schema INTEGER NOT NULL,
        payload TEXT NOT NULL, expect TEXT NOT NULL,
        attempt INTEGER NOT NULL, owner TEXT NOT NULL, sent_at TEXT, not_before TEXT,
        ledger_id TEXT, result TEXT NOT NULL, said TEXT NOT NULL,
        subject_kind TEXT NOT NULL, subject_id TEXT NOT NULL, site TEXT NOT NULL, job TEXT NOT NULL,
        link TEXT NOT NULL, changed_at TEXT NOT NULL,
        PRIMARY KEY (scope, kind, key)
    ) STRICT""",
    # What a done step was sent stands in the link, in the contact or in the shop by now.
    """INSERT INTO intents
       SELECT scope, kind, key, state, payload_hash, 1,
              CASE state WHEN 'done' THEN '{}' ELSE payload END, CASE state WHEN 'done' THEN '{}' ELSE expect END,
              attempt, CASE state WHEN 'done' THEN '' ELSE owner END, sent_at,
              CASE WHEN state <> 'done' THEN not_before END,
              ledger_id,
              CASE WHEN ledger_id IS NULL OR NOT json_valid(result) THEN result
                   ELSE json_set(result, '$.ledger_id', CAST(ledger_id AS TEXT)) END,
              said, subject_kind, subject_id, site, job,
              CASE state WHEN 'done' THEN '{}' ELSE link END, changed_at
       FROM old_intents""",
    """CREATE TABLE attempts (
        scope TEXT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, number INTEGER NOT NULL,
        at TEXT NOT NULL, run INTEGER, outcome TEXT NOT NULL, reason TEXT NOT NULL, payload_hash TEXT NOT NULL,
        PRIMARY KEY (scope, kind, key, number)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE contacts (
        ledger_id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, name_1 TEXT NOT NULL, name_2 TEXT NOT NULL,
        mail TEXT NOT NULL, mail_second TEXT NOT NULL, postcode TEXT NOT NULL, name_key TEXT NOT NULL,
        archived INTEGER NOT NULL, updated_at TEXT NOT NULL,
        nr TEXT NOT NULL, details TEXT NOT NULL, written TEXT NOT NULL, reported TEXT NOT NULL
    ) STRICT""",
    "INSERT INTO contacts SELECT * FROM old_contacts ORDER BY ledger_id",
    "CREATE TABLE facts (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, learned_at TEXT NOT NULL) STRICT",
    "INSERT INTO facts SELECT * FROM old_facts",
)
_INDEXES_OF_VALUES_ONCE = (
    "CREATE INDEX records_by_state ON records (site, kind, state)",
    "CREATE INDEX open_links ON links (site, kind) WHERE is_open = 1",
    "CREATE INDEX unreported_links ON links (site, kind) WHERE reported IS NOT NULL",
    """CREATE UNIQUE INDEX one_link_per_document ON link_documents (ledger_kind, ledger_id)
       WHERE ledger_kind NOT IN ('contact', 'item')""",
    "CREATE INDEX unsettled_intents ON intents (scope, kind) WHERE state IN ('sending', 'in_doubt', 'conflict')",
    "CREATE INDEX intents_of_subject ON intents (site, subject_kind, subject_id)",
    "CREATE INDEX contacts_by_mail ON contacts (mail) WHERE mail <> ''",
    "CREATE INDEX contacts_by_second_mail ON contacts (mail_second) WHERE mail_second <> ''",
    "CREATE INDEX contacts_by_name ON contacts (name_key, postcode)",
    "CREATE INDEX contacts_by_number ON contacts (nr) WHERE nr <> ''",
    """CREATE TRIGGER agreed_outlives_a_new_body BEFORE UPDATE OF body ON records WHEN OLD.body <> NEW.body BEGIN
         UPDATE links SET agreed = OLD.body
         WHERE agreed IS NULL AND (site, kind, shop_id) = (OLD.site, OLD.kind, OLD.shop_id);
       END""",
    """CREATE TRIGGER agreed_outlives_the_record BEFORE DELETE ON records BEGIN
         UPDATE links SET agreed = OLD.body
         WHERE agreed IS NULL AND (site, kind, shop_id) = (OLD.site, OLD.kind, OLD.shop_id);
       END""",
    """CREATE TRIGGER attempts_stay_as_they_are BEFORE UPDATE ON attempts BEGIN
         SELECT RAISE(ABORT, 'attempts are only added');
       END""",
)


def m005_locks_of_runs(db: sqlite3.Connection) -> None:
    """Which lock a run holds until it ends; earlier runs have none, since nothing runs during an upgrade."""
    db.execute("ALTER TABLE runs ADD COLUMN lock TEXT NOT NULL DEFAULT ''")


def m006_changes_of_the_status_list(db: sqlite3.Connection) -> None:
    """Whether the shop's status list is to be written again; the changes that it shows note it by themselves."""
    db.execute(
        """CREATE TABLE status_lists (
            site TEXT PRIMARY KEY, state TEXT NOT NULL, settings TEXT NOT NULL
        ) STRICT, WITHOUT ROWID"""
    )
    for name, row, change in _CHANGES_OF_THE_STATUS_LIST:
        db.execute(
            f"""CREATE TRIGGER {name}_in_the_status_list AFTER {change} BEGIN
                  UPDATE status_lists SET state = 'changed' WHERE site = {row}.site AND state <> 'changed';
                END"""  # noqa: S608
        )


_LISTED_KINDS = "kind IN ('invoice', 'order', 'order_invoice')"
_CHANGES_OF_THE_STATUS_LIST = (
    ("new_record", "NEW", f"INSERT ON records WHEN NEW.{_LISTED_KINDS}"),
    (
        "changed_record",
        "NEW",
        f"""UPDATE OF state, reason ON records
            WHEN NEW.{_LISTED_KINDS} AND (OLD.state, OLD.reason) <> (NEW.state, NEW.reason)""",
    ),
    ("deleted_record", "OLD", f"DELETE ON records WHEN OLD.{_LISTED_KINDS}"),
    ("new_link", "NEW", f"INSERT ON links WHEN NEW.{_LISTED_KINDS}"),
    # Number and address of a document stand in its state; another document has no fingerprint yet.
    (
        "changed_link",
        "NEW",
        f"""UPDATE OF state, fingerprint ON links
            WHEN NEW.{_LISTED_KINDS} AND (OLD.state, OLD.fingerprint) <> (NEW.state, NEW.fingerprint)""",
    ),
    ("deleted_link", "OLD", f"DELETE ON links WHEN OLD.{_LISTED_KINDS}"),
    ("new_error", "NEW", f"INSERT ON errors WHEN NEW.{_LISTED_KINDS}"),
    (
        "changed_error",
        "NEW",
        f"""UPDATE OF message, resolved_at ON errors
            WHEN NEW.{_LISTED_KINDS} AND (OLD.message, OLD.resolved_at) IS NOT (NEW.message, NEW.resolved_at)""",
    ),
    ("deleted_error", "OLD", f"DELETE ON errors WHEN OLD.{_LISTED_KINDS} AND OLD.resolved_at IS NULL"),
)


def m007_questions_by_value(db: sqlite3.Connection) -> None:
    """Columns for what is asked of records and links, with an index each; the table of budgets moved to a file."""
    for statement in _QUESTIONS_BY_VALUE:
        db.execute(statement)


def _generated(table: str, name: str, source: str, value: str) -> str:
    """A column that SQLite computes from a value of JSON, NULL where that is damaged; only its index takes space."""
    expression = f"CASE WHEN json_valid({source}) THEN CAST({value} AS TEXT) END"
    return f"ALTER TABLE {table} ADD COLUMN {name} TEXT GENERATED ALWAYS AS ({expression}) VIRTUAL"


_QUESTIONS_BY_VALUE = (
    _generated(
        "records",
        "shop_number",
        "body",
        "COALESCE(json_extract(body, '$.source_number'), json_extract(body, '$.order_number'))",
    ),
    _generated("records", "day", "body", "json_extract(body, '$.invoice_date')"),
    _generated("records", "original", "body", "json_extract(body, '$.original_shop_id')"),
    "CREATE INDEX records_by_number ON records (site, kind, shop_number) WHERE shop_number IS NOT NULL",
    "CREATE INDEX records_by_day ON records (site, kind, day) WHERE day IS NOT NULL",
    "CREATE INDEX records_by_original ON records (site, kind, original) WHERE original IS NOT NULL",
    "CREATE INDEX records_by_origin ON records (site, origin)",
    "CREATE INDEX ignored_records ON records (site, kind, reason) WHERE state = 'ignored'",
    _generated("links", "standing", "state", "json_extract(state, '$.standing')"),
    # The word for an unknown day is greater than any day, so that such an invoice counts as paid lately.
    _generated(
        "links",
        "paid_on",
        "state",
        "CASE json_extract(state, '$.standing') WHEN 'paid' "
        "THEN COALESCE(NULLIF(json_extract(state, '$.paid_date'), ''), 'unknown') END",
    ),
    "CREATE INDEX paid_links ON links (site, kind, paid_on) WHERE paid_on IS NOT NULL",
    "CREATE INDEX own_links ON links (site, kind) WHERE adopted = 0",
    "CREATE INDEX adopted_links ON links (site, kind) WHERE adopted = 1",
    "CREATE INDEX documents_by_number ON link_documents (number) WHERE number <> ''",
    "DROP TABLE budget",
)


MIGRATIONS: tuple[Migration, ...] = (
    m001_first_schema,
    m002_whole_contacts,
    m003_when_it_was_said,
    m004_values_once,
    m005_locks_of_runs,
    m006_changes_of_the_status_list,
    m007_questions_by_value,
)
