#include "base/text.h"
#include "runs/model/event.h"

namespace telltale::runs {
namespace {

constexpr std::string_view type_names[] = {"run_started",  "run_finished",  "worker_started", "worker_finished",
                                           "test_started", "test_finished", "trace",          "isolation",
                                           "clock_offset", "watch",         "resumed"};
static_assert(std::size(type_names) == std::variant_size_v<EventBody>);

constexpr std::string_view method_names[] = {"estimated", "measured", "configured"};

// One object, members in the order they come.
class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) { out_ += '{'; }
  void end() { out_ += '}'; }

  void key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    base::append_json_string(out_, name);
    out_ += ':';
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    base::append_json_string(out_, value);
  }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void integer(std::string_view name, std::int64_t value) {
    key(name);
    out_ += std::to_string(value);
  }
  void literal(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
  }
  void time(std::string_view name, UnixNanos value) {
    key(name);
    out_ += '"';
    base::append_rfc3339(out_, value);
    out_ += '"';
  }
  // Nanoseconds as a decimal number of a larger unit of 10^digits of them.
  void decimal(std::string_view name, std::int64_t nanos, int digits) {
    key(name);
    const bool negative = nanos < 0;
    std::string text = std::to_string(negative ? 0 - static_cast<std::uint64_t>(nanos) : static_cast<std::uint64_t>(nanos));
    const auto places = static_cast<std::size_t>(digits);
    if (text.size() <= places) text.insert(0, places + 1 - text.size(), '0');
    std::string fraction = text.substr(text.size() - places);
    text.resize(text.size() - places);
    while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
    out_ += (negative ? "-" : "") + text + (fraction.empty() ? "" : "." + fraction);
  }
  void millis(std::string_view name, std::int64_t nanos) { decimal(name, nanos, 6); }
  void texts_if(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    key(name);
    out_ += '[';
    for (const std::string& value : values) {
      if (out_.back() != '[') out_ += ',';
      base::append_json_string(out_, value);
    }
    out_ += ']';
  }
  template <class Values, class Print>
  void list(std::string_view name, const Values& values, Print&& print) {
    key(name);
    out_ += '[';
    bool first = true;
    for (const auto& value : values) {
      if (!first) out_ += ',';
      first = false;
      Printer inside(out_);
      print(inside, value);
      inside.end();
    }
    out_ += ']';
  }
  template <class Print>
  void object(std::string_view name, Print&& print) {
    key(name);
    Printer inside(out_);
    print(inside);
    inside.end();
  }

 private:
  std::string& out_;
};

void print_labels(Printer& printer, const record::Labels& labels) {
  printer.object("labels", [&](Printer& inside) {
    for (const auto& [name, value] : labels.pairs()) inside.text(name, value);
  });
}

void print_services(Printer& printer, const std::vector<Service>& services) {
  printer.list("services", services, [](Printer& one, const Service& service) {
    one.text("name", service.name);
    one.texts_if("files", service.files);
    if (service.clock_offset_ns) one.millis("clock_offset_ms", *service.clock_offset_ns);
    if (!service.error_patterns) return;
    one.object("error_patterns", [&](Printer& inside) {
      inside.texts_if("add", service.error_patterns->add);
      inside.texts_if("replace", service.error_patterns->replace);
      inside.texts_if("ignore", service.error_patterns->ignore);
    });
  });
}

struct BodyPrinter {
  Printer& out;

  void operator()(const RunStarted& event) const {
    out.text_if("name", event.name);
    out.text_if("framework", event.framework);
    out.text_if("framework_version", event.framework_version);
    out.text_if("command", event.command);
    out.text_if("folder", event.folder);
    out.text_if("host", event.host);
    out.text_if("environment", event.environment);
    if (event.output) {
      out.object("output", [&](Printer& inside) {
        inside.text("folder", event.output->folder);
        inside.text("nonce", event.output->nonce);
      });
    }
    if (!event.services.empty()) print_services(out, event.services);
    out.text("lifetime", name_of(event.lifetime));
    out.decimal("lease_s", event.lease_ns, 9);
    if (event.remote) out.literal("remote", "true");
  }
  void operator()(const RunFinished& event) const {
    out.text("outcome", name_of(event.outcome));
    if (event.exit_code) out.integer("exit_code", *event.exit_code);
  }
  void operator()(const WorkerStarted& event) const { out.text("worker", event.worker); }
  void operator()(const WorkerFinished& event) const {
    out.text("worker", event.worker);
    out.text("outcome", name_of(event.outcome));
  }
  void operator()(const TestStarted& event) const {
    out.text("test", event.test);
    out.text("node_id", event.node_id);
    out.text_if("name", event.name);
    out.integer("attempt", event.attempt);
    out.text("worker", event.worker);
    out.text_if("file_stem", event.file_stem);
    out.text_if("trace_id", event.trace_id);
  }
  void operator()(const TestFinished& event) const {
    out.text("test", event.test);
    out.text("outcome", name_of(event.outcome));
    out.millis("duration_ms", event.duration_ns);
    out.text_if("message", event.message);
    if (event.phases.empty()) return;
    out.list("phases", event.phases, [](Printer& one, const Phase& phase) {
      one.text("name", name_of(phase.name));
      one.text("outcome", name_of(phase.outcome));
      one.time("started", phase.started);
      one.millis("duration_ms", phase.duration_ns);
    });
  }
  void operator()(const TraceNoted& event) const {
    out.text("test", event.test);
    out.text("trace_id", event.trace_id);
  }
  void operator()(const Isolation& event) const {
    print_labels(out, event.labels);
    out.text_if("test", event.test);
    out.text_if("worker", event.worker);
  }
  void operator()(const ClockOffset& event) const {
    print_labels(out, event.labels);
    out.millis("offset_ms", event.offset_ns);
    out.millis("uncertainty_ms", event.uncertainty_ns);
    out.text("method", name_of(event.method));
  }
  void operator()(const Watch& event) const {
    print_services(out, event.services);
    out.text_if("test", event.test);
  }
  void operator()(const Resumed& event) const { out.text_if("worker", event.worker); }
};

}  // namespace

std::string_view name_of(OffsetMethod method) {
  return method_names[static_cast<std::size_t>(method)];
}

std::optional<OffsetMethod> parse_offset_method(std::string_view name) {
  for (std::size_t i = 0; i < std::size(method_names); ++i) {
    if (method_names[i] == name) return static_cast<OffsetMethod>(i);
  }
  return std::nullopt;
}

std::string_view type_name(const EventBody& body) {
  return type_names[body.index()];
}

void append_event(std::string& out, const Event& event) {
  Printer printer(out);
  printer.text("type", type_name(event.body));
  printer.text("id", event.id);
  printer.time("time", event.time);
  if (event.mono_ns) printer.text("mono_ns", std::to_string(*event.mono_ns));
  if (event.reason != EndReason::none) printer.text("reason", name_of(event.reason));
  std::visit(BodyPrinter{printer}, event.body);
  printer.end();
}

}  // namespace telltale::runs
