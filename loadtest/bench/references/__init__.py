"""What a user would otherwise pick, each behind the same kind of aiohttp server as ours.

uvloop and orjson, as ours; no validation, no credential, no limit a buyer, no queue, no books.
"""
