"""Low-rank adapters (Hu et al. 2022) on a shared U-Net: several networks in the memory of one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from seal2real.errors import Seal2RealError
from seal2real.weights import load_into, read_json, save_module

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")  # the projections of self- and cross-attention
_FILE = "adapter"  # folder of an adapter's weights, inside a folder that names its base


class Adapter(nn.Module):
    """A U-Net seen through an adapter of its own: called, it is the base with the adapter on; the base itself stays as
    it was, and the weights of the base are not among this module's parameters, nor in its state.

    Args:
        unet: the base (``UNet2DConditionModel``), frozen.
        name: of the adapter; one of that name is replaced.
        rank: of its matrices.
    """

    def __init__(self, unet: Any, name: str, rank: int):
        super().__init__()
        from peft import LoraConfig

        self.config = {"name": name, "rank": rank}
        self._unet = (unet,)  # in a tuple, so that it is no submodule
        kept = [(parameter, parameter.requires_grad) for parameter in unet.parameters()]
        if name in getattr(unet, "peft_config", {}):
            unet.delete_adapters(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of peft, that there is another adapter: so it is meant
            unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS)), adapter_name=name)
        own = {key: p for key, p in unet.named_parameters() if f".{name}." in key}
        if not own:
            raise Seal2RealError(f"this U-Net has no attention ({', '.join(TARGETS)}) that an adapter could change")
        for parameter in own.values():  # peft gives them the base's type; bf16 cannot take small steps
            parameter.data = parameter.data.float()
        # a name may hold no dot
        self.weights = nn.ParameterDict({key.replace(".", "/"): parameter for key, parameter in own.items()})
        for parameter, learns in kept:
            parameter.requires_grad_(learns)
        self.weights.requires_grad_(True)
        self._layers = _adapted_layers(unet, name)
        _switch(self._layers, [([name], False)] * len(self._layers))

    @property
    def unet(self) -> Any:
        """The base."""
        return self._unet[0]

    @property
    def conv_in(self) -> nn.Module:
        """Of the base."""
        module: nn.Module = self.unet.conv_in
        return module

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """As the base's, with the adapter on."""
        with self.on():
            return self.unet(*inputs, **options)

    @contextmanager
    def on(self) -> Iterator[None]:
        """The base has this adapter on inside, and is afterwards as it was."""
        before = _states(self._layers)
        _switch(self._layers, [([str(self.config["name"])], True)] * len(before))
        try:
            yield
        finally:
            _switch(self._layers, before)

    def merge(self) -> None:
        """Add the adapter to the base's weights and take it away: a plain U-Net again. The base is to be fp32."""
        name = str(self.config["name"])
        with self.on():
            self.unet.fuse_lora(adapter_names=[name])
        self.unet.unload_lora()

    def save(self, folder: Path, base: str) -> None:
        """Write the adapter and the name of its base; `load_adapted` reads it."""
        save_module(self, folder / _FILE, {**self.config, "base": base})


def is_adapted(folder: Path) -> bool:
    """Whether `Adapter.save` wrote this folder."""
    return (folder / _FILE / "config.json").is_file()


def base_of(folder: Path) -> str:
    """The name of the backbone that the adapter in this folder changes."""
    return str(read_json(folder / _FILE / "config.json")["base"])


def merge_adapter(unet: Any, folder: Path) -> None:
    """Add the adapter that `Adapter.save` wrote to a U-Net's weights.

    Raises:
        Seal2RealError: it is the adapter of another U-Net.
    """
    config = read_json(folder / _FILE / "config.json")
    adapter = Adapter(unet, str(config["name"]), int(config["rank"]))
    load_into(adapter, folder / _FILE / "model.safetensors")
    adapter.merge()


def checkpoint_blocks(unet: Any) -> None:
    """Keep only the inputs of the U-Net's blocks for the backward pass and compute the rest again (Chen et al. 2016).

    A block is computed again as it was computed first: with its adapter on or off, whatever it is by then.
    """

    def again(module: nn.Module, *inputs: Any) -> Any:
        layers = _adapted_layers(module)
        first = _states(layers)

        def run(*values: Any) -> Any:
            now = _states(layers)
            _switch(layers, first)
            try:
                return module(*values)
            finally:
                _switch(layers, now)

        return checkpoint(run, *inputs, use_reentrant=False)

    unet.enable_gradient_checkpointing(again)


def _adapted_layers(module: nn.Module, name: str | None = None) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [m for m in module.modules() if isinstance(m, LoraLayer) and (name is None or name in m.lora_A)]


def _states(layers: list[Any]) -> list[tuple[list[str], bool]]:
    return [(list(layer.active_adapters), not layer.disable_adapters) for layer in layers]


def _switch(layers: list[Any], states: list[tuple[list[str], bool]]) -> None:
    """Set (active adapters, on) of each layer; which weights learn stays as it is, unlike with peft's own calls."""
    for layer, (active, on) in zip(layers, states, strict=True):
        if (list(layer.active_adapters), not layer.disable_adapters) == (active, on):
            continue
        kept = [(parameter, parameter.requires_grad) for parameter in layer.parameters()]
        layer.set_adapter(active)
        layer.enable_adapters(on)
        for parameter, learns in kept:
            parameter.requires_grad_(learns)
