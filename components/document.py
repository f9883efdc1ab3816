"""The HTML document round the application: language and theme are said on <html>, and our own bootstrap comes first.

Dash includes every style sheet under assets by itself, those in sub-folders last. The vendored bootstrap must come
before ours, so it is left out of that (ASSETS_IGNORED) and linked here.
"""

from html import escape

ASSETS_IGNORED = ["vendor"]
STYLES = ("vendor/bootstrap/bootstrap.min.css",)


def document(
    lang: str,
    theme: str,
    *,
    metas: str,
    title: str,
    css: str,
    app_entry: str,
    config: str,
    scripts: str,
    renderer: str,
    assets: str = "/assets/",
    **_: str,
) -> str:
    """The index page, for `app.interpolate_index`; the keywords are the ones Dash passes."""
    shade = theme if theme in ("dark", "light") else "dark"
    links = "".join(f'<link rel="stylesheet" href="{assets}{style}">' for style in STYLES)
    return f"""<!DOCTYPE html>
<html lang="{escape(lang)}" data-bs-theme="{shade}">
<head>
{metas}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{shade}">
<title>{escape(title)}</title>
<link rel="icon" href="{assets}favicon.svg" type="image/svg+xml">
<link rel="alternate icon" href="{assets}favicon.ico" sizes="32x32">
{links}{css}
</head>
<body>
{app_entry}
<footer>{config}{scripts}{renderer}</footer>
</body>
</html>"""
