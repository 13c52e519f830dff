"""The command line: arguments in, results out; a file per noun."""
