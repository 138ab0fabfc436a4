"""The books: facts with their entries, balances, orders, units, partners' feeds and reconciliation.

Every table lies in the schema `books`. A fact and its entry are one row: the fact is the document,
its lines are the entry, and its primary key is the inbox that absorbs a repeat. The tables that a
batch fills carry no foreign keys, which would cost a look-up for every row; `books.proof` checks
the same on demand.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PLACES = (
    "create schema books",
    """create table books.sale (
        id integer generated always as identity primary key,
        sale text not null unique,
        currency text not null check (currency ~ '^[A-Z]{3}$'),
        timezone text not null)""",
    # One row is the cursor of a stripe, and its lock: who holds the row posts the stripe.
    """create table books.stream (
        id integer generated always as identity primary key,
        sale integer not null references books.sale,
        stripe integer not null check (stripe >= 0),
        epoch bigint not null default 0,
        number bigint not null default 0,
        posted_at timestamptz,
        stopped text,
        unique (sale, stripe))""",
)

LEDGER = (
    # Money has a currency's code; units have one commodity for each offer of each sale.
    """create table books.commodity (
        id integer generated always as identity primary key,
        code text not null unique,
        sale integer references books.sale,
        offer integer,
        check ((sale is null) = (offer is null)))""",
    # Whom the money of an offer is owed to, as it was when its first unit was sold.
    """create table books.venue_of_offer (
        sale integer not null references books.sale,
        offer integer not null,
        venue text not null,
        primary key (sale, offer))""",
    """create table books.account (
        id integer generated always as identity primary key,
        name text not null,
        commodity integer not null references books.commodity,
        unique (commodity, name))""",
    """create table books.fact (
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        kind text not null,
        subject text not null,
        at_ms bigint not null,
        business_date date not null,
        digest bytea not null,
        body bytea not null,
        primary key (stream, epoch, number))""",
    # Debit is positive. Within an entry every commodity sums to zero (see the trigger below).
    """create table books.line (
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        account integer not null,
        commodity integer not null,
        amount bigint not null check (amount <> 0))""",
    "create index line_of_fact on books.line (stream, epoch, number)",
    """create table books.balance (
        stream integer not null,
        account integer not null references books.account,
        amount bigint not null,
        primary key (stream, account))""",
)

STATE = (
    """create table books.orders (
        id text collate "C" primary key,
        stream integer not null,
        seller text not null,
        buyer text not null,
        reference text not null,
        state text not null check (state in ('held', 'confirmed', 'released', 'expired',
            'partly_refunded', 'refunded', 'paid_unfulfilled')),
        quantity integer not null,
        amount_minor bigint not null,
        refunded_quantity integer not null,
        refunded_minor bigint not null,
        payment text not null,
        sold_at_ms bigint,
        business_date date,
        epoch bigint not null,
        number bigint not null) with (fillfactor = 80)""",
    """create index orders_of_day on books.orders (seller, business_date)
        where business_date is not null""",
    # Units that nobody ever took have no row of their own: they are in books.stock alone.
    """create table books.unit (
        sale integer not null,
        serial integer not null,
        offer integer not null,
        state text not null check (state in ('available', 'held', 'allotted', 'sold', 'redeemed',
            'voided', 'returned')),
        owner text not null,
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        primary key (sale, serial)) with (fillfactor = 80)""",
    # What happened to whole ranges of the shelf, in order: put on it, returned, voided.
    """create table books.stock (
        sale integer not null,
        offer integer not null,
        first integer not null,
        last integer not null check (last >= first),
        state text not null check (state in ('available', 'returned', 'voided')),
        lot text not null,
        stream integer not null,
        epoch bigint not null,
        number bigint not null)""",
    "create index stock_of_offer on books.stock (sale, offer)",
    """create table books.allotment (
        sale integer not null,
        allotment text not null,
        partner text not null,
        primary key (sale, allotment))""",
    """create table books.refund (
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        order_id text collate "C" not null,
        refund text not null,
        seller text not null,
        reference text not null,
        quantity integer not null,
        amount_minor bigint not null,
        at_ms bigint not null,
        business_date date not null,
        primary key (stream, epoch, number))""",
    "create index refund_of_day on books.refund (seller, business_date)",
    # A fact that names a unit twice is a violation, and has two lines all the same.
    """create table books.report (
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        serial integer not null,
        allotment text not null,
        partner text not null,
        reference text not null,
        amount_minor bigint not null,
        at_ms bigint not null,
        business_date date not null)""",
    "create index report_of_day on books.report (partner, business_date)",
)

PARTNERS = (
    # The last number of a partner's feed; updating it is the lock that keeps the feed gap-free.
    "create table books.feed (partner text primary key, seq bigint not null)",
    """create table books.event (
        partner text not null,
        seq bigint not null,
        type text not null,
        at_ms bigint not null,
        data json not null,
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        primary key (partner, seq))""",
    """create table books.recon_run (
        run text primary key,
        digest text not null,
        rules text not null,
        partner text not null,
        business_date date not null,
        file_sha256 text not null,
        lines_ours bigint not null,
        lines_theirs bigint not null,
        lines_matched bigint not null,
        as_of json not null,
        made_at timestamptz not null default now())""",
    "create index recon_run_of_day on books.recon_run (partner, business_date)",
    """create table books.recon_break (
        run text not null references books.recon_run,
        position integer not null,
        class text not null,
        order_id text not null,
        line integer,
        ours json,
        theirs json,
        detail text not null,
        owner text not null,
        default_action text not null,
        primary key (run, position))""",
)

ALARMS = (
    """create table books.violation (
        id bigint generated always as identity primary key,
        stream integer not null,
        epoch bigint not null,
        number bigint not null,
        kind text not null,
        subject text not null,
        detail json not null,
        found_at timestamptz not null default now())""",
    # Numbers first..last of a stripe that could not be posted; the content is kept for a person.
    """create table books.quarantine (
        id bigint generated always as identity primary key,
        stream integer not null,
        epoch bigint not null,
        first bigint not null,
        last bigint not null check (last >= first),
        reason text not null,
        detail text not null,
        digest bytea not null,
        content bytea not null,
        found_at timestamptz not null default now(),
        unique (stream, epoch, last, reason, digest))""",
)

GUARDS = (
    """create function books.entry_balances() returns trigger language plpgsql as $$
        declare wrong record;
        begin
            select stream, epoch, number, commodity, sum(amount) as rest into wrong from added
                group by stream, epoch, number, commodity having sum(amount) <> 0 limit 1;
            if found then
                raise check_violation using message = format(
                    'entry %s/%s/%s is out of balance by %s of commodity %s',
                    wrong.stream, wrong.epoch, wrong.number, wrong.rest, wrong.commodity);
            end if;
            return null;
        end $$""",
    """create trigger entry_balances after insert on books.line referencing new table as added
        for each statement execute function books.entry_balances()""",
    """create function books.only_added() returns trigger language plpgsql as $$
        begin
            raise restrict_violation using message = format(
                'books.%s is only ever added to; a correction is a new entry', tg_table_name);
        end $$""",
)

ONLY_ADDED = ("fact", "line", "refund", "report", "stock", "event", "violation", "quarantine",
              "recon_run", "recon_break")  # fmt: skip


def upgrade() -> None:
    """Make the schema."""
    for statement in PLACES + LEDGER + STATE + PARTNERS + ALARMS + GUARDS:
        op.execute(statement)
    for table in ONLY_ADDED:
        op.execute(
            f"create trigger only_added before update or delete or truncate on books.{table}"
            " for each statement execute function books.only_added()"
        )


def downgrade() -> None:
    """Refused: books are not thrown away by a command."""
    raise RuntimeError("the books have no way back; restore a backup instead")
