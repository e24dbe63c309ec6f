#!/bin/sh
# What a job of real-policy runs when FLAGCTL_SLURM_BATCH_SCRIPT names no script of the site.
#
# It computes nothing: it shows which submission it belongs to, and ends well. Take it as the
# model for your own, which Slurm runs as the service's user in FLAGCTL_SLURM_WORK_DIR.
#
# Everything about the submission is in the environment, and nothing of it in this text:
#   FLAGCTL_JOB_ID FLAGCTL_SUBMISSION_ID FLAGCTL_IDEMPOTENCY_DIGEST FLAGCTL_TRACE_ID
#   FLAGCTL_TENANT_ID FLAGCTL_WORKSPACE_ID FLAGCTL_MANAGEMENT_NODE_ID FLAGCTL_USER_ID
#   FLAGCTL_QUEUE FLAGCTL_INPUT_URI FLAGCTL_ARTIFACT_BUCKET (if one was given)
#   FLAGCTL_CPU FLAGCTL_MEMORY_MIB FLAGCTL_WALLTIME_SECONDS
# They are a client's words: quote them, and never give them to eval or to another shell.
set -eu
printf 'flagctl: job %s of submission %s, Slurm job %s\n' \
    "$FLAGCTL_JOB_ID" "$FLAGCTL_SUBMISSION_ID" "${SLURM_JOB_ID:-unknown}"
printf 'flagctl: no batch script is set (FLAGCTL_SLURM_BATCH_SCRIPT), so nothing was computed\n'
