"""Reading in a browser: the page, what programs ask for, and who may ask.

server      listens, and ends on a signal
watchdog    tells systemd that the server goes on
guard       who may ask: Host, Origin, token; and the headers of every answer
app         which address leads where
api, page   what programs and what the page ask for
inbox       bodies in, bounded in size, time and number
broadcast   one source for all who watch
viewer      one who watches
network     the layers and weights of the model
packet      numbers and pictures as bytes
metrics     what was counted
static/     the page itself
"""
