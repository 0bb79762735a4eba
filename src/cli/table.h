// Tables for people on a terminal.
#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace telltale::cli {

enum class Tone : unsigned char { plain, good, bad, warning, dim };

struct Cell {
  std::string text;  // anything; shown so that it cannot steer the terminal
  Tone tone = Tone::plain;
};

// Columns as wide as their widest cell, the last as it is.
class Table {
 public:
  explicit Table(std::vector<std::string> headings);
  // As many cells as there are headings.
  void add(std::vector<Cell> row);
  std::string text(bool colours) const;

 private:
  std::vector<std::vector<Cell>> rows_;  // the headings first
};

// `text` in the tone's colour.
std::string coloured(std::string_view text, Tone tone, bool colours);
// Standard output is a terminal that shows colours, and NO_COLOR is not set (no-color.org).
bool wants_colours(const Context& context);

// "12.345 s", "4 min 05 s"; "-" for nothing.
std::string duration_text(double milliseconds);
// "2026-11-25T08:03:12Z" of a time of the API; "-" for nothing.
std::string time_text(std::string_view rfc3339);
// How an outcome looks: "running" for none.
Cell outcome_cell(std::string_view outcome);

}  // namespace telltale::cli
