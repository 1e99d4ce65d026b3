"""Stripe's error answers."""

from django_payments_hub.sandbox.wire import Answer, Json, json_answer

DOC_URL = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An error answer. ``executed`` is false for what Stripe refuses before it executes: not kept under a key."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        **extra: object,
    ) -> None:
        super().__init__(message)
        self.status, self.executed = status, executed
        self.error: Json = {"message": message, "type": type_}
        if code:
            self.error |= {"code": code, "doc_url": DOC_URL + code.replace("_", "-")}
        if param:
            self.error["param"] = param
        self.error |= extra

    def answer(self) -> Answer:
        """The error as it goes over the wire."""
        return json_answer(self.status, {"error": self.error}, executed=self.executed, effect=self.status == 402)


def missing_parameter(name: str) -> StripeError:
    """A required parameter is not there."""
    return StripeError(f"Missing required param: {name}.", code="parameter_missing", param=name)


def invalid_parameter(name: str, message: str, code: str | None = None) -> StripeError:
    """A parameter has a value that Stripe does not take."""
    return StripeError(message, code=code, param=name)


def not_found(kind: str, object_id: str, param: str, *, in_path: bool) -> StripeError:
    """No such object: 404 for the one in the path, 400 for one named by a parameter."""
    message = f"No such {kind}: '{object_id}'"
    return StripeError(message, status=404 if in_path else 400, code="resource_missing", param=param)


def unexpected_state(intent: Json, verb: str, allowed: str, *, kind: str = "payment_intent") -> StripeError:
    """The object's status does not allow this move; the error carries the object."""
    name = "PaymentIntent" if kind == "payment_intent" else "SetupIntent"
    message = (
        f"This {name} could not be {verb} because it has a status of {intent['status']}. "
        f"Only a {name} with one of the following statuses may be {verb}: {allowed}."
    )
    error = StripeError(message, code=f"{kind}_unexpected_state", executed=True)
    error.error[kind] = intent
    return error


def unauthorized(message: str) -> StripeError:
    """No key, or one that opens nothing."""
    return StripeError(message, status=401)
