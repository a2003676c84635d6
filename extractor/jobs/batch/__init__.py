"""A job through its provider's batch endpoint: planned, sent, waited for, collected, written down as any job's records are."""
