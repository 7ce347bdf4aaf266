"""Files and folders that systems and programs lay between people's images: they are neither images nor failures.

Nothing is judged by its content here: a thumbnail of a network drive is a sound JPEG, and still nobody's photograph.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

FOLDERS = (
    # macOS, and the servers that serve it
    "__MACOSX", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".Spotlight-V100", ".fseventsd", ".TemporaryItems",
    ".DocumentRevisions-V100", "Network Trash Folder", "*.photoslibrary/resources", "*.photolibrary/Thumbnails",
    # Windows
    "$RECYCLE.BIN", "RECYCLER", "System Volume Information", "FOUND.[0-9][0-9][0-9]",
    # Linux
    ".thumbnails", ".Trash*", "lost+found", ".xvpics", ".zfs",
    # Synology, QNAP, NetApp
    "@eaDir", "#recycle", "#snapshot", "@tmp", ".@__thumb", "@Recycle", "@Recently-Snapshot", ".@upload_cache",
    ".streams", ".snapshot", "~snapshot",
    # programs for photographs
    "*.lrdata", "*.lrcat-data", "CaptureOne/Cache", "*.cocatalog/Cache", ".dtrash", ".picasaoriginals",
    ".BridgeCache",
    # programs that synchronise, and those that keep versions
    ".stversions", ".stfolder", ".sync", ".dropbox.cache", ".tmp.driveupload", ".tmp.drivedownload", "_gsdata_",
    ".git", ".svn", ".hg", ".bzr", ".ipynb_checkpoints", "__pycache__",
)  # fmt: skip
"""Patterns of folders; one with ``/`` is of a folder and the one that it lies in. Capitals do not count."""

FILES = (
    ".DS_Store", "._*", ".localized", "Icon\r", ".VolumeIcon.icns", ".apdisk", ".Trash*", ".pending-*",
    "Thumbs.db", "Thumbs.db:*", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "*:Zone.Identifier", "~$*",
    ".directory", ".nomedia", ".thumbdata*", ".fuse_hidden*", ".nfs[0-9a-f]*", ".~lock.*#", "*@SynoEAStream",
    "*@SynoResource", ".picasa.ini", "Picasa.ini", "ZbThumbnail.info", ".BridgeSort", ".BridgeCache",
    ".BridgeCacheT", "digikam4.db", "thumbnails-digikam.db", ".dropbox", ".dropbox.attr", ".syncthing.*.tmp",
)  # fmt: skip
"""Patterns of files. Capitals do not count."""


def system_folder(path: str) -> str | None:
    """The pattern that a folder is known by, judged by its name and its parent's.

    >>> system_folder("a/@eaDir"), system_folder("b/CaptureOne/Cache"), system_folder("Cache")
    ('@eaDir', 'CaptureOne/Cache', None)
    """
    return _named(_FOLDERS, FOLDERS, path)


def system_file(name: str) -> str | None:
    """The pattern that a file is known by.

    >>> system_file("a/._1.jpg"), system_file("THUMBS.DB"), system_file("1.jpg")
    ('._*', 'Thumbs.db', None)
    """
    return _named(_FILES, FILES, name)


def system_part(name: str) -> tuple[str, str] | None:
    """The pattern by which a member of an archive is a system's, and the folder, or the file, that it is true of.

    >>> system_part("__MACOSX/a/._1.jpg"), system_part("a/1.jpg")
    (('__MACOSX', '__MACOSX/'), None)
    """
    parts = name.split("/")
    for count in range(1, len(parts)):
        folder = "/".join(parts[:count])
        if pattern := system_folder(folder):
            return pattern, f"{folder}/"
    pattern = system_file(name)
    return (pattern, name) if pattern else None


def _compiled(patterns: Sequence[str]) -> re.Pattern[str]:
    """All patterns in one, each a group of its own; a name is held against the end of a path."""
    ends = (f"({fnmatch.translate(pattern).replace('.*', '[^/]*')})" for pattern in patterns)
    return re.compile(f"(?:.*/)?(?:{'|'.join(ends)})", re.DOTALL | re.IGNORECASE)


_FOLDERS, _FILES = _compiled(FOLDERS), _compiled(FILES)


def _named(compiled: re.Pattern[str], patterns: Sequence[str], path: str) -> str | None:
    found = compiled.fullmatch("/".join(path.rsplit("/", 2)[-2:]))  # the name and its folder's are enough
    return patterns[(found.lastindex or 1) - 1] if found else None
