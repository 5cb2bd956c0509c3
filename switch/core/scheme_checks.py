"""What a programme may say of points schemes: each alone, and all together. The first mistake is named."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from specs import limits
from specs.money import CURRENCIES
from switch.core.mistakes import ProgrammeError, check_id, check_prefix, check_range
from switch.core.schemes import EarnRule, LoyaltyProduct, Scheme
from switch.core.texts import check_texts


def check_schemes(schemes: Sequence[Scheme]) -> None:
    """
    Raises:
        ProgrammeError: with the first mistake.
    """
    seen: dict[str, dict[object, str]] = {"id": {}, "number": {}}
    for place, scheme in enumerate(schemes):
        key = f"points_schemes[{place}]"
        for name, taken in seen.items():
            value = getattr(scheme, name)
            if value in taken:
                raise ProgrammeError(f"{key}.{name}: {value!r} belongs to {taken[value]!r} already")
            taken[value] = scheme.id
        _check_scheme(key, scheme)
        for at, rule in enumerate(scheme.earn_rules):
            _check_rule(f"{key}.earn_rules[{at}]", rule)
            if rule.name in {other.name for other in scheme.earn_rules[:at]}:
                raise ProgrammeError(f"{key}.earn_rules[{at}].name: {rule.name!r} is there twice")
        for at, product in enumerate(scheme.cards):
            _check_card(f"{key}.cards[{at}]", product)
        check_texts(f"{key}.texts", scheme.texts)
    _check_family(schemes)


def check_numbers(before: Mapping[str, Scheme], schemes: Sequence[Scheme]) -> None:
    """That no points change their number: the books know them by it.

    Args:
        before: The schemes in force, by id.

    Raises:
        ProgrammeError: with the first mistake.
    """
    names = {scheme.number: scheme.id for scheme in before.values()}
    for place, scheme in enumerate(schemes):
        key, known = f"points_schemes[{place}].number", before.get(scheme.id)
        if known and known.number != scheme.number:
            raise ProgrammeError(f"{key}: the books know {scheme.id!r} as number {known.number}; it stays")
        if names.get(scheme.number, scheme.id) != scheme.id:
            raise ProgrammeError(f"{key}: {scheme.number} is the number of {names[scheme.number]!r} in the books")


def _check_scheme(key: str, scheme: Scheme) -> None:
    check_id(f"{key}.id", scheme.id)
    check_range(f"{key}.number", scheme.number, 1, limits.SCHEME_NUMBER_MAX)
    if scheme.currency not in CURRENCIES:
        raise ProgrammeError(f"{key}.currency: {scheme.currency!r} is not one of {', '.join(sorted(CURRENCIES))}")
    check_range(f"{key}.earn_money", scheme.earn_money, 1, limits.AMOUNT_MAX)
    check_range(f"{key}.earn_points", scheme.earn_points, 0, limits.POINTS_MAX)
    for name, value in (
        {"value": scheme.value} | {f"store_values.{k}": v for k, v in scheme.store_values.items()}
    ).items():
        if not value:
            raise ProgrammeError(f"{key}.{name}: must be above zero")
    if scheme.purchase_price == 0:
        raise ProgrammeError(f"{key}.purchase_price: must be above zero; leave it out if points are not for sale")
    check_range(f"{key}.pending_days", scheme.pending_days, 0, 366)
    check_range(f"{key}.expiring_days", scheme.expiring_days, 0, 366)
    check_range(f"{key}.grace_days", scheme.grace_days, 0, 366)
    if sum((scheme.expire_days is not None, scheme.expire_months is not None, bool(scheme.expire_on))) > 1:
        raise ProgrammeError(f"{key}: only one of expire_days, expire_months, expire_on")
    if scheme.expire_days is not None:
        check_range(f"{key}.expire_days", scheme.expire_days, scheme.pending_days, 36_500)
    if scheme.expire_months is not None:
        check_range(f"{key}.expire_months", scheme.expire_months, 0, 1200)
    for text in scheme.expire_on:
        if not _is_date(text):
            raise ProgrammeError(f"{key}.expire_on: {text!r} must be a month and a day such as '12-31'")
    for what in ("redeem", "transfer", "purchase"):
        minimum, maximum = getattr(scheme, f"{what}_minimum"), getattr(scheme, f"{what}_maximum")
        check_range(f"{key}.{what}_minimum", minimum, 1, limits.POINTS_MAX)
        if maximum is not None:
            check_range(f"{key}.{what}_maximum", maximum, minimum, limits.POINTS_MAX)
    check_range(f"{key}.redeem_step", scheme.redeem_step, 1, limits.POINTS_MAX)
    shares = {"contribution": scheme.contribution} | {f"contributions.{k}": v for k, v in scheme.contributions.items()}
    for name, share in shares.items():
        if share > 1:
            raise ProgrammeError(f"{key}.{name}: must be from 0 to 1, the merchant's share of the cost")
    for event, points in scheme.events.items():
        check_id(f"{key}.events", event)
        check_range(f"{key}.events.{event}", points, 1, limits.POINTS_MAX)


def _check_rule(key: str, rule: EarnRule) -> None:
    check_id(f"{key}.name", rule.name)
    check_range(f"{key}.earn_money", rule.earn_money, 1, limits.AMOUNT_MAX)
    check_range(f"{key}.earn_points", rule.earn_points, 0, limits.POINTS_MAX)
    for name in ("stores", "departments", "skus", "weekdays", "channels"):
        if getattr(rule, name) == ():
            raise ProgrammeError(f"{key}.{name}: the rule would never count; leave the key out if it does not matter")
    for name in ("from_time", "to_time"):
        text = getattr(rule, name)
        if not re.fullmatch(r"([01][0-9]|2[0-3])[0-5][0-9]|2400", text):
            raise ProgrammeError(f"{key}.{name}: {text!r} must be a time hhmm from '0000' to '2400'")
    if rule.from_time == rule.to_time:
        raise ProgrammeError(f"{key}.to_time: the rule would never count; it begins at {rule.from_time} too")


def _check_card(key: str, product: LoyaltyProduct) -> None:
    check_id(f"{key}.id", product.id)
    check_prefix(f"{key}.prefix", product.prefix)
    check_range(f"{key}.pin_tries", product.pin_tries, 1, 10)
    if product.pin_for_balance and not product.pin:
        raise ProgrammeError(f"{key}.pin_for_balance: the product has no PIN")


def _check_family(schemes: Sequence[Scheme]) -> None:
    """Sub-schemes under main ones, each store under one; conversions between schemes there are."""
    known = {scheme.id: scheme for scheme in schemes}
    taken: dict[tuple[str, str], str] = {}
    for place, scheme in enumerate(schemes):
        key = f"points_schemes[{place}]"
        main = [other for other in known if not known[other].parent and other != scheme.id]
        if scheme.parent and scheme.parent not in main:
            raise ProgrammeError(f"{key}.parent: {scheme.parent!r} is not one of {', '.join(main) or 'none'}")
        if bool(scheme.parent) is not bool(scheme.stores):
            raise ProgrammeError(f"{key}.stores: a sub-scheme has a parent and stores, another scheme neither")
        if scheme.parent and scheme.cards:
            raise ProgrammeError(f"{key}.cards: a sub-scheme uses the cards of its parent")
        for store in scheme.stores:
            other = taken.setdefault((scheme.parent, store), scheme.id)
            if other != scheme.id:
                raise ProgrammeError(f"{key}.stores: {store!r} belongs to {other!r} already")
        for target, rate in scheme.conversions.items():
            others = ", ".join(sorted(known.keys() - {scheme.id})) or "none"
            if target not in known or target == scheme.id:
                raise ProgrammeError(f"{key}.conversions.{target}: is not one of {others}")
            if not rate:
                raise ProgrammeError(f"{key}.conversions.{target}: must be above zero")


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        dt.date(2024, int(text[:2]), int(text[3:]))  # a leap year
    except ValueError:
        return False
    return True
