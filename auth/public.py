"""What a stranger may fetch. Everything not named here needs a signed-in person."""

ENDPOINTS = frozenset(
    {
        "auth.login",
        # Of no use without the right password given within the last five minutes.
        "auth.code",
        "auth.recovery",
        "auth.register",
        "auth.forgot",
        "auth.open_reset",
        "auth.reset",
        "auth.open_invite",
        "auth.invite",
        "health.health",
    }
)
# Forms of those who are signed in.
OWN_FORMS = frozenset({"auth.export", "auth.close"})
# What people may reach whose role demands a second factor before they have one.
SETTING_UP = frozenset({"auth.second_factor", "auth.confirm", "auth.logout"})
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
