"""Serving simulated pass by pass, in a time that grows with events instead of tokens.

``rules`` says how an engine forms passes, ``steps`` what a pass takes, ``jobs`` who asks for what, ``engine`` runs one
replica by jumping from event to event, ``oracle`` runs it pass by pass and is what the engine is tested against.
"""
