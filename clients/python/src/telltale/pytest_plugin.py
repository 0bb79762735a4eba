"""The pytest plugin's door: options, and fixtures that do nothing unless --monitor-pods is given. All else is in telltale.monitor, which is
only imported then."""
import pytest

from telltale import options

ACTIVE = "telltale-active"  # name of the plugin that is registered when monitoring is on


def pytest_addoption(parser):
    options.add_ini(parser)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config, parser, args):
    known = getattr(early_config, "known_args_namespace", None)
    if known is not None:
        options.forget_values([str(arg) for arg in args], known.file_or_dir)
    yield
    options.add_options(parser)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    worker = getattr(config, "workerinput", None)
    if worker is not None and "telltale" not in worker:
        return
    try:
        if worker is None and not options.is_wanted(config):
            return
    except options.OptionError as error:
        raise pytest.UsageError(f"telltale: {error}") from None
    from telltale.monitor import plugin

    plugin.activate(config)


@pytest.fixture(scope="session")
def pod_monitor(request):
    """The monitoring of this session: start_monitoring_service(), wait(), what is watched. Inactive without --monitor-pods."""
    from telltale.inactive import InactiveMonitor

    return InactiveMonitor()


@pytest.fixture
def track_test_in_pod_monitor():
    """With --monitor-pods used by every test: what is known of the running test. Otherwise None."""
    return None


@pytest.fixture
def get_test_pod_logs():
    """Call it: the lines so far of the running test, as texts. Empty without --monitor-pods."""
    return lambda *_args, **_options: []


@pytest.fixture
def assert_no_pod_errors():
    """Call it: fails the test when a watched service logged an error during it. Passes without --monitor-pods."""
    return lambda *_args, **_options: None


@pytest.fixture
def telltale_headers():
    """HTTP headers that tie what a service logs to the running test. Empty without --monitor-pods."""
    return {}


@pytest.fixture(scope="session")
def config_manager(pytestconfig):
    """The environment (--env) with its settings and secrets: telltale.config.ConfigManager. Needs no monitoring."""
    from telltale.config import ConfigManager

    values = {option.key: options.value_of(pytestconfig, option) for option in options.OPTIONS}
    return ConfigManager(values["env"] or None, environments=values["environments"] or None, folder=pytestconfig.invocation_params.dir,
                         program=values["bin"] or None)
