"""Reminders: what is due, on whose desk it lands, and the one process that sends it."""
