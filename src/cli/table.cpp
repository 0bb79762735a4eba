#include "cli/table.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/text.h"

namespace telltale::cli {

namespace {

constexpr std::string_view reset = "\x1b[0m";

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return {};
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::warning:
      return "\x1b[33m";
    case Tone::dim:
      return "\x1b[2m";
  }
  return {};
}

// Characters of valid UTF-8.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Table::Table(std::vector<std::string> headings) {
  std::vector<Cell> row;
  for (std::string& heading : headings) row.push_back({std::move(heading), Tone::dim});
  rows_.push_back(std::move(row));
}

void Table::add(std::vector<Cell> row) {
  TT_ASSERT(row.size() == rows_.front().size(), "a row has a cell for each heading");
  for (Cell& cell : row) cell.text = base::to_printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(bool colours) const {
  const std::size_t columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < columns; ++i) {
      out += coloured(row[i].text, row[i].tone, colours);
      if (i + 1 < columns) out.append(widths[i] - width_of(row[i].text) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

std::string coloured(std::string_view text, Tone tone, bool colours) {
  const std::string_view escape = colours ? escape_of(tone) : std::string_view();
  return escape.empty() ? std::string(text) : fmt::format("{}{}{}", escape, text, reset);
}

bool wants_colours(const Context& context) {
  const std::string no_colour = context.environment("NO_COLOR").value_or("");
  return no_colour.empty() && context.environment("TERM").value_or("dumb") != "dumb" && ::isatty(STDOUT_FILENO) == 1;
}

std::string duration_text(double milliseconds) {
  if (milliseconds <= 0) return "-";
  const double seconds = milliseconds / 1000;
  if (seconds < 60) return fmt::format("{:.3f} s", seconds);
  const auto whole = static_cast<std::int64_t>(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string time_text(std::string_view rfc3339) {
  const auto time = base::parse_rfc3339(rfc3339);
  return time ? base::format_rfc3339(*time, 0) : "-";
}

Cell outcome_cell(std::string_view outcome) {
  if (outcome.empty()) return {"running", Tone::warning};
  if (outcome == "passed" || outcome == "finished") return {std::string(outcome), Tone::good};
  if (outcome == "skipped" || outcome == "xfailed" || outcome == "no_tests") return {std::string(outcome), Tone::plain};
  if (outcome == "xpassed" || outcome == "rerun") return {std::string(outcome), Tone::warning};
  return {std::string(outcome), Tone::bad};
}

}  // namespace telltale::cli
