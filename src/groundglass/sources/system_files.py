"""Files and folders that systems and programs leave among people's images: they are neither images nor failures.

Only names decide here, not content: a thumbnail on a network drive is a sound JPEG, but not a photo.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence

FOLDERS = (
    # macOS, and servers for it
    "__MACOSX", ".AppleDouble", ".AppleDB", ".AppleDesktop", ".Spotlight-V100", ".fseventsd", ".TemporaryItems",
    ".DocumentRevisions-V100", "Network Trash Folder", "*.photoslibrary/resources", "*.photolibrary/Thumbnails",
    # Windows
    "$RECYCLE.BIN", "RECYCLER", "System Volume Information", "FOUND.[0-9][0-9][0-9]",
    # Linux
    ".thumbnails", ".Trash*", "lost+found", ".xvpics", ".zfs",
    # Synology, QNAP, NetApp
    "@eaDir", "#recycle", "#snapshot", "@tmp", ".@__thumb", "@Recycle", "@Recently-Snapshot", ".@upload_cache",
    ".streams", ".snapshot", "~snapshot",
    # photo programs
    "*.lrdata", "*.lrcat-data", "CaptureOne/Cache", "*.cocatalog/Cache", ".dtrash", ".picasaoriginals",
    ".BridgeCache",
    # programs that synchronise or keep versions
    ".stversions", ".stfolder", ".sync", ".dropbox.cache", ".tmp.driveupload", ".tmp.drivedownload", "_gsdata_",
    ".git", ".svn", ".hg", ".bzr", ".ipynb_checkpoints", "__pycache__",
)  # fmt: skip
"""Patterns of folders; one with ``/`` matches a folder and its parent. Case does not matter."""

FILES = (
    ".DS_Store", "._*", ".localized", "Icon\r", ".VolumeIcon.icns", ".apdisk", ".Trash*", ".pending-*",
    "Thumbs.db", "Thumbs.db:*", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "*:Zone.Identifier", "~$*",
    ".directory", ".nomedia", ".thumbdata*", ".fuse_hidden*", ".nfs[0-9a-f]*", ".~lock.*#", "*@SynoEAStream",
    "*@SynoResource", ".picasa.ini", "Picasa.ini", "ZbThumbnail.info", ".BridgeSort", ".BridgeCache",
    ".BridgeCacheT", "digikam4.db", "thumbnails-digikam.db", ".dropbox", ".dropbox.attr", ".syncthing.*.tmp",
)  # fmt: skip
"""Patterns of files. Case does not matter."""


def system_folder(path: str) -> str | None:
    """The pattern that matches a folder, by its name and its parent's.

    >>> system_folder("a/@eaDir"), system_folder("b/CaptureOne/Cache"), system_folder("Cache")
    ('@eaDir', 'CaptureOne/Cache', None)
    """
    return _named(_FOLDERS, FOLDERS, path)


def system_file(name: str) -> str | None:
    """The pattern that matches a file.

    >>> system_file("a/._1.jpg"), system_file("THUMBS.DB"), system_file("1.jpg")
    ('._*', 'Thumbs.db', None)
    """
    return _named(_FILES, FILES, name)


def system_part(name: str) -> tuple[str, str] | None:
    """The pattern that matches a member of an archive, and the folder, or the file, that it applies to.

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
    """All patterns in one, each in its own group; they are matched against the end of a path."""
    ends = (f"({fnmatch.translate(pattern).replace('.*', '[^/]*')})" for pattern in patterns)
    return re.compile(f"(?:.*/)?(?:{'|'.join(ends)})", re.DOTALL | re.IGNORECASE)


_FOLDERS, _FILES = _compiled(FOLDERS), _compiled(FILES)


def _named(compiled: re.Pattern[str], patterns: Sequence[str], path: str) -> str | None:
    # The file's and its folder's name suffice.
    found = compiled.fullmatch("/".join(path.rsplit("/", 2)[-2:]))
    return patterns[(found.lastindex or 1) - 1] if found else None
