// The written forms of ids.
#pragma once

#include <string>
#include <string_view>

namespace telltale::pipeline {

// Hexadecimal, exactly `size` digits, not all zeros: what W3C Trace Context calls a valid id.
bool is_hex_id(std::string_view text, std::size_t size);

// W3C Trace Context: 00-<32 digits>-<16 digits>-<2 digits>, and more behind it in later versions. Ids are not checked.
inline constexpr std::size_t traceparent_size = 55;
inline constexpr std::size_t traceparent_trace = 3;
inline constexpr std::size_t traceparent_span = 36;
bool is_traceparent(std::string_view text);

// Appends `text` without its percent-encoding; what is no encoding stays.
void append_percent_decoded(std::string& out, std::string_view text);

}  // namespace telltale::pipeline
