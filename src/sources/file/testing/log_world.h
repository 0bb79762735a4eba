// For tests: programs that write logs, and all that rotates, moves, copies and removes them, in a real folder. Tells the oracle.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sources/file/testing/log_oracle.h"
#include "sources/file/testing/tail_harness.h"

namespace telltale::sources::testing {

// Names are relative to the harness's folder. What the reader does is told by looked() and ended().
class LogWorld {
 public:
  using Body = LogOracle::Body;
  LogWorld(TailHarness& harness, LogOracle& oracle) : t_(harness), oracle_(oracle) {}

  bool exists(const std::string& name) const { return files_.contains(name); }
  std::uint64_t size(const std::string& name) const { return oracle_.bytes(files_.at(name).body).size(); }
  bool is_copy(const std::string& name) const { return copies_.contains(name); }
  std::vector<std::string> rotated(const std::string& name) const;

  // Begins a file where there is none.
  void append(const std::string& name, std::string_view bytes);
  // A program that has the file open, whatever becomes of its name.
  void open_writer(const std::string& name);
  bool has_writer() const { return writer_.has_value(); }
  void write_stale(std::string_view bytes);
  void close_writer() { writer_.reset(); }

  void rename(const std::string& from, const std::string& to);
  void copy(const std::string& from, const std::string& to);
  void truncate(const std::string& name);
  void remove(const std::string& name);
  // As an editor saves: another file with the same bytes takes the name (from another file system, by way of one).
  void replace_by_copy(const std::string& name, const std::string& to);
  // `link` is a symbolic link to a file that is begun; what it pointed to before stays where it is, and nobody looks there.
  void point_to_new(const std::string& link);

  // The reader looked at all it looks at. `keeps_open`: it has room to have all of them open.
  void looked(bool keeps_open);
  void ended() { oracle_.ended(t_.store); }
  // Bodies whose last line may still get its end.
  std::set<Body> waiting() const;

 private:
  struct Stands {
    Body body = 0;
    std::uint64_t bytes = LogOracle::all;  // of the body; all: it is the file itself
  };
  struct Writer {
    std::shared_ptr<std::FILE> file;  // second owner: none; shared for its deleter
    Body body = 0;
    std::uint64_t at = 0;  // where it writes
  };
  static std::string folder_of(const std::string& name);
  std::string lineage_of(const std::string& name) const;
  void recount(Body body);
  std::string target_of(const std::string& name) const;

  TailHarness& t_;
  LogOracle& oracle_;
  std::map<std::string, Stands> files_;  // what programs write to, and what that was renamed to
  std::map<std::string, Stands> copies_;
  std::map<std::string, std::string> links_;
  std::map<Body, std::string> lineages_;
  std::set<std::string> known_;  // names of which the reader saw a file
  std::set<Body> seen_;
  std::optional<Writer> writer_;
  int made_ = 0;
};

}  // namespace telltale::sources::testing
