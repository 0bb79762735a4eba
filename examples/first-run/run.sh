#!/usr/bin/env bash
# Capture without a test suite: starts three small real services and an engine that watches their logs, shows the live view and some
# queries, stops all. Everything it writes is in build/first-run/. TELLTALE_BIN is the program.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
telltale=$(realpath "${TELLTALE_BIN:-$root/build/release/bin/telltale}")
demo=$root/build/first-run
python=/usr/bin/python3
pids=()

stop_all() {
  local pid
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || continue; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || continue; done
}
trap stop_all EXIT

# Waits until a command succeeds, 20 s at most.
until_true() {
  local end=$((SECONDS + 20))
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$end" ]; then echo "first-run: no success within 20 s: $*" >&2; exit 1; fi
    sleep 0.1
  done
}

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '$ telltale %s\n' "$*"; "$telltale" "$@"; }

rm -rf "$demo"
mkdir -p "$demo/logs" "$demo/site"
echo '<h1>shop</h1>' >"$demo/site/index.html"
cp "$root/examples/first-run/telltale.yaml" "$demo/"
cd "$demo"
export TELLTALE_DATA=$demo/data

step "1. The engine watches logs/*.log (data in build/first-run/data)"
"$telltale" serve --config telltale.yaml --port 0 --health-port 0 --metrics-port 0 2>engine.err &
pids+=($!)
until_true test -s data/engine.json

step "2. Three real services start: orders (JSON lines), worker (logfmt, rotates its file), web (Python's own HTTP server)"
"$python" "$root/examples/first-run/orders.py" logs/orders.log orders.port & pids+=($!)
sh "$root/examples/first-run/worker.sh" logs/worker.log & pids+=($!)
"$python" -u -m http.server 0 --bind 127.0.0.1 --directory site >web.out 2>logs/web.log & pids+=($!)
until_true test -s orders.port
until_true grep -q 'port [0-9]' web.out

step "3. Live: telltale tail, while the services are used"
"$telltale" tail --limit 12 '{service=~".+"}' & tail_pid=$!
"$python" - "$(cat orders.port)" "$(grep -o 'port [0-9]*' web.out | grep -o '[0-9]*')" <<'PY'
import json, sys, urllib.error, urllib.request
orders, web = sys.argv[1:3]
def order(item, count):
    request = urllib.request.Request(f"http://127.0.0.1:{orders}/orders", json.dumps({"item": item, "count": count}).encode(),
                                     {"Authorization": "Bearer demo-" + "0123456789abcdef" * 2})
    try:
        urllib.request.urlopen(request, timeout=5).read()
    except urllib.error.HTTPError as error:
        error.read()
for item in ("lamp", "chair", "sofa", "desk", "lamp"):
    order(item, 2)
for path in ("/", "/missing.html"):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{web}{path}", timeout=5).read()
    except urllib.error.HTTPError as error:
        error.read()
PY
wait "$tail_pid"

step "4. What went wrong? Every line with an error"
show query --since 5m --limit 8 '{service=~".+", error="true"}'

step "5. One order, by its service and a word; the token it was sent with was never stored"
show query --since 5m --limit 3 '{service="orders"} |= "sofa"'
if grep -rq 'demo-0123456789abcdef' data; then echo "first-run: the token is in the store" >&2; exit 1; fi
show query --since 5m --count '{service="worker"}'

step "6. Stopped, and still there: the same question without an engine"
kill -TERM "${pids[0]}"
wait "${pids[0]}"
pids=("${pids[@]:1}")
show query --since 5m --limit 2 '{service="orders", error="true"}'
show store stats

cat <<TXT

Go on:
  cd build/first-run && ../release/bin/telltale query '{service="worker"} |= "refused"'   search what was captured
  build/release/bin/telltale serve --file '/path/to/your/*.log'                           watch your own logs
  docs/guide/first-steps.md                                                               the guide
TXT
