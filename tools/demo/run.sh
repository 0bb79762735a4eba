#!/usr/bin/env bash
# `make run`: a pytest suite against the three services of examples/shop, with --monitor-pods. One test fails on purpose, and its own log says
# why. Everything it writes is in build/demo/ (DEMO_FOLDER). TELLTALE_BIN is the program. Succeeds when all is as it should be, the failing test included.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
telltale=$(realpath "${TELLTALE_BIN:-$root/build/release/bin/telltale}")
demo=${DEMO_FOLDER:-$root/build/demo}
python=/usr/bin/python3
failing=test_an_order_in_swiss_francs

fail() { echo "demo: $*" >&2; exit 1; }
step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '$ telltale %s\n' "$*"; "$telltale" "$@"; }

# Of this machine's own settings none counts here.
for name in $(compgen -e); do case $name in TELLTALE_* | PYTEST_*) unset "$name" ;; esac; done
rm -rf "$demo"
mkdir -p "$demo/python/telltale-0.1.0.dist-info"
cp -r "$root/examples/shop" "$demo/shop"
# What `pip install clients/python` does, without a change to this machine.
printf 'Metadata-Version: 2.1\nName: telltale\nVersion: 0.1.0\n' >"$demo/python/telltale-0.1.0.dist-info/METADATA"
printf '[pytest11]\ntelltale = telltale.pytest_plugin\n' >"$demo/python/telltale-0.1.0.dist-info/entry_points.txt"
export PYTHONPATH=$demo/python:$root/clients/python/src PYTHONDONTWRITEBYTECODE=1
export TELLTALE_BIN=$telltale TELLTALE_DATA=$demo/shop/telltale-data
read -r SHOP_PORT PAYMENTS_PORT LEDGER_PORT < <("$python" "$root/tools/demo/free_ports.py" 3)
export SHOP_PORT PAYMENTS_PORT LEDGER_PORT
cd "$demo/shop"

# The suite's engine would end by itself half a minute after its last use; a suite that failed early has none.
end_engine() {
  [ -e "$TELLTALE_DATA/engine.json" ] || return 0
  "$telltale" engine stop >/dev/null || echo "demo: the engine could not be stopped; see $TELLTALE_DATA/engine.log" >&2
}
trap end_engine EXIT

step "1. A suite of 14 tests, four at a time, against three services that call each other: shop (Node.js) -> payments (Perl) -> ledger (Python)"
echo '$ pytest --monitor-pods -n 4'
set +e
"$python" -m pytest --monitor-pods -n 4 -p no:cacheprovider --junitxml="$demo/junit.xml" 2>&1 | tee "$demo/suite.out"
code=${PIPESTATUS[0]}
set -e
[ "$code" = 1 ] || fail "pytest ended with $code; 1 was to be expected, for the one test that fails on purpose"

step "2. Why did it fail? Its own log: every line that any service wrote for this test, of four that ran at the same time"
log=$(echo logs/pod_logs/test_logs/"$failing"_*[0-9].log)
[ -f "$log" ] || fail "there is no log of the failing test: $log"
echo "\$ cat $log"
cat "$log"

step "3. The same from the command line"
show logs "$failing" --errors
show query --count "{test=\"tests/test_orders.py::$failing\"}"
show tests --outcome failed
show tests --match "$failing" --json

step "4. All files of the run"
(cd logs/pod_logs && find . -type f | sort)

step "5. Checked: the same lines by file, command, query, HTTP and WebSocket; none of another test; no card number in the store"
"$python" "$root/tools/demo/check.py" --suite "$demo/suite.out" --junit "$demo/junit.xml" --failing "$failing"
if grep -rq 4111111111111111 "$TELLTALE_DATA" logs/pod_logs; then fail "a card number was stored"; fi
echo "All is as it should be."

cat <<TXT

That was Telltale's main job; the one failing test belongs to it. Go on:
  examples/shop/README.md                     what you have just seen, step by step
  examples/first-run/run.sh                   capture without a test suite: live view and queries
TXT
