"""Text for one line."""


def one_line(text: str) -> str:
    """Escape what would break a line or steer a terminal: file names may hold anything."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
