"""Which feature of ``trust`` listens to which fact of a lower one. Receivers run inside the fact's transaction."""


def connect() -> None:
    """Connect the receivers; called once, when the app is ready."""
