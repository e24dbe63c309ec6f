"""The first step inside the new namespaces: puts the tree together and changes into it.

`python enter.py TREE MOUNT_POINT FILES`: the tree stays as it was built; what the cluster writes
goes to memory above it, and vanishes with the namespace. Run as a script, in a namespace only.
"""

import ctypes
import os
import shutil
import sys
from pathlib import Path

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MEMORY_LIMIT = "size=2g"


def mount(source: str, target: Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(
        source.encode(), str(target).encode(), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"can't mount {source} on {target}: {os.strerror(number)}")


def layered(tree: Path, mount_point: Path) -> Path:
    """Return the tree with memory above it, so that nothing written stays."""
    mount("none", Path("/"), flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", mount_point, "tmpfs", MS_NOSUID | MS_NODEV, MEMORY_LIMIT)
    upper, work, root = (mount_point / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    mount("overlay", root, "overlay", 0, f"lowerdir={tree},upperdir={upper},workdir={work}")
    mount("proc", root / "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount("/sys", root / "sys", flags=MS_BIND | MS_REC)
    mount("tmpfs", root / "run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    mount("/dev", root / "dev", flags=MS_BIND | MS_REC)
    return root


def copy_files(files: Path, root: Path) -> None:
    """Put the cluster's configuration where Slurm looks for it."""
    target = root / "etc" / "slurm"
    target.mkdir(exist_ok=True)
    for source in files.iterdir():
        shutil.copy(source, target / source.name)
        (target / source.name).chmod(0o644)
    shutil.chown(target / "slurmdbd.conf", *_ids(root, "slurm"))
    (target / "slurmdbd.conf").chmod(0o600)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost node1\n", encoding="utf-8")


def _ids(root: Path, user: str) -> tuple[int, int]:
    for line in (root / "etc" / "passwd").read_text(encoding="utf-8").splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return int(uid), int(gid)
    raise LookupError(f"the tree has no user {user}")


def main(tree: Path, mount_point: Path, files: Path) -> None:
    script = Path(__file__).with_name("within.py").read_text(encoding="utf-8")
    root = layered(tree, mount_point)
    copy_files(files, root)
    os.chroot(root)
    os.chdir("/")
    python = "/usr/bin/python3"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    os.execve(python, [python, "-c", script], environment)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
