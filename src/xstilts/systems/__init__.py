"""Systems of others: their predictions read, laid beside the gold values, compared as a study compares."""
