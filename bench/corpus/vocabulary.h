// Words of the corpus. In a message {x} stands for a made-up value: i a number, u a user, p a path, a an address, d a duration, h a
// short hexadecimal id, g a UUID, s a size, n a host.
#pragma once

#include <span>
#include <string_view>

namespace telltale::bench {

std::span<const std::string_view> messages();
std::span<const std::string_view> error_messages();
std::span<const std::string_view> services();
std::span<const std::string_view> loggers();
std::span<const std::string_view> java_classes();
std::span<const std::string_view> paths();
std::span<const std::string_view> users();

}  // namespace telltale::bench
