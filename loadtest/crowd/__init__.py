"""Simulated shoppers and kiosks over real HTTP, and the journal of what they were promised."""
