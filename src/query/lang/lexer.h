// Cuts a query's text into tokens, as LogQL does: Go's strings and comments that start with #.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace telltale::query {

enum class TokenKind : std::uint8_t {
  end,
  identifier,
  number,  // with what hangs on it: 10, 1.5, 5m
  text,    // "…" or `…`, unescaped in Token::value
  brace_open,
  brace_close,
  paren_open,
  paren_close,
  bracket_open,
  bracket_close,
  comma,
  pipe,           // |
  pipe_equal,     // |=
  pipe_regex,     // |~
  pipe_pattern,   // |>
  equal,          // =
  double_equal,   // ==
  not_equal,      // !=
  regex,          // =~
  not_regex,      // !~
  not_pattern,    // !>
  less,           // <
  less_equal,     // <=
  greater,        // >
  greater_equal,  // >=
  arithmetic,     // + - * / % ^
  unknown,        // one byte or character that starts no token
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint32_t offset = 0;
  std::string_view source;  // as written
  std::string value;        // of a text
};

// Reads a text from front to back. The text must outlive the lexer and its tokens. One thread.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  // The next token; `end` again and again at the end. query_syntax for a text that does not end or has a wrong escape.
  base::Result<Token> next();

 private:
  void skip_blanks();
  Token make(TokenKind kind, std::size_t size);
  Token symbol();
  base::Result<Token> raw_text();
  base::Result<Token> quoted_text();

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace telltale::query
