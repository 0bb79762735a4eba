#include "runs/errors/error_view.h"

#include <algorithm>

#include "base/text.h"
#include "pipeline/detect/negative.h"

namespace telltale::runs {

namespace {

std::vector<std::string> lower(const std::vector<std::string>& texts) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    if (!base::trim(text).empty()) out.push_back(base::to_lower(text));
  }
  return out;
}

// As detection finds words: anywhere, but where the text around one says that there is no error.
bool has_word(std::string_view line, std::string_view in_lower_case, const std::vector<std::string>& words) {
  return std::ranges::any_of(words, [&](const std::string& word) {
    for (std::size_t at = in_lower_case.find(word); at != std::string_view::npos; at = in_lower_case.find(word, at + 1)) {
      if (!pipeline::is_no_error(line, at, at + word.size())) return true;
    }
    return false;
  });
}

}  // namespace

ErrorView::ErrorView(const ErrorPatterns& patterns)
    : words_(lower(patterns.replace)), ignored_(lower(patterns.ignore)), replaces_(!words_.empty()) {
  const std::vector<std::string> added = lower(patterns.add);
  words_.insert(words_.end(), added.begin(), added.end());
  for (std::string& word : words_) word = base::trim(word);
}

void ErrorView::look(std::string_view line, bool& is_severe, bool& is_found) const {
  const std::string in_lower_case = base::to_lower(line);
  if (std::ranges::any_of(ignored_, [&](const std::string& text) { return in_lower_case.contains(text); })) {
    is_severe = is_found = false;
    return;
  }
  if (replaces_) is_found = false;
  is_found = is_found || has_word(line, in_lower_case, words_);
}

bool is_error(const record::RecordView& view, const ErrorView* first, const ErrorView* second) {
  bool is_severe = record::is_error(view.record->severity);
  bool is_found = view.record->finding_count > 0;
  for (const ErrorView* errors : {first, second}) {
    if (errors != nullptr) errors->look(view.line(), is_severe, is_found);
  }
  return is_severe || is_found;
}

}  // namespace telltale::runs
