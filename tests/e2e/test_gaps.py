"""A loss that is known is a gap record, and everybody who looks where it belongs meets it: one planted loss, seen from every side."""
import json
import os
import re
import signal
import xml.etree.ElementTree

import pytest
from engine import run_cli, wait_until
from runner import Connection, Run, append, apart, run_of, shown_test, stamp
from test_websocket_contract import *  # noqa
