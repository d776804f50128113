"""Names of shared things that a routine compares, as if they were what only a yield brings.

``vb.num_pages`` is a Ref. It refuses most of what is done to a number (not_a_value.py), but Python asks nobody before
it answers `is`, or looks into a set; two Refs may be compared, for a queue may be this one or that; and a Ref's own
`number` is another one.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator


def compared_names(node: ast.FunctionDef, shared: Collection[str]) -> Iterator[tuple[ast.expr, str]]:
    """Each place in a function's text that does so, with a sentence.

    shared: attributes of its arguments that are Refs.
    """
    given = {each.arg for inner in ast.walk(node) if isinstance(inner, ast.arguments) for each in inner.args}

    def is_name(each: ast.expr) -> bool:
        if not isinstance(each, ast.Attribute) or not isinstance(each.value, ast.Name):
            return False
        return each.attr in shared and each.value.id in given

    for each in ast.walk(node):
        if isinstance(each, ast.Attribute) and each.attr == "number" and is_name(each.value):
            yield each, _sentence("looks at the number of the name", each.value)
        elif isinstance(each, ast.Compare):
            sides = [each.left, *each.comparators]
            names = [side for side in sides if is_name(side)]
            may_be_names = all(isinstance(side, ast.Name | ast.Attribute) for side in sides) and len(names) < len(sides)
            if names and not (may_be_names and isinstance(each.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.IsNot)):
                yield each, _sentence("compares the name", names[0])


def _sentence(what: str, name: ast.expr) -> str:
    text = ast.unparse(name)
    return f"{what} `{text}`, not what is shared by that name; write `(yield read({text}))` or the like."
