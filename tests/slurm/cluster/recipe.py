"""What the tree is made of. Changing this file, or pyslurm.txt, builds it anew."""

from typing import Final

SUITE: Final = "forky"
PACKAGES: Final = (
    *("slurmctld", "slurmd", "slurmdbd", "slurm-client", "slurm-wlm-basic-plugins"),
    *("slurm-wlm-mysql-plugin", "libslurm-dev", "mariadb-server", "munge", "iproute2"),
    *("python3", "python3-venv", "python3-dev", "gcc", "libc6-dev"),
    *("cython3", "python3-setuptools", "python3-wheel", "python3-packaging"),
)
# pyslurm is older than this Slurm. The first is Slurm's own switch for callers of the older API;
# the two others are a function that was renamed and a constant that went away.
PYSLURM_CFLAGS: Final = (
    "-DSLURM_BACKWARD_COMPAT -Dslurm_free_ctl_conf=slurm_free_conf"
    " -DESLURM_ERROR_ON_DESC_TO_RECORD_COPY=2999 -w -O1"
)

SERVICE_USER: Final = "flagctl"
USERS: Final = (SERVICE_USER, "stranger")
GROUP: Final = "wheelers"
