"""What a gateway does after a store was killed and started again, for tests that have none."""

from inventory import keys
from inventory.fencing import Fences
from lua.store import Store


async def reopen(store: Store) -> int:
    """Let every slot of the store sell again, as it stands; how many. Nothing may be missing."""
    fences, opened = Fences(store), 0
    for sale in await store.read("SMEMBERS", keys.SALES):
        stripes = int(await store.read("HGET", keys.sale(sale.decode()), "stripes") or 1)
        for stripe in range(stripes):
            state = await fences.state(sale.decode(), stripe)
            assert state is not None
            opened += await fences.reopen(sale.decode(), stripe, state)
    return opened
