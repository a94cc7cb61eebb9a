"""The `annotation-qa` command, one module per subcommand."""
