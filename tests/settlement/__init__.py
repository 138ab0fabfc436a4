"""Settlement against a real store and a real database."""
