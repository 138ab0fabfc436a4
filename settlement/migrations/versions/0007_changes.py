"""What operators changed in rooms, for good: a store that is lost takes its journal along."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; `entry` is the id that the store gave the change."""
    op.execute(
        "create table catalogue.change ("
        " sale text not null, entry text not null, at_ms bigint not null,"
        " what text not null, actor text not null, detail text not null,"
        " primary key (sale, entry, what))"
    )
    op.execute("create index on catalogue.change (sale, at_ms desc)")


def downgrade() -> None:
    """Drop it."""
    op.execute("drop table catalogue.change")
