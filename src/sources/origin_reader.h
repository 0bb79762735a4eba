// What origins still hold of what was read from them: for audits, which compare it with what is stored.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "record/batch.h"

namespace telltale::sources {

// The bytes of one origin by the offsets of the raw ranges of its batches. One thread.
class OriginBytes {
 public:
  virtual ~OriginBytes() = default;
  virtual std::uint64_t size() const = 0;
  virtual base::UnixNanos modified() const = 0;  // when it was written to last
  // False: only its identity says that it is the origin; the bytes that the position remembers are not there.
  virtual bool is_certain() const = 0;
  // What the pipeline was given for such bytes, where the source decodes them. `from`: where they begin.
  virtual std::string as_delivered(std::uint64_t from, std::string bytes) const = 0;
  // The same bytes as the pipeline was given: as_delivered changes nothing.
  virtual bool is_delivered_as_is() const = 0;
  // As base::ReadableFile::read_at.
  virtual base::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> out) = 0;
};

// Thread-safe.
class OriginReader {
 public:
  virtual ~OriginReader() = default;
  // Whether origins of this kind can be read again; a pipe cannot.
  virtual bool can_reopen(const record::Position& position) const = 0;
  // When the origin was seen first; nothing was read of it before. 0: not known.
  virtual base::UnixNanos first_seen(const record::Position& position) const = 0;
  // When what the position names came to be, so that all of it was to be read. 0: not known.
  virtual base::UnixNanos born(const record::Position& position) const = 0;
  // Where the bytes stand now, by a position of the origin, the newest that is known. Null: nowhere that can be found. Errors: it stands
  // there and cannot be read.
  virtual base::Result<std::unique_ptr<OriginBytes>> reopen(const record::Position& position) const = 0;
};

}  // namespace telltale::sources
