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
pids=()

stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || continue; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || continue; done
  "$telltale" engine stop >/dev/null 2>&1 || true
}
trap stop_all EXIT

# Waits until a service answers, 20 s at most.
until_answers() {
  local end=$((SECONDS + 20))
  until "$python" -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$1/health', timeout=5)" 2>/dev/null; do
    [ "$SECONDS" -lt "$end" ] || fail "no answer of a service on port $1 within 20 s"
    sleep 0.1
  done
}

# The services, as if they ran already; the engine is told of their files (telltale.yaml), and the suite too (--env remote).
mkdir -p logs
export PAYMENTS_URL=http://127.0.0.1:$PAYMENTS_PORT LEDGER_URL=http://127.0.0.1:$LEDGER_PORT LEDGER_LOG=logs/ledger.log LEDGER_LOG_BYTES=8000
export SHOP_LOGS=$demo/shop/logs SHOP_URL=http://127.0.0.1:$SHOP_PORT
printf 'version: 1\nsources: {files: [{paths: ["%s/*.log"]}]}\n' "$SHOP_LOGS" >telltale.yaml
"$python" services/ledger.py & pids+=($!)
until_answers "$LEDGER_PORT"
perl services/payments.pl 2>>logs/payments.log & pids+=($!)
until_answers "$PAYMENTS_PORT"
node services/shop.js >>logs/shop.log & pids+=($!)
until_answers "$SHOP_PORT"

step "1. A suite of 14 tests, four at a time, against three services that call each other: shop (Node.js) -> payments (Perl) -> ledger (Python)"
echo '$ pytest --monitor-pods --env remote -n 4'
set +e
"$python" -m pytest --monitor-pods --env remote -n 4 -p no:cacheprovider --junitxml="$demo/junit.xml" 2>&1 | tee "$demo/suite.out"
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
