"""Which mutation injects the fault of which rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from editing import Injection, Mutant, Source, sources

Mutation = Callable[[Source], Iterator[Injection]]

#: rule → what injects its fault
MUTATIONS: dict[str, list[Mutation]] = {}
#: mutants of one rule and one script, so that the whole run stays short
PER_SCRIPT = 3


def mutation(*rules: str) -> Callable[[Mutation], Mutation]:
    """Registers a function that injects the fault of a rule at every fitting place of a script."""

    def register(function: Mutation) -> Mutation:
        for rule in rules:
            MUTATIONS.setdefault(rule, []).append(function)
        return function

    return register


def mutants(rule: str) -> list[Mutant]:
    """The mutants of a rule: from every script the first ones of each of its mutations, in turns."""
    found: list[Mutant] = []
    for source in sources():
        by_mutation = [list(function(source)) for function in MUTATIONS[rule]]
        turns = [
            injections[turn]
            for turn in range(max(map(len, by_mutation)))
            for injections in by_mutation
            if turn < len(injections)
        ]
        found += [source.mutant(rule, injection) for injection in turns[:PER_SCRIPT]]
    return found
