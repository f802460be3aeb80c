#!/usr/bin/env python3
"""Writes the simulator's machines and event logs: python3 generate.py [--check]

The results are committed, so that tests need no Python. With --check nothing
is written and the exit status says whether the committed files are current.
"""

import sys
from pathlib import Path

from machines import EVENT_LOGS, MACHINES

HERE = Path(__file__).resolve().parent


def outputs():
    for name, describe in MACHINES.items():
        yield HERE / "machines" / f"{name}.emu", describe().text()
    for name, describe in EVENT_LOGS.items():
        yield HERE / "sel" / f"{name}.sel", describe().text()


def main():
    check = sys.argv[1:] == ["--check"]
    stale = 0
    for path, text in outputs():
        if check:
            if not path.exists() or path.read_text() != text:
                stale += 1
                print(f"not current: {path}")
        else:
            path.write_text(text)
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main()
