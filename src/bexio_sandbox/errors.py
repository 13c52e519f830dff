"""Errors of the API as exceptions, which the WSGI application turns into bexio's responses."""

from __future__ import annotations

from typing import Any

FORM_NOT_SAVED = "The form could not be saved due to the following errors:"


class ApiError(Exception):
    """Ends a request with the given HTTP status and undoes what it changed."""

    def __init__(self, status: int, message: str, errors: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """Return the JSON body that bexio gives for this error."""
        body: dict[str, Any] = {"error_code": self.status, "message": self.message}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def form_error(*errors: str) -> ApiError:
    """Return the refusal of a form with one text per error."""
    return ApiError(422, FORM_NOT_SAVED, list(errors))


def not_found() -> ApiError:
    """Return the answer for paths and records that do not exist."""
    return ApiError(404, "Page not found")
