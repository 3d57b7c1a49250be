"""Is a folder a good place for a store: a local disk with space left?"""

import shutil
from pathlib import Path

NETWORK_TYPES = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "pvfs2", "smb2", "smb3", "smbfs"),
        *("fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"),
    )
)
MOUNTS = Path("/proc/mounts")


def network_type(folder: Path, mounts: str | None = None) -> str | None:
    """The file system's type if `folder` is on a network, else None.

    Args:
        folder: may not exist yet; its nearest existing parent counts.
        mounts: text in the form of `/proc/mounts`; None reads the machine's. Where there is no
            such file the answer is None.
    """
    if mounts is None:
        try:
            mounts = MOUNTS.read_text()
        except OSError:
            return None
    best, kind = -1, None
    target = folder.resolve()
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " ").replace("\\011", "\t"))
        # A later mount on the same point hides the earlier one.
        if target.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind if kind in NETWORK_TYPES else None


def nearest_existing(folder: Path) -> Path:
    """`folder` or the closest of its parents that exists."""
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def free_bytes(folder: Path) -> int | None:
    """Bytes that can still be written under `folder`, or None if nobody knows."""
    try:
        return shutil.disk_usage(nearest_existing(folder)).free
    except OSError:
        return None
