"""What the template tells the provider who fills it in."""

from typing import Final

from core.i18n import N_

INSTRUCTIONS: Final = (
    N_("How to fill in the price list"),
    N_(
        "Write one row for each price. Do not change the titles in the first row; you may leave columns empty or remove them."
    ),
    N_(
        "Service code: your own code or the code of the organisation. Without a code the name of the service is enough."
    ),
    N_("Unit: choose from the list, for example visit, hour or 45 minutes. The price is for one such unit."),
    N_("Price: in euros, for example 60,00. Two decimals are usual, four are accepted. Do not write “by agreement”."),
    N_(
        "Time class: leave it empty for the ordinary price. For evenings, nights, Saturdays and Sundays write a row of its own."
    ),
    N_(
        "Extra charge: for travel compensation or a visit that was not cancelled. Without a service the row applies to all services."
    ),
    N_("Minimum quantity: the least that is charged at a time, in the unit of the price."),
    N_("VAT: category E is exempt (AVL 37–38 §). Otherwise write the rate, and whether the price includes VAT."),
    N_(
        "Valid from and valid to: for example 1.1.2027 and 31.12.2027. Without a first day the price is valid from when the list is "
        "accepted; without a last day until further notice."
    ),
    N_(
        "The list must hold all your prices: what is missing from it is taken to be offered no more, after a person has looked."
    ),
)
