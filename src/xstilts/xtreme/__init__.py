"""XTREME's layouts: predictions of others scored, and our own laid out as a submission."""
