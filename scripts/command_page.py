"""A hook of MkDocs: the help of every command, in the page that has a mark for it.

The help is what `--help` prints, so the page cannot say anything else.
"""

import click
from mkdocs.structure.pages import Page

from digitlens.cli import COMMANDS, cli

MARK = "<!-- the help of every command -->"
WIDTH = 96


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Put the help of all commands in the place of the mark."""
    del page
    return markdown.replace(MARK, help_of_all())


def help_of_all() -> str:
    """Give a section for every command, in the order of `digitlens --help`, as Markdown."""
    group = click.Context(cli, info_name="digitlens")
    sections = []
    for name, (_, _, text) in COMMANDS.items():
        command = cli.get_command(group, name)
        assert command is not None
        with click.Context(command, info_name=name, parent=group, max_content_width=WIDTH) as ctx:
            ctx.terminal_width = WIDTH
            sections.append(f"## digitlens {name}\n\n{text}\n\n```text\n{ctx.get_help()}\n```")
    return "\n\n".join(sections)
