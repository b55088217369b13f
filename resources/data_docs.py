"""Data Docs that stand on their own: pages of Great Expectations without anything fetched from elsewhere.

As generated, a page loads its styles and scripts from eight public hosts and its logo, with the time of the visit,
from the vendor's; without a network it is bare and its index empty. `detach` replaces all that by one style sheet.
"""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Final

_SCRIPT: Final = r"<script\b.*?</script\s*>"
_FETCHED: Final = r"<(?:link|img|iframe)\b[^>]*\b(?:href|src)=[\"']?(?:https?:)?//[^>]*>"
_STYLE: Final = r"<style\b.*?</style\s*>"
_FOOTER: Final = r"<footer\b.*?</footer\s*>"
_REMOVED: Final = re.compile(f"{_SCRIPT}|{_FETCHED}|{_STYLE}|{_FOOTER}", re.DOTALL | re.IGNORECASE)

_STYLES: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: #1c2733 }
a { color: #0b5cad } h4, h5, h6 { font-size: 1.05rem; margin: 1rem 0 .3rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
td, th { border-bottom: 1px solid #dde3ea; padding: .3rem .6rem; text-align: left; vertical-align: top }
.alert { background: #eef2f6; border-radius: 6px; padding: .6rem 1rem; margin-top: 1.5rem }
.badge { background: #eef2f6; border-radius: 4px; padding: 0 .3rem }
.popover, .cooltip .top, .modal, .btn-group, .carousel, #ge-cta-footer, [hidden] { display: none }
.sticky > .card:first-of-type { display: none }
.collapse { display: none } .collapse:target { display: block }
ol, ul { list-style: none; padding-left: 0 } .breadcrumb li, .ge-navigation-sidebar-content li { display: inline }
.breadcrumb li + li::before { content: " / " } .ge-navigation-sidebar-content a { margin-right: .8rem }
.text-success, .passed { color: #18794e } .text-danger, .failed { color: #c0262d } .warned { color: #9a6700 }
.fa-check-circle::before { content: "\\2713" } .fa-times::before { content: "\\2717" }
.fa-exclamation-triangle::before { content: "\\26A0" }
"""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8"><title>{title}</title><style>{styles}</style></head>
<body><h1>{title}</h1>
<p class="{verdict_class}"><strong>{verdict}</strong></p>
<table><thead><tr><th>Expectation</th><th>Result</th></tr></thead><tbody>
{rows}
</tbody></table>
<h5>Details by Great Expectations</h5><ul>
{links}
</ul></body></html>
"""


def detach(folder: Path) -> None:
    """Rewrite every page under `folder` so that it fetches nothing, runs nothing and is still readable."""
    for page in folder.rglob("*.html"):
        text = _REMOVED.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text.replace("</head>", f"<style>{_STYLES}</style></head>", 1), encoding="utf-8")


def write_index(folder: Path, *, title: str, verdict: str, is_good: bool, rows: Iterable[tuple[str, str, str]]) -> Path:
    """The entry page: a verdict, a row of (expectation, result, ``passed``/``warned``/``failed``) each, and links."""
    pages = sorted(page.relative_to(folder).as_posix() for page in folder.rglob("*.html") if page.parent != folder)
    index = folder / "index.html"
    index.write_text(
        _PAGE.format(
            title=escape(title),
            styles=_STYLES,
            verdict=escape(verdict),
            verdict_class="passed" if is_good else "failed",
            rows="\n".join(
                f'<tr><td>{escape(expectation)}</td><td class="{kind}">{escape(result)}</td></tr>'
                for expectation, result, kind in rows
            ),
            links="\n".join(f'<li><a href="{escape(page)}">{escape(page)}</a></li>' for page in pages),
        ),
        encoding="utf-8",
    )
    return index
