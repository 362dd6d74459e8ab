"""The verbs of the command line, one module a subject. Each parses, calls the library, prints."""
