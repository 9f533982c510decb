"""Stage clean: lead records that can be trusted field by field, and those that cannot, with the reason."""
