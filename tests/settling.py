"""When a page in a test's browser has come to rest."""

from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEP_MS, STEPS, LONGEST = 50, 3, 30
_under_way: "WeakKeyDictionary[Page, set[Any]]" = WeakKeyDictionary()


def watch(page: "Page") -> None:
    """Follow the requests of a new page, for `settled`."""
    under_way = _under_way[page] = set()
    # Playwright asks each for its name space, which methods of a set do not have.
    page.on("request", lambda request: under_way.add(request))
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.on("requestfailed", lambda request: under_way.discard(request))


def settled(page: "Page") -> None:
    """Wait until nothing is asked for any more and nothing stands in for what is to come.

    Playwright's "networkidle" waits half a second at each page, of which a walk sees dozens.
    """
    under_way, end, quiet = _under_way[page], monotonic() + LONGEST, 0
    while quiet < STEPS:
        page.wait_for_timeout(STEP_MS)
        is_quiet = not under_way and page.evaluate(
            "document.readyState === 'complete' && !document.querySelector('.skeleton, [data-dash-is-loading]')"
        )
        quiet = quiet + 1 if is_quiet else 0
        assert monotonic() < end, f"{page.url} does not come to rest: {[each.url for each in under_way]}"
