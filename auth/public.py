"""The files that the sign-in forms need and a stranger may fetch. Routes say for themselves whom they are for."""

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
