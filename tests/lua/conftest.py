"""The small sale of inventory's tests, for what must be seen through the door."""

from tests.inventory.conftest import shop

__all__ = ["shop"]
