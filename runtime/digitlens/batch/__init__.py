"""Many pictures: read on all cores of one machine, or on a Ray cluster.

The input falls into shards: pieces that are read as one and written as one. Data flows one way:
`inputs` walks what was named, `plan` makes shards of it, an engine (`local`, `cluster`) hands each
to a `Worker`, which reads its `contents`, turns them into `columns` and writes these to the
`Output`. What is there already is not done again.
"""
