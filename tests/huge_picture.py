"""Pictures of a few bytes whose headers claim an enormous size."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int) -> bytes:
    """A PNG whose header claims a larger size than its pixels have."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def run_length_bmp(width: int, height: int) -> bytes:
    """A run-length coded BMP of any width: three red pixels at the lower left, the rest black."""
    palette = bytes((0, 0, 0, 0, 0, 0, 255, 0))
    code = bytes((3, 1, 0, 0)) + bytes((1, 0, 0, 0)) * (height - 1) + bytes((0, 1))
    start = 14 + 40 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(code), 0, 0, 2, 2)
    head = b"BM" + struct.pack("<IHHI", start + len(code), 0, 0, start)
    return head + info + palette + code
