"""Who did what: identities, ledger, state, cases, readings."""
