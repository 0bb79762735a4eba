#include "pipeline/scan/scanner.h"

#include <hs/hs.h>

#include <algorithm>

#include "base/assert.h"

namespace telltale::pipeline {
namespace {

using base::ErrorCode;
using base::fail;

int collect(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/, void* context) {
  static_cast<std::vector<Hit>*>(context)->push_back({id, static_cast<std::uint32_t>(to)});
  return 0;
}

bool by_end(const Hit& a, const Hit& b) {
  return a.end != b.end ? a.end < b.end : a.literal < b.literal;
}

}  // namespace

void ScanScratch::Free::operator()(hs_scratch* scratch) const {
  hs_free_scratch(scratch);
}

void Scanner::Free::operator()(hs_database* database) const {
  hs_free_database(database);
}

ScanScratch::ScanScratch(const Scanner& scanner) {
  if (!scanner.database_) return;
  hs_scratch_t* scratch = nullptr;
  // The only failure that is left with a valid database is memory, which ends the program elsewhere too.
  const hs_error_t result = hs_alloc_scratch(scanner.database_.get(), &scratch);
  TT_ASSERT(result == HS_SUCCESS, "scratch memory for the scanner");
  scratch_.reset(scratch);
}

void Scanner::scan(std::string_view text, ScanScratch& scratch, std::vector<Hit>& hits) const {
  if (text.empty()) return;
  const auto first = static_cast<std::ptrdiff_t>(hits.size());
  if (database_) {
    const hs_error_t result =
        hs_scan(database_.get(), text.data(), static_cast<unsigned>(text.size()), 0, scratch.scratch_.get(), collect, &hits);
    TT_ASSERT(result == HS_SUCCESS, "a valid database and its scratch were given");
  }
  scan_bytes(text, hits);
  // Vectorscan promises no order between different literals, though in practice it keeps one.
  if (!std::is_sorted(hits.begin() + first, hits.end(), [](const Hit& a, const Hit& b) { return a.end < b.end; })) {
    std::sort(hits.begin() + first, hits.end(), by_end);
  }
}

void Scanner::scan_bytes(std::string_view text, std::vector<Hit>& hits) const {
  for (const Byte& byte : bytes_) {
    for (std::size_t at = text.find(byte.value); at != std::string_view::npos; at = text.find(byte.value, at + 1)) {
      hits.push_back({byte.id, static_cast<std::uint32_t>(at + 1)});
    }
  }
}

LiteralId ScannerBuilder::add(std::string_view literal, bool any_case) {
  TT_ASSERT(!literal.empty(), "a literal has at least one byte");
  Literal wanted{std::string(literal), any_case};
  if (any_case) std::ranges::transform(wanted.text, wanted.text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  const auto found = std::ranges::find(literals_, wanted);
  if (found != literals_.end()) return static_cast<LiteralId>(found - literals_.begin());
  literals_.push_back(std::move(wanted));
  return static_cast<LiteralId>(literals_.size() - 1);
}

base::Result<Scanner> ScannerBuilder::build() const {
  Scanner scanner;
  if (literals_.empty()) return scanner;
  std::vector<const char*> texts;
  std::vector<unsigned> flags;
  std::vector<unsigned> ids;
  std::vector<std::size_t> sizes;
  for (const Literal& literal : literals_) {
    const auto id = static_cast<LiteralId>(scanner.sizes_.size());
    scanner.sizes_.push_back(static_cast<std::uint32_t>(literal.text.size()));
    const bool is_letter = (literal.text[0] | 0x20) >= 'a' && (literal.text[0] | 0x20) <= 'z';
    if (literal.text.size() == 1 && !(literal.any_case && is_letter)) {
      scanner.bytes_.push_back({literal.text[0], id});
      continue;
    }
    texts.push_back(literal.text.data());
    flags.push_back(literal.any_case ? HS_FLAG_CASELESS : 0);
    ids.push_back(id);
    sizes.push_back(literal.text.size());
  }
  if (texts.empty()) return scanner;
  if (hs_valid_platform() != HS_SUCCESS) {
    return fail(ErrorCode::internal, "This processor lacks the instructions that the text scanner needs (SSE4.2 on x86-64, NEON on ARM)",
                "Run telltale on a newer processor.");
  }
  hs_database_t* database = nullptr;
  hs_compile_error_t* error = nullptr;
  const hs_error_t result = hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), static_cast<unsigned>(texts.size()),
                                                 HS_MODE_BLOCK, nullptr, &database, &error);
  if (result != HS_SUCCESS) {
    std::string cause = "Compiling the scanner's literals failed: ";
    cause += error != nullptr ? error->message : "unknown reason";
    if (error != nullptr && error->expression >= 0)
      cause += " (literal '" + literals_[ids[static_cast<std::size_t>(error->expression)]].text + "')";
    hs_free_compile_error(error);
    return fail(ErrorCode::internal, std::move(cause));
  }
  scanner.database_.reset(database);
  return scanner;
}

}  // namespace telltale::pipeline
