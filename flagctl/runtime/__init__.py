"""The job-submission runtime: its API, tenancy, idempotency, health and metrics."""
