import logging
import sys

logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s [%(levelname)s] %(message)s")


def check(value):
    error = ValueError(f"{value} is too small")
    error.add_note("allowed are 3 and more")
    error.add_note("see the manual")
    raise error


errors = []
for number in (1, 2):
    try:
        check(number)
    except ValueError as error:
        errors.append(error)
try:
    raise ExceptionGroup("two values", errors + [ExceptionGroup("inner", [TypeError("no number")])])
except ExceptionGroup:
    logging.exception("checking failed")
logging.info("between")
try:
    check(2)
except ValueError:
    logging.exception("one value failed")
logging.info("end")
raise ExceptionGroup("two values", errors)
