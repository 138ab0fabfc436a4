"""Buying ahead at a venue: what was planned, bought and handed over, and what went back."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
CREATE TABLE venue_offer (
    sale text NOT NULL,
    offer text NOT NULL,
    seats integer NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, offer)
);
CREATE TABLE venue_purchase (
    request_id text PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    sale text NOT NULL,
    offer text NOT NULL,
    seats text[] NOT NULL CHECK (cardinality(seats) > 0),
    state text NOT NULL CHECK (state IN ('planned', 'refused', 'bought', 'stocked')),
    sealed bytea CHECK ((state = 'bought') = (sealed IS NOT NULL)),
    gone integer NOT NULL DEFAULT 0,
    planned_at timestamptz NOT NULL DEFAULT now(),
    answered_at timestamptz,
    stocked_at timestamptz
);
CREATE INDEX venue_purchase_open ON venue_purchase (sale, offer, position)
    WHERE state IN ('planned', 'bought');
CREATE TABLE venue_seat (
    sale text NOT NULL,
    offer text NOT NULL,
    seat text NOT NULL,
    request_id text NOT NULL REFERENCES venue_purchase,
    PRIMARY KEY (sale, offer, seat)
);
CREATE INDEX venue_seat_purchase ON venue_seat (request_id);
CREATE TABLE venue_told (
    stream integer PRIMARY KEY,
    epoch bigint NOT NULL,
    number bigint NOT NULL,
    redemptions bigint NOT NULL DEFAULT 0,
    told_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE venue_disputed (
    sale text NOT NULL,
    offer text NOT NULL,
    seat text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sale, offer, seat)
);
"""

DOWN = """
DROP TABLE venue_disputed, venue_told, venue_seat, venue_purchase, venue_offer;
"""


def upgrade() -> None:
    """One statement a call: the driver prepares each."""
    for statement in UP.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Forgets what was bought; the venue does not."""
    op.execute(DOWN)
