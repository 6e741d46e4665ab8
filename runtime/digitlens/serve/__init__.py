"""Reading in a browser: the page, what programs ask for, and who may ask.

server      listens, and ends on a signal
place       where it listens, and by which names it is reached
connection  bounds of one connection
watchdog    tells systemd that the server goes on
guard       who may ask: Host, Origin, token; and the headers of every answer
app         which address leads where
api, page   what programs and what the page ask for
shared      what the answers share
inbox       bodies in, bounded in size, time and number
desk        reads images in threads
outbox      answers out, bounded in memory
broadcast   one source for all who watch
viewer      one who watches
network     the layers and weights of the model
packet      numbers and pictures as bytes
metrics     what was counted
static/     the page itself
"""
