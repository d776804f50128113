"""C's whole numbers: what a number becomes where C converts it, without a word.

Python's numbers are never too large and keep their sign. C's do not: a negative number that is assigned to an unsigned
variable, or compared with one, is taken for a very large one (C11, 6.3.1.3 and 6.3.1.8). Sizes are those of Linux on
64-bit machines. They are plain functions, no steps: nothing that is shared is touched, so nothing is yielded. Driver
text names a type where it decides what happens.
"""

from __future__ import annotations

import operator
from typing import SupportsIndex

from balloonlab.foundations.errors import BadValueError
from balloonlab.foundations.words import shown
from balloonlab.kernel.not_a_value import NotAValueError


def size_t(number: SupportsIndex) -> int:
    """What C's size_t makes of a number. It has 64 bits and is never negative, so -1 becomes the largest."""
    return _whole("size_t", number) % (1 << 64)


def unsigned_int(number: SupportsIndex) -> int:
    """What C's unsigned int makes of a number. It has 32 bits and is never negative."""
    return _whole("unsigned_int", number) % (1 << 32)


def le32(number: SupportsIndex) -> int:
    """What a field of config space holds (__le32). It has 32 bits and is never negative."""
    return _whole("le32", number) % (1 << 32)


def s64(number: SupportsIndex) -> int:
    """What the kernel's s64 makes of a number. It has 64 bits, one for the sign."""
    return (_whole("s64", number) + (1 << 63)) % (1 << 64) - (1 << 63)


C_TYPES = (size_t, unsigned_int, le32, s64)


def _whole(name: str, number: SupportsIndex) -> int:
    try:
        return operator.index(number)
    except NotAValueError:
        raise
    except TypeError:
        what = f"{name} is given {shown(number)}"
        raise BadValueError(f"{what}; it takes a whole number, and makes it one that C's type can hold.") from None
