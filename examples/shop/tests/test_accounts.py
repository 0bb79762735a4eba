import uuid

import pytest

# The same in a second attempt.
NEW_CUSTOMER = f"new-{uuid.uuid4().hex[:8]}"


# The first order of a new customer comes too early: the account is still being opened. A second attempt succeeds.
@pytest.mark.flaky(reruns=2)
def test_the_first_order_of_a_new_customer(shop):
    assert shop.order("lamp", customer=NEW_CUSTOMER).status == 201


@pytest.mark.slow
def test_a_statement_has_every_order(shop, customer):
    for count in (1, 2):
        assert shop.order("lamp", count, customer=customer).status == 201
    statement = shop.get(f"/statements/{customer}").body
    assert statement["total_cents"] == 3 * 2900
    assert len(statement["entries"]) == 2


def test_services_log_no_errors_for_a_good_order(shop, assert_no_pod_errors):
    assert shop.order("lamp").status == 201
    assert_no_pod_errors()
