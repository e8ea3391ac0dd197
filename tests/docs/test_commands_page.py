"""Every command has its heading on the page of commands, and no heading lacks its command."""

import re
from pathlib import Path

import typer.main

from gateway.cli.main import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def test_every_command_has_its_heading_and_every_heading_its_command():
    found = []

    def walk(command, words):
        children = getattr(command, "commands", None)
        if children is None:
            found.append(" ".join(words))
            return
        for name, child in children.items():
            walk(child, (*words, name))

    walk(typer.main.get_command(app), ("relgate",))
    headings = re.findall(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(found)


def test_every_option_that_the_page_names_is_one_that_a_command_takes():
    options = {"--config", "--no-color", "--help", "--json"}

    def walk(command):
        options.update(option for parameter in command.params for option in parameter.opts)
        for child in getattr(command, "commands", {}).values():
            walk(child)

    walk(typer.main.get_command(app))
    named = set(re.findall(r"(?<![\w-])--[a-z-]+", PAGE.read_text(encoding="utf-8")))
    assert named <= options
