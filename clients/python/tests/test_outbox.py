"""Events on their way: order, ownership, refusals, bounds."""
from telltale.monitor.outbox import EventMaker, Outbox


def events(count, owner_first=True):
    maker = EventMaker("test")
    return [maker.make("worker_started", owner=owner_first and n == 0, worker="w") for n in range(count)]


def filled(made):
    box = Outbox()
    for event in made:
        assert box.add(event)
    return box


def drain(box):
    """Everything that would be written now, request by request."""
    requests = []
    while (request := box.next_request()) is not None:
        requests.append(request.events)
    return requests


def test_what_waits_goes_into_one_request_in_order():
    made = events(3)
    box = filled(made)
    assert drain(box) == [made]
    assert box.accepted().events == made and box.empty and box.delivered == 3


def test_a_new_connection_is_told_the_owner_first_then_all_without_an_answer():
    made = events(4)
    box = filled(made[:2])
    drain(box)
    box.accepted()
    box.add(made[2])
    drain(box)
    box.add(made[3])
    box.reconnected()
    assert drain(box) == [[made[0], made[2], made[3]]]


def test_a_refused_request_of_many_is_sent_one_by_one_so_that_only_the_bad_event_is_lost():
    made = events(3)
    box = filled(made)
    drain(box)
    assert box.refuse()
    assert box.resumable()
    box.resume()
    assert drain(box) == [[event] for event in made]
    box.accepted()
    assert box.refuse()  # the second alone
    box.accepted()
    assert box.empty and box.refused == 1 and box.delivered == 2


def test_what_the_engine_cannot_take_now_keeps_its_place():
    made = events(3)
    box = filled(made[:1])
    drain(box)
    box.add(made[1])
    drain(box)
    box.add(made[2])
    assert box.postpone()
    assert drain(box) == []  # nothing overtakes it
    assert box.postpone() and box.resumable()
    box.resume()
    assert drain(box) == [made]


def test_it_is_bounded_and_says_so():
    made = events(3)
    box = Outbox(limit_bytes=len(made[0].data) * 2)
    assert box.add(made[0]) and box.add(made[1]) and not box.add(made[2])
    drain(box)
    box.accepted()
    assert box.add(made[2])


def test_a_sign_of_life_is_the_owner_again():
    made = events(2)
    box = filled(made)
    assert box.renewal() is None
    drain(box)
    box.accepted()
    assert box.renewal().events == [made[0]]
    box.accepted()
    assert box.empty


def test_an_answer_too_many_is_noticed():
    box = Outbox()
    assert box.accepted() is None and not box.refuse() and not box.postpone()


def test_ids_of_two_makers_differ():
    assert EventMaker("a").make("trace").id != EventMaker("a").make("trace").id
