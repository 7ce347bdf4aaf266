"""The table of metrics, as pyiqa has one."""

from __future__ import annotations

DEFAULT_CONFIGS = {
    "brightness": {"metric_mode": "NR", "score_range": "0, 1"},
    "darkness": {"metric_mode": "NR", "score_range": "~0, ~1", "lower_better": True},
    "crops": {"metric_mode": "NR"},
    "fid": {"metric_mode": "NR", "lower_better": True},
    "lpips": {"metric_mode": "FR", "lower_better": True, "score_range": "0, 1"},
}
