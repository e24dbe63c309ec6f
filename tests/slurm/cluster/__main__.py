"""`python -m tests.slurm.cluster build`: builds the tree if need be, and names what it holds.

`run` starts the cluster too and becomes `flagctl up` on it, with the words that follow.
"""

import argparse
import sys

from tests.slurm.cluster.tree import ClusterError, build, cache_in_use, versions
from tests.slurm.cluster.trying import become_flagctl_up


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.slurm.cluster", description=__doc__)
    parser.add_argument("what", choices=["build", "run"])
    options, words = parser.parse_known_args()
    try:
        tree = build(cache_in_use())
        found = ", ".join(f"{name} {text}" for name, text in versions(tree).items())
        sys.stderr.write(f"slurm test cluster: {found}\n")
        if options.what == "run":
            become_flagctl_up(words)
    except ClusterError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
