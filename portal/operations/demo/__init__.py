"""The demonstration: two companies exchange trust through the portal's own HTTP interface, with real keys and real CAs.

Nothing here reaches into the database: what the members do, they do in forms, as people would.
"""
