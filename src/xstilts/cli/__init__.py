"""The command line: what the commands take and print."""
