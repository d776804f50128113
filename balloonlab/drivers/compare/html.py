"""The HTML of a comparison: a table for each routine, in the colours of the page it stands on.

Every mark is told three times: by a sign and a word in a column of its own, by a line under the words that differ, and
by colour (orange and blue of Okabe and Ito). Long lines wrap, so nothing scrolls sideways. A notebook that is not
trusted shows no style sheet, and its own puts cells to the right: so each cell says itself where its text begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from balloonlab.drivers.compare.comparison import Comparison, Pair
from balloonlab.drivers.compare.side_by_side import CHANGED, LEFT, RIGHT, SAME, Piece, Row

_SIGNS = {SAME: ("", "same"), CHANGED: ("&ne;", "changed"), LEFT: ("&minus;", "gone"), RIGHT: ("+", "new")}
_CLASSES = {SAME: "", CHANGED: "changed", LEFT: "gone", RIGHT: "new"}
_LEFT = 'style="text-align: left; vertical-align: top"'
_OURS = ".bl-diff.bl-diff.bl-diff"  # named three times, to count more than the rules of the notebook around it
_STYLE = """\
.bl-diff { max-width: 1240px; color: var(--jp-content-font-color1, inherit); line-height: 1.45; }
.bl-diff h3, .bl-diff h4 { margin: 1em 0 .3em; }
.bl-diff table { width: 100%; table-layout: fixed; border-collapse: collapse; margin: .3em 0 1em; }
.bl-diff tr, .bl-diff tbody tr:nth-child(even), .bl-diff tbody tr:hover { background: none; }
.bl-diff th, .bl-diff td { padding: 0 .6em; border: 0; max-width: none;
  white-space: normal; overflow-wrap: anywhere; color: inherit; }
.bl-diff thead th { border-bottom: 1px solid var(--jp-border-color1, #808080); padding-bottom: .2em; }
.bl-diff .place { margin: 0; font-size: 90%; }
.bl-diff .mark { width: 6.5em; font-weight: normal; font-size: 90%; }
.bl-diff code { white-space: pre-wrap; background: none; padding: 0; color: inherit;
  font: 12px/1.5 var(--jp-code-font-family, ui-monospace, monospace); }
.bl-diff .gone .left, .bl-diff .changed .left { background: #e69f0026; }
.bl-diff .new .right, .bl-diff .changed .right { background: #56b4e933; }
.bl-diff del { text-decoration: underline 2px; background: #e69f0059; color: inherit; }
.bl-diff ins { text-decoration: underline 2px; background: #56b4e966; color: inherit; }""".replace(".bl-diff", _OURS)


def html_of(comparison: Comparison) -> str:
    """The whole view."""
    return "\n".join(_parts(comparison))


def _parts(comparison: Comparison) -> Iterator[str]:
    first, second = comparison.first, comparison.second
    yield f'<div class="bl-diff"><style>{_STYLE}</style>'
    yield f"<h3>{escape(first.name)} and {escape(second.name)}, side by side</h3>"
    names = "".join(f'<th scope="col" {_LEFT}>{escape(driver.name)}</th>' for driver in (first, second))
    yield f"<table><thead><tr>{names}</tr></thead><tbody><tr>"
    for driver, about in zip((first, second), comparison.abouts(), strict=True):
        paragraphs = about.split("\n\n") if comparison.whole and about else []
        yield f"<td {_LEFT}>" + "".join(f"<p>{escape(text)}</p>" for text in (driver.title, *paragraphs)) + "</td>"
    yield "</tr></tbody></table><ul>"
    for heading, pairs in comparison.lists():
        if pairs:
            names = ", ".join(f"<code>{escape(pair.name)}</code>" for pair in pairs)
            yield f"<li>{escape(heading)} ({len(pairs)}): {names}</li>"
    yield "</ul>"
    for pair in comparison.shown():
        yield from _routine(comparison, pair)
    yield "</div>"


def _routine(comparison: Comparison, pair: Pair) -> Iterator[str]:
    about = "".join(f"<p>{escape(text)}</p>" for text in comparison.said(pair))
    about += "".join(f'<p class="place">{escape(text)}</p>' for text in comparison.places(pair))
    yield f"<h4>{escape(comparison.heading(pair))}</h4>{about}"
    yield f'<table aria-label="{escape(pair.name)}, line by line"><thead><tr>'
    yield f'<th scope="col" {_LEFT}>{escape(comparison.first.name)}</th>'
    yield f'<th scope="col" class="mark" {_LEFT}>line</th>'
    yield f'<th scope="col" {_LEFT}>{escape(comparison.second.name)}</th></tr></thead><tbody>'
    yield from (_row(row) for row in pair.rows())
    yield "</tbody></table>"


def _row(row: Row) -> str:
    sign, word = _SIGNS[row.mark]
    mark = f'<th scope="row" class="mark" {_LEFT}>{sign} {word}</th>' if sign else '<td class="mark"></td>'
    left, right = _line(row.left, "del", row.mark), _line(row.right, "ins", row.mark)
    sides = f'<td class="left" {_LEFT}>{left}</td>', f'<td class="right" {_LEFT}>{right}</td>'
    return f'<tr class="{_CLASSES[row.mark]}">{sides[0]}{mark}{sides[1]}</tr>'


def _line(pieces: tuple[Piece, ...] | None, tag: str, mark: str) -> str:
    if pieces is None:
        return ""
    words = [f"<{tag}>{escape(text)}</{tag}>" if new and mark == CHANGED else escape(text) for text, new in pieces]
    return f"<code>{''.join(words)}</code>"
