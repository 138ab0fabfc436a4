"""What a reconciliation counted: exact numbers by class, and whether its list of breaks was cut."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the counts; a run from before had every break in its list."""
    op.execute(
        "alter table books.recon_run add column break_counts json not null default '{}',"
        " add column breaks_cut boolean not null default false"
    )
