// telltale store: what is in the data folder, and is it whole?
#include "store/engine/store.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/context.h"

namespace telltale::cli {

namespace {

std::string time_text(base::UnixNanos time) {
  return time == 0 ? "-" : base::format_rfc3339(time, 3);
}

std::string stats_text(const store::StoreStats& stats) {
  return fmt::format("store     {}\nsegments  {} ({})\nrecords   {}\nstreams   {}\ngaps      {}\nsequences {} to {}\nobserved  {} to {}\n",
                     stats.store_id, stats.segments, base::format_bytes(stats.bytes), stats.records, stats.streams, stats.gaps,
                     stats.first_sequence, stats.next_sequence, time_text(stats.oldest_observed), time_text(stats.newest_observed));
}

std::string stats_json(const store::StoreStats& stats) {
  return fmt::format(
      "{{\"store_id\":\"{}\",\"segments\":{},\"bytes\":{},\"records\":{},\"streams\":{},\"gaps\":{},\"first_sequence\":\"{}\","
      "\"next_sequence\":\"{}\",\"oldest_observed\":\"{}\",\"newest_observed\":\"{}\"}}\n",
      stats.store_id, stats.segments, stats.bytes, stats.records, stats.streams, stats.gaps, stats.first_sequence, stats.next_sequence,
      base::format_rfc3339(stats.oldest_observed), base::format_rfc3339(stats.newest_observed));
}

int run_stats(Context& context) {
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  const auto reader = store::open_read_only(context.files, loaded->config.store.data);
  if (!reader) return report(reader.error());
  const auto stats = (*reader)->stats();
  print(context.options.json ? stats_json(stats) : stats_text(stats));
  return exit_good;
}

std::string verify_json(const store::VerifyReport& found) {
  std::string out = fmt::format("{{\"segments\":{},\"frames\":{},\"records\":{},\"bytes\":{},\"problems\":[", found.segments, found.frames,
                                found.records, found.bytes);
  for (const auto& problem : found.problems) {
    if (out.back() != '[') out += ',';
    out += "{\"segment\":";
    base::append_json_string(out, problem.segment);
    out += fmt::format(",\"offset\":{},\"bytes\":{},\"what\":", problem.offset, problem.bytes);
    base::append_json_string(out, problem.what);
    out += '}';
  }
  return out + "]}\n";
}

// So that what is missing becomes gap records, now or when an engine starts.
void tell_engine(Context& context, const std::string& folder, const store::VerifyReport& found) {
  if (found.suspects.empty()) return;
  if (auto told = store::tell_engine(context.files, folder, found); !told) {
    note(fmt::format("the engine could not be told of it: {}", told.error().message()));
  } else if (!context.options.json) {
    note("The engine has been told: what is missing becomes gap records, within seconds or when it starts.");
  }
}

int run_verify(Context& context) {
  const auto loaded = context.load_config();
  if (!loaded) return report(loaded.error());
  const auto found = store::verify(context.files, loaded->config.store.data);
  if (!found) return report(found.error());
  if (context.options.json) {
    print(verify_json(*found));
  } else {
    for (const auto& problem : found->problems) {
      note(fmt::format("{}: {} bytes at {}: {}", problem.segment, problem.bytes, problem.offset, problem.what));
    }
    print(fmt::format("{} segments, {} frames, {} records, {}: {}\n", found->segments, found->frames, found->records,
                      base::format_bytes(found->bytes),
                      found->problems.empty() ? "whole" : fmt::format("{} problems", found->problems.size())));
  }
  tell_engine(context, loaded->config.store.data, *found);
  return found->problems.empty() ? exit_good : exit_check_failed;
}

}  // namespace

void add_store(Command program, Context& context) {
  auto command = program.subcommand("store", "Look at the data folder");
  command.require_subcommand();
  auto stats = command.subcommand("stats", "How much is there, of when");
  stats.on_run([&context] { context.exit_code = run_stats(context); });
  auto verify = command.subcommand("verify", "Read every byte and say what is damaged; exit code 3 when something is");
  verify.on_run([&context] { context.exit_code = run_verify(context); });
}

}  // namespace telltale::cli
