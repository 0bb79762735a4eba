// One record as it stands in a run's files: "[2025-10-26 12:05:45.123] [service] text"; docs/reference/run-files.md.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/time_zone.h"
#include "record/batch.h"

namespace telltale::runs {

// What a line shows besides the record's text.
struct FileLine {
  std::string_view service;
  std::string_view instance;  // "[service/instance]"; empty: the service has one alone
  base::UnixNanos time = 0;   // by the engine's clock
};

// A record's text for files, made once for all that it goes to.
class FormattedLine {
 public:
  // The record's line with its line end; further lines of a joined record follow as they are. Control characters and whatever else could
  // steer who reads the file are written as \xNN.
  void assign(const record::RecordView& record, const FileLine& shown, const base::TimeZone& zone);

  const std::string& text() const { return text_; }
  // With "[shared] " before the record's own text: it may belong to other tests as well.
  void append_to(std::string& out, bool shared) const;

 private:
  std::string text_;
  std::size_t mark_at_ = 0;
};

// What tells the streams of one service apart: the pod (with its container where it is called otherwise than the service), the container,
// or the file's name. Empty: there is nothing, as for a process, whose streams are one.
std::string instance_of(const record::Stream& stream);

}  // namespace telltale::runs
