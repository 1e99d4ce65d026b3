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

// The provider's page, or the hub's, from which a form is posted to it.
const LEADS_AWAY = new Set(["redirect", "form_post"]);

const ASKED_BEFORE_SAID = 4; // about six seconds

function headers(element) {
  const token = element.dataset.orderToken;
  return token ? { "X-Order-Token": token } : {};
}

function chosen(form) {
  return form.querySelector('input[name="account"]:checked');
}

// What the chosen way needs to know of the payer.
function asked(form) {
  return (chosen(form).dataset.asks || "").split(" ").filter(Boolean);
}

// What the chosen way to pay asks the hub for.
function wish(form) {
  const way = chosen(form);
  const wanted = { account: way.value };
  const names = asked(form);
  if (names.length) wanted.payer = Object.fromEntries(names.map((name) => [name, form.elements[name].value]));
  if (way.dataset.flow) wanted.flow = way.dataset.flow;
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

  // The fields of the payer that the hub will not take say so themselves; whether there are any.
  function complainOfFields(errors) {
    const wrong = asked(form).filter((name) => errors && `payer.${name}` in errors);
    for (const name of wrong) form.querySelector(`[data-asked="${name}"] .error`).hidden = false;
    if (wrong.length) {
      button.disabled = false;
      form.elements[wrong[0]].focus();
    }
    return wrong.length > 0;
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
      if (!complainOfFields(answer.errors)) complain(answer.error_message);
      return;
    }
    const action = answer.next_action;
    if (action && LEADS_AWAY.has(action.type)) {
      location.assign(action.url);
    } else {
      location.assign(`${form.dataset.returnUrl}?payment_id=${answer.id}`);
    }
  }

  function offer() {
    form.querySelector("[data-save]").hidden = !("canSave" in chosen(form).dataset);
    const names = asked(form);
    for (const field of form.querySelectorAll("[data-asked]")) {
      const isAsked = names.includes(field.dataset.asked);
      field.hidden = !isAsked;
      field.querySelector("input").required = isAsked;
    }
  }

  // Another way to pay is another intent.
  form.addEventListener("change", () => {
    key = crypto.randomUUID();
    offer();
  });
  offer();

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    for (const complaint of form.querySelectorAll(".error")) complaint.hidden = true;
    pay().catch(() => complain(form.dataset.broken));
  });
  // Back from the provider's page, the browser may show this page as it was left.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

function awaitOutcome(panel) {
  let pause = 800;
  let tries = 0;

  function show(outcome) {
    for (const part of panel.querySelectorAll("[data-when]")) part.hidden = part.dataset.when !== outcome;
  }

  // Said after a while, and never final: known at first may be the refusal of the card before the one that paid, or
  // nothing at all of a form that was posted.
  function standing(payment, action) {
    if (payment.status === "requires_action" && payment.failure) return "failed";
    if (action !== "form_post") return "waiting";
    panel.querySelector("[data-continue]").href = payment.next_action.url;
    return "open";
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
      const action = payment.next_action ? payment.next_action.type : "";
      if (action === "instructions") {
        location.reload(); // they came after this page: it knows how to show them
        return;
      }
      if (action === "wait") {
        show("phone");
      } else if (!panel.querySelector('[data-when="phone"]').hidden) {
        show("waiting");
      }
      tries += 1;
      if (tries > ASKED_BEFORE_SAID && action !== "wait") show(standing(payment, action));
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
