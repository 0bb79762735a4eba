"""Which environment counts, and what is said when it cannot be used. Nothing of that fails a test."""
import pytest

TWO = """
one:
  monitoring: {services: [{name: api, file: logs/api.log}]}
two:
  monitoring: {services: [{name: other, file: logs/other.log}]}
"""
PODS = """
cluster:
  ssh: {target_host: {host: worker-1, username: root}}
  kubernetes: {namespace: panda}
  monitoring: {services: [{name: focus, selector: "app=focus"}SERVICES]}
"""


@pytest.fixture
def with_file(suite):
    def write(text):
        suite.write("config/environments.yaml", text)
        suite.write("test_it.py", "def test_it(pod_monitor): pass\n")
        return suite

    return write


def off_line(done):
    lines = [line for line in done.output.splitlines() if line.startswith("telltale: ")]
    assert len(lines) == 1, done.output
    return lines[0]


def test_an_environment_that_does_not_exist_is_named_with_those_that_do(with_file):
    done = with_file(TWO).run("--monitor-pods", "--env", "nowhere")
    assert done.code == 0
    assert "no logs were monitored: Environment 'nowhere' not found in config. Available: [one, two]" in off_line(done)


def test_without_a_choice_and_a_default_the_environments_are_listed(with_file):
    done = with_file(TWO).run("--monitor-pods")
    assert done.code == 0 and "[one, two]" in off_line(done)


def test_a_file_that_is_named_and_not_there(with_file):
    done = with_file(TWO).run("--monitor-pods", "--telltale-environments", "elsewhere.yaml")
    assert done.code == 0 and "elsewhere.yaml" in off_line(done)


@pytest.mark.parametrize("variable", [None, "agent"])
def test_pods_without_credentials_turn_monitoring_off_in_the_products_words(with_file, variable):
    done = with_file(PODS.replace("SERVICES", "")).run("--monitor-pods", env={"SSH_AUTH_SOCK": variable and "/tmp/agent"})
    assert done.code == 0
    missing = "SSH credentials not configured - pod monitoring disabled" in off_line(done)
    assert missing == (variable is None), done.output
    if variable:
        assert "the source for pods is not there yet" in off_line(done) and "focus" in off_line(done)


def test_a_variable_that_credentials_need_is_a_missing_credential(with_file):
    text = PODS.replace("username: root", 'username: root, password: "${SSH_PASSWORD}"').replace("SERVICES", "")
    done = with_file(text).run("--monitor-pods", env={"SSH_AUTH_SOCK": None, "SSH_PASSWORD": None})
    assert done.code == 0 and "SSH credentials not configured - pod monitoring disabled" in off_line(done)


def test_the_config_manager_is_the_environments_with_and_without_monitoring(with_file):
    suite = with_file(TWO)
    suite.write("test_it.py", "def test_it(config_manager): assert config_manager.name == 'two'\n")
    assert suite.run("--env", "two").code == 0
    assert suite.run(env={"TELLTALE_ENV": "two"}).code == 0
