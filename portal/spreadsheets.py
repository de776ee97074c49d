"""Text that leaves for spreadsheets. Plain Python."""

# A cell that begins with one of these is a formula to spreadsheets, whoever wrote it (OWASP: CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(cell: str) -> str:
    """Return ``cell`` with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
