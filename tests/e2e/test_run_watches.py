"""The engine follows the files of a run's services while the run is open, and no longer."""
from engine import wait_until
from runner import Connection, Run, now


def append(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        file.write(text + "\n")


def service(folder):
    return {"name": "api", "files": [str(folder / "*.log")]}


def contents(engine, query="{}"):
    answer = engine.get("/api/v1/query", query=query, direction="forward")
    return [record["content"] for record in answer["records"]]


def test_what_is_written_after_the_answer_is_read_and_what_was_there_is_not(engine, tmp_path):
    folder = tmp_path / "app"
    append(folder / "a.log", f"{now()} INFO before the run")
    run = Run("watching")
    with Connection(engine) as connection:
        connection.send(run.run, run.started(services=[service(folder)]))
        append(folder / "a.log", f"{now()} INFO during the run")
        append(folder / "new.log", f"{now()} INFO a file that came later")
        wait_until(lambda: len(contents(engine, '{service="api"}')) == 2, "both lines")
        assert sorted(contents(engine, '{service="api", run="watching"}')) == ["a file that came later", "during the run"]
        connection.send(run.run, run.finished())
        wait_until(lambda: engine.get("/api/v1/status")["sources"][0]["streams"] == 0, "end of the watch")
        append(folder / "a.log", f"{now()} INFO after the run")
        engine.barrier()
        assert len(contents(engine, '{service="api"}')) == 2


def test_a_service_that_is_named_later(engine, tmp_path):
    run = Run("later")
    with Connection(engine) as connection:
        connection.send(run.run, run.started(services=[{"name": "none", "files": [str(tmp_path / "none.log")]}]))
        append(tmp_path / "job" / "job.log", f"{now()} INFO before")
        connection.send(run.run, run.event("watch", services=[service(tmp_path / "job")]))
        append(tmp_path / "job" / "job.log", f"{now()} ERROR the job failed")
        wait_until(lambda: contents(engine, '{run="later"}') == ["the job failed"], "the job's line")
        connection.send(run.run, run.finished())


def test_a_kill_of_the_engine_loses_nothing_of_an_open_run(engine, tmp_path):
    folder = tmp_path / "app"
    run = Run("killed")
    start = run.started(services=[service(folder)])
    with Connection(engine) as connection:
        connection.send(run.run, start)
        append(folder / "a.log", f"{now()} INFO one")
        wait_until(lambda: contents(engine, '{service="api"}') == ["one"], "the first line")
    engine.kill()
    append(folder / "a.log", f"{now()} INFO two, while nobody looked")
    engine.start()
    with Connection(engine) as connection:
        connection.send(run.run, start)
        append(folder / "a.log", f"{now()} INFO three")
        wait_until(lambda: len(contents(engine, '{service="api"}')) >= 3, "all lines")
        assert contents(engine, '{service="api"}') == ["one", "two, while nobody looked", "three"]
        connection.send(run.run, run.finished())
