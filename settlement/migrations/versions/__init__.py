"""The steps. A step that has left this house is never changed; a new one is added."""
