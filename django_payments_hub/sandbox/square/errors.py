"""Square's error answers: ``{"errors": [{category, code, detail, field}]}``."""

from http import HTTPStatus

from django_payments_hub.sandbox.wire import Answer, Json, json_answer

INVALID_REQUEST = "INVALID_REQUEST_ERROR"
PAYMENT_METHOD = "PAYMENT_METHOD_ERROR"
REFUND = "REFUND_ERROR"


class SquareError(Exception):
    """An error answer. ``executed`` is false for what Square refuses before it executes: not kept under a key.

    ``body`` goes into the answer beside the errors: a declined payment, for one.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        category: str = INVALID_REQUEST,
        status: int = 400,
        executed: bool = False,
        more: list[Json] | None = None,
        body: Json | None = None,
    ) -> None:
        super().__init__(detail)
        self.code, self.status, self.executed = code, status, executed
        error: Json = {"category": category, "code": code, "detail": detail}
        if field:
            error["field"] = field
        self.errors = [error, *(more or [])]
        self.body = body or {}

    def answer(self) -> Answer:
        """The error as it goes over the wire."""
        body = {"errors": self.errors, **self.body}
        return json_answer(self.status, body, executed=self.executed, effect=bool(self.body))


def missing(field: str) -> SquareError:
    """A required parameter is not there."""
    return SquareError("MISSING_REQUIRED_PARAMETER", "Missing required parameter.", field=field)


def invalid(field: str, detail: str, code: str = "INVALID_VALUE") -> SquareError:
    """A parameter has a value that Square does not take."""
    return SquareError(code, detail, field=field)


def not_found(what: str, object_id: str, field: str | None = None) -> SquareError:
    """No such object."""
    return SquareError("NOT_FOUND", f"Could not find {what} {object_id}", field=field, status=404)


def authorization_error(code: str) -> Json:
    """Why a card was refused, as Square writes it in the answer and in the payment's ``card_details``."""
    return {"category": PAYMENT_METHOD, "code": code, "detail": f"Authorization error: '{code}'"}


_BY_STATUS = {
    400: (INVALID_REQUEST, "BAD_REQUEST", "Bad request."),
    401: ("AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized."),
    403: ("AUTHENTICATION_ERROR", "FORBIDDEN", "You have insufficient permissions to perform that action."),
    404: (INVALID_REQUEST, "NOT_FOUND", "Resource not found."),
    405: (INVALID_REQUEST, "METHOD_NOT_ALLOWED", "Method not allowed."),
    408: ("API_ERROR", "REQUEST_TIMEOUT", "The request timed out."),
    409: (INVALID_REQUEST, "CONFLICT", "Another request is changing this resource."),
    415: (INVALID_REQUEST, "UNSUPPORTED_MEDIA_TYPE", "The content type is not supported."),
    422: (INVALID_REQUEST, "UNPROCESSABLE_ENTITY", "The request cannot be processed."),
    429: ("RATE_LIMIT_ERROR", "RATE_LIMITED", "You have made too many requests recently. Please try again later."),
    501: ("API_ERROR", "NOT_IMPLEMENTED", "This endpoint is not implemented."),
    502: ("API_ERROR", "BAD_GATEWAY", "Bad gateway."),
    503: ("API_ERROR", "SERVICE_UNAVAILABLE", "The service is unavailable."),
    504: ("API_ERROR", "GATEWAY_TIMEOUT", "The gateway timed out."),
}


def body_of_status(status: int) -> Json:
    """The body of an error of that status that no call gave rise to: for scripted faults."""
    fallback = ("API_ERROR", "INTERNAL_SERVER_ERROR", "An internal error has occurred.")
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        fallback = _BY_STATUS[400]
    category, code, detail = _BY_STATUS.get(status, fallback)
    return {"errors": [{"category": category, "code": code, "detail": detail}]}
