"""What a nonlinearity *is*: expression trees, their parser, printers and interpreters."""
