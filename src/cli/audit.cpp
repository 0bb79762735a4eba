// telltale audit: is what a run's services wrote stored, once and as it was?
#include <fmt/format.h>
#include <boost/json.hpp>

#include "app/answer.h"
#include "app/audit_text.h"
#include "base/text.h"
#include "cli/context.h"
#include "cli/endpoint.h"
#include "cli/table.h"

namespace telltale::cli {

namespace {

using boost::json::object;

constexpr std::int64_t answer_margin_ns = 5 * base::nanos_per_second;

struct AuditCommand {
  std::string run;
  std::string timeout = "60s";
  std::string max_bytes;
};

Cell fault_cell(const object& stream, std::string_view member) {
  const std::uint64_t bytes = app::count_of(stream, member);
  return {std::to_string(bytes), bytes > 0 ? Tone::bad : Tone::plain};
}

std::string streams_text(const object& audit, bool colours) {
  const auto& streams = app::array_of(audit, "streams");
  if (streams.empty()) return {};
  Table table({"SERVICE", "LINES", "BYTES", "COMPARED", "LOST", "TWICE", "CHANGED", "GAPS", "STREAM"});
  for (const auto& entry : streams) {
    if (!entry.is_object()) continue;
    const object& stream = entry.get_object();
    const std::uint64_t gaps = app::count_of(stream, "gaps");
    table.add({{std::string(app::text_of(stream, "service"))},
               {std::to_string(app::count_of(stream, "lines"))},
               {std::to_string(app::count_of(stream, "bytes"))},
               {std::to_string(app::count_of(stream, "compared_bytes"))},
               fault_cell(stream, "lost_bytes"),
               fault_cell(stream, "repeated_bytes"),
               fault_cell(stream, "changed_bytes"),
               {std::to_string(gaps), gaps > 0 ? Tone::warning : Tone::plain},
               {std::string(app::text_of(stream, "stream"))}});
  }
  return table.text(colours) + "\n";
}

std::string audit_text(const object& audit, bool colours) {
  std::string out = streams_text(audit, colours);
  for (const std::string& line : app::audit_details(audit)) out += line + "\n";
  const auto* finished = audit.if_contains("finished");
  const bool runs = finished != nullptr && finished->is_bool() && !finished->get_bool();
  return out + fmt::format("audit of {}{}: {}\n", app::text_of(audit, "run"), runs ? " (it still runs)" : "", app::audit_line(audit));
}

int exit_code_of(const object& audit) {
  const std::string_view verdict = app::text_of(audit, "verdict");
  if (verdict == "broken") return exit_check_failed;
  return verdict == "clean" ? exit_good : exit_inconclusive;
}

int run_audit(Context& context, const AuditCommand& options) {
  const auto timeout_ns = base::parse_duration(options.timeout);
  if (!timeout_ns) return report(timeout_ns.error());
  auto endpoint = find_endpoint(context);
  if (!endpoint) return report(endpoint.error());
  std::string target = fmt::format("/api/v1/runs/{}/audit", net::url_encode(options.run));
  app::add_parameter(target, "timeout_ms", std::to_string(*timeout_ns / base::nanos_per_millisecond));
  if (!options.max_bytes.empty()) {
    const auto bytes = base::parse_bytes(options.max_bytes);
    if (!bytes) return report(bytes.error());
    app::add_parameter(target, "max_bytes", std::to_string(*bytes));
  }
  const auto response = (*endpoint)->get(target, *timeout_ns + answer_margin_ns);
  if (!response) return report(response.error());
  const auto audit = app::object_of(*response);
  if (!audit) return report(audit.error());
  print(context.options.json ? response->body + "\n" : audit_text(*audit, wants_colours(context)));
  return exit_code_of(*audit);
}

}  // namespace

void add_audit(Command program, Context& context) {
  auto command = program.subcommand("audit",
                                    "Compare what is stored of a run with what its files hold; exits with 3 for lost, twice or changed, 4 "
                                    "where not all could be compared");
  auto options = std::make_shared<AuditCommand>();  // shared: the parser and the callback use it, as long as the command line lives
  command.option("run", options->run, "The run").required().type_name("RUN");
  command.option("--timeout", options->timeout, "Give up what takes longer, at most 10m").show_default();
  command.option("--max-bytes", options->max_bytes, "Read so much of the files at most").type_name("SIZE");
  command.on_run([&context, options] { context.exit_code = run_audit(context, *options); });
}

}  // namespace telltale::cli
