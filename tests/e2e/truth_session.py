"""A suite whose every line's test is known: services with clocks and timestamps of their own, workers, retries and crashes; and the oracle.

Three services write files while 200 tests run, first one after the other, then on eight workers:
  orders   on the engine's machine, JSON with milliseconds; some lines carry a test id, a node id or a trace id, some no timestamp at all
  stock    plain text, whole seconds, on a host whose clock is 5 s behind, which the run says
  billing  milliseconds, on a host whose clock nobody tells of
Some lines come 2 s late. Worker gw3 has a file of its own, and some tests have one."""
import datetime
import heapq
import itertools
import json
import random
import threading
import time

from runner import Connection, Run

NS = 1_000_000_000
MS = 1_000_000
GRACE = 1 * MS
LATE = 2 * NS


class Line:
    """What was written, and what is true of it. Times in nanoseconds since 1970 of the engine's clock."""

    def __init__(self, token, service, test, at, shown, resolution, offset, kind):
        self.token, self.service, self.test, self.at = token, service, test, at
        self.shown, self.resolution, self.offset = shown, resolution, offset  # shown: None without a timestamp
        self.kind = kind  # how the line tells its test: id, node, trace, worker, own, or nothing
        self.written = None  # when it went into the file


class Service:
    """Appends to a file, at once or later, in the order in which the lines are due."""

    def __init__(self, path, resolution, offset, render):
        self.path, self.resolution, self.offset, self.render = path, resolution, offset, render
        self.lock = threading.Lock()
        path.touch()

    def shown(self, at):
        return (at - self.offset) // self.resolution * self.resolution

    def append(self, line, text):
        with self.lock:
            with open(self.path, "a") as file:
                file.write(text + "\n")
            line.written = time.time_ns()


def iso(nanos, digits):
    seconds = datetime.datetime.fromtimestamp(nanos // NS, datetime.timezone.utc)
    fraction = f".{nanos % NS:09}"[:digits + 1] if digits else ""
    return seconds.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def orders_line(line, extra):
    fields = {"message": f"{line.token} order placed", **extra}
    if line.shown is not None:
        fields["timestamp"] = iso(line.shown, 3)
    return json.dumps(fields)


def stock_line(line, extra):
    return f"{iso(line.shown, 0).replace('T', ' ').rstrip('Z')} INFO {line.token} reserved {extra}"


def billing_line(line, extra):
    return f"{iso(line.shown, 3)} WARN {line.token} charged {extra}"


class Execution:
    """One test as it ran: a node id, an attempt, a worker."""

    def __init__(self, test, node_id, worker, attempt):
        self.test, self.node_id, self.worker, self.attempt = test, node_id, worker, attempt
        self.started = self.finished = None  # as the events said; of a crashed one: when its connection was closed
        self.crashed = False


class Session:
    def __init__(self, engine, seed, billing_offset):
        self.engine, self.random = engine, random.Random(seed)
        self.run = Run(f"truth-{seed}")
        self.lines, self.executions = [], {}
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.late = []  # heap of (due, number, service, line, text)
        self.failures = []
        logs = engine.logs
        self.services = {
            "orders": Service(logs / "orders.log", MS, 0, orders_line),
            "stock": Service(logs / "stock.log", NS, 5 * NS, stock_line),
            "billing": Service(logs / "far-billing.log", MS, billing_offset, billing_line),
            "gw3": Service(logs / "of-gw3.log", MS, 0, orders_line),
        }

    # --- lines

    def write(self, name, test, kind="", late=False, dated=True, service=None):
        """A line of a service, by a test (None: by nobody), now. `kind`: how it names its test."""
        service = service or self.services[name]
        at = time.time_ns()
        with self.lock:
            token = f"L{next(self.numbers):06}"
            line = Line(token, name, test, at, service.shown(at) if dated else None, service.resolution, service.offset, kind)
            self.lines.append(line)
        extra = {}
        if kind == "id":
            extra["test_id"] = test.test
        if kind == "node":
            extra["baggage"] = f"other=1,test.case.name={test.node_id}"
        if kind == "trace":
            extra["trace_id"] = self.trace_of(test)
        text = service.render(line, extra if name in ("orders", "gw3") or service.render is orders_line else f"n={token}")
        if not late:
            return service.append(line, text)
        with self.lock:
            heapq.heappush(self.late, (at + LATE, token, service, line, text))

    def write_late_lines(self, stop):
        while True:
            with self.lock:
                due = self.late[0][0] if self.late else None
                item = heapq.heappop(self.late) if due is not None and due <= time.time_ns() else None
            if item:
                item[2].append(item[3], item[4])
            elif stop.is_set() and due is None:
                return
            else:
                time.sleep(0.005)  # the services' own pace, not a wait of the test

    @staticmethod
    def trace_of(execution):
        return (execution.test + execution.test)[:32]

    # --- tests

    def execute(self, connection, node_id, worker, attempt, rng, steps, crash=False):
        """One test: its events, and the lines of services while it runs."""
        execution = Execution(self.run.id_of(node_id, worker, attempt), node_id, worker, attempt)
        self.executions[execution.test] = execution
        started = self.run.test_started(node_id, worker, attempt, trace_id=self.trace_of(execution))
        connection.send(self.run.run, started)
        execution.started = nanos_of(started["time"])
        own = None
        if rng.random() < 0.05:
            own = Service(self.engine.logs / f"own-{execution.test}.log", MS, 0, orders_line)
            connection.send(self.run.run, self.run.event("watch", test=execution.test,
                                                         services=[{"name": "job", "files": [str(own.path)]}]))
        for _ in range(steps):
            self.write_some(execution, rng, own)
            time.sleep(rng.uniform(0.004, 0.02))  # the test's own pace
        if crash:
            execution.crashed = True
            return execution
        finished = self.run.test_finished(node_id, rng.choice(["passed", "failed"]), worker, attempt)
        connection.send(self.run.run, finished)
        execution.finished = nanos_of(finished["time"])
        return execution

    def write_some(self, execution, rng, own):
        name = rng.choice(["orders", "orders", "stock", "billing"])
        kind, dated = "", True
        if name == "orders":
            kind = rng.choice(["", "", "", "id", "node", "trace"])
            dated = rng.random() > 0.15
        self.write(name, execution, kind, late=dated and rng.random() < 0.1, dated=dated)
        if execution.worker == "gw3" and rng.random() < 0.5:
            self.write("gw3", execution, "worker", late=rng.random() < 0.1)
        if own is not None:
            self.write("own", execution, "own", late=rng.random() < 0.2, service=own)

    def work(self, worker, node_ids, seed):
        """One worker's tests, some of them twice; one crashes and another worker takes over."""
        try:
            rng = random.Random(seed)
            connection = Connection(self.engine)
            connection.send(self.run.run, self.run.worker_started(worker))
            if worker == "gw3":
                connection.send(self.run.run, self.run.event("isolation", worker="gw3", labels={"file": str(self.services["gw3"].path)}))
            for number, node_id in enumerate(node_ids):
                crash = worker in ("gw1", "gw5") and number == len(node_ids) // 2
                execution = self.execute(connection, node_id, worker, 1, rng, rng.randrange(2, 12), crash)
                if crash:
                    connection.close()
                    execution.finished = time.time_ns()
                    return self.work(f"gw1{worker[2:]}", node_ids[number + 1:], seed + 1)
                if rng.random() < 0.1:
                    self.execute(connection, node_id, worker, 2, rng, rng.randrange(2, 8))
                if rng.random() < 0.1:
                    time.sleep(rng.uniform(0.01, 0.05))
            connection.send(self.run.run, self.run.worker_finished(worker))
            connection.close()
        except Exception as error:  # noqa: BLE001  told by the main thread
            self.failures.append(f"{worker}: {error!r}")

    def play(self, serial, parallel, workers):
        """`serial` tests one after the other with pauses, then `parallel` ones on `workers` workers."""
        stop = threading.Event()
        writer = threading.Thread(target=self.write_late_lines, args=(stop,))
        writer.start()
        with Connection(self.engine) as controller:
            controller.send(self.run.run, self.run.started(services=[
                {"name": "orders", "files": [str(self.services["orders"].path)]},
                {"name": "stock", "files": [str(self.services["stock"].path)], "clock_offset_ms": 5000},
                {"name": "billing", "files": [str(self.services["billing"].path)]},
                {"name": "gw3", "files": [str(self.services["gw3"].path)]}]))
            controller.send(self.run.run, self.run.worker_started("master"))
            for number in range(serial):
                self.execute(controller, f"tests/test_serial.py::test_{number}", "master", 1, self.random, self.random.randrange(4, 12))
                time.sleep(0.03)
                if number % 5 == 0:
                    self.write("orders", None)
                    self.write("billing", None)
                    time.sleep(0.03)
            node_ids = [f"tests/test_parallel.py::test[{number}]" for number in range(parallel)]
            threads = [threading.Thread(target=self.work, args=(f"gw{n}", node_ids[n::workers], self.random.random())) for n in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            stop.set()
            writer.join()
            controller.send(self.run.run, self.run.worker_finished("master"), self.run.finished("failed", exit_code=1))
        assert not self.failures, self.failures


def nanos_of(text):
    """Of RFC 3339 with nanoseconds, exactly."""
    seconds = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=datetime.timezone.utc)
    return int(seconds.timestamp()) * NS + int((text[20:].rstrip("Z") or "0").ljust(9, "0"))


# --- the oracle

def span_of(line, record):
    """The time in which the line may have been written: what its timestamp says, and what is known of its clock."""
    clock = record["attribution"].get("clock")
    offset = int(clock["offset_ms"] * MS) if clock else 0
    doubt = int(clock["uncertainty_ms"] * MS) + 1 if clock else 0
    if line.shown is None:
        return line.written - 60 * NS, line.written + 60 * NS  # what its source saw is not known here
    return line.shown + offset - doubt - GRACE, line.shown + line.resolution + offset + doubt + GRACE


def that_meet(executions, span):
    return {e.test for e in executions.values() if e.started <= span[1] and span[0] <= e.finished}
