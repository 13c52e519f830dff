"""Reads a profile from its file and from `BEXSYNC_` variables (`BEXSYNC_LEDGER__API_URL` is `[ledger] api_url`)."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bexsync.config.profile import Profile
from bexsync.errors import ProfileProblem


def read_settings(path: Path) -> Profile:
    """The validated profile; raises pydantic's ValidationError, TOML's and the file system's errors."""

    class Settings(BaseSettings, Profile):
        model_config = SettingsConfigDict(frozen=True, extra="forbid", env_prefix="BEXSYNC_", env_nested_delimiter="__")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del init_settings, dotenv_settings, file_secret_settings
            return env_settings, TomlConfigSettingsSource(settings_cls, toml_file=path)

    try:
        return Profile.model_validate(Settings().model_dump())
    except SettingsError as problem:
        variable = _unparsed_variable()
        raise ProfileProblem(
            f"The variable {variable} stands for a whole table and is not JSON.",
            f"Name one key of it, as in {variable}__KEY=value.",
        ) from problem


def _unparsed_variable() -> str:
    tables = {f"BEXSYNC_{name}".upper() for name in Profile.model_fields}
    return next((name for name in sorted(os.environ) if name.upper() in tables), "BEXSYNC_...")
