"""Control state on SQLite: reading, writing, and the files beside it."""
