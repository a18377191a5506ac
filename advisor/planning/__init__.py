"""From traffic and a promise to machines and money.

``schema`` is what ``plan.yaml`` says, ``space`` what could serve it, ``bounds`` and ``coarse`` what a replica can do at
most, ``trials`` simulates, ``search`` finds the cheapest plan, ``growth`` and ``money`` say what follows from it.
"""
