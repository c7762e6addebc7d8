"""A notebook as a file for people without Ganimede: a script, or one HTML file that needs nothing else.

Everything here works on plain values (protocol/values.py) and blocks: for a thread. Nothing a notebook holds runs
in what is made: HTML is rebuilt from what is allowed (nh3), and the file's own policy knows one script, ours.
"""
