"""The rows of a benchmark before anything is measured."""

from collections.abc import Iterator, Sequence
from itertools import product

from digitlens import pick, providers
from digitlens.bench import peers
from digitlens.bench.interpreter import Interpreter, Offer
from digitlens.bench.model import Model
from digitlens.bench.row import NETWORK, NOT_INSTALLED, PEER, PIPELINE, Case, Row
from digitlens.bench.settings import BATCHES, CAMERA_PACE, QUICK, Settings
from digitlens.bench.worker import AZURE
from digitlens.errors import UsageError


def rows(
    settings: Settings, models: Sequence[Model], interpreters: Sequence[Interpreter]
) -> list[Row]:
    """Lay out all rows in the order of the report; what is not there has its status already.

    Raises:
        UsageError: a provider is misspelt, or no model has a dimension that was given.
    """
    _check_dims(settings, models)
    known = [name for each in interpreters for name in each.known]
    names = (
        providers.known_name(pick.load().provider if name == providers.AUTO else name, known)
        for name in settings.providers
    )
    wanted = tuple(dict.fromkeys(names))
    offers = [(each, offer) for each in interpreters for offer in each.offers(wanted)]
    offers = _without_repetition(offers)
    found: list[Row] = []
    for model in models:
        if settings.has_network:
            found += _network(settings, model, offers)
        if settings.has_peers:
            found += _peers(settings, model)
        if settings.has_pipeline:
            found += _pipeline(settings, model, offers)
    return found


def comparisons(found: Sequence[Row]) -> list[list[Row]]:
    """Group the rows that are measured in turns: those of the same work at the same pace."""
    groups: dict[object, list[Row]] = {}
    for row in found:
        case = row.case
        groups.setdefault((case.kind == PIPELINE, case.batch, case.pace), []).append(row)
    return list(groups.values())


def left_out(settings: Settings, models: Sequence[Model]) -> list[str]:
    """Say which peers and batches that were asked for are not measured, and why."""
    reasons = [
        f"{peer.name}: {reason}"
        for model in models
        for peer in peers.PEERS
        if settings.has_peers and model.reads_digits
        if (reason := peers.lack(peer, model.path, settings.run))
    ]
    reasons += [
        f"--batch: {model.path} takes a batch of {found[0]} alone"
        for model in models
        if (found := model.batches(settings.batches)) != list(settings.batches)
        and settings.batches not in (BATCHES, QUICK["batches"])  # nobody asked for these
    ]
    return list(dict.fromkeys(reasons))


Offers = list[tuple[Interpreter, Offer]]


def _network(settings: Settings, model: Model, offers: Offers) -> Iterator[Row]:
    for interpreter, offer in offers:
        if offer.status:
            case = Case(NETWORK, offer.provider, model.path, python=interpreter.path)
            yield Row(case, offer.status, offer.reason, interpreter.engine, model.precision)
            continue
        for batch, threads in product(model.batches(settings.batches), settings.threads):
            for pace in _paces(settings, batch):
                case = Case(
                    NETWORK,
                    offer.provider,
                    model.path,
                    batch,
                    threads,
                    pace,
                    offer.device,
                    interpreter.path,
                )
                yield Row(case, engine=interpreter.engine, precision=model.precision)


def _pipeline(settings: Settings, model: Model, offers: Offers) -> Iterator[Row]:
    """The reader runs in this interpreter alone, and on the first device of a provider."""
    if not model.reads_digits:
        return
    here = {
        offer.provider: interpreter
        for interpreter, offer in offers
        if not interpreter.path and not offer.status and offer.provider != AZURE
    }
    for (provider, interpreter), threads in product(here.items(), settings.threads):
        for pace in _paces(settings, 1):
            case = Case(PIPELINE, provider, model.path, 1, threads, pace)
            yield Row(case, engine=interpreter.engine, precision=model.precision)


def _peers(settings: Settings, model: Model) -> Iterator[Row]:
    if not model.reads_digits:
        return
    for peer in peers.PEERS:
        if peers.lack(peer, model.path, settings.run):
            continue
        batches = model.batches(settings.batches)
        for batch, threads in product(batches, settings.threads):
            for pace in _paces(settings, batch):
                case = Case(PEER, peer.name, model.path, batch, threads, pace)
                precision = "" if peer.conversion else model.precision
                yield Row(case, engine=peers.engine(peer), precision=precision)


def _paces(settings: Settings, batch: int) -> tuple[float | None, ...]:
    return settings.paces or ((None, CAMERA_PACE) if batch == 1 else (None,))


def _without_repetition(offers: Offers) -> Offers:
    """Leave out that a provider is not installed where another environment has it."""
    there = {
        offer.provider
        for interpreter, offer in offers
        if offer.status != NOT_INSTALLED and not interpreter.error
    }
    missing: set[str] = set()
    kept = []
    for interpreter, offer in offers:
        if offer.status == NOT_INSTALLED and not interpreter.error:
            if offer.provider in there | missing:
                continue
            missing.add(offer.provider)
        kept.append((interpreter, offer))
    return kept


def _check_dims(settings: Settings, models: Sequence[Model]) -> None:
    known = dict.fromkeys(name for model in models for name in model.dims)
    for name in settings.dims:
        if name not in known:
            have = f"its symbolic dimensions are {', '.join(known)}" if known else "it has none"
            raise UsageError(f"no dimension {name!r} in the model: {have}")
