// GET /api/v1/tests/{test}/logs.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "api/rest/handlers.h"
#include "api/rest/rest_context.h"
#include "api/wire/json_output.h"
#include "api/wire/parameters.h"
#include "base/text.h"
#include "query/exec/query.h"
#include "record/wire.h"
#include "runs/attribution/attributor.h"
#include "runs/files/line_format.h"
#include "runs/registry/registry.h"
#include "runs/summary/run_records.h"

namespace telltale::api {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::uint64_t default_limit = 1000;
constexpr std::uint64_t max_limit = 10'000;

enum class Format : std::uint8_t { json, ndjson, text, file };

struct LogRequest {
  Format format = Format::json;
  bool errors_only = false;
  bool candidates = true;
  query::QueryRequest query;
};

// The records of one test: certainly its own, and with `candidates` those that may be another's as well.
class TestLog final : public record::RecordPredicate {
 public:
  // `bounds`: of the times at which its records were written.
  TestLog(const runs::Attributor& attributor, runs::Scope scope, const runs::TestKey& test, std::optional<runs::TimeSpan> bounds,
          const LogRequest& request)
      : attributor_(attributor),
        scope_(std::move(scope)),
        test_(test),
        bounds_(bounds),
        errors_only_(request.errors_only),
        candidates_(request.candidates) {}

  bool may_match(const record::Stream& stream) const override { return scope_.holds(stream); }
  std::optional<record::TimeBounds> time_bounds() const override {
    if (!bounds_) return std::nullopt;
    return record::TimeBounds{bounds_->from, bounds_->to};
  }
  bool matches(const record::RecordView& view) const override {
    record::CommittedBatch batch;
    batch.batch = *view.batch;
    batch.first_sequence = view.sequence - static_cast<std::size_t>(view.record - view.batch->records.data());
    std::vector<std::uint32_t> selected;
    select(batch, selected);
    return std::ranges::find(selected, view.sequence - batch.first_sequence) != selected.end();
  }
  void select(const record::CommittedBatch& batch, std::vector<std::uint32_t>& out) const override {
    runs::visit_run_records(attributor_, test_.run, batch, batch.first_sequence, [&](const runs::RunRecord& record) {
      if (holds(record)) out.push_back(static_cast<std::uint32_t>(record.view.sequence - batch.first_sequence));
      return store::ScanStep::go_on;
    });
  }

 private:
  bool holds(const runs::RunRecord& record) const {
    if (errors_only_ && !record.is_error()) return false;
    if (record.is_shared() && !candidates_) return false;
    bool is_its = false;
    record.each_test([&](const runs::TestKey& test) { is_its = is_its || test.id == test_.id; });
    return is_its;
  }

  const runs::Attributor& attributor_;
  const runs::Scope scope_;
  const runs::TestKey test_;
  const std::optional<runs::TimeSpan> bounds_;
  const bool errors_only_;
  const bool candidates_;
};

Result<Format> read_format(const net::Request& request) {
  const std::string_view name = request.parameter("format").value_or("json");
  if (name == "json") return Format::json;
  if (name == "ndjson") return Format::ndjson;
  if (name == "text") return Format::text;
  if (name == "file") return Format::file;
  return fail(ErrorCode::invalid_argument, "format '" + base::to_printable(name.substr(0, 100)) + "' is not known",
              "Use json, ndjson, text or file.");
}

Result<LogRequest> read_request(const net::Request& request, const store::StoreReader& store) {
  LogRequest log;
  const auto format = read_format(request);
  if (!format) return std::unexpected(format.error());
  log.format = *format;
  const auto errors = flag_parameter(request, "errors", false);
  if (!errors) return std::unexpected(errors.error());
  log.errors_only = *errors;
  const auto candidates = flag_parameter(request, "candidates", true);
  if (!candidates) return std::unexpected(candidates.error());
  log.candidates = *candidates;
  const auto limit = number_parameter(request, "limit", default_limit, 1, max_limit);
  if (!limit) return std::unexpected(limit.error());
  log.query.limit = *limit;
  log.query.newest_first = false;
  const std::string_view cursor = request.parameter("cursor").value_or(std::string_view());
  if (cursor.empty()) return log;
  const auto sequence = store.read_cursor(cursor);
  if (!sequence) return std::unexpected(sequence.error());
  log.query.after = *sequence;
  return log;
}

// Goes through the rows, batch by batch, with what is known of each now.
template <class Visit>
void for_each_record(const std::vector<query::Row>& rows, const runs::Attributor& attributor, const std::string& run, Visit visit) {
  std::size_t next = 0;
  while (next < rows.size()) {
    const record::CommittedBatchRef batch = rows[next].batch;
    runs::visit_run_records(attributor, run, *batch, rows[next].view().sequence, [&](const runs::RunRecord& record) {
      if (rows[next].view().sequence == record.view.sequence) {
        visit(record);
        ++next;
      }
      return next < rows.size() && rows[next].batch == batch ? store::ScanStep::go_on : store::ScanStep::stop;
    });
    // An event that came just now may have changed what was selected: such rows are left out.
    while (next < rows.size() && rows[next].batch == batch) ++next;
  }
}

void append_entry(std::string& out, const runs::RunRecord& record) {
  record::append_wire_entry(out, record.view);
  out.back() = ',';  // was the object's end
  out += "\"attribution\":";
  runs::append_attribution(out, record.batch, static_cast<std::size_t>(record.view.record - record.view.batch->records.data()));
  out += '}';
}

net::Response json_answer(const ApiDependencies& parts, const runs::Test& test, const query::QueryAnswer& found) {
  std::string body;
  JsonObject object(body);
  object.text("test", test.key->id);
  object.boolean("provisional", !test.finished.has_value());
  object.key("records") += '[';
  for_each_record(found.rows, parts.attributor, test.key->run, [&](const runs::RunRecord& record) {
    if (body.back() != '[') body += ',';
    append_entry(body, record);
  });
  body += ']';
  object.text_or_null("next_cursor", found.next ? parts.store.cursor(*found.next) : std::string());
  object.number("scanned_records", found.scanned_records);
  object.number("scanned_bytes", found.scanned_bytes);
  object.end();
  return json_response(std::move(body));
}

// Names the instances of services that had several while the run went on.
class Instances {
 public:
  base::Status find(const ApiDependencies& parts, const runs::Scope& scope, const std::string& run) {
    auto found = parts.registry.run_bounds(run);
    if (!found) return base::pass(found);
    const auto& bounds = *found;
    if (!bounds) return {};
    store::ScanRange range;
    range.from_time = bounds->from;
    range.to_time = bounds->to;
    // Which streams there were is all that is asked: no batch is decoded.
    const auto note = [&](const record::Stream& stream) {
      const std::string_view service = scope.name_in_run(stream);
      // As in the files: a process's streams have no name of their own.
      const std::string instance = runs::instance_of(stream);
      if (!service.empty() && !instance.empty()) of_service_[std::string(service)].insert(instance);
      return false;
    };
    return parts.store.scan(range, note, [](const record::CommittedBatchRef&) { return store::ScanStep::go_on; });
  }
  // Empty where the service has one alone.
  std::string of(const runs::RunRecord& record) const {
    const auto found = of_service_.find(record.service());
    return found == of_service_.end() || found->second.size() < 2 ? std::string() : runs::instance_of(*record.view.batch->stream);
  }

 private:
  std::map<std::string, std::set<std::string>, std::less<>> of_service_;
};

Result<std::string> file_lines(const ApiDependencies& parts, const std::string& run, const runs::Scope& scope,
                               const query::QueryAnswer& found) {
  const base::LocalTimeZone zone;
  Instances instances;
  if (auto known = instances.find(parts, scope, run); !known) return base::pass(known);
  runs::FormattedLine line;
  std::string out;
  for_each_record(found.rows, parts.attributor, run, [&](const runs::RunRecord& record) {
    const std::string instance = instances.of(record);
    line.assign(record.view, {record.service(), instance, record.time()}, zone);
    line.append_to(out, record.is_shared());
  });
  return out;
}

Result<std::string> lines(const ApiDependencies& parts, const std::string& run, const query::QueryAnswer& found, Format format) {
  std::string out;
  for_each_record(found.rows, parts.attributor, run, [&](const runs::RunRecord& record) {
    if (format == Format::ndjson) {
      append_entry(out, record);
    } else {
      if (record.is_shared()) out += "[shared] ";
      record::append_plain_line(out, record.view);
    }
    out += '\n';
  });
  return out;
}

Result<net::Response> read_log(const ApiDependencies& parts, const std::string& id, LogRequest request) {
  const auto test = parts.registry.test(id);
  if (!test) return std::unexpected(test.error());
  const std::string& run = test->key->run;
  const auto scope = parts.registry.scope(run);
  if (!scope) return std::unexpected(scope.error());
  auto bounds = parts.registry.test_bounds(id);
  if (!bounds) return base::pass(bounds);
  request.query.predicate = std::make_shared<const TestLog>(parts.attributor, *scope, *test->key, *bounds, request);
  const auto found = query::run(parts.store, parts.clock, request.query);
  if (!found) return std::unexpected(found.error());
  if (request.format == Format::json) return json_answer(parts, *test, *found);
  auto body = request.format == Format::file ? file_lines(parts, run, *scope, *found) : lines(parts, run, *found, request.format);
  if (!body) return base::pass(body);
  net::Response response;
  response.content_type = request.format == Format::ndjson ? "application/x-ndjson" : "text/plain; charset=utf-8";
  response.body = *std::move(body);
  if (found->next) response.headers.emplace_back("Telltale-Next-Cursor", parts.store.cursor(*found->next));
  return response;
}

}  // namespace

void handle_test_logs(const RestContext& context, const CallRef& call) {
  const ApiDependencies& parts = context.parts();
  if (const auto known = check_parameters(call->request, {"format", "errors", "candidates", "limit", "cursor"}); !known) {
    return answer(call, known.error());
  }
  auto request = read_request(call->request, parts.store);
  if (!request) return answer(call, request.error());
  context.answer_on(parts.queries, call,
                    [&parts, call, request = *std::move(request)] { return read_log(parts, call->captured[0], request); });
}

}  // namespace telltale::api
