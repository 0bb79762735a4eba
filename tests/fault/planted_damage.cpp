#include "tests/fault/planted_damage.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "store/engine/segment.h"
#include "store/segment/batch_codec.h"

namespace telltale::testing {

using base::testing::MemoryFiles;
using store::FrameWalker;

namespace {

std::uint64_t below(std::uint64_t limit, std::mt19937_64& random) {
  return random() % limit;
}

std::vector<FramePlace::Item> items_in(std::string_view payload) {
  std::vector<FramePlace::Item> items;
  store::ByteReader reader(payload);
  store::ItemHead head;
  while (reader.left() > 0 && store::read_item_head(reader, head)) {
    FramePlace::Item& item = items.emplace_back(FramePlace::Item{head.stream_number, head.has(store::item_defines_stream), {}});
    record::Batch batch;
    if (!store::decode_item(head, nullptr, batch)) continue;
    for (const record::Record& record : batch.records) item.lines.emplace_back(batch.line(record));
  }
  return items;
}

bool has_lines(const FramePlace& frame) {
  return std::ranges::any_of(frame.items, [](const FramePlace::Item& item) { return !item.lines.empty(); });
}

void add_lines(const FramePlace& frame, std::vector<std::string>& out) {
  for (const FramePlace::Item& item : frame.items) out.insert(out.end(), item.lines.begin(), item.lines.end());
}

// Records whose stream nobody names any more.
void add_orphans(const std::vector<const FramePlace*>& left, std::vector<std::string>& out) {
  std::set<std::pair<std::uint32_t, std::uint64_t>> defined;
  for (const FramePlace* frame : left) {
    for (const FramePlace::Item& item : frame->items) {
      if (item.defines) defined.emplace(frame->window, item.stream);
    }
  }
  for (const FramePlace* frame : left) {
    for (const FramePlace::Item& item : frame->items) {
      if (!defined.contains({frame->window, item.stream})) out.insert(out.end(), item.lines.begin(), item.lines.end());
    }
  }
}

// Puts the changed text there and says which frames it touched: those whose bytes are others now.
class Change {
 public:
  Change(MemoryFiles& disk, const std::vector<FramePlace>& frames, Planted& out) : disk_(disk), frames_(frames), out_(out) {}

  void put(const std::string& segment, const std::string& text) {
    const std::string before = disk_.get(segment);
    disk_.put(segment, text);
    out_.segment = segment;
    bool any = false;
    std::vector<const FramePlace*> left;
    for (const FramePlace& frame : frames_) {
      if (frame.segment != segment) continue;
      const std::size_t size = frame.end - frame.offset;
      const std::string_view now = frame.offset < text.size() ? std::string_view(text).substr(frame.offset, size) : std::string_view();
      if (now == std::string_view(before).substr(frame.offset, size)) {
        left.push_back(&frame);
        continue;
      }
      if (!any) out_.from = frame.offset;
      any = true;
      out_.to = std::min<std::uint64_t>(frame.end, text.size());
      add_lines(frame, out_.lost);
    }
    add_orphans(left, out_.lost);
    out_.to = std::max(out_.from, out_.to);
    if (text.size() <= before.size()) return;
    if (!any) out_.from = before.size();
    out_.to = text.size();
  }
  void remove(const std::string& segment) {
    out_.segment = segment;
    for (const FramePlace& frame : frames_) {
      if (frame.segment == segment) add_lines(frame, out_.lost);
    }
    ASSERT_TRUE(disk_.remove(segment));
  }
  // A file that was not there, or took the place of one.
  void place(const std::string& path, const std::string& text) {
    if (disk_.info(path)) remove(path);
    out_.segment = path;
    out_.from = 0;
    out_.to = text.size();
    disk_.put(path, text);
  }

 private:
  MemoryFiles& disk_;
  const std::vector<FramePlace>& frames_;
  Planted& out_;
};

class Planter {
 public:
  Planter(MemoryFiles& disk, std::string folder, std::string other, const std::vector<FramePlace>& frames, std::mt19937_64& random)
      : disk_(disk), folder_(std::move(folder)), other_(std::move(other)), frames_(frames), random_(random), change_(disk, frames, out_) {
    for (const FramePlace& frame : frames) {
      if (segments_.empty() || segments_.back() != frame.segment) segments_.push_back(frame.segment);
    }
  }

  Planted plant(DamageKind kind) {
    out_.kind = kind;
    switch (kind) {
      case DamageKind::flip_header:
        flip(0, store::frame_header_size);
        break;
      case DamageKind::flip_payload:
        flip(store::frame_header_size, 0);
        break;
      case DamageKind::zeroed_block:
        zero();
        break;
      case DamageKind::cut_middle:
        cut();
        break;
      case DamageKind::missing_middle:
        change_.remove(segments_[1 + below(segments_.size() - 2, random_)]);
        break;
      case DamageKind::missing_oldest:
        change_.remove(segments_.front());
        break;
      case DamageKind::missing_newest:
        change_.remove(segments_.back());
        break;
      case DamageKind::foreign_file:
        change_.place(free_name(), garbage(below(4, random_) == 0 ? 0 : 1 + below(600, random_)));
        break;
      case DamageKind::foreign_name:
        change_.place(folder_ + "/segments/notes.txt", "");
        break;
      case DamageKind::other_store:
        place_other();
        break;
      case DamageKind::duplicate:
        change_.place(free_name(), disk_.get(any_segment()));
        break;
      case DamageKind::garbage_appended: {
        const std::string segment = any_segment();
        change_.put(segment, disk_.get(segment) + garbage(1 + below(600, random_)));
        break;
      }
      case DamageKind::torn_tail:
        tear();
        break;
      case DamageKind::hole_in_tail:
        hole();
        break;
    }
    out_.about = fmt::format("{} in {} [{}, {})", name_of(kind), out_.segment, out_.from, out_.to);
    return std::move(out_);
  }

 private:
  const std::string& any_segment() { return segments_[below(segments_.size(), random_)]; }

  std::string garbage(std::size_t size) {
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  // No segment's: between two, or behind the last.
  std::string free_name() {
    const auto first = *store::parse_segment_name(base::file_name(any_segment()));
    return store::segment_path(folder_, first + 1);
  }

  void flip(std::uint64_t from, std::uint64_t to) {
    std::vector<const FramePlace*> fit;
    for (const FramePlace& frame : frames_) {
      if (frame.end - frame.offset > from) fit.push_back(&frame);
    }
    const FramePlace& frame = *fit[below(fit.size(), random_)];
    const std::uint64_t end = to == 0 ? frame.end - frame.offset : to;
    std::string text = disk_.get(frame.segment);
    const std::uint64_t at = frame.offset + from + below(end - from, random_);
    text[at] = static_cast<char>(text[at] ^ (1 << below(8, random_)));
    change_.put(frame.segment, text);
  }

  void zero() {
    const std::string segment = any_segment();
    std::string text = disk_.get(segment);
    const std::uint64_t at = below(text.size() - 16, random_);
    const std::uint64_t size = std::min<std::uint64_t>(16 + below(1200, random_), text.size() - at);
    change_.put(segment, text.replace(at, size, size, '\0'));
  }

  // So that records are lost.
  void cut() {
    const std::string& segment = segments_[below(segments_.size() - 1, random_)];
    std::uint64_t last = 0;
    for (const FramePlace& frame : frames_) {
      if (frame.segment == segment && has_lines(frame)) last = frame.end;
    }
    std::uint64_t at = below(last, random_);
    if (below(3, random_) == 0) {  // at a frame's end
      for (const FramePlace& frame : frames_) {
        if (frame.segment == segment && frame.offset <= at && at < frame.end) at = frame.offset;
      }
    }
    std::uint64_t kept = 0;
    for (const FramePlace& frame : frames_) {
      if (frame.segment == segment && frame.end <= at) kept = frame.end;
    }
    change_.put(segment, disk_.get(segment).substr(0, at));
    out_.from = at == kept && at > 0 ? 0 : kept;
    out_.to = at == kept && at > 0 ? 0 : at;
  }

  void place_other() {
    std::vector<std::string> names;
    for (const std::string& name : *disk_.list(other_ + "/segments")) names.push_back(name);
    const std::string& name = names[below(names.size(), random_)];
    change_.place(folder_ + "/segments/" + name, disk_.get(other_ + "/segments/" + name));
  }

  void tear() {
    const std::string text = disk_.get(segments_.back());
    const FramePlace& frame = frames_.back();
    const std::string whole = text.substr(frame.offset, frame.end - frame.offset);
    change_.put(segments_.back(), text + whole.substr(0, 1 + below(whole.size(), random_)));
  }

  // The last but one frame was never durable; a sound one stands behind it.
  void hole() {
    const FramePlace& frame = frames_[frames_.size() - 2];
    ASSERT_EQ(frame.segment, segments_.back());
    std::string text = disk_.get(frame.segment);
    change_.put(frame.segment, text.replace(frame.offset, frame.end - frame.offset, frame.end - frame.offset, '\0'));
  }

  MemoryFiles& disk_;
  const std::string folder_;
  const std::string other_;
  const std::vector<FramePlace>& frames_;
  std::mt19937_64& random_;
  std::vector<std::string> segments_;
  Planted out_;
  Change change_;
};

}  // namespace

std::string_view name_of(DamageKind kind) {
  static constexpr std::string_view names[damage_kinds] = {"a bit of a header",
                                                           "a bit of a payload",
                                                           "a zeroed block",
                                                           "a segment that ends early",
                                                           "a missing segment",
                                                           "a missing oldest one",
                                                           "a missing newest one",
                                                           "a file that is none",
                                                           "a file with another name",
                                                           "a segment of another store",
                                                           "a duplicate",
                                                           "garbage at a segment's end",
                                                           "a torn tail",
                                                           "a hole before a sound frame"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<FramePlace> frames_of(MemoryFiles& disk, const std::string& folder) {
  std::vector<FramePlace> out;
  for (const std::string& name : *disk.list(folder + "/segments")) {
    const std::string path = folder + "/segments/" + name;
    const std::string text = disk.get(path);
    FrameWalker walker(store::ByteSource(text, 0), 0, text.size());
    for (auto step = walker.next(store::PayloadCheck::crc); step && *step == store::WalkStep::frame;
         step = walker.next(store::PayloadCheck::crc)) {
      const store::FrameHeader& header = walker.header();
      out.push_back({path, header.offset, header.end(), header.window,
                     header.holds_rows() ? items_in(walker.payload()) : std::vector<FramePlace::Item>{}});
    }
  }
  return out;
}

Planted plant(MemoryFiles& disk, const std::string& folder, const std::string& other, const std::vector<FramePlace>& frames,
              DamageKind kind, std::mt19937_64& random) {
  return Planter(disk, folder, other, frames, random).plant(kind);
}

}  // namespace telltale::testing
