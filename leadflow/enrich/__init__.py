"""Stage enrich: facts about accounts that come from elsewhere, each with its source, confidence and moment."""
