"""Visitors, officers and guards: who they are, how they behave, and what each of them does in a hall.

`habits` says how people are, `crowd` draws from it who somebody is, and `everybody` is all of them and what they share:
`places` to queue at, what is to be read, whom one may ask. Each person is one of `agents`, a story that waits for what
can be seen. Visitors follow `visitors`, through the `gate`, with their `hands`; officers follow `officers`, `card_desk`
and `opening`, and a `trainee` among them makes `mistakes`; guards follow `guards`, `headcount` and `lockdowns`.
`arrivals` fills a seeded day with them, `live` a hall that runs for as long as somebody watches.
"""
