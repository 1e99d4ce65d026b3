// Paying through the hub's API, and waiting for the outcome. Nothing inline: it runs under `script-src 'self'`.
"use strict";

const OUTCOMES = {
  authorized: "paid",
  completed: "paid",
  partially_refunded: "paid",
  refunded: "paid",
  failed: "failed",
  cancelled: "failed",
  expired: "failed",
};

const ASKED_BEFORE_REFUSED = 4; // about six seconds

function headers(element) {
  const token = element.dataset.orderToken;
  return token ? { "X-Order-Token": token } : {};
}

// What the chosen way to pay asks the hub for.
function wish(form) {
  const way = form.querySelector('input[name="account"]:checked');
  const wanted = { account: way.value };
  if (way.dataset.methodKind) wanted.method_kind = way.dataset.methodKind;
  if (way.dataset.paymentMethod) wanted.payment_method = way.dataset.paymentMethod;
  if ("canSave" in way.dataset && form.elements.save.checked) wanted.save_payment_method = true;
  return wanted;
}

function startPaying(form) {
  const button = form.querySelector("button.primary");
  const error = form.querySelector("[data-error]");
  // One key for one intent: a double click, or a second try after a broken connection, makes no second payment.
  let key = crypto.randomUUID();

  function complain(message) {
    error.textContent = message;
    error.hidden = false;
    button.disabled = false;
  }

  async function pay() {
    const response = await fetch(form.dataset.endpoint, {
      method: "POST",
      headers: {
        ...headers(form),
        "Content-Type": "application/json",
        "X-CSRFToken": form.elements.csrfmiddlewaretoken.value,
        "Idempotency-Key": key,
      },
      body: JSON.stringify({
        order_id: form.dataset.orderId,
        ...wish(form),
        return_url: form.dataset.returnUrl,
        cancel_url: form.dataset.cancelUrl,
      }),
    });
    const answer = await response.json();
    if (!response.ok) {
      if (response.status < 500) key = crypto.randomUUID();
      complain(answer.error_message);
      return;
    }
    const action = answer.next_action;
    if (action && action.type === "redirect") {
      location.assign(action.url);
    } else {
      location.assign(`${form.dataset.returnUrl}?payment_id=${answer.id}`);
    }
  }

  function offerSaving() {
    const way = form.querySelector('input[name="account"]:checked');
    form.querySelector("[data-save]").hidden = !("canSave" in way.dataset);
  }

  // Another way to pay is another intent.
  form.addEventListener("change", () => {
    key = crypto.randomUUID();
    offerSaving();
  });
  offerSaving();

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    error.hidden = true;
    pay().catch(() => complain(form.dataset.broken));
  });
  // Back from the provider's page, the browser may show this page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

function awaitOutcome(panel) {
  let pause = 800;
  let asked = 0;

  function show(outcome) {
    for (const part of panel.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== outcome;
  }

  async function ask() {
    const response = await fetch(panel.dataset.poll, { headers: headers(panel) });
    if (response.ok) {
      const payment = await response.json();
      const outcome = OUTCOMES[payment.status];
      if (outcome) {
        show(outcome);
        return;
      }
      // Known at first may be the refusal of the card before the one that paid: said after a while, and never final.
      asked += 1;
      const refused = payment.status === "requires_action" && payment.failure;
      if (asked > ASKED_BEFORE_REFUSED) show(refused ? "failed" : "waiting");
    }
    later();
  }

  function later() {
    pause = Math.min(pause * 1.5, 6000);
    if (pause === 6000) {
      panel.querySelector("[data-calm]").hidden = true;
      panel.querySelector("[data-patience]").hidden = false;
    }
    setTimeout(() => ask().catch(later), pause);
  }

  const instructed = panel.querySelector('[data-when="instructed"]');
  if (!instructed && !(panel.dataset.status in OUTCOMES)) ask().catch(later);
}

document.querySelectorAll("form[data-pay]").forEach(startPaying);
document.querySelectorAll("[data-poll]").forEach(awaitOutcome);
