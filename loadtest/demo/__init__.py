"""A whole drop from start to finish, on real parts, in under three minutes, and the proof of it."""
