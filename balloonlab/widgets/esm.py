"""The widgets' browser side: small ES modules joined into the one module that anywidget carries, and their style.

Each file in static/ is a valid module by itself (tests import them one by one). Joining strips their imports and the
word `export`, but for the one default export at the end, so the files must not define the same name twice.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

MODULES = (
    *("codec", "geometry", "trace", "mirror", "words", "levels", "sentences", "lanes", "disagree", "page_line"),
    *("calls", "held", "cause", "cpu", "once", "folds", "dom", "terms", "table", "theme"),
    *("fates", "painter", "signs", "pagemap", "lens", "remarks", "code", "rows", "members", "statistics", "device"),
    *("panels", "shared", "numbers", "wire", "log", "tabs"),
    *("time", "actions", "headline", "keys", "live", "plain", "stage", "lab"),
    *("picture", "saved_output", "presence", "main"),
)  # a module stands after those it imports
STYLES = (
    *("base", "map", "panels", "stage", "actions", "headline", "body", "tabs", "remarks", "device", "rows", "wire"),
    *("time", "terms", "shared", "keys", "fates", "narrow", "contrast"),
)  # a later one wins
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?!default)", re.MULTILINE)


@cache
def module() -> str:
    """The joined ES module. Its default export has `render`."""
    texts = (_static(f"{name}.js") for name in MODULES)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in texts)


@cache
def style() -> str:
    """The style sheets, joined."""
    return "\n".join(_static(f"{name}.css") for name in STYLES)


def _static(name: str) -> str:
    return files("balloonlab.widgets").joinpath("static", name).read_text("utf-8")
