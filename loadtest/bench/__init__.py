"""The bench: ours beside what a user would otherwise pick, in turns, on one machine, in one run.

`docs/bench.md` says what each figure means. It speaks HTTP to Dropgate, RESP and SQL to references
of its own, and reads from outside what processes cost.
"""
