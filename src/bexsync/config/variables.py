"""Reads a profile with `BEXSYNC_` variables over its file (`BEXSYNC_LEDGER__API_URL` is `[ledger] api_url`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bexsync.config.profile import Profile, profile_model
from bexsync.errors import ProfileProblem
from bexsync.registry import DEFAULT_SHOP


def read_with_variables(path: Path) -> Profile:
    """The validated profile; raises like `read_settings`, and ProfileProblem for a table that is not JSON."""
    try:
        model = profile_model(shop_type_with_variables(path))
        return model.model_validate(_with_variables(model, path)().model_dump())
    except SettingsError as problem:
        variable = _unparsed_variable()
        raise ProfileProblem(
            f"The variable {variable} stands for a whole table and is not JSON.",
            f"Name one key of it, as in {variable}__KEY=value.",
        ) from problem


class _ShopType(BaseModel):
    model_config = ConfigDict(extra="ignore")
    shop: dict[str, Any] = Field(default_factory=dict)


def shop_type_with_variables(path: Path) -> str:
    """The type of shop that a profile or a variable names."""
    try:
        kind = _with_variables(_ShopType, path)().model_dump()["shop"].get("type")
    except ValidationError:  # of which the whole profile tells more
        kind = None
    return kind if isinstance(kind, str) else DEFAULT_SHOP


def _with_variables(model: type[BaseModel], path: Path) -> type[BaseSettings]:
    """The model, read from a file with `BEXSYNC_` variables over it."""

    class Settings(BaseSettings, model):  # type: ignore[misc, valid-type]
        model_config = SettingsConfigDict(
            frozen=True, extra=model.model_config.get("extra"), env_prefix="BEXSYNC_", env_nested_delimiter="__"
        )

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

    return Settings


def _unparsed_variable() -> str:
    tables = {f"BEXSYNC_{name}".upper() for name in Profile.model_fields}
    return next((name for name in sorted(os.environ) if name.upper() in tables), "BEXSYNC_...")
