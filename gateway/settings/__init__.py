"""Settings: what an operator may say about one gateway, where it said so, and what is refused.

``load`` reads the environment over one TOML file over the defaults; ``Settings`` is the frozen result and
reads nothing by itself, so a test that writes ``Settings(mode="development")`` gets exactly that.
"""

from gateway.settings.errors import SettingProblem, SettingsError, SettingsFileError
from gateway.settings.load import LoadedSettings, load
from gateway.settings.model import (
    LogFormat,
    LogLevel,
    Mode,
    Settings,
    SourceSettings,
    UpstreamSettings,
    WitnessSettings,
)

__all__ = [
    "LoadedSettings",
    "LogFormat",
    "LogLevel",
    "Mode",
    "SettingProblem",
    "Settings",
    "SettingsError",
    "SettingsFileError",
    "SourceSettings",
    "UpstreamSettings",
    "WitnessSettings",
    "load",
]
