"""What the browser loads before a page can draw: scripts compressed once per process, kept by the browser.

Dash reads its scripts from the packages for every request and sends them as they are, 6.6 MB for one chart.
"""

import gzip
from collections.abc import Callable
from hashlib import sha256

import brotli
from dash import Dash
from dash.fingerprint import check_fingerprint
from flask import Flask, Response, request, session
from flask_compress import Compress

SUITES = "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"  # Dash's endpoint
BROTLI_QUALITY, GZIP_LEVEL = 6, 6
FOREVER = "private, max-age=31536000, immutable"
# Files whose name does not tell their version: asked for again after an hour, used meanwhile.
FOR_A_WHILE = "private, max-age=3600, stale-while-revalidate=86400"

Suite = Callable[[str, str], Response]
Place = tuple[str, str, bool]  # package, path, whether the address names the version


class Kept:
    """One file as it was first served: its bytes per encoding, its tag."""

    def __init__(self, response: Response, fingerprinted: bool) -> None:
        body = response.get_data()
        self._bodies = {"identity": body}
        self.mimetype = response.mimetype
        self.tag = sha256(body).hexdigest()[:32]
        self.cache_control = FOREVER if fingerprinted else FOR_A_WHILE

    def body(self, encoding: str) -> bytes:
        """The bytes in `encoding`, compressed when first asked for."""
        if encoding not in self._bodies:
            raw = self._bodies["identity"]
            packed: bytes = (
                brotli.compress(raw, quality=BROTLI_QUALITY)
                if encoding == "br"
                else gzip.compress(raw, GZIP_LEVEL, mtime=0)
            )
            self._bodies[encoding] = packed
        return self._bodies[encoding]

    def answer(self) -> Response:
        """This request's answer: 304 where the browser has it already."""
        encoding = next((name for name in ("br", "gzip") if request.accept_encodings[name] > 0), "identity")
        response = Response(self.body(encoding), mimetype=self.mimetype)
        if encoding != "identity":
            response.headers["Content-Encoding"] = encoding
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = self.cache_control
        response.set_etag(f"{self.tag}-{encoding}")
        response.make_conditional(request)
        return response


KEPT: dict[Place, Kept] = {}  # the packages' files are the same for every application of the process


def wire(app: Dash) -> None:
    """Serve the component libraries of `app` from memory, compress HTML and JSON, let browsers keep our own files."""
    server: Flask = app.server
    server.view_functions[SUITES] = remembered(server.view_functions[SUITES])
    server.config.setdefault("COMPRESS_ALGORITHM", ["br", "gzip"])
    Compress(server)
    server.after_request(keep_assets)
    # Flask asks in reverse order: this one comes after everything that reads the session.
    server.after_request_funcs[None].insert(0, same_for_every_cookie)


def remembered(serve: Suite) -> Suite:
    """`serve`, each file read and compressed once. Made-up versions of a file share one place in memory."""

    def suite(package_name: str, fingerprinted_path: str) -> Response:
        path, fingerprinted = check_fingerprint(fingerprinted_path)
        place = (package_name, path, bool(fingerprinted))
        if place not in KEPT:
            KEPT[place] = Kept(serve(package_name, fingerprinted_path), bool(fingerprinted))
        return KEPT[place].answer()

    return suite


def keep_assets(response: Response) -> Response:
    """Dash names the version of our own files in `?m=`; such an address never changes its content."""
    if response.status_code == 200:
        if request.path.startswith("/assets/") and request.args.get("m"):
            response.headers["Cache-Control"] = FOREVER
        elif request.path.startswith("/assets/vendor/"):
            response.headers["Cache-Control"] = FOR_A_WHILE
    return response


def same_for_every_cookie(response: Response) -> Response:
    """What never changes does not vary with cookies.

    Flask adds `Vary: Cookie` once the guard has read the session, and with each new token against forged requests
    the browser would ask for every file again.
    """
    if response.headers.get("Cache-Control") in (FOREVER, FOR_A_WHILE):
        session.accessed = False
    return response
