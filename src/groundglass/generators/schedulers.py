"""The words for schedulers in a recipe, and the classes of diffusers that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEDULERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "pndm": ("PNDMScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_a": ("EulerAncestralDiscreteScheduler", {}),
    "euler_karras": ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2_a": ("KDPM2AncestralDiscreteScheduler", {}),
    "dpmpp_2m": ("DPMSolverMultistepScheduler", {}),
    "dpmpp_2m_karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_2s": ("DPMSolverSinglestepScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "flow_euler": ("FlowMatchEulerDiscreteScheduler", {}),
    "flow_heun": ("FlowMatchHeunDiscreteScheduler", {}),
}
"""word → the class, and the settings with which it differs from the pipeline's own scheduler."""


def is_of_flows(kind: str) -> bool:
    """Whether a class of schedulers is for flow-matching models, which take no other, and no other model takes it.

    >>> is_of_flows("FlowMatchEulerDiscreteScheduler"), is_of_flows("DDIMScheduler")
    (True, False)
    """
    return kind.startswith("FlowMatch")


def schedulers_for(own: str) -> list[str]:
    """The words for the schedulers that fit a pipeline whose own scheduler has this class.

    >>> schedulers_for("FlowMatchEulerDiscreteScheduler")
    ['flow_euler', 'flow_heun']
    """
    return [word for word, (kind, _) in SCHEDULERS.items() if is_of_flows(kind) == is_of_flows(own)]
