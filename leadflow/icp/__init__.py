"""Stage icp: which kinds of accounts buy, how like them every account is, and RFM of leads and customers."""
