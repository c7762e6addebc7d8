"""The ``ganimede`` command."""


def main() -> None:
    """Entry point."""
