"""The catalogue: what sales are made of, what their serials mean, and who may speak to Dropgate.

Every table lies in the schema `catalogue`. What the sale file says of a thing is kept whole in
`record`; what is for ever (numbers, serials, digests) has columns of its own with the constraints
that keep it so. Codes that a venue minted are sealed; credentials are digests.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SALES = (
    "create schema catalogue",
    # `published` is the revision that the store is known to have whole.
    """create table catalogue.sale (
        id text collate "C" primary key,
        number smallint not null unique check (number between 1 and 2047),
        revision integer not null check (revision > 0),
        published integer not null default 0 check (published <= revision),
        buckets integer not null check (buckets > 0),
        next_serial integer not null check (next_serial >= 0),
        record jsonb not null,
        changed_by text not null,
        changed_at timestamptz not null default now())""",
    """create table catalogue.venue (
        sale text collate "C" not null references catalogue.sale,
        id text collate "C" not null,
        record jsonb not null,
        primary key (sale, id))""",
    """create table catalogue.partner (
        sale text collate "C" not null references catalogue.sale,
        id text collate "C" not null,
        record jsonb not null,
        primary key (sale, id))""",
    """create table catalogue.layout (
        sale text collate "C" not null references catalogue.sale,
        id text collate "C" not null,
        record jsonb not null,
        primary key (sale, id))""",
)

UNITS = (
    # A number, a first serial and a reserve of serials are given once and never change.
    """create table catalogue.offer (
        sale text collate "C" not null references catalogue.sale,
        number integer not null check (number > 0),
        id text collate "C" not null,
        base integer not null check (base >= 0),
        size integer not null check (size > 0),
        record jsonb not null,
        primary key (sale, number),
        unique (sale, id),
        unique (sale, base))""",
    """create table catalogue.lot (
        sale text collate "C" not null,
        id text collate "C" not null,
        offer integer not null,
        ranges integer[] not null,
        units integer not null check (units > 0),
        digest bytea not null,
        published boolean not null default false,
        primary key (sale, id),
        foreign key (sale, offer) references catalogue.offer)""",
    "create index lot_of_offer on catalogue.lot (sale, offer)",
    "create index lot_unpublished on catalogue.lot (sale) where not published",
    """create table catalogue.outside (
        sale text collate "C" not null references catalogue.sale,
        serial integer not null check (serial >= 0),
        offer integer not null,
        digest bytea not null check (length(digest) = 12),
        sealed bytea not null,
        primary key (sale, serial),
        unique (sale, digest))""",
    """create table catalogue.allotment (
        sale text collate "C" not null,
        number integer not null check (number > 0),
        id text collate "C" not null,
        offer integer not null,
        record jsonb not null,
        published boolean not null default false,
        primary key (sale, number),
        unique (sale, id),
        foreign key (sale, offer) references catalogue.offer)""",
)

CREDENTIALS = (
    """create table catalogue.kiosk (
        venue text collate "C" not null,
        id text collate "C" not null,
        title text not null,
        registered_at timestamptz not null default now(),
        primary key (venue, id))""",
    """create table catalogue.credential (
        id text collate "C" primary key,
        role text not null check (role in ('partner', 'kiosk', 'operator', 'auditor')),
        scope text collate "C" not null,
        title text not null,
        secret_sha256 bytea not null check (length(secret_sha256) = 32),
        created_at timestamptz not null default now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        replaces text collate "C" references catalogue.credential)""",
    "create index credential_in_force on catalogue.credential (id) where revoked_at is null",
)


def upgrade() -> None:
    """Make the schema."""
    for statement in (*SALES, *UNITS, *CREDENTIALS):
        op.execute(statement)


def downgrade() -> None:
    """Drop it whole."""
    op.execute("drop schema catalogue cascade")
