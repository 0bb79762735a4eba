// The settings of an engine, from defaults, telltale.yaml, environment variables and the command line. Plain data; every value has
// been checked. Limits and defaults are listed in docs/reference/configuration.md, which is generated from schema/config.yaml.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace telltale::config {

// Text that must not be shown: printing goes through reveal() on purpose only.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }

 private:
  std::string value_;
};

// One watched file pattern: sources.files[].
struct FileSource {
  std::string name;                           // for messages; default: the first pattern
  std::vector<std::string> paths;             // globs: * ? [..] and ** for any folders
  std::vector<std::string> exclude;           // globs
  std::map<std::string, std::string> labels;  // added to each stream
  std::string service;                        // empty: the file's stem
  std::string start = "beginning";            // beginning | end | RFC 3339 | -10m: where a file that stood there first is begun
  bool of_service = false;                    // declared by services[].file
};

// Which lines are errors: `detection` for all, services[].error_patterns for one service.
struct ErrorPatterns {
  std::vector<std::string> add;      // words, any case, also inside longer words
  std::vector<std::string> ignore;   // lines that hold one of these are no errors
  std::vector<std::string> replace;  // when not empty: instead of the built-in words
};

// When a service that was started counts as ready: services[].ready.
struct Ready {
  enum class Kind : std::uint8_t { none, line, port, http };
  Kind kind = Kind::none;
  std::string line;                // line: a line of its output or of its files holds this text
  std::string host = "127.0.0.1";  // port, http
  std::uint16_t port = 0;          // port: accepts a connection
  std::string path;                // http: GET of http://HOST:PORT PATH is answered with a status of 200 to 399
};

// A service under test: an entry of telltale.yaml's `services` (the map of names or the list) or of an environment's
// `monitoring.services`. Where its lines come from is said by `files`, `command` and `selector`; files and a command may be together.
struct ServiceConfig {
  std::string name;
  std::optional<std::uint16_t> port;
  std::string log_type = "application";  // application | background | system
  std::string healthcheck;               // HTTP path; empty: none
  std::vector<std::string> files;        // globs; absolute when the request knew the working folder
  std::vector<std::string> command;      // what starts it: program and arguments; empty: it is not started
  std::string selector;                  // of Kubernetes labels
  ErrorPatterns error_patterns;          // with those of `monitoring` in it
  std::int64_t clock_offset_ns = 0;      // real time = written time + offset; counts when has_clock_offset
  bool has_clock_offset = false;
  // Of a command:
  Ready ready;
  std::vector<std::string> after;     // names of services that must be ready before
  std::map<std::string, Secret> env;  // added to the environment
  std::string cwd;                    // absolute as the files are; never empty for a command
  std::int64_t ready_timeout_ns = 30'000'000'000;
};

struct ServerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8765;          // everything; 0: one that is free
  std::uint16_t health_port = 8401;   // health and REST; 0: off
  std::uint16_t metrics_port = 8001;  // 0: off
  std::string tls_certificate;        // PEM files; both or none
  std::string tls_key;
  bool allow_insecure = false;  // beyond loopback without TLS
  bool require_token = true;    // false only on loopback
  Secret token;                 // empty: made at start, kept in DATA/engine.json
  std::vector<std::string> allowed_origins;
  std::vector<std::string> allowed_hosts;
  std::uint32_t max_connections = 1024;
  std::uint64_t max_body_bytes = 8 * 1024 * 1024;
  std::uint64_t max_header_bytes = 32 * 1024;
  std::int64_t request_timeout_ns = 10'000'000'000;
  std::uint64_t tail_records = 1000;  // LOG_BUFFER_SIZE: most records that `tail` may ask for
};

struct StoreConfig {
  std::string data = "./telltale-data";
  std::uint64_t segment_bytes = 256ull * 1024 * 1024;
  std::int64_t segment_age_ns = 24ll * 3600 * 1'000'000'000;
  std::uint64_t retention_bytes = 10ull * 1024 * 1024 * 1024;        // 0: no limit
  std::int64_t retention_age_ns = 30ll * 24 * 3600 * 1'000'000'000;  // 0: no limit
  std::int64_t sync_interval_ns = 5'000'000;
  std::string compression = "lz4";  // lz4 | none
  std::uint64_t queue_bytes = 16ull * 1024 * 1024;
};

struct PipelineConfig {
  std::uint32_t workers = 0;                   // 0: as many as cores
  std::uint64_t max_line_bytes = 1024 * 1024;  // longer lines are cut, marked and counted
  std::uint64_t block_bytes = 256 * 1024;
  std::uint64_t queue_bytes = 8ull * 1024 * 1024;  // per worker
  std::string assume_zone = "local";               // for timestamps without a zone: local, UTC or +HH:MM
  bool join = true;                                // lines of a trace become one record
  std::uint32_t join_lines = 1000;                 // of a joined record
  std::int64_t join_wait_ns = 250'000'000;         // longest time for which lines wait for those that may follow
};

struct FileLimits {
  std::uint64_t max_deleted_files = 64;                      // that are kept open
  std::uint64_t max_deleted_bytes = std::uint64_t{1} << 30;  // that they take of the disk
};

// A rule of the user's: redaction.add[], detection.add[].
struct PatternRule {
  std::string name;
  std::string pattern;                // RE2
  std::vector<std::string> keywords;  // literals one of which stands in every match; found from the pattern when empty
};

struct RedactionConfig {
  bool enabled = true;
  std::vector<PatternRule> add;
  std::vector<std::string> disable;      // names of built-in rules
  std::vector<std::string> field_names;  // further names of fields whose value is always taken out
};

using DetectionConfig = ErrorPatterns;  // of all services

struct RunsConfig {
  std::int64_t grace_ns = 100'000;  // on both sides of the time in which a record may have been written
};

struct LogConfig {
  std::string level = "INFO";
};

struct Config {
  ServerConfig server;
  StoreConfig store;
  PipelineConfig pipeline;
  FileLimits file_limits;
  RedactionConfig redaction;
  ErrorPatterns detection;
  RunsConfig runs;
  LogConfig log;
  std::vector<FileSource> files;
  std::vector<ServiceConfig> services;
  std::string path;  // the file it came from; empty: none was found
};

}  // namespace telltale::config
