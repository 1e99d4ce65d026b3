"""PayPal's error answers (developer.paypal.com/api/rest/responses, .../reference/orders/v2/errors)."""

from django_payments_hub.sandbox.paypal.ids import debug_id
from django_payments_hub.sandbox.wire import Answer, Json, json_answer

DOCUMENTS = "https://developer.paypal.com/docs/api/orders/v2/#error-"
# The name and the message of each HTTP status, as the published documents have them
NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    405: ("METHOD_NOT_SUPPORTED", "The server does not implement the requested HTTP method."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "The server does not support the request payload's media type."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}


class PayPalError(Exception):
    """An error answer. ``executed`` says that a payment was tried, so that the answer is kept under its key."""

    def __init__(
        self,
        issue: str | None,
        description: str = "",
        *,
        status: int = 422,
        field: str | None = None,
        value: str | None = None,
        location: str = "body",
        executed: bool = False,
        links: list[Json] | None = None,
    ) -> None:
        super().__init__(description or issue or NAMES[status][0])
        self.issue, self.status, self.executed = issue, status, executed
        self.links = links or []
        self.details: list[Json] = []
        if issue is not None:
            named = {"field": field, "value": value, "location": location if field else None}
            detail = {name: given for name, given in named.items() if given is not None}
            self.details = [{**detail, "issue": issue, "description": description}]

    def body(self) -> Json:
        """The error as JSON."""
        name, message = NAMES[self.status]
        about: Json = {"href": DOCUMENTS + (self.issue or name), "rel": "information_link", "method": "GET"}
        body: Json = {"name": name, "message": message, "debug_id": debug_id()}
        if self.details:
            body["details"] = self.details
        return {**body, "links": [about, *self.links]}

    def answer(self) -> Answer:
        """The error as it goes over the wire."""
        body = self.body()
        headers = {"Paypal-Debug-Id": str(body["debug_id"])}
        return json_answer(self.status, body, headers=headers, executed=self.executed, effect=False)


def error_body(status: int) -> Json:
    """What PayPal says beside an HTTP status when it says nothing in particular."""
    return PayPalError(None, status=status if status in NAMES else 500).body()


def not_found() -> PayPalError:
    """No such object, or none of this account's."""
    description = "Specified resource ID does not exist. Please check the resource ID and try again."
    return PayPalError("INVALID_RESOURCE_ID", description, status=404)


def invalid(issue: str, description: str, field: str, value: object = None) -> PayPalError:
    """The request breaks the schema."""
    shown = None if value is None else str(value)[:200]
    return PayPalError(issue, description, status=400, field=field, value=shown)


def missing(field: str) -> PayPalError:
    """A required field is not there."""
    return invalid("MISSING_REQUIRED_PARAMETER", "A required field / parameter is missing.", field)


def in_progress() -> PayPalError:
    """Another request with this PayPal-Request-Id is still being worked on."""
    description = (
        "A previous request on this resource is currently in progress. Please wait for sometime and try again. It is "
        "best to space out the initial and the subsequent request(s) to avoid receiving this error."
    )
    return PayPalError("PREVIOUS_REQUEST_IN_PROGRESS", description, status=409)


def oauth_error(status: int, error: str, description: str, *, realm: str) -> Answer:
    """A refusal in the form of RFC 6749, as PayPal answers for tokens and credentials."""
    headers = {"Paypal-Debug-Id": debug_id()}
    if status == 401:
        headers["WWW-Authenticate"] = realm
    body = {"error": error, "error_description": description}
    return json_answer(status, body, headers=headers, executed=False)
