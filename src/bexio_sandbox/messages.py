"""Texts of form errors in the languages of bexio's users."""

from __future__ import annotations

LANGUAGES = ("de", "en", "fr", "it")

_TEXTS = {
    "required": {"de": "Pflichtfeld", "en": "Required.", "fr": "Champ obligatoire", "it": "Campo obbligatorio"},
    "invalid": {
        "de": "Diese Eingabe ist nicht korrekt.",
        "en": "Invalid.",
        "fr": "Cette saisie est incorrecte.",
        "it": "Questo dato non è corretto.",
    },
    "taken": {
        "de": "Dieser Wert wird bereits verwendet.",
        "en": "This value is already in use.",
        "fr": "Cette valeur est déjà utilisée.",
        "it": "Questo valore è già in uso.",
    },
}


def text(name: str, language: str) -> str:
    """Return the message `name` in `language`."""
    return _TEXTS[name][language]


def preferred(accept_language: str) -> str:
    """Return the first language of an Accept-Language header that is spoken here, else German."""
    for part in accept_language.split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "de"
