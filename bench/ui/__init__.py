"""The page in Chromium, beside JupyterLab on the same notebooks and beside a page of plain text."""
