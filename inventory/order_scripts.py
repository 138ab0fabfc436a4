"""The scripts that `orders` sends: their keys, their arguments and every word they reply with."""

from inventory.batching import STOCK_KEYS
from lua import signature

ORDER_HOLD = signature(
    "order_hold",
    keys=(*STOCK_KEYS, "buckets+"),
    argv=("now_ms", "names", "asked", "batch"),
    replies=(
        "no_slot",
        "replayed",
        "key_reused",
        "not_open",
        "paused",
        "draining",
        "closed",
        "pass_spent",
        "pass_expired",
        "pass_of_another_drop",
        "unknown_offer",
        "offer_not_open",
        "offer_closed",
        "limit_reached",
        "due",
        "seat_taken",
        "too_few",
        "all_held",
        "not_together",
        "sold_out",
        "held",
        "sold",
    ),
    tells_facts=True,
)
ORDER_CONFIRM = signature(
    "order_confirm",
    keys=(*STOCK_KEYS, "buckets+"),
    argv=("now_ms", "batch"),
    replies=(
        "no_slot",
        "not_found",
        "not_yours",
        "replayed",
        "unfulfilled_again",
        "already_paid",
        "amount_mismatch",
        "due",
        "short",
        "confirmed",
        "reclaimed",
        "unfulfilled",
    ),
)
ORDER_END = signature(
    "order_end",
    keys=(*STOCK_KEYS, "buckets+"),
    argv=("now_ms", "how", "batch"),
    replies=("no_slot", "not_found", "not_yours", "not_held", "not_due", "ended"),
)
ORDER_REFUND = signature(
    "order_refund",
    keys=(*STOCK_KEYS, "bucket"),
    argv=("now_ms", "order", "seller", "key", "serials"),
    replies=(
        "no_slot",
        "not_found",
        "not_yours",
        "replayed",
        "key_reused",
        "too_many_refunds",
        "not_refundable",
        "unknown_unit",
        "refunded",
    ),
)
ORDER_READ = signature(
    "order_read",
    keys=("sale", "units", "bucket"),
    argv=("order",),
    replies=("no_slot", "not_found", "found"),
    durable=True,
)
