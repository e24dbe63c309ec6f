"""`python -m tests.slurm.cluster build`: builds the tree if need be, and names what it holds."""

import argparse
import sys

from tests.slurm.cluster.tree import ClusterError, build, cache_in_use, versions


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.cluster", description=__doc__)
    parser.add_argument("what", choices=["build"])
    parser.parse_args()
    try:
        tree = build(cache_in_use())
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = ", ".join(f"{name} {text}" for name, text in versions(tree).items())
    sys.stderr.write(f"slurm test cluster: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
