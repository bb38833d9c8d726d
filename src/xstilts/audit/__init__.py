"""The leak audit: what the chain of an evaluation has seen that its score should not rest on."""
