"""Handing an accepted submission to whoever executes it, exactly as its boundary says."""
