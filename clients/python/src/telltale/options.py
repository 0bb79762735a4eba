"""The plugin's options: on the command line, as environment variables, in the ini file, in this order. Imported in every pytest run."""
import os


class Option:
    """`flag`: without a value. `ini`: name of the ini setting."""

    def __init__(self, name, ini, variable, text, flag=False, metavar=None, default="", choices=None):
        self.name, self.ini, self.variable, self.text = name, ini, variable, text
        self.flag, self.metavar, self.default, self.choices = flag, metavar, default, choices
        self.key = name.lstrip("-").replace("-", "_")
        if self.key.startswith("telltale_"):
            self.key = self.key[len("telltale_"):]


OPTIONS = (
    Option("--monitor-pods", "monitor_pods", "TELLTALE_MONITOR_PODS", "tie the log lines of the watched services to the tests", flag=True),
    Option("--env", "telltale_env", "TELLTALE_ENV", "environment of config/environments.yaml", metavar="NAME"),
    Option("--telltale-environments", "telltale_environments", "TELLTALE_ENVIRONMENTS", "environments file", metavar="FILE"),
    Option("--telltale-url", "telltale_url", "TELLTALE_URL", "a running engine; its token is read from TELLTALE_TOKEN", metavar="URL"),
    Option("--telltale-bin", "telltale_bin", "TELLTALE_BIN", "the telltale program", metavar="PATH"),
    Option("--telltale-data", "telltale_data", "TELLTALE_DATA", "data folder of the engine that is started", metavar="DIR"),
    Option("--telltale-output", "telltale_output", "TELLTALE_OUTPUT", "folder of the log files", metavar="DIR", default="logs/pod_logs"),
    Option("--telltale-run-name", "telltale_run_name", "TELLTALE_RUN_NAME", "a name for the run", metavar="NAME"),
    Option("--telltale-wait", "telltale_wait", "TELLTALE_WAIT", "seconds that reading logs in a test waits for late lines", metavar="SECONDS",
           default="1"),
    Option("--telltale-console", "telltale_console", "TELLTALE_CONSOLE",
           "full: banners, tests, summary; brief: summary only; live: full, and live lines also without -v", metavar="KIND", default="full",
           choices=("full", "brief", "live")),
    Option("--telltale-audit", "telltale_audit", "TELLTALE_AUDIT",
           "on: at the end compare what is stored with what the services' files hold; off", metavar="on|off", default="on", choices=("on", "off")),
    Option("--telltale-instrument", "telltale_instrument", "TELLTALE_INSTRUMENT",
           "HTTP clients that send the test's headers by themselves: urllib, http.client, requests, httpx, or all; with commas", metavar="LIST"),
    Option("--telltale-instrument-hosts", "telltale_instrument_hosts", "TELLTALE_INSTRUMENT_HOSTS",
           "hosts that get these headers, as in *.example.com; with commas", metavar="LIST", default="*"),
)
TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off", "")
# Sessions in which no test runs.
INERT = ("collectonly", "setupplan", "showfixtures", "show_fixtures_per_test", "cacheshow", "markers", "version", "help")


class OptionError(Exception):
    """A value that is not allowed; the text names it and what is."""


def add_ini(parser):
    for option in OPTIONS:
        parser.addini(option.ini, f"{option.text} (as {option.name})", type="bool" if option.flag else None, default=None)


def add_options(parser):
    """Adds what nobody else defined: an option of that name in a conftest.py of the suite is used as it is, whatever it is for."""
    group = parser.getgroup("telltale", "logs of the system under test (Telltale)")
    known = _known_names(parser)
    for option in OPTIONS:
        if option.name in known:
            continue
        default = f" (ini {option.ini}, {option.variable}" + (f"; default {option.default})" if option.default else ")")
        if option.flag:
            group.addoption(option.name, action="store_true", default=None, help=option.text + default)
        else:
            group.addoption(option.name, metavar=option.metavar, default=None, help=option.text + default)


def _known_names(parser):
    groups = [getattr(parser, "_anonymous", None), *getattr(parser, "_groups", ())]
    return {name for group in groups if group is not None for known in group.options for name in known.names()}


def forget_values(args, file_or_dir):
    """Before conftest files are read pytest takes the value of `--env NAME` for a file. Removes such values from that list."""
    valued = {option.name for option in OPTIONS if not option.flag}
    for name, value in zip(args, args[1:]):
        if str(name) in valued and str(value) in file_or_dir:
            file_or_dir.remove(str(value))


def value_of(config, option):
    """The value as text (a flag: True or False), from the first place that has one."""
    given = config.getoption(option.name, default=None)
    if option.flag and given is True:
        return True
    if not option.flag and isinstance(given, str) and given:
        return given
    named = os.environ.get(option.variable, "")
    if named:
        return _truth(option, named) if option.flag else named
    try:
        ini = config.getini(option.ini)
    except (ValueError, KeyError):
        ini = None
    if option.flag:
        return bool(ini)
    return str(ini) if ini else option.default


def _truth(option, text):
    word = text.strip().lower()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return word in TRUE_WORDS
    raise OptionError(f"{option.variable} is '{text}'; allowed are 1 and 0")


def is_wanted(config):
    """Whether this session is to be monitored."""
    return bool(value_of(config, OPTIONS[0])) and not any(config.getoption(name, default=None) for name in INERT)


class Settings:
    """All values, checked. OptionError."""

    def __init__(self, config, folder):
        values = {option.key: value_of(config, option) for option in OPTIONS}
        for option in OPTIONS:
            if option.choices and values[option.key] not in option.choices:
                raise OptionError(f"{option.name} is '{values[option.key]}'; allowed are {', '.join(option.choices)}")
        self.folder = folder  # where relative paths start, and where programs run
        self.env, self.environments = values["env"], values["environments"]
        self.url, self.bin, self.data = values["url"], values["bin"], values["data"]
        self.output, self.run_name, self.console = values["output"], values["run_name"], values["console"]
        self.audit = values["audit"] == "on"
        self.token = os.environ.get("TELLTALE_TOKEN", "")  # not an option: arguments of programs can be read by everybody
        self.joined_run = os.environ.get("TELLTALE_RUN", "")
        self.instrument = split_list(values["instrument"])
        self.instrument_hosts = split_list(values["instrument_hosts"]) or ["*"]
        try:
            self.wait = float(values["wait"])
        except ValueError:
            self.wait = -1.0
        if not 0 <= self.wait <= 60:
            raise OptionError(f"--telltale-wait is '{values['wait']}'; allowed are 0 to 60 seconds")


def split_list(text):
    return [word for word in str(text).replace(",", " ").split() if word]
