"""The `tillswitch` command, one module for each family of commands."""
