"""The command line of the mutation tests: a sample of mutants, each against the tests that can see its module."""

from __future__ import annotations

import argparse

from .run import Run


def main() -> int:
    """Run a sample; return 1 when the score is below the threshold."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=60, help="mutants to run; 0 runs all (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default 1)")
    parser.add_argument("--only", default="", help="only files whose path contains this text")
    parser.add_argument("--at-least", type=float, default=0.0, help="percentage that must be killed (default 0)")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time (default 2)")
    parser.add_argument("--equivalent", action="store_true", help="run the listed equivalents; none may be killed")
    parser.add_argument("--list", action="store_true", help="print the sample, run nothing")
    given = parser.parse_args()
    run = Run(given.only, given.jobs)
    if given.equivalent:
        return run.check_equivalents()
    sample = run.sample(given.sample, given.seed)
    if given.list:
        print(*sample, sep="\n")
        return 0
    return run.score(sample, given.at_least)


if __name__ == "__main__":
    raise SystemExit(main())
