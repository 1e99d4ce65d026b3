// Posts the form of the page once. A field of the provider's may be called "submit": so not form.submit().
HTMLFormElement.prototype.submit.call(document.getElementById("payments-hub-form"));
