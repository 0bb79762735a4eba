#include "app/launch.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "app/settings.h"
#include "pipeline/rules/rules.h"

namespace telltale::app {

namespace {

constexpr std::size_t name_bytes = 8;
constexpr std::string_view withheld = "(not shown: the redaction rules of the settings cannot be used)";

// Who has one of these acts for the run; the token is nobody's business that does not.
constexpr std::array<std::string_view, 4> ours{"TELLTALE_URL=", "TELLTALE_TOKEN=", "TELLTALE_RUN=", "TELLTALE_DATA="};

}  // namespace

sources::RelayKeeperOptions relay_keeper_options(const EngineLifeOptions& engine, const std::string& run, base::Random& random) {
  sources::RelayKeeperOptions options;
  options.run = run;
  options.host = host_name();
  options.name = base::random_hex(random, name_bytes);
  base::Program& program = options.program;
  program.path = engine.program;
  program.arguments = {"telltale"};
  program.arguments.insert(program.arguments.end(), engine.serve_arguments.begin(), engine.serve_arguments.end());
  program.environment = engine.environment;
  if (engine.url) {
    program.environment.push_back("TELLTALE_URL=" + *engine.url);
  } else {
    program.arguments.insert(program.arguments.end(), {"--data", engine.data_folder});
  }
  program.arguments.emplace_back("relay");
  return options;
}

std::vector<std::string> program_environment(const std::string& run) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (std::ranges::none_of(ours, [text](std::string_view name) { return text.starts_with(name); })) all.emplace_back(text);
  }
  all.push_back("TELLTALE_RUN=" + run);
  return all;
}

struct Redactor::Parts {
  telemetry::Metrics metrics;
  std::unique_ptr<const pipeline::Rules> rules;
  std::unique_ptr<pipeline::RulesScratch> scratch;
};

Redactor::Redactor(const config::Config& config) : redaction_(config.redaction) {}

Redactor::~Redactor() = default;

std::string Redactor::redact(std::string_view text) {
  if (parts_ == nullptr) {
    parts_ = std::make_unique<Parts>();
    auto rules = pipeline::make_rules(redaction_, {}, parts_->metrics);
    if (rules) {
      parts_->rules = std::move(*rules);
      parts_->scratch = std::make_unique<pipeline::RulesScratch>(*parts_->rules);
    }
  }
  if (parts_->rules == nullptr) return text.empty() ? std::string() : std::string(withheld);
  return parts_->rules->redact_text(text, *parts_->scratch);
}

}  // namespace telltale::app
