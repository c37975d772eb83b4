"""Memory goes back to the system when it is free: a busy minute would keep it for ever."""

import ctypes

import pyarrow as pa

#: glibc's name for "blocks from this size on are mapped on their own", and the size; its own limit
#: grows to 32 MB with the first large block, and after it they leave holes between small ones
_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 4 * 1024 * 1024
_libc = ctypes.CDLL(None)


def keep_large_blocks_apart() -> None:
    """Once at the start; nothing where there is no glibc."""
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Return what Arrow and the C library hold for later."""
    pa.default_memory_pool().release_unused()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
