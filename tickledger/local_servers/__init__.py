"""Servers that we start ourselves, for all commands of one home: PostgreSQL and Redis.

What belongs here: what their lives have in common, which is how they are shared, found, watched and ended. What does
not: what a server is for, its options, and how one talks to it; that is in `tickledger.db` and `tickledger.cache`.

Three locks of the kernel in the server's folder decide, which no death can leave behind:

    start.lock    held while a command looks for the server and starts it where it is absent
    users.lock    shared by all users; the keeper waits to have it alone, then stops the server
    server.lock   inherited by every process of the server: it is free when the last of them has ended

No process id out of a file is ever read or signalled, because ids repeat: the keeper is the server's parent.
"""
