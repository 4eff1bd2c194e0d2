"""What a safetensors file claims to hold, checked against its bytes before a library makes room for any of it.

Such a file is the length of a header (8 bytes), the header (JSON), and the numbers. A header of a few bytes can claim
shapes of any size, and a length of a few bytes a header of any size.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TypeGuard

from seqplay.errors import RunError
from seqplay.runs import rows

HEADER_LIMIT_BYTES = 1 << 20
LENGTH_BYTES = 8
MOST_DIMENSIONS = 8
MOST_NUMBERS = 1 << 48  # the product of a shape's sizes, its zeros left out: strides are such products
ITEM_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def check_tensors(content: bytes, path: Path) -> None:
    """Raises RunError, naming the path, for a header that is too long or damaged, or that claims more than there is."""
    size = int.from_bytes(content[:LENGTH_BYTES], "little")
    begin = LENGTH_BYTES + size
    try:
        if len(content) < begin:
            raise ValueError("it is no safetensors file, or ends inside its header")
        if size > HEADER_LIMIT_BYTES:
            raise ValueError(f"its header has {size:,} bytes and the limit is {HEADER_LIMIT_BYTES:,}")
        for name, entry in rows.from_json(content[LENGTH_BYTES:begin]).items():
            if name != "__metadata__" and not _is_held(entry, len(content) - begin):
                raise ValueError(f"its tensor {ascii(name)[:80]} is not one that its bytes hold")
    except ValueError as problem:
        raise RunError(f"Cannot read {path}: {problem}.") from None


def _is_held(entry: object, room: int) -> bool:
    """Whether an entry of the header is a tensor of a known kind whose bytes lie within the `room` that there is."""
    if not isinstance(entry, dict):
        return False
    item, shape, offsets = ITEM_BYTES.get(str(entry.get("dtype"))), entry.get("shape"), entry.get("data_offsets")
    if item is None or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        return False
    if len(shape) > MOST_DIMENSIONS or math.prod(size or 1 for size in shape) > MOST_NUMBERS:
        return False
    begin, end = offsets
    return begin <= end <= room and math.prod(shape) * item == end - begin


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 1 << 63 for size in value)
