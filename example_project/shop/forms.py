"""What a customer fills in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _


class BuyForm(forms.Form):
    """How many, and for a guest the address for the receipt."""

    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=9, initial=1)
    email = forms.EmailField(label=_("E-mail for the receipt"))

    def __init__(self, *args: Any, is_guest: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_guest:
            del self.fields["email"]
