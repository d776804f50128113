"""What a learner writes into the Lab's field for a target: read leniently, refused with a sentence that helps."""

from __future__ import annotations

from balloonlab.foundations.errors import BadValueError, whole_number
from balloonlab.foundations.typed import typed_whole
from balloonlab.foundations.words import counted


def target_of(name: str, value: object, most: int, held: int) -> int:
    """The target, in 4 KiB balloon pages, that "inflate" or "deflate" asks for; the balloon holds `held`.

    A comma may stand before each three digits. Raises BadValueError for what is no number from 0 to `most`, or lies the
    other way.
    """
    typed = typed_whole(value) if isinstance(value, str) else None
    number = value if typed is None else typed
    why = "A target cannot be above the guest's memory." if isinstance(number, int) else "Write it in digits."
    target = whole_number("target", number, 0, most, "4 KiB balloon pages", why)
    if (target <= held) if name == "inflate" else (target >= held):
        if target == held:
            raise BadValueError(f"The balloon holds {counted(held, 'page')} already. Choose another target.")
        side, other = ("above", "Deflate") if name == "inflate" else ("below", "Inflate")
        pages = counted(held, "page")
        text = f"The target {target:,} is not {side} the {pages} in the balloon; {other} goes the other way."
        raise BadValueError(text)
    return target
