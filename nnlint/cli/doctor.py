"""``nnlint doctor``: what nnlint sees of its surroundings, and which networks it finds and why."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from nnlint.cli.options import TimeOption


def doctor(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS…", help="Files whose networks to explain.")
    ] = None,
    time_limit: TimeOption = 60.0,
) -> int:
    """Show python, torch, devices and rule packs; with PATHS, which networks are found in them and why."""
    from nnlint import __version__
    from nnlint.registry import list_rules

    listing = list_rules()
    packs = {pack: sum(info.pack == pack for info in listing.rules) for pack in sorted({i.pack for i in listing.rules})}
    print(f"nnlint   {__version__}")
    print(f"python   {platform.python_version()} ({sys.executable})")
    for line in _torch():
        print(line)
    print(f"rules    {', '.join(f'{count} of the pack {pack}' for pack, count in packs.items()) or 'none'}")
    for error in listing.errors:
        sys.stderr.write(f"nnlint: error: {error}\n")
    failed = bool(listing.errors)
    if paths:
        failed |= _networks(paths, time_limit)
    return 2 if failed else 0


def _torch() -> Iterator[str]:
    try:
        import torch
    except ImportError as error:
        yield f"torch    cannot be imported here: {error}"
        yield "         install it in this environment, or run nnlint in the one your project uses"
        return
    yield f"torch    {torch.__version__}"
    devices = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    devices += ["mps"] if torch.backends.mps.is_available() else []
    yield f"devices  {', '.join(['cpu', *devices])} (nnlint itself needs none)"


def _networks(paths: list[str], time_limit: float) -> bool:
    from nnlint import engine
    from nnlint.cli.output import messages
    from nnlint.settings import Settings

    report = engine.run(paths, Settings(time_limit=time_limit))
    for file in report.files:
        print(f"\n{file.path}")
        if not file.networks:
            print("  no network found" if not file.errors else "  not examined")
        for network in file.networks:
            print(f"  {network.target}: {network.status}")
            for label, text in (
                ("found", network.found),
                ("input", ", ".join(network.inputs) + (f" ({network.input_source})" if network.input_source else "")),
                ("why", network.reason),
                ("assumed", "; ".join(network.guesses)),
            ):
                if text:
                    print(f"    {label:<8}{text}")
    messages(report, quiet=False, verbose=False)
    return bool(report.failed)
