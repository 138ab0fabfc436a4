"""A first bench: ours and a bare reference in turn, on the same machine, in the same run."""
