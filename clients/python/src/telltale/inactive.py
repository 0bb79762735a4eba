"""What the fixtures give when monitoring is off."""


class InactiveMonitor:
    """As monitor.fixtures.PodMonitor, without effect."""

    active = False
    run = url = output_folder = environment = None
    services = ()

    def start_monitoring_service(self, service_name, pod_selector=None, *, files=None, own=False):
        return False

    def wait(self, seconds=None):
        return True

    def problems(self):
        return []
