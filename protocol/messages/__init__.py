"""Every message between actors: one module and union per mailbox, frozen structs of bytes, ids and plain values.

Requests are imperatives, facts past participles. ``reply`` is always the first field of a question, so that
``await hub.ask(ReadCell, cell_id)`` builds it. Docs, sockets and live dicts never travel.
"""
