"""Units that a lost store may have sold: nobody's, and not for sale until they are freed."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

UNIT = "'available', 'held', 'allotted', 'sold', 'redeemed', 'voided', 'returned', 'withheld'"
STOCK = "'available', 'returned', 'voided', 'withheld'"


def upgrade() -> None:
    """Let units, and ranges of the shelf, be withheld."""
    for table, states in (("unit", UNIT), ("stock", STOCK)):
        op.execute(
            f"alter table books.{table} drop constraint {table}_state_check,"
            f" add constraint {table}_state_check check (state in ({states}))"
        )
