"""gpt-oss: configuration, network, checkpoints, and the engines that generate with them.

Read in this order: config, transformer, checkpoint, cache, batch, sampler, constrain, engine, request, scheduler,
engines/torch. Importing this
package imports no torch.
"""

from .config import GPT_OSS_20B, GPT_OSS_120B, ModelConfig, RopeScaling
from .engine import Capabilities, Dense, Mask, Sampled, Sampling, TokenEngine
from .engines.scripted import ScriptedEngine
from .errors import CheckpointError, ConfigError, ConstraintError, ModelError
from .resolve import DEFAULT, LocalModel, find, resolve

__all__ = [
    "DEFAULT",
    "GPT_OSS_20B",
    "GPT_OSS_120B",
    "Capabilities",
    "CheckpointError",
    "ConfigError",
    "ConstraintError",
    "Dense",
    "LocalModel",
    "Mask",
    "ModelConfig",
    "ModelError",
    "RopeScaling",
    "Sampled",
    "Sampling",
    "ScriptedEngine",
    "TokenEngine",
    "find",
    "resolve",
]
