"""Text for one line."""

import re


def one_line(text: str) -> str:
    """Escape what would break a line or steer a terminal: file names may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def error_line(message: str) -> str:
    """Format an error as the one line that it costs; what libraries say may have several."""
    return one_line("Error: " + re.sub(r"\s*[\r\n\t]\s*", " ", message.strip()))
