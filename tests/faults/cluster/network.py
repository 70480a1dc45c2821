"""Machines as network namespaces: each on a front and a back network, whose cables can be pulled.

This process moves into a namespace of its own, the machine of the load balancer and of the visitors. It needs root, and
changes nothing in the network of the real machine.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

FRONT, BACK = "10.77.1", "10.77.2"
BRIDGES = {FRONT: "front", BACK: "back"}


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Machine:
    """One machine.

    Attributes:
        name: of it.
        number: the last part of its addresses.
        networks: those that it is on.
    """

    name: str
    number: int
    networks: tuple[str, ...]

    @property
    def namespace(self) -> str:
        return f"us{os.getpid()}-{self.name}"

    @property
    def enter(self) -> list[str]:
        """What a command begins with that runs on it."""
        return ["ip", "netns", "exec", self.namespace]

    def address(self, network: str) -> str:
        return f"{network}.{self.number}"

    def make(self) -> None:
        ip("netns", "add", self.namespace)
        ip("-n", self.namespace, "link", "set", "lo", "up")
        for network in self.networks:
            bridge, cable = BRIDGES[network], self._cable(network)
            ip("link", "add", cable, "type", "veth", "peer", "name", bridge, "netns", self.namespace)
            ip("link", "set", cable, "master", bridge, "up")
            ip("-n", self.namespace, "addr", "add", f"{self.address(network)}/24", "dev", bridge)
            ip("-n", self.namespace, "link", "set", bridge, "up")

    @contextlib.contextmanager
    def cut_off(self, *networks: str) -> Iterator[None]:
        """Its cables are pulled: what was sent is lost, and nothing tells the other side."""
        for network in networks or self.networks:
            ip("link", "set", self._cable(network), "down")
        try:
            yield
        finally:
            for network in networks or self.networks:
                ip("link", "set", self._cable(network), "up")

    def _cable(self, network: str) -> str:
        return f"{BRIDGES[network]}{self.number}"


@contextlib.contextmanager
def connected(*machines: Machine) -> Iterator[None]:
    """Makes the networks with these machines on them."""
    os.unshare(os.CLONE_NEWNET)
    ip("link", "set", "lo", "up")
    for network, bridge in BRIDGES.items():
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{network}.1/24", "dev", bridge)
        ip("link", "set", bridge, "up")
    try:
        for machine in machines:
            machine.make()
        yield
    finally:
        for machine in machines:
            subprocess.run(["ip", "netns", "del", machine.namespace], check=False, capture_output=True)
