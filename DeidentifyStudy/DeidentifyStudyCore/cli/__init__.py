"""The command line of De-identify Study: one module per subcommand."""
