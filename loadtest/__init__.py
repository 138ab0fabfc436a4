"""The crowd: simulated shoppers and kiosks, the demo, the benchmarks.

Speaks HTTP and runs the `dropgate` command; imports none of Dropgate's packages, so what it finds
is what an outsider would find.
"""
