#include "runs/files/test_header.h"

#include <fmt/format.h>

#include "base/text.h"

namespace telltale::runs {

namespace {

std::string_view outcome_of(const Test& test) {
  return test.outcome == TestOutcome::none ? std::string_view("running") : name_of(test.outcome);
}

// Names come last: they may hold anything.
std::string name_part(const Test& test) {
  return base::to_printable(fmt::format("attempt={} worker={} name={}", test.key->attempt, test.key->worker, test.key->node_id)) + "\n";
}

}  // namespace

std::string final_header(const Test& test, const TestTally& counts) {
  return fmt::format("# final test={} run={} outcome={} lines={} shared={} errors={} possible_errors={} ", test.key->id, test.key->run,
                     outcome_of(test), counts.records, counts.shared, counts.errors, counts.possible_errors) +
         name_part(test);
}

std::string provisional_header(const Test& test) {
  return fmt::format("# provisional test={} run={} outcome={} ", test.key->id, test.key->run, outcome_of(test)) + name_part(test);
}

bool is_header_of(std::string_view begin, std::string_view test_id) {
  for (const std::string_view kind : {"# final test=", "# provisional test="}) {
    if (!begin.starts_with(kind)) continue;
    const std::string_view rest = begin.substr(kind.size());
    return rest.starts_with(test_id) && rest.substr(test_id.size()).starts_with(' ');
  }
  return false;
}

}  // namespace telltale::runs
