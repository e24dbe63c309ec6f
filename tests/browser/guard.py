"""What no page may do, whatever a test looks at: complain, break the policy, ask elsewhere."""

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# Chromium says this of a whole page that answers 4xx, which many tests ask for on purpose.
# What a page loads beside itself is judged by its response.
A_STATUS = "Failed to load resource: the server responded with a status of"
HARMLESS = {"log", "info", "debug"}


class Guard:
    """Collects what went wrong in the contexts that it watches."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.complaints: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in HARMLESS and not message.text.startswith(A_STATUS):
            self.complaints.append(f"console {message.type}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.complaints.append(f"script: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith(f"{self._url}/"):
            self.complaints.append(f"left the server: {request.url}")

    def _response(self, response: Response) -> None:
        limit = 500 if response.request.resource_type == "document" else 400
        if response.status >= limit:
            self.complaints.append(f"{response.status} for {response.url}")
