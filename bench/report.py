"""What `make bench` prints: for each part the medians of its rounds."""
import statistics


def middle(values, form):
    """The median of the values with the least and the most, each by the format."""
    values = list(values)
    text = format(statistics.median(values), form)
    return text if len(values) == 1 else f"{text} [{min(values):{form}} .. {max(values):{form}}]"


def report_ingest(rounds):
    first = rounds[0]
    print(f"\nfile -> stored and synced: {first['lines']:,} lines, {first['bytes'] / 1e6:,.0f} MB, mean {first['bytes'] / first['lines']:.0f} "
          f"bytes a line, seed {first['seed']}")
    print(f"  {'program':<16}{'lines per CPU-s':>36}{'MB per CPU-s':>14}{'CPU s':>8}{'peak MiB':>10}{'ratio':>8}")
    rate = lambda row: row["lines"] / row["cpu"]  # noqa: E731
    ours = statistics.median(rate(figures["programs"]["telltale"]) for figures in rounds)
    for name in first["programs"]:
        rows = [figures["programs"][name] for figures in rounds]
        skipped = [row for row in rows if isinstance(row, str)]
        if skipped:
            print(f"  {name:<16} skipped: {skipped[0]}")
            continue
        cpu = statistics.median(row["cpu"] for row in rows)
        print(f"  {name:<16}{middle(map(rate, rows), ',.0f'):>36}{first['bytes'] / cpu / 1e6:>14.0f}{cpu:>8.2f}"
              f"{max(row['peak_mib'] for row in rows):>10.0f}{ours / statistics.median(map(rate, rows)):>8.2f}")
    print(f"  on disk {first['disk_bytes'] / 1e6:,.0f} MB ({first['bytes'] / first['disk_bytes']:.1f} x smaller); read back in each round:")
    for text in sorted({figures["read_back"] for figures in rounds}):
        print(f"    {text}")


def report_streams(rounds):
    lost = sum(figures["written"] - figures["kept"] for figures in rounds)
    print(f"\n{rounds[0]['streams']:,} streams, {middle((f['rate'] for f in rounds), ',.0f')} lines/s: "
          f"{middle((f['cpu_percent'] for f in rounds), '.1f')} % of a core, {max(f['anonymous_mib'] for f in rounds):.0f} MiB anonymous, "
          f"{rounds[0]['threads']} threads; of {rounds[0]['written']:,} lines a round {lost} are missing")


def report_idle(rounds):
    print(f"\nidle for {rounds[0]['seconds']} s: {middle((f['cpu_percent'] for f in rounds), '.2f')} % of a core, "
          f"{middle((f['anonymous_mib'] for f in rounds), '.1f')} MiB anonymous, "
          f"{middle((f['resident_mib'] for f in rounds), '.1f')} MiB resident with the program's pages")


def report_idle_files(rounds):
    print(f"\n{rounds[0]['files']:,} idle files for {rounds[0]['seconds']} s: {middle((f['cpu_percent'] for f in rounds), '.2f')} % of a core "
          f"(limit 1), {max(f['anonymous_mib'] for f in rounds):.0f} MiB anonymous, {max(f['descriptors'] for f in rounds)} descriptors; "
          f"{rounds[0]['kept']:,} lines kept")


def report_latency(rounds):
    print()
    for rate in rounds[0]:
        rows = [figures[rate] for figures in rounds]
        print(f"write -> WebSocket receipt at {rate:,} lines/s: p50 {middle((r['p50_ms'] for r in rows), '.2f')} ms, "
              f"p99 {middle((r['p99_ms'] for r in rows), '.2f')} ms ({sum(r['received'] for r in rows):,} of {sum(r['sent'] for r in rows):,} "
              f"lines); {max(r['peak_mib'] for r in rows):.0f} MiB anonymous")


def report_pytest(rounds):
    print(f"\npytest plugin: {rounds[0]['tests']:,} empty tests with and without it, milliseconds a test more")
    for name in rounds[0]["more"]:
        pairs = [pair for figures in rounds for pair in figures["more"][name]]
        total, alone, used = ([pair[place] for pair in pairs] for place in range(3))
        print(f"  {name}: {middle(total, '+.2f')} of the whole run, {middle(alone, '+.2f')} of the tests alone, {middle(used, '+.2f')} of a "
              f"processor ({len(pairs)} pairs)")


REPORTS = {"ingest": report_ingest, "streams": report_streams, "idle": report_idle, "idle-files": report_idle_files,
           "latency": report_latency, "pytest": report_pytest}
