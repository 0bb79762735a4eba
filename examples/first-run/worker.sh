#!/bin/sh
# A background worker that writes logfmt and rotates its file by renaming every 20 jobs, as logrotate would.
# Usage: worker.sh LOGFILE; runs until it is stopped.
set -eu
log=$1
job=0
while :; do
  job=$((job + 1))
  now=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
  if [ $((job % 4)) = 0 ]; then
    echo "ts=$now level=error msg=\"job failed\" job=$job err=\"connection refused\" retries=3" >>"$log"
  else
    echo "ts=$now level=info msg=\"job done\" job=$job duration=$((job % 7 + 3))ms errors=0" >>"$log"
  fi
  if [ $((job % 20)) = 0 ]; then mv "$log" "$log.1"; fi
  sleep 0.05
done
