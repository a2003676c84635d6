"""One request, one answer: over a pooled aiohttp session, or through litellm. Both raise openai's exceptions, none retries."""

import asyncio
import json
import logging
import os
import re
import ssl
import warnings
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import SecretStr
from pydantic_core import from_json

from extractor._version import __version__
from extractor.errors import JobError
from extractor.llm.completions import BrokenCompletionError, Completion, NoChoiceError, NotACompletionError
from extractor.llm.endpoints import Endpoint
from extractor.llm.redaction import Redaction
from extractor.llm.refusals import Refusal
from extractor.llm.retries import TooLargeError, cassette_miss, chain
from extractor.llm.structured import Message, Template

if TYPE_CHECKING:
    import httpx
    from aiohttp import ClientResponse, ClientSession

LONGEST_BODY = 4 * 2**20
"""Bytes of an answer that are read, decompressed; the longest reply that a model writes is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a call is given up: to connect, to hear the first byte (or the next), and in all.

    A completion that is not streamed sends its first byte when the model is done, so the second is the time a model may think.
    """

    connect: float = 10.0
    first_byte: float = 300.0
    total: float | None = 600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion and the headers that came with it, names in lower case."""

    completion: Completion
    headers: Mapping[str, str]


_CONTENT = {"Content-Type": "application/json"}


class Direct:
    """OpenAI's chat completions, posted with aiohttp: a tenth of the openai client's CPU for the same request."""

    def __init__(self, endpoint: Endpoint, key: SecretStr | None, timeouts: Timeouts, redaction: Redaction) -> None:
        self._url = f"{endpoint.base_url}/chat/completions"
        self._endpoint = endpoint
        self._key = key
        self._redaction = redaction
        self._timeouts = timeouts
        self._session: ClientSession | None = None

    async def send(self, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> Answer:
        """Post the request and read the whole answer. Raises an exception of openai, or a subclass of one."""
        from aiohttp import ClientError

        session = self._session or self._open()
        try:
            body = template.body(messages, schema)
            # A redirect would carry the key to wherever it points.
            async with session.post(self._url, data=body, headers=_CONTENT, allow_redirects=False) as response:
                content = self._redaction.content(await whole(response))
                status, headers = response.status, {name.lower(): value for name, value in response.headers.items()}
        except TimeoutError as error:  # aiohttp's timeouts are subclasses, also where they are connection errors
            raise_unreached(self._url, error, timeout=True)
        except (ClientError, OSError) as error:
            raise_unreached(self._url, error)
        if not 200 <= status < 300:
            raise_status(self._url, status, headers, content)
        raw = _parsed(content)
        if raw is None:
            kind = headers.get("content-type", "no content type").partition(";")[0]
            _raise_invalid(self._url, headers, f"no JSON but {kind}")
        return _answer(self._url, raw, headers)

    async def close(self) -> None:
        """Close the session and its connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self) -> "ClientSession":
        headers = {}
        if self._key is not None:
            secret, header = self._key.get_secret_value(), self._endpoint.key_header
            headers[header] = f"Bearer {secret}" if header == "Authorization" else secret
        self._session = open_session(self._endpoint, self._url, headers, self._timeouts)
        return self._session


class ThroughLiteLLM:
    """Every other provider: litellm's `acompletion`, which translates the request and the reply."""

    def __init__(self, endpoint: Endpoint, key: SecretStr | None, timeouts: Timeouts, redaction: Redaction) -> None:
        if endpoint.provider not in import_litellm().provider_list:
            raise JobError(f"no provider is called {endpoint.provider!r}", "Name the model as litellm does, PROVIDER/NAME.")
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._fixed: dict[str, Any] = {"num_retries": 0, "max_retries": 0}
        if endpoint.base_url:
            self._fixed["api_base"] = endpoint.base_url
        self._key = key
        self._redaction = redaction

    async def send(self, template: Template, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> Answer:
        """Have litellm send the request."""
        litellm = import_litellm()
        import httpx

        self._fixed.setdefault("timeout", httpx.Timeout(self._timeouts.first_byte, connect=self._timeouts.connect))
        request = {**template.request(messages, schema), **self._fixed}
        if self._key is not None:
            request["api_key"] = self._key.get_secret_value()
        try:
            async with asyncio.timeout(self._timeouts.total):
                reply = await litellm.acompletion(**request)
        except TimeoutError as error:
            raise_unreached(self._endpoint.where, error, timeout=True)
        except Exception as error:
            _raise_plainly(self._endpoint.where, error, self._redaction)
            raise
        additional = (getattr(reply, "_hidden_params", None) or {}).get("additional_headers") or {}
        headers = {str(name).lower().removeprefix("llm_provider-"): str(value) for name, value in additional.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydantic's, of tool calls that are not what litellm's classes say
            content = json.dumps(reply.model_dump(), default=str).encode("utf-8", "replace")
        return _answer(self._endpoint.where, _parsed(self._redaction.content(content)), headers)

    async def close(self) -> None:
        """Close litellm's clients, which are shared by the process and opened again when needed."""
        litellm = import_litellm()
        await litellm.close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()


Transport = Direct | ThroughLiteLLM


@cache
def import_litellm() -> Any:
    """litellm (4 to 6 s at its first import) without its habits: fetching tables, reading `.env`, telemetry, advice."""
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")  # anything but DEV leaves the .env of the working directory alone
    for table in ("MODEL_COST_MAP", "ANTHROPIC_BETA_HEADERS", "BLOG_POSTS"):
        os.environ.setdefault(f"LITELLM_LOCAL_{table}", "True")
    import litellm

    _bound_clients()
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    for name in ("LiteLLM", "LiteLLM Proxy", "LiteLLM Router"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # its errors quote requests; ours say the same without
    return litellm


async def whole(response: "ClientResponse") -> bytes:
    """A body that is not longer than it may be; aiohttp decompresses it in steps. Raises `TooLargeError`."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > LONGEST_BODY:
            response.close()
            raise TooLargeError(LONGEST_BODY)
    return bytes(content)


@cache
def _bounded() -> Any:
    """The class of a body that is not longer than it may be, decompressed in steps; httpx is imported by who needs it."""
    import httpx

    class Bounded(httpx.AsyncByteStream):
        def __init__(self, response: httpx.Response) -> None:
            self._stream: Any = response.stream
            packed = response.headers.get("content-encoding", "").strip().lower() in {"gzip", "x-gzip", "deflate"}
            self._unpacker = zlib.decompressobj(47) if packed else None  # 47: gzip or zlib
            if packed:
                del response.headers["content-encoding"]

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = LONGEST_BODY
            async for chunk in self._stream:
                content = chunk if self._unpacker is None else self._unpacker.decompress(chunk, left + 1)
                left -= len(content)
                if left < 0:
                    raise TooLargeError(LONGEST_BODY)
                yield content

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Bounded


async def _hold_back(response: "httpx.Response") -> None:
    """For each answer to a client of litellm's: a redirect would carry the key to wherever it points, a body may be endless."""
    response.headers.pop("location", None)
    response.stream = _bounded()(response)


def _bound_clients() -> None:
    """See to it that the clients which litellm makes hold back: they are made in four places, which have no other door."""
    import httpx
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler, HTTPHandler
    from litellm.llms.openai.common_utils import BaseOpenAILLM

    def hold(maker: type, name: str) -> None:
        make = getattr(maker, name)

        def made(*args: Any, **kwargs: Any) -> Any:
            client = make(*args, **kwargs)
            if client is not None:
                client.follow_redirects = False
            if isinstance(client, httpx.AsyncClient):
                client.event_hooks = {**client.event_hooks, "response": [*client.event_hooks["response"], _hold_back]}
            return client

        setattr(maker, name, staticmethod(made) if isinstance(vars(maker)[name], staticmethod) else made)

    for maker in (AsyncHTTPHandler, HTTPHandler):
        hold(maker, "create_client")
    for name in ("_get_async_http_client", "_get_sync_http_client"):
        hold(BaseOpenAILLM, name)


def raise_unreached(url: str, error: Exception, timeout: bool = False) -> NoReturn:
    """Raise openai's class for a server that was not reached or did not answer."""
    import httpx
    from openai import APIConnectionError, APITimeoutError

    request = httpx.Request("POST", _address(url))
    if timeout:
        raise APITimeoutError(request) from error
    raise APIConnectionError(message=_reason(error), request=request) from error


# What litellm raises when it cannot make sense of an answer.
_UNREADABLE = {"APIConnectionError", "APIError", "APIResponseValidationError", "BadRequestError", "InternalServerError"}


def _raise_plainly(where: str, error: Exception, redaction: Redaction) -> None:
    """Raise what the aiohttp way would have raised, where an exception of litellm's tells enough.

    litellm gives a status to what no server answered, files some errors under others' classes, drops Retry-After, and quotes
    the reply in its messages; the exceptions that it wraps do none of this.
    """
    import httpx
    from aiohttp import ClientError

    below = list(chain(error))
    if cassette_miss(error) or any(isinstance(each, httpx.TimeoutException) for each in below):
        return
    if too_large := next((each for each in below if isinstance(each, TooLargeError)), None):
        raise too_large
    for each in below:
        response = getattr(each, "response", None)
        is_plain = isinstance(each, httpx.HTTPStatusError) or type(each).__module__.startswith("openai")
        if is_plain and isinstance(response, httpx.Response) and response.status_code >= 300:
            headers = {name.lower(): value for name, value in response.headers.items()}
            content = response.content if response.is_stream_consumed or response.is_closed else b""
            raise_status(where, response.status_code, headers, redaction.content(content))
    for each in below:
        if isinstance(each, ClientError | zlib.error):
            raise_unreached(where, each)
    if type(error).__name__ in _UNREADABLE and any(isinstance(each, ValueError | KeyError) for each in below[1:]):
        _raise_invalid(where, {}, "something that litellm cannot read")


def raise_status(url: str, status: int, headers: Mapping[str, str], content: bytes) -> NoReturn:
    """Raise the class that openai's client raises for a status, with the server's message and without its headers' secrets."""
    import httpx
    import openai

    kinds: dict[int, type[openai.APIStatusError]] = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        409: openai.ConflictError,
        422: openai.UnprocessableEntityError,
        429: openai.RateLimitError,
    }
    refusal = Refusal.of(content)
    response = httpx.Response(status, headers=_waits(headers), request=httpx.Request("POST", _address(url)))
    kind = kinds.get(status, openai.InternalServerError if status >= 500 else openai.APIStatusError)
    phrase = response.reason_phrase
    said = phrase if refusal.said.lower() == phrase.lower() else refusal.said or phrase
    raise kind(said, response=response, body=refusal)


def _raise_invalid(url: str, headers: Mapping[str, str], what: str, empty: bool = False) -> NoReturn:
    """Raise openai's class for an answer that is not a completion; its body is set if the server speaks the protocol."""
    import httpx
    from openai import APIResponseValidationError

    response = httpx.Response(200, headers=_waits(headers), request=httpx.Request("POST", _address(url)))
    raise APIResponseValidationError(response, {"choices": []} if empty else None, message=what)


def _parsed(content: bytes) -> Any:
    """The JSON of a body; None for what is not JSON."""
    try:
        return from_json(
            content
        )  # a third of the time of `json`, which reads some bodies more: other encodings, lone surrogates
    except ValueError:
        pass
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        pass
    try:  # half a character, a number of more digits than Python reads
        text = content.decode("utf-8", "replace").rstrip("\0")
        return json.loads(text, parse_int=lambda digits: int(digits) if len(digits) < 20 else -1)
    except (ValueError, RecursionError):
        return None


def _answer(url: str, raw: object, headers: Mapping[str, str]) -> Answer:
    """The completion in an answer, or the exception of a server that has answered with an error, or with something else."""
    try:
        return Answer(Completion.of(raw), headers)
    except BrokenCompletionError as error:
        # Some gateways answer 200 and put the provider's status inside.
        inner = error.body.get("error")
        bodies = [each for each in (inner, error.body) if isinstance(each, dict)]
        codes = [each.get(name) for each in bodies for name in ("code", "status", "status_code")]
        status = next((int(str(code)) for code in codes if re.fullmatch(r"[45]\d\d", str(code))), 502)
        raise_status(url, status, headers, json.dumps(error.body).encode())
    except NotACompletionError as error:
        _raise_invalid(url, headers, str(error), empty=isinstance(error, NoChoiceError))


def _waits(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that a verdict reads."""
    return {name: headers[name] for name in ("retry-after", "retry-after-ms") if name in headers}


def _address(where: str) -> str:
    return where if "://" in where else "https://provider.invalid"


def _reason(error: Exception) -> str:
    """Why a server was not reached, in a few words."""
    import aiohttp

    if isinstance(error, aiohttp.ClientPayloadError):
        return "the answer broke off in the middle"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    if isinstance(error, zlib.error):
        return "the answer cannot be unpacked"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host name is not known"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no trusted TLS connection"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return type(error).__name__


def open_session(endpoint: Endpoint, url: str, headers: Mapping[str, str], timeouts: Timeouts) -> "ClientSession":
    """A pool of connections to an endpoint, without cookies, that sends these headers with every request."""
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

    parts = urlsplit(url)
    return ClientSession(
        # The limiter bounds what is under way; a second bound here would only hide it.
        connector=TCPConnector(limit=0, ssl=certificates() if parts.scheme == "https" else True),
        timeout=ClientTimeout(total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.first_byte),
        headers={"Accept": "application/json", "User-Agent": f"extractor/{__version__}", **headers},
        cookie_jar=DummyCookieJar(),
        # aiohttp's own trust_env looks into the environment and .netrc for every request; once is enough.
        proxy=proxy_for(endpoint, parts.scheme, parts.netloc),
    )


def certificates() -> ssl.SSLContext:
    """The system's trusted certificates and certifi's: some Python builds bring none of their own."""
    context = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def proxy_for(endpoint: Endpoint, scheme: str, host: str) -> str | None:
    """The proxy that the environment names for a host; none for one on this machine or its network."""
    proxy = None if endpoint.is_private or proxy_bypass(host) else getproxies().get(scheme)
    if proxy is not None and urlsplit(proxy).scheme not in {"http", "https"}:
        raise JobError(f"the proxy for {scheme} is not an HTTP proxy", f"Set {scheme.upper()}_PROXY to one, or unset it.")
    return proxy
