"""What lives in the same memory, and what backward needs of it: the facts that operations in place depend on."""

from __future__ import annotations
