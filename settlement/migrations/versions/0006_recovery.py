"""Where gateways meet when a store may have forgotten: who lives, and what each has seen."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; all of it may be lost while no slot is fenced."""
    op.execute("create schema recovery")
    op.execute(
        "create table recovery.gateway ("
        " id text primary key,"
        " started timestamptz not null default clock_timestamp(),"
        " beat timestamptz not null default clock_timestamp())"
    )
    # fence: what the mark was handed in for; '' for one that came with a heartbeat.
    # until_*: how far a slot was when its gateway was found gone.
    op.execute(
        "create table recovery.mark ("
        " gateway text not null references recovery.gateway on delete cascade,"
        " sale text not null, stripe int not null,"
        " epoch bigint not null, fact bigint not null,"
        " fence text not null default '',"
        " until_epoch bigint, until_fact bigint,"
        " primary key (sale, stripe, gateway))"
    )
    op.execute(
        "create table recovery.remembered ("
        " gateway text not null references recovery.gateway on delete cascade,"
        " sale text not null, stripe int not null,"
        " epoch bigint not null, fact bigint not null,"
        " content bytea not null,"
        " primary key (sale, stripe, gateway, epoch, fact))"
    )
    op.execute(
        "create table recovery.unanswered ("
        " gateway text not null references recovery.gateway on delete cascade,"
        " sale text not null, stripe int not null, position int not null,"
        " call bytea not null,"
        " primary key (sale, stripe, gateway, position))"
    )


def downgrade() -> None:
    """Drop them."""
    op.execute("drop schema recovery cascade")
