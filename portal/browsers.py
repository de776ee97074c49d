"""A browser's User-Agent in words. Plain Python.

Browsers stopped saying more in it than their name and their system (the rest is frozen), so a short table says all that there is;
the rules of ua-parser know hundreds of browsers more, and take longer to load than the page.
"""

# The first that occurs decides: browsers name the ones that they descend from too.
_BROWSERS = (
    ("Edg", "Edge"),  # Edg/, EdgA/, EdgiOS/
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),  # also HeadlessChrome/
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "a Mac"),
    ("Linux", "Linux"),
)


def in_words(user_agent: str) -> str:
    """Return ``user_agent`` (RFC 9110 section 10.1.5) as "Firefox on Linux"; of a program its name, "curl"."""
    sent = user_agent.strip()
    if not sent:
        return "Browser not named"
    browser = next((name for mark, name in _BROWSERS if mark in sent), "")
    system = next((name for mark, name in _SYSTEMS if mark in sent), "")
    if not browser and not sent.startswith("Mozilla/"):
        browser = sent.split()[0].partition("/")[0][:40]
    return f"{browser or 'Unknown browser'} on {system}" if system else browser or "Unknown browser"
