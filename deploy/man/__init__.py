"""Manual pages, made from the definitions of the commands: what `--help` says, all on one page.

`python -m deploy.man.build FOLDER` writes them; they are not kept, so they cannot be out of date.
"""
