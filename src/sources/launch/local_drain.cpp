#include "sources/launch/local_drain.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace telltale::sources {

namespace {

constexpr std::uint64_t spool_bytes = 64 * 1024;  // nobody takes it: the newest block of a stream is all that is kept
constexpr std::uint64_t longest_line = 64 * 1024;

}  // namespace

base::Result<std::unique_ptr<LocalDrain>> LocalDrain::make(LocalDrainPorts ports) {
  const auto memory = Progress::make();
  if (!memory) return std::unexpected(memory.error());
  auto progress = Progress::map(*memory);
  if (!progress) return base::pass(progress);
  return std::unique_ptr<LocalDrain>(new LocalDrain(std::move(ports), std::move(*progress)));
}

LocalDrain::LocalDrain(LocalDrainPorts ports, Progress progress)
    : ports_(std::move(ports)),
      progress_(std::move(progress)),
      spool_(spool_bytes),
      max_line_bytes_(longest_line),
      stop_(::eventfd(0, EFD_CLOEXEC)),
      tasks_("drain") {}

LocalDrain::~LocalDrain() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(stop_.get(), &one, sizeof one));
  tasks_.close();
}

void LocalDrain::add(std::uint32_t number, const RelayedStream& about, base::Descriptor pipe, base::Descriptor through) {
  StreamReaderOptions options;
  options.number = number;
  options.ready_text = about.ready_text;
  spool_.add(number, {}, {});
  StreamReaderPorts ports{.clock = ports_.clock,
                          .spool = spool_,
                          .progress = progress_,
                          .max_line_bytes = max_line_bytes_,
                          .on_bytes = [] {},
                          .on_ready = [this, number] { ports_.on_ready(number); },
                          .on_passed_off = [this, number] { ports_.on_closed(number); },
                          .on_end = [this, number] { ports_.on_end(number); }};
  auto reader = std::make_unique<StreamReader>(std::move(options), std::move(ports), std::move(pipe), std::move(through));
  StreamReader* raw = reader.get();
  streams_[number] = Held{about, std::move(reader)};
  tasks_.spawn(fmt::format("drain-{}", number), [this, raw](const std::stop_token&) { raw->run(stop_.get()); });
}

std::vector<std::string> LocalDrain::tail(const std::string& service) const {
  std::vector<std::string> lines;
  for (const auto& [number, held] : streams_) {
    if (held.about.service != service || held.about.stream == "process") continue;
    for (auto& line : held.reader->last_lines()) lines.push_back(std::move(line));
  }
  return lines;
}

std::map<std::uint32_t, std::uint64_t> LocalDrain::known_bytes() const {
  std::map<std::uint32_t, std::uint64_t> bytes;
  for (const auto& [number, held] : streams_) bytes[number] = held.reader->known_bytes();
  return bytes;
}

bool LocalDrain::has_passed_on(const std::map<std::uint32_t, std::uint64_t>& bytes) const {
  return std::ranges::all_of(bytes, [this](const auto& entry) { return streams_.at(entry.first).reader->has_passed_on(entry.second); });
}

int LocalDrain::through_failure() const {
  for (const auto& [number, held] : streams_)
    if (const int failure = held.reader->through_failure(); failure != 0) return failure;
  return 0;
}

}  // namespace telltale::sources
