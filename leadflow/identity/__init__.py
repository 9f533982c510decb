"""Stage identity: which lead records are one lead, which leads belong to one account, and what is known of each."""
