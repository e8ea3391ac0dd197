"""Read the settings: what was passed in, over ``RELGATE_*``, over one TOML file, over the defaults.

The rule of this file: nothing is silently ignored. A name that is no setting, in the file or in the
environment, is refused with the place it stands in and the name that was probably meant; so is a variable
that is set but empty.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource
from pydantic_settings import SettingsError as UnparsableVariable
from sqlalchemy.engine import make_url

from gateway.settings.errors import SettingProblem, SettingsError, SettingsFileError
from gateway.settings.model import (
    HttpSettings,
    IssuerKeysSettings,
    Settings,
    SourceSettings,
    UpstreamSettings,
    WitnessSettings,
)

PREFIX = "RELGATE_"
CONFIG_VARIABLE = "RELGATE_CONFIG"
DEFAULT_FILE = Path("relgate.toml")
MASKED = frozenset({"log_url"})
"""Settings whose value is never quoted in a problem, because it may hold a password."""

Values = dict[str, JsonValue]
GROUPS = ("sources", "upstream", "http", "issuer_keys", "witnesses")
"""Settings that are tables of settings."""
TABLES: Mapping[str, type[BaseModel]] = {
    "upstream.": UpstreamSettings,
    "http.": HttpSettings,
    "issuer_keys.": IssuerKeysSettings,
    "sources.NAME.": SourceSettings,
    "witnesses.NAME.": WitnessSettings,
}


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings and where each came from. ``file`` is the TOML file that was read, if any."""

    settings: Settings
    file: Path | None
    origins: Mapping[str, str]

    def origin(self, name: str) -> str:
        """Where the dotted setting ``name`` was said: a variable's name, a file's path, ``command line``,
        ``default``.
        """
        return _nearest(name, self.origins)

    def shown(self) -> Iterator[tuple[str, str, str]]:
        """Each setting as (dotted name, value with secrets masked, origin), in the order of the model."""
        for name, value in _flat(self.settings):
            yield name, masked(name, value), self.origin(name)


def load(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, JsonValue] | None = None,
) -> LoadedSettings:
    """Read and check the settings.

    ``config`` names the TOML file; without it ``RELGATE_CONFIG`` does, and without that ``./relgate.toml`` is
    read if it is there. ``overrides`` (flags of a command) win over everything. Raises :class:`SettingsError`
    with every problem found, or :class:`SettingsFileError` when the file is unreadable.
    """
    variables = os.environ if environ is None else environ
    file = _file_to_read(config, variables)
    from_file = _read_toml(file) if file else {}
    from_environment, variable_names = _read_environment(variables)
    from_flags = dict(overrides or {})
    origins = dict.fromkeys(_paths(from_file), str(file))
    origins |= {path: variable_names.get(path, PREFIX + path.upper()) for path in _paths(from_environment)}
    origins |= dict.fromkeys(_paths(from_flags), "command line")
    merged = _over(_over(from_file, from_environment), from_flags)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as refused:
        problems = tuple(_problem(detail, origins) for detail in refused.errors(include_url=False))
        raise SettingsError(problems) from None
    return LoadedSettings(settings, file, origins)


def masked(name: str, value: object) -> str:
    """The value as text for a person, a password in an address masked."""
    if name in MASKED:
        return make_url(str(value)).render_as_string(hide_password=True)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def names() -> tuple[str, ...]:
    """Every setting's dotted name; those of one source under ``sources.NAME``, of a witness ``witnesses.NAME``."""
    found: list[str] = []
    models: dict[str, type[BaseModel]] = {"": Settings, **TABLES}
    for name, model in models.items():
        found += [name + field for field in model.model_fields if field not in GROUPS]
    return tuple(found)


def _file_to_read(config: Path | None, variables: Mapping[str, str]) -> Path | None:
    if config is not None:
        return config
    if variables.get(CONFIG_VARIABLE):
        return Path(variables[CONFIG_VARIABLE])
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read_toml(path: Path) -> Values:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        hint = f"name another file with --config or {CONFIG_VARIABLE}"
        raise SettingsFileError(path, f"cannot be read: {error.strerror}", hint) from None
    except UnicodeDecodeError as error:
        raise SettingsFileError(path, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsFileError(path, f"is not TOML: {error}", "strings need quotes, sections [brackets]") from None


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of the environment, over a mapping that is passed in."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._variables.items()}


def _read_environment(variables: Mapping[str, str]) -> tuple[Values, dict[str, str]]:
    """The values that ``RELGATE_*`` give, and for each dotted path the variable's own name."""
    ours = {name: value for name, value in variables.items() if name.upper().startswith(PREFIX)}
    ours.pop(CONFIG_VARIABLE, None)
    paths = {name[len(PREFIX) :].lower().replace("__", "."): name for name in ours}
    problems = [_unknown(path, name) for path, name in paths.items() if path.split(".")[0] not in Settings.model_fields]
    problems += [
        SettingProblem(path, name, "is set but empty", "unset it, or give it a value")
        for path, name in paths.items()
        if not ours[name]
    ]
    if problems:
        raise SettingsError(tuple(problems))
    try:
        return _Variables(ours)(), paths
    except UnparsableVariable as error:
        field = next((name for name in GROUPS if f'"{name}"' in str(error)), "")
        hint = f"write {PREFIX}SOURCES__NAME__URL=... or {PREFIX}UPSTREAM__MAX_BODY_BYTES=..."
        raise SettingsError((SettingProblem(field, PREFIX + field.upper(), "is not JSON", hint),)) from None


def _over(below: Values, above: Mapping[str, JsonValue]) -> Values:
    """Both, tables merged key by key, ``above`` winning."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _paths(values: Mapping[str, JsonValue], before: str = "") -> Iterator[str]:
    """The dotted path of every value that is not itself a table."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _paths(value, f"{before}{key}.")
        else:
            yield before + key


def _flat(model: BaseModel, before: str = "") -> Iterator[tuple[str, object]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        tables = value.items() if isinstance(value, dict) else [("", value)]
        for key, entry in tables:
            path = f"{before}{name}.{key}".rstrip(".")
            if isinstance(entry, BaseModel):
                yield from _flat(entry, f"{path}.")
            else:
                yield path, entry


def _nearest(name: str, origins: Mapping[str, str]) -> str:
    """The origin of ``name``, or of anything under it, or ``default``."""
    if name in origins:
        return origins[name]
    return next((origin for path, origin in origins.items() if path.startswith(f"{name}.")), "default")


def _unknown(path: str, origin: str) -> SettingProblem:
    last = path.rsplit(".", 1)[-1]
    known = {name.rsplit(".", 1)[-1]: name for name in reversed(names())}
    close = difflib.get_close_matches(last, known, n=1, cutoff=0.6)
    hint = f"did you mean {known[close[0]]}?" if close else "`relgate settings` lists every setting"
    return SettingProblem(path, origin, "is not a setting", hint)


def _problem(detail: ErrorDetails, origins: Mapping[str, str]) -> SettingProblem:
    """One of pydantic's findings in our words; the value is quoted only when it cannot be a secret."""
    path = ".".join(str(part) for part in detail["loc"])
    origin = _nearest(path, origins)
    if detail["type"] == "extra_forbidden":
        return _unknown(path, origin)
    message = detail["msg"].removeprefix("Value error, ")
    given = detail["input"]
    if path and path not in MASKED and isinstance(given, str | int | float) and detail["type"] != "value_error":
        message += f" (found {given!r})"
    if not path:
        return SettingProblem("", "settings", message)
    return SettingProblem(path, origin, message, _described(path) if detail["type"] != "value_error" else "")


def _described(path: str) -> str:
    """What the model says of a setting, as a hint."""
    parts = path.split(".")
    model, field = Settings, parts[0]
    found = model.model_fields.get(field)
    if len(parts) > 1 and f"{field}." in TABLES:
        found = TABLES[f"{field}."].model_fields.get(parts[1])
    if len(parts) > 2 and field in ("sources", "witnesses"):
        found = TABLES[f"{field}.NAME."].model_fields.get(parts[2])
    return " ".join((found.description or "").split()) if found else ""
