"""What came out of a study: every number of its report, computed once from its plan and store."""
