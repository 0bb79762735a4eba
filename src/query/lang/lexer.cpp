#include "query/lang/lexer.h"

#include <algorithm>

#include "query/lang/diagnostic.h"
#include "query/lang/escapes.h"

namespace telltale::query {
namespace {

using base::ErrorCode;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool continues_name(char c) {
  return starts_name(c) || is_digit(c);
}
bool continues_number(char c) {
  return continues_name(c) || c == '.';
}

struct Symbol {
  std::string_view text;
  TokenKind kind;
};

// Longer ones first.
constexpr Symbol symbols[] = {
    {"|=", TokenKind::pipe_equal}, {"|~", TokenKind::pipe_regex},    {"|>", TokenKind::pipe_pattern}, {"==", TokenKind::double_equal},
    {"=~", TokenKind::regex},      {"!=", TokenKind::not_equal},     {"!~", TokenKind::not_regex},    {"!>", TokenKind::not_pattern},
    {"<=", TokenKind::less_equal}, {">=", TokenKind::greater_equal}, {"|", TokenKind::pipe},          {"=", TokenKind::equal},
    {"<", TokenKind::less},        {">", TokenKind::greater},        {"{", TokenKind::brace_open},    {"}", TokenKind::brace_close},
    {"(", TokenKind::paren_open},  {")", TokenKind::paren_close},    {"[", TokenKind::bracket_open},  {"]", TokenKind::bracket_close},
    {",", TokenKind::comma},       {"+", TokenKind::arithmetic},     {"-", TokenKind::arithmetic},    {"*", TokenKind::arithmetic},
    {"/", TokenKind::arithmetic},  {"%", TokenKind::arithmetic},     {"^", TokenKind::arithmetic},
};

}  // namespace

void Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++at_;
    } else {
      return;
    }
  }
}

Token Lexer::make(TokenKind kind, std::size_t size) {
  Token token;
  token.kind = kind;
  token.offset = static_cast<std::uint32_t>(at_);
  token.source = text_.substr(at_, size);
  at_ += token.source.size();
  return token;
}

Token Lexer::symbol() {
  const std::string_view rest = text_.substr(at_);
  for (const Symbol& symbol : symbols) {
    if (rest.starts_with(symbol.text)) return make(symbol.kind, symbol.text.size());
  }
  std::size_t size = 1;
  while (size < rest.size() && size < 4 && (static_cast<unsigned char>(rest[size]) & 0xC0u) == 0x80u) ++size;
  return make(TokenKind::unknown, size);
}

base::Result<Token> Lexer::next() {
  skip_blanks();
  if (at_ >= text_.size()) return make(TokenKind::end, 0);
  const char c = text_[at_];
  if (c == '"') return quoted_text();
  if (c == '`') return raw_text();
  const std::string_view rest = text_.substr(at_);
  if (starts_name(c)) return make(TokenKind::identifier, std::find_if_not(rest.begin(), rest.end(), continues_name) - rest.begin());
  if (is_digit(c)) return make(TokenKind::number, std::find_if_not(rest.begin(), rest.end(), continues_number) - rest.begin());
  return symbol();
}

// Go's raw strings: no escapes, carriage returns are left out.
base::Result<Token> Lexer::raw_text() {
  const std::size_t end = text_.find('`', at_ + 1);
  if (end == std::string_view::npos) {
    return std::unexpected(error_at(ErrorCode::query_syntax, text_, at_, "found a text that does not end, expected a closing `"));
  }
  const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
  Token token = make(TokenKind::text, end + 1 - at_);
  std::copy_if(inside.begin(), inside.end(), std::back_inserter(token.value), [](char c) { return c != '\r'; });
  return token;
}

base::Result<Token> Lexer::quoted_text() {
  std::string value;
  std::size_t at = at_ + 1;
  while (at < text_.size() && text_[at] != '"' && text_[at] != '\n') {
    if (text_[at] != '\\') {
      value.push_back(text_[at++]);
      continue;
    }
    const auto size = read_escape(text_, at, value);
    if (!size) {
      return std::unexpected(error_at(ErrorCode::query_syntax, text_, at,
                                      "found a backslash that begins no escape, expected one of \\n \\t \\r \\\" \\\\ \\xHH \\uHHHH",
                                      "Write two backslashes for one, or put the text between ` and `, where none needs escaping."));
    }
    at += *size;
  }
  if (at >= text_.size() || text_[at] != '"') {
    return std::unexpected(error_at(ErrorCode::query_syntax, text_, at_, "found a text that does not end, expected a closing \""));
  }
  Token token = make(TokenKind::text, at + 1 - at_);
  token.value = std::move(value);
  return token;
}

}  // namespace telltale::query
