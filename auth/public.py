"""What a stranger may fetch. Everything not named here needs a signed-in person."""

ENDPOINTS = frozenset({"auth.login", "auth.register", "health.health"})
STYLES = (
    "/assets/vendor/bootstrap/bootstrap.min.css",
    "/assets/theme.css",
    "/assets/app.css",
    "/assets/parts.css",
)
PATHS = frozenset(
    {
        *STYLES,
        "/assets/vendor/inter/inter-latin-wght-normal.woff2",
        "/assets/constellation.svg",
        "/assets/mark.svg",
        "/assets/favicon.ico",
        "/assets/favicon.svg",
        "/_favicon.ico",
    }
)
