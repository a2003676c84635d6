"""Which server a model's name means, and what its requests carry."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from extractor.errors import UsageError
from extractor.llm import keys


@dataclass(frozen=True, slots=True)
class _Compatible:
    """A provider that speaks OpenAI's chat completions: where, and which variables say otherwise."""

    base_url: str | None
    base_variable: str
    key_header: str = "Authorization"
    hosted: bool = False


# Names and variables are litellm's, so that a model is named alike on both ways.
_COMPATIBLE = {
    "openai": _Compatible("https://api.openai.com/v1", "OPENAI_BASE_URL", hosted=True),
    "azure": _Compatible(None, "AZURE_API_BASE", key_header="api-key", hosted=True),
    "ollama": _Compatible("http://127.0.0.1:11434/v1", "OLLAMA_API_BASE"),
    "ollama_chat": _Compatible("http://127.0.0.1:11434/v1", "OLLAMA_API_BASE"),
    "hosted_vllm": _Compatible("http://127.0.0.1:8000/v1", "HOSTED_VLLM_API_BASE"),
    "lm_studio": _Compatible("http://127.0.0.1:1234/v1", "LM_STUDIO_API_BASE"),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model and the server that has it.

    `model` is the name as given (`openai/gpt-...`), `served_as` the name on the wire. `base_url` is None where the provider's
    own address is meant and litellm knows it. `direct` endpoints speak OpenAI's chat completions and need no litellm.
    """

    model: str
    provider: str
    served_as: str
    base_url: str | None
    direct: bool
    key_variable: str
    key_header: str
    key_required: bool

    @property
    def where(self) -> str:
        """The server in words, for messages."""
        return self.base_url or self.provider

    @property
    def is_private(self) -> bool:
        """Whether the server is on this machine or in its network, by its address."""
        return _is_private(self.base_url)

    @property
    def constrains_decoding(self) -> bool:
        """Whether the engine is taken to compile a schema per request: on this machine or network, or local by name."""
        return self.direct and (not _COMPATIBLE[self.provider].hosted or self.is_private)

    @property
    def priced(self) -> bool:
        """Whether published prices hold: at the provider's own address and on Azure. A server elsewhere has its own."""
        own = _COMPATIBLE[self.provider].base_url if self.direct else None
        return self.provider == "azure" or self.base_url == own


def resolve(model: str, base_url: str | None = None, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Find the endpoint of a model named as litellm names it. Raises `UsageError` for a name or address that can't be one."""
    provider, slash, served_as = model.partition("/")
    if not (provider and slash and served_as):
        raise UsageError(f"the model {model!r} names no provider. Write it as PROVIDER/NAME, for instance openai/{model}.")
    compatible = _COMPATIBLE.get(provider)
    if compatible is None:
        address = _base_url(base_url, provider) if base_url else None
        return Endpoint(model, provider, model, address, False, keys.variable(provider), "", False)
    chosen = base_url or environ.get(compatible.base_variable) or compatible.base_url
    if chosen is None:
        fix = f"Give --base-url https://NAME.openai.azure.com, or set {compatible.base_variable}."
        raise UsageError(f"no address for {model}. {fix}")
    address = _base_url(chosen, provider)
    required = compatible.hosted and not _is_private(address) and (provider == "azure" or address == compatible.base_url)
    variable = keys.variable("ollama" if provider == "ollama_chat" else provider)
    return Endpoint(model, provider, served_as, address, True, variable, compatible.key_header, required)


def _base_url(url: str, provider: str) -> str:
    """The address up to where `/chat/completions` is appended; a bare host gets the path that servers of its kind have.

    What is wrong with an address is told without showing it: it can hold a password, wherever that ends.
    """
    if wrong := _wrong_with(url):
        raise UsageError(f"the base URL is not an http address: {wrong}. Write it as http://HOST:PORT/v1.")
    parts = urlsplit(url)
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    if provider == "azure" and not path.endswith("/openai/v1"):
        path = path.removesuffix("/openai") + "/openai/v1"
    elif provider in _COMPATIBLE and not path:
        path = "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


_ADDRESS = re.compile(r"https?://(?P<host>\[[^\]]*\]|[^/:]*)(?::(?P<port>[^/]*))?(?:/.*)?", re.IGNORECASE)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def _wrong_with(url: str) -> str | None:
    """Why an address cannot be called; None for one that can."""
    if any(char in url for char in "@?#"):
        return "it holds more than an address, and keys go into the environment or the key file"
    if not url.isprintable() or any(char.isspace() or char in r"\%*" for char in url):
        return "it holds characters that an address has not"
    found = _ADDRESS.fullmatch(url)
    if found is None or not found["host"]:
        return "it does not begin with http:// and a host"
    if (port := found["port"]) is not None and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536):
        return "its port is not a number from 1 to 65535"
    host = found["host"]
    try:
        if host.startswith("["):
            IPv6Address(host[1:-1])
            return None
        name = host.encode("idna").decode("ascii").removesuffix(".")
    except ValueError:
        return "its host cannot be one"
    known = len(name) <= 253 and host.count(".") == host.encode("idna").count(b".")
    return None if known and all(_LABEL.fullmatch(label) for label in name.split(".")) else "its host cannot be one"


def _is_private(url: str | None) -> bool:
    host = urlsplit(url or "").hostname or ""
    if host == "localhost" or host.endswith((".localhost", ".local")):
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return False
