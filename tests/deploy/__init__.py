"""What stands in deploy/ works: rules, units, the files that people copy."""
