"""What a browser calls itself, in words."""

import pytest

from portal.browsers import in_words

GECKO = "Mozilla/5.0 ({}) Gecko/20100101 Firefox/140.0"
WEBKIT = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) {}"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (GECKO.format("X11; Linux x86_64; rv:140.0"), "Firefox on Linux"),
        (GECKO.format("Android 15; Mobile; rv:140.0"), "Firefox on Android"),
        (WEBKIT.format("Windows NT 10.0; Win64; x64", "Chrome/142.0.0.0 Safari/537.36"), "Chrome on Windows"),
        (WEBKIT.format("Windows NT 10.0", "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"), "Edge on Windows"),
        (WEBKIT.format("X11; CrOS x86_64 14541.0.0", "Chrome/142.0.0.0 Safari/537.36"), "Chrome on ChromeOS"),
        (WEBKIT.format("X11; Linux x86_64", "HeadlessChrome/142.0.0.0 Safari/537.36"), "Chrome on Linux"),
        (WEBKIT.format("Linux; Android 10; K", "SamsungBrowser/28.0 Chrome/130.0"), "Samsung Internet on Android"),
        (WEBKIT.format("Macintosh; Intel Mac OS X 10_15_7", "Version/18.5 Safari/605.1.15"), "Safari on a Mac"),
        (WEBKIT.format("iPhone; CPU iPhone OS 18_5 like Mac OS X", "CriOS/142.0 Mobile"), "Chrome on an iPhone"),
        (WEBKIT.format("Macintosh", "Chrome/142.0.0.0 Safari/537.36 OPR/120.0"), "Opera on a Mac"),
        ("curl/8.14.1", "curl"),
        ("Mozilla/5.0", "Unknown browser"),
        ("Mozilla/5.0 (X11; Linux x86_64) Something/1", "Unknown browser on Linux"),
        ("x" * 500, "x" * 40),
        ("  ", "Browser not named"),
    ],
)
def test_is_said_in_words(sent, said):
    assert in_words(sent) == said
