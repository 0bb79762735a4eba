import logging
import sys

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
log = logging.getLogger("shop.orders")


def price(item):
    return {"tea": 3}[item]


def order(item):
    try:
        return price(item)
    except KeyError as error:
        raise LookupError(f"no price for {item!r}") from error


log.info("order 7 of tea")
order("tea")
try:
    order("coffee")
except LookupError:
    log.exception("order 8 failed")
log.warning("going on")
log.info("order 9 of tea")
try:
    try:
        order("milk")
    finally:
        {}["cleanup"]
except KeyError:
    log.exception("order 9 failed\nwhile cleaning up")
log.debug("not shown")
log.info("done")
order("juice")
