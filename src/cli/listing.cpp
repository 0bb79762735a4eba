#include "cli/listing.h"

#include <fmt/format.h>

#include "app/answer.h"
#include "cli/table.h"

namespace telltale::cli {

int show(Context& context, Endpoint& endpoint, const Listing& listing) {
  const auto response = endpoint.get(listing.target, app::answer_timeout_ns);
  if (!response) return report(response.error());
  if (context.options.json) {
    print(response->body);
    return exit_good;
  }
  const auto answer = app::object_of(*response);
  if (!answer) return report(answer.error());
  const auto& entries = app::array_of(*answer, listing.member);
  if (entries.empty()) {
    note(std::string(listing.none));
    return exit_good;
  }
  print(listing.text(entries, wants_colours(context)));
  if (const auto cursor = app::text_of(*answer, "next_cursor"); !cursor.empty()) note(fmt::format("There are more: --cursor {}", cursor));
  return exit_good;
}

}  // namespace telltale::cli
